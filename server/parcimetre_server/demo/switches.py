"""Simulated PoE switches, one at each of the larger sites, and the access points that they feed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from parcimetre_agent.report import SLOT_S, Energy, Feed, SensorOutcome

from .fleet import LARGER_SITES
from .relayed import OUTLETS_METERED, Record, Relayed, always_awake, busy, slot_starts

DEVICES_A_SWITCH = 100
SWITCHING_W = 34.0
SUPPLY_EFFICIENCY = 0.88
SOURCE = "energy_object"
POE_SOURCE = "cisco_poe"


class Port(NamedTuple):
    """A port and what it gives: watts at night, and what a full office adds."""

    name: str
    idle_w: float
    busy_w: float


ACCESS_POINT_PORTS = (Port("Gi1/0/1", 6.1, 2.4), Port("Gi1/0/2", 5.8, 1.9))
NOT_ATTRIBUTED = Port("Gi1/0/7", 2.6, 0.3)  # a telephone that is no device of the fleet
PORTS = (*ACCESS_POINT_PORTS, NOT_ATTRIBUTED)


@dataclass(frozen=True)
class Switch(Relayed):
    """A switch that states its power, and what each port gives."""

    outcomes = (
        SensorOutcome("network.power", "ok"),
        SensorOutcome(
            "network.poe", "ok", "its power includes the power it supplies through its ports (PoE)"
        ),
        OUTLETS_METERED,
    )

    def records(self, first: int, last: int) -> Iterator[Record]:
        """Its power at the wall, which holds what its ports give, and each of these."""
        for start in slot_starts(first, last):
            given_w = [self._given_w(port, number, start) for number, port in enumerate(PORTS)]
            own_w = SWITCHING_W + sum(given_w) / SUPPLY_EFFICIENCY
            yield always_awake(
                start, [Energy(SOURCE, "wall_ac", "measured", round(own_w * SLOT_S, 1), SLOT_S)]
            )
            for port, power_w in zip(PORTS, given_w, strict=True):
                energy_j = round(power_w * SLOT_S, 1)
                yield Feed(start, port.name, "poe", POE_SOURCE, "measured", energy_j, SLOT_S)

    def _given_w(self, port: Port, number: int, start: int) -> float:
        noise = self.drawn(1, number, start // SLOT_S)[0]
        return port.idle_w + port.busy_w * busy(start) * (0.6 + 0.8 * float(noise))


@dataclass(frozen=True)
class AccessPoint(Relayed):
    """An access point: it tells that it runs, and no power of its own."""

    outcomes = (
        SensorOutcome(
            "network.power",
            "no_data",
            "the device does not report its power: the mean of its category is used",
        ),
    )

    def records(self, first: int, last: int) -> Iterator[Record]:
        """It never stops."""
        return (always_awake(start) for start in slot_starts(first, last))


def switches(devices: int, seed: int) -> Iterator[tuple[Switch, dict[str, AccessPoint]]]:
    """The switches of a fleet of so many devices, each with its access points by port."""
    for index in range(min(devices // DEVICES_A_SWITCH, len(LARGER_SITES))):
        place = LARGER_SITES[index]
        made = Switch(seed, "switch", index, "network", "Cisco", "C9200L-24P-4G", *place)
        fed = {
            port.name: AccessPoint(
                seed, "ap", index * len(ACCESS_POINT_PORTS) + number, "network", "HPE Aruba", "AP-505", *place
            )
            for number, port in enumerate(ACCESS_POINT_PORTS)
        }
        yield made, fed
