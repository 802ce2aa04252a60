"""Energy of a whole MacBook, on mains and on battery, from the telemetry of its battery's controller.

PowerTelemetryData is not documented by Apple. Its sums of milliwatts, one a second, are joules only if that
holds, which every reading proves by itself: the sum of power taken in must agree with the energy consumed,
which the same data states in microwatt-hours. Where it does not agree nothing is believed.
"""

from __future__ import annotations

from typing import Any

from ..base.outcome import Failed, NoData, Ok, Outcome
from ..machine import ioreg
from ..metering.counters import Counter

SOURCE, QUALITY = "powertelemetry", "vendor_estimate"
EVERY_S = 300
CEILING_W = 300.0
_J_PER_UWH = 3.6e-3
_AGREEMENT = 0.05
_PROOF_J = 1000.0


def read(root: str = ioreg.COMMAND) -> Outcome[list[Counter]]:
    """What the system drew since the controller began to count."""
    found = ioreg.entries("AppleSmartBattery", root)
    if not isinstance(found, Ok):
        return found
    return parse(found.value[0])


def parse(battery: dict[str, Any]) -> Outcome[list[Counter]]:
    """The counter of one battery's entry in the registry."""
    telemetry = battery.get("PowerTelemetryData")
    if not isinstance(telemetry, dict):
        return NoData("the battery's controller sends no telemetry")
    load_mws = ioreg.whole(telemetry, "AccumulatedSystemLoad")
    taken_mws = ioreg.whole(telemetry, "AccumulatedSystemPowerIn")
    consumed_uwh = ioreg.whole(telemetry, "AccumulatedSystemEnergyConsumed")
    if load_mws is None or taken_mws is None or consumed_uwh is None:
        return NoData("the telemetry has no sums of energy")
    taken_j, consumed_j = taken_mws / 1e3, consumed_uwh * _J_PER_UWH
    if taken_j < _PROOF_J:
        return NoData("the telemetry has not counted enough yet to determine its unit")
    if load_mws < 0 or abs(consumed_j - taken_j) > _AGREEMENT * taken_j:
        return Failed(
            f"the telemetry contradicts itself: {taken_j:.0f} J taken in, {consumed_j:.0f} J consumed"
        )
    return Ok([Counter(SOURCE, "platform", QUALITY, "system", load_mws / 1e3, 0.0, CEILING_W)])
