"""Power and display of Macs, from what ioreg says; see tests/data/macos/ORIGIN.md."""

import plistlib
from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent.base.outcome import Failed, NoData, Ok
from parcimetre_agent.identity import firmware_facts
from parcimetre_agent.machine import ioreg
from parcimetre_agent.power import battery_macos, powertelemetry_macos
from parcimetre_agent.sensors.activity import display_macos

MACS = Path(__file__).parents[1] / "data" / "macos"


@pytest.fixture
def battery() -> dict[str, Any]:
    return plistlib.loads((MACS / "smart-battery.plist").read_bytes())[0]


def _ioreg(folder: Path, answer: bytes) -> str:
    """A stand-in for ioreg that prints this."""
    (folder / "answer").write_bytes(answer)
    command = folder / "ioreg"
    command.write_text(f"#!/bin/sh\nexec cat {folder / 'answer'}\n")
    command.chmod(0o755)
    return str(command)


def test_telemetry_gives_the_whole_machines_joules(tmp_path: Path) -> None:
    outcome = powertelemetry_macos.read(_ioreg(tmp_path, (MACS / "smart-battery.plist").read_bytes()))
    assert isinstance(outcome, Ok)
    (counter,) = outcome.value
    assert (counter.scope, counter.quality) == ("platform", "vendor_estimate")
    assert counter.energy_j == pytest.approx(2_118_775.727)


def test_telemetry_that_contradicts_itself_is_refused(battery: dict[str, Any]) -> None:
    battery["PowerTelemetryData"]["AccumulatedSystemEnergyConsumed"] *= 100_000
    outcome = powertelemetry_macos.parse(battery)
    assert isinstance(outcome, Failed)
    assert "contradicts itself" in outcome.reason


@pytest.mark.parametrize("gone", ["PowerTelemetryData", "AccumulatedSystemLoad"])
def test_mac_without_telemetry_has_no_data(battery: dict[str, Any], gone: str) -> None:
    battery.pop(gone, None)
    battery.get("PowerTelemetryData", {}).pop(gone, None)
    assert isinstance(powertelemetry_macos.parse(battery), NoData)


def test_mac_without_battery_has_no_data(tmp_path: Path) -> None:
    assert isinstance(powertelemetry_macos.read(_ioreg(tmp_path, b"")), NoData)
    assert isinstance(powertelemetry_macos.read(str(tmp_path / "absent")), NoData)


@pytest.mark.parametrize("answer", [b"<plist>", b"text", plistlib.dumps({"a": 1})])
def test_answer_that_is_no_list_of_entries_fails(tmp_path: Path, answer: bytes) -> None:
    assert isinstance(ioreg.entries("AppleSmartBattery", _ioreg(tmp_path, answer)), Failed)


def test_battery_counts_charge_times_voltage_once_unplugged(tmp_path: Path, battery: dict[str, Any]) -> None:
    battery["ExternalConnected"] = False
    read = lambda: battery_macos.read(_ioreg(tmp_path, plistlib.dumps([battery])))  # noqa: E731
    first = read()
    battery["AppleRawCurrentCapacity"] -= 100
    battery["Voltage"] -= 100
    second = read()
    assert isinstance(first, Ok)
    assert isinstance(second, Ok)
    drawn_j = second.value[0].energy_j - first.value[0].energy_j
    assert drawn_j == pytest.approx(0.100 * 12.250 * 3600)


def test_battery_on_mains_counts_nothing(battery: dict[str, Any]) -> None:
    assert isinstance(battery_macos.parse(battery), NoData)


def test_gauge_that_only_shows_percents_fails(battery: dict[str, Any]) -> None:
    battery.update(ExternalConnected=False)
    battery.pop("AppleRawCurrentCapacity")
    assert isinstance(battery_macos.parse(battery), Failed)


@pytest.mark.parametrize(("state", "lit"), [(4, 1.0), (3, 0.0), (0, 0.0)])
def test_display_is_lit_only_in_its_full_power_state(state: int, lit: float) -> None:
    outcome = display_macos.parse({"IOPowerManagement": {"CurrentPowerState": state}})
    assert isinstance(outcome, Ok)
    assert outcome.value == {"display_on": lit}


def test_mac_that_does_not_state_its_displays_power_has_no_data() -> None:
    assert isinstance(display_macos.parse({}), NoData)


def test_mac_is_known_again_by_serial_number_and_uuid_and_none_is_made_up(tmp_path: Path) -> None:
    machine = {"IOPlatformSerialNumber": "BLANKED9X7", "IOPlatformUUID": "0-0", "model": b"Mac14,2"}
    facts = firmware_facts.of_mac(_ioreg(tmp_path, plistlib.dumps([machine])))
    assert facts == {"product_serial": "BLANKED9X7", "product_uuid": "0-0"}
    assert not any(firmware_facts.of_mac(str(tmp_path / "absent")).values())


def test_negative_number_shown_as_a_huge_one_is_mended(battery: dict[str, Any]) -> None:
    assert ioreg.whole(battery, "Amperage") == -915
