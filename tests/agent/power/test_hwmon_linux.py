"""Graphics adapters and server meters behind hwmon: joules, or a mean over a fitting interval."""

from pathlib import Path

import pytest
from parcimetre_agent.base.outcome import Failed, NoData, Ok
from parcimetre_agent.metering.rare_readings import MeanPower
from parcimetre_agent.power import acpi_meter_linux, hwmon_linux


def _chip(root: Path, **files: str) -> Path:
    folder = root / "hwmon3"
    for name, text in files.items():
        file = folder / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    return root


def test_whole_card_is_taken_before_the_chip_on_it(tmp_path: Path) -> None:
    files = {
        "name": "xe",
        **{"energy1_input": "7000000", "energy1_label": "pkg"},
        **{"energy2_input": "9000000", "energy2_label": "card"},
    }
    outcome = hwmon_linux.read(str(_chip(tmp_path, **files)))
    assert isinstance(outcome, Ok)
    assert [(one.scope, one.energy_j) for one in outcome.value] == [("gpu", 9.0)]


def test_adapter_that_sleeps_is_not_woken(tmp_path: Path) -> None:
    _chip(tmp_path, name="i915", energy1_input="7000000", device__power__runtime_status="suspended")
    outcome = hwmon_linux.read(str(tmp_path))
    assert isinstance(outcome, NoData)
    assert "asleep" in outcome.reason


def test_driver_that_shows_watts_only_has_no_data(tmp_path: Path) -> None:
    assert isinstance(
        hwmon_linux.read(str(_chip(tmp_path, name="amdgpu", power1_average="35000000"))), NoData
    )


def test_counter_that_is_no_number_fails(tmp_path: Path) -> None:
    assert isinstance(hwmon_linux.read(str(_chip(tmp_path, name="i915", energy1_input="?"))), Failed)


def test_server_meter_gives_its_mean_with_its_window(tmp_path: Path) -> None:
    _chip(tmp_path, name="power_meter", power1_average="212000000", power1_average_interval="300000")
    outcome = acpi_meter_linux.read(str(tmp_path))
    assert isinstance(outcome, Ok)
    assert outcome.value == [MeanPower("acpi_meter", "wall_ac", "measured", 212.0, 300.0, 20_000.0)]


@pytest.mark.parametrize("interval", ["1000", "90000000", ""])
def test_server_meter_without_a_fitting_window_is_refused(tmp_path: Path, interval: str) -> None:
    _chip(tmp_path, name="power_meter", power1_average="212000000", power1_average_interval=interval)
    assert isinstance(acpi_meter_linux.read(str(tmp_path)), NoData)
