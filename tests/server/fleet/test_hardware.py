"""What the engine is told of a device: the size of its own screen, and of no other."""

import pytest
from parcimetre_agent import report
from parcimetre_server.fleet.device import Device
from parcimetre_server.fleet.hardware import EXTERNAL_DISPLAY, assumptions, hardware

from ..conftest import inventory

PANEL = report.Display("LEN", "40a9", built_in=True, width_mm=309, height_mm=174)
DESK = report.Display("DEL", "a0b1", built_in=False, width_mm=597, height_mm=336)
SIZELESS = report.Display("AUO", "1234", built_in=True, width_mm=0, height_mm=0)


def device(category, displays):
    made = inventory(category, displays=displays)
    return Device("d", category, "unit", "site", "FR", None, False, "none", 0, "0.1.0", None, made)


@pytest.mark.parametrize(
    ("category", "displays", "inch"),
    [
        ("laptop", [DESK, PANEL], 14.0),
        ("laptop", [DESK], None),
        ("laptop", [SIZELESS], None),
        ("desktop", [DESK], None),
        ("all_in_one", [DESK], 27.0),
        ("all_in_one", [DESK, DESK], None),
        ("monitor", [DESK], 27.0),
    ],
    ids=("built in", "lid closed", "no size stated", "desktop", "all-in-one", "which of two", "monitor"),
)
def test_the_screen_s_size_is_that_of_the_device_s_own_panel(category, displays, inch):
    assert hardware(device(category, displays)).screen_inch == inch


def test_an_all_in_one_s_own_panel_is_no_external_display():
    assert EXTERNAL_DISPLAY not in assumptions(device("all_in_one", [DESK]))
    assert EXTERNAL_DISPLAY in assumptions(device("desktop", [DESK]))
