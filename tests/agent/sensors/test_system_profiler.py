"""Macs described from what system_profiler says; see tests/data/macos/ORIGIN.md."""

import json
from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent.base import loading
from parcimetre_agent.base.outcome import Failed, NoData, Ok
from parcimetre_agent.report import Inventory
from parcimetre_agent.sending import inventory
from parcimetre_agent.sending.wire_json import as_json
from parcimetre_agent.sensors import inventory as inventory_sensors
from parcimetre_agent.sensors import system_profiler
from parcimetre_agent.sensors.inventory import profiler_macos
from parcimetre_agent.sensors.machine import Machine
from pydantic import TypeAdapter

MACS = Path(__file__).parents[2] / "data" / "macos"


def _parsed(name: str) -> dict[str, Any]:
    return system_profiler.parse(json.loads((MACS / f"{name}.json").read_text()))


def _command(folder: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> None:
    """A stand-in for system_profiler."""
    file = folder / "system_profiler"
    file.write_text(f"#!/bin/sh\n{body}\n")
    file.chmod(0o755)
    monkeypatch.setattr(profiler_macos, "COMMAND", str(file))


def test_laptop_with_apples_processor() -> None:
    found = _parsed("macbook-air-m2")
    assert (found["category"], found["virtual"]) == ("laptop", "none")
    assert (found["system"].maker, found["system"].model) == ("Apple Inc.", "Mac14,2")
    assert [(one.model, one.units, one.cores, one.threads) for one in found["cpus"]] == [
        ("Apple M2", 1, 8, 8)
    ]
    assert [(one.size_mib, one.form, one.kind) for one in found["memory"]] == [
        (24576, "on package", "LPDDR5")
    ]
    assert [(one.size_bytes, one.kind) for one in found["disks"]] == [(500277792768, "ssd")]
    assert [(one.name, one.integrated) for one in found["gpus"]] == [("Apple M2", True)]
    assert [one.cycles for one in found["batteries"]] == [88]


def test_displays_are_told_apart_and_their_makers_spelt() -> None:
    panel, beside = _parsed("macbook-air-m2")["displays"]
    assert (panel.maker, panel.built_in, panel.year) == ("APP", True, None)
    assert (beside.maker, beside.name, beside.built_in, beside.year) == ("DEL", "DELL P2419H", False, 2019)
    assert (beside.width_px, beside.height_px) == (1920, 1080)


def test_all_in_one_with_intels_processor() -> None:
    found = _parsed("imac-intel")
    assert found["category"] == "all_in_one"
    assert [(one.cores, one.threads) for one in found["cpus"]] == [(8, 16)]
    assert [one.size_mib for one in found["memory"]] == [16384, 16384]
    assert [(one.kind, one.model) for one in found["disks"]] == [("hdd", "ST1000DM003")]
    assert [(one.vendor_id, one.device_id, one.memory_mib) for one in found["gpus"]] == [
        ("1002", "7340", 8192)
    ]
    assert found["batteries"] == []


def test_serial_number_leaves_as_a_hash_and_no_other_identifier_leaves() -> None:
    told = json.dumps([str(one) for one in _parsed("macbook-air-m2").values()])
    assert "BLANKED" not in told
    assert "00000000-0000" not in told
    assert _parsed("macbook-air-m2")["system"].serial_hash is not None


@pytest.mark.parametrize(("stated", "hashed"), [("4c4a3530", True), ("0", False)])
def test_serial_number_of_a_display_leaves_as_a_hash_and_a_filler_not_at_all(
    stated: str, hashed: bool
) -> None:
    shown = {
        "_spdisplays_display-vendor-id": "10ac",
        "_spdisplays_display-product-id": "d0d9",
        "_spdisplays_display-serial-number": stated,
    }
    found = system_profiler.parse({"SPDisplaysDataType": [{"spdisplays_ndrvs": [shown]}]})
    (display,) = found["displays"]
    assert (display.serial_hash is not None) is hashed
    assert (display.asset_hash is not None) is hashed


def test_virtual_mac_is_no_hardware() -> None:
    found = system_profiler.parse({"SPHardwareDataType": [{"machine_model": "VirtualMac2,1"}]})
    assert found["virtual"] == "apple"


@pytest.mark.parametrize(
    "odd", [{}, {"SPHardwareDataType": []}, {"SPMemoryDataType": "none"}, {"SPNVMeDataType": [7]}]
)
def test_section_that_is_missing_or_odd_leaves_its_part_out(odd: dict[str, Any]) -> None:
    assert system_profiler.parse(odd)["disks"] == []


@pytest.mark.parametrize("name", ["macbook-air-m2", "imac-intel"])
def test_macs_inventory_is_accepted_by_the_collectors_validator(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _command(tmp_path, monkeypatch, f"cat {MACS / name}.json")
    sensors = loading.load(inventory_sensors, "macos")
    monkeypatch.setattr(inventory, "load", lambda _package: sensors)
    taken = inventory.take_inventory(Machine(tmp_path), 1_800_000_000, {})
    TypeAdapter(Inventory).validate_python(taken)
    assert taken.os.name == "macOS"
    assert {one.state for one in taken.outcomes} == {"ok"}
    assert "BLANKED" not in json.dumps(as_json(taken))


def test_without_system_profiler_there_is_no_data_and_nonsense_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiler_macos, "COMMAND", str(tmp_path / "none"))
    assert isinstance(profiler_macos.read(Machine(tmp_path)), NoData)
    _command(tmp_path, monkeypatch, "echo no")
    assert isinstance(profiler_macos.read(Machine(tmp_path)), Failed)
    _command(tmp_path, monkeypatch, "echo {}")
    assert isinstance(profiler_macos.read(Machine(tmp_path)), Ok)
