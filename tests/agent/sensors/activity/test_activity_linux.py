"""Displays from recorded trees."""

from pathlib import Path

import pytest
from parcimetre_agent.base.outcome import NoData, Ok
from parcimetre_agent.sensors.activity import display_linux


def test_panel_that_is_lit_counts_even_when_the_other_display_is_off(laptop: Path) -> None:
    outcome = display_linux.read(str(laptop / "sys/class/drm"))
    assert isinstance(outcome, Ok)
    assert outcome.value == {"display_on": 1.0}


@pytest.mark.parametrize(("file", "text"), [("dpms", "Off"), ("enabled", "disabled")])
def test_panel_switched_off_is_off(laptop: Path, file: str, text: str) -> None:
    (laptop / "sys/class/drm/card0-eDP-1" / file).write_text(text)
    outcome = display_linux.read(str(laptop / "sys/class/drm"))
    assert isinstance(outcome, Ok)
    assert outcome.value == {"display_on": 0.0}


def test_headless_machine_has_no_display(rack_server: Path) -> None:
    assert isinstance(display_linux.read(str(rack_server / "sys/class/drm")), NoData)
