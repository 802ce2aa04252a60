"""Energy drawn from the battery: the whole machine's, but only while it feeds it alone.

The gauge's remaining energy, taken negative, is a counter that runs up. A driver that contradicts itself is
refused: one that states more than a full battery, charge while it discharges, or only percent.
"""

from __future__ import annotations

from collections.abc import Callable

from ..base.outcome import Failed, NoData, Ok, Outcome, from_os_error
from ..metering.counters import Counter, gauge_ceiling_w
from ..windows.battery import DISCHARGING, ON_LINE, BatteryDescription, BatteryStatus, gauges
from ..windows.devices import Devices
from ..windows.power_status import power_status, without_battery

SOURCE, QUALITY = "battery", "measured"
J_PER_MWH = 3.6
GRANT = "let the agent's account read the battery: docs/en/agent.md#windows-rights"
_FULLEST = 1.25
_devices = Devices()


def read(devices: Devices = _devices, status: Callable[[], bytes] = power_status) -> Outcome[list[Counter]]:
    """A counter per battery while all of the power comes from batteries, else no data."""
    try:
        spared = without_battery(status())
        if spared is not None:
            return NoData(spared)
        found = [(gauge.describe(), gauge.status()) for gauge in gauges(devices)]
    except OSError as error:
        return from_os_error(error, GRANT)
    batteries = [(seen, state) for seen, state in found if seen is None or seen.in_system]
    if not batteries:
        return NoData("no battery")
    power_states = [state.power_state for _, state in batteries if state is not None]
    if any(state & ON_LINE for state in power_states) or not any(
        state & DISCHARGING for state in power_states
    ):
        return NoData("on mains, or no battery is discharging")
    return _counters(batteries)


def _counters(
    batteries: list[tuple[BatteryDescription | None, BatteryStatus | None]],
) -> Outcome[list[Counter]]:
    """All of them, or why one is not believed: half of what feeds a machine is no figure."""
    counters = []
    for number, (seen, state) in enumerate(batteries):
        counter = _counter(f"battery-{number}", seen, state)
        if isinstance(counter, Failed):
            return counter
        counters.append(counter)
    return Ok(counters)


def _counter(zone: str, seen: BatteryDescription | None, state: BatteryStatus | None) -> Counter | Failed:
    """The gauge as a counter, or why it is not believed."""
    if seen is None or state is None or state.left_mwh is None:
        return Failed("a battery does not state its remaining energy")
    if seen.relative:
        return Failed("a battery reports its charge in percent only")
    capacity_mwh = max(seen.full_mwh or 0, seen.design_mwh or 0)
    if capacity_mwh and state.left_mwh > _FULLEST * capacity_mwh:
        return Failed("a battery reports more energy than its capacity")
    if state.power_state & DISCHARGING and (state.rate_mw or 0) > 0:
        return Failed("a battery reports charging while it discharges")
    ceiling_w = gauge_ceiling_w((state.rate_mw or 0) / 1000)
    return Counter(SOURCE, "battery", QUALITY, zone, -state.left_mwh * J_PER_MWH, 0.0, ceiling_w)
