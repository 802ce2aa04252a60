"""Displays and disks from recorded trees."""

from pathlib import Path

import pytest
from parcimetre_agent.base.outcome import NoData, Ok
from parcimetre_agent.sensors.activity import disks_linux, display_linux

DISKSTATS = """\
   7       0 loop0 10 0 999 0 0 0 0 0 0 0 0
 259       0 nvme0n1 100 0 2000 5 50 0 4000 6 0 7 8
 259       1 nvme0n1p1 90 0 1900 5 50 0 4000 6 0 7 8
   8       0 sda 10 0 200 5 5 0 400 6 0 7 8
   8       1 sda1 10 0 200 5 5 0 400 6 0 7 8
 254       0 dm-0 90 0 1900 5 50 0 4000 6 0 7 8
"""


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


def test_disk_traffic_counts_whole_disks_once(tmp_path: Path) -> None:
    stats = tmp_path / "diskstats"
    stats.write_text(DISKSTATS)
    outcome = disks_linux.read(str(stats))
    assert isinstance(outcome, Ok)
    assert outcome.value == {"disk_read_kib": 1100.0, "disk_written_kib": 2200.0}
