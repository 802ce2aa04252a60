"""The battery counts only while it alone feeds the machine."""

from pathlib import Path

import pytest
from parcimetre_agent.base.outcome import Failed, NoData, Ok
from parcimetre_agent.metering.counters import grown_j
from parcimetre_agent.power import battery_linux

SUPPLIES = "sys/class/power_supply"


def test_energy_taken_out_grows_as_the_gauge_falls(laptop: Path) -> None:
    before = battery_linux.read(str(laptop / SUPPLIES))
    (laptop / SUPPLIES / "BAT0" / "energy_now").write_text("31140000")
    after = battery_linux.read(str(laptop / SUPPLIES))
    assert isinstance(before, Ok)
    assert isinstance(after, Ok)
    assert grown_j(before.value[0], after.value[0], 30.0) == pytest.approx(0.06 * 3600)


def test_jump_of_a_recalibrating_gauge_is_not_believed(laptop: Path) -> None:
    before = battery_linux.read(str(laptop / SUPPLIES))
    (laptop / SUPPLIES / "BAT0" / "energy_now").write_text("25000000")
    after = battery_linux.read(str(laptop / SUPPLIES))
    assert isinstance(before, Ok)
    assert isinstance(after, Ok)
    assert grown_j(before.value[0], after.value[0], 30.0) is None


@pytest.mark.parametrize(("file", "text"), [("AC/online", "1"), ("BAT0/status", "Charging")])
def test_nothing_counts_on_mains_or_while_charging(laptop: Path, file: str, text: str) -> None:
    (laptop / SUPPLIES / file).write_text(text)
    assert isinstance(battery_linux.read(str(laptop / SUPPLIES)), NoData)


def test_charge_counting_gauge_is_converted_by_its_design_voltage(laptop: Path) -> None:
    gauge = laptop / SUPPLIES / "BAT0"
    (gauge / "energy_now").unlink()
    (gauge / "charge_now").write_text("2000000")
    (gauge / "voltage_min_design").write_text("15440000")
    assert battery_linux.remaining_uwh(str(laptop / SUPPLIES), "BAT0") == pytest.approx(30_880_000)


def test_gauge_without_energy_fails_and_a_mouse_is_no_battery(laptop: Path) -> None:
    (laptop / SUPPLIES / "BAT0" / "energy_now").unlink()
    assert isinstance(battery_linux.read(str(laptop / SUPPLIES)), Failed)
    for file in (laptop / SUPPLIES / "BAT0").iterdir():
        file.unlink()
    assert isinstance(battery_linux.read(str(laptop / SUPPLIES)), NoData)
