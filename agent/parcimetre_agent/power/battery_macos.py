"""Energy drawn from a MacBook's battery while it is unplugged: the charge that left, times the voltage.

The gauge counts charge. The energy between two readings is the charge between them times the mean of both
voltages; it is added up here from the first reading after the plug was pulled.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..base.outcome import Failed, NoData, Ok, Outcome
from ..machine import ioreg
from ..metering.counters import Counter

SOURCE, QUALITY = "battery", "measured"
EVERY_S = 300
CEILING_W = 200.0
_J_PER_MAH_MV = 3.6e-3


class ChargeReading(NamedTuple):
    """Charge left and voltage."""

    charge_mah: int
    voltage_mv: int


class DrawnEnergy:
    """Adds up what left the battery since it was unplugged."""

    def __init__(self) -> None:
        self._last: ChargeReading | None = None
        self._energy_j = 0.0

    def add(self, gauge: ChargeReading) -> float:
        """Joules since the first reading."""
        last, self._last = self._last or gauge, gauge
        mean_mv = (last.voltage_mv + gauge.voltage_mv) / 2
        self._energy_j += (last.charge_mah - gauge.charge_mah) * mean_mv * _J_PER_MAH_MV
        return self._energy_j

    def forget(self) -> None:
        """Begin anew: it was plugged in."""
        self._last, self._energy_j = None, 0.0


_drawn = DrawnEnergy()


def read(root: str = ioreg.COMMAND) -> Outcome[list[Counter]]:
    """The counter while all of the power comes from the battery, else no data."""
    found = ioreg.entries("AppleSmartBattery", root)
    if not isinstance(found, Ok):
        return found
    gauge = parse(found.value[0])
    if not isinstance(gauge, Ok):
        _drawn.forget()
        return gauge
    energy_j = _drawn.add(gauge.value)
    return Ok([Counter(SOURCE, "battery", QUALITY, "battery", energy_j, 0.0, CEILING_W)])


def parse(battery: dict[str, Any]) -> Outcome[ChargeReading]:
    """Charge and voltage of one battery's entry in the registry."""
    if battery.get("ExternalConnected"):
        return NoData("on mains")
    charge_mah = ioreg.whole(battery, "AppleRawCurrentCapacity")
    voltage_mv = ioreg.whole(battery, "Voltage")
    if charge_mah is None or voltage_mv is None or voltage_mv <= 0:
        return Failed("the battery does not state its charge in mAh and its voltage")
    return Ok(ChargeReading(charge_mah, voltage_mv))
