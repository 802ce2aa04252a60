"""Whether a display is lit, from the power state of macOS' display service. Not who sits there.

Macs with Intel processors state it; those with Apple's do not, and then the time counts as display off.
"""

from __future__ import annotations

from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...machine import ioreg

EVERY_S = 60
FULLY_ON = 4


def read(command: str = ioreg.COMMAND) -> Outcome[dict[str, float]]:
    """1 when the displays are fully on; dimmed, asleep and off are 0."""
    found = ioreg.entries("IODisplayWrangler", command)
    return parse(found.value[0]) if isinstance(found, Ok) else found


def parse(wrangler: dict[str, Any]) -> Outcome[dict[str, float]]:
    """The state in the registry's entry of the display service."""
    state = ioreg.whole(wrangler.get("IOPowerManagement") or {}, "CurrentPowerState")
    if state is None:
        return NoData("this Mac does not state whether its display is lit")
    return Ok({"display_on": float(state >= FULLY_ON)})
