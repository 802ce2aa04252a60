"""Greatest mean power that a device can draw over a quarter hour, by its category and its power supplies.

The category is the one that the device was enrolled with: what a report says of it changes no bound. The
bounds have room for what exists (docs/en/method.md#plausible-energy): they keep out what cannot be, not what
is unusual.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from parcimetre_agent.report import MOST_POWER_W

from ..store.records import Body

CEILING_W: Mapping[str, float] = {
    "phone": 300,  # the largest chargers: 240 W
    "tablet": 300,
    "laptop": 1_000,  # two adapters of 390 W
    "mini_pc": 1_500,
    "all_in_one": 1_500,
    "monitor": 5_000,  # walls of LED modules
    "desktop": 5_000,  # two supplies of 2250 W
    "printer": 50_000,  # digital presses: 40 kW
    "network": 50_000,  # chassis switches and routers: 35 kW
    "server": 50_000,  # an eight-GPU server draws 15 kW, a mainframe 30 kW
    "virtual_machine": 50_000,  # counters of its host
    "other": 50_000,
    "pdu": MOST_POWER_W,
    "ups": MOST_POWER_W,
}
FEEDERS = frozenset({"pdu", "ups"})
ALONE_W = 50_000.0  # a PDU or UPS that no gateway reports
POE_PORT_W = 150.0  # IEEE 802.3bt: 90 W
LEAST_J = 0.001  # agents round to 0.1 J
LEAST_CEILING_W: Mapping[str, float] = {
    "laptop": 200, "mini_pc": 200, "all_in_one": 300, "desktop": 500, "server": 1_000, "network": 1_000,
}  # fmt: skip
"""What power supplies do not bring a category's bound below, whatever the firmware states of them."""
FROM_SUPPLIES = 1.5  # input per rated output: an efficiency of 70 %, and a tolerance


def ceiling_w(device: Body | None, inventory: Body | None) -> float:
    """Return the greatest mean power of a device (W) by its stored facts; other categories have no bound."""
    category = (device or {}).get("category")
    if category in FEEDERS and not (device or {}).get("relayed_by"):
        return ALONE_W
    most = CEILING_W.get(str(category), float(MOST_POWER_W))
    least = LEAST_CEILING_W.get(str(category))
    if least is None or inventory is None:
        return most
    rated = _rated_w(inventory.get("power_supplies"))
    return most if rated is None else min(most, max(least, FROM_SUPPLIES * rated))


def _rated_w(supplies: Any) -> float | None:
    """Return the rated output of all power supplies together, None where one of them does not state it."""
    if not isinstance(supplies, Sequence) or not supplies:
        return None
    rated = [one.get("rated_w") for one in supplies if isinstance(one, Mapping)]
    if len(rated) < len(supplies) or not all(isinstance(watts, (int, float)) for watts in rated):
        return None
    return float(sum(watts for watts in rated if watts is not None))
