"""Inventory sensors of Windows against a laptop put together from documented structures."""

import base64
import struct
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.base.outcome import Denied, NoData, Ok, Outcome
from parcimetre_agent.identification import hashes
from parcimetre_agent.machine import smbios
from parcimetre_agent.report import Battery, Cpu, Disk, Display, Gpu, OperatingSystem
from parcimetre_agent.sensors.inventory import (
    battery_windows,
    cpu_windows,
    disks_windows,
    displays_windows,
    dmi_windows,
    gpu_windows,
    memory_windows,
    os_windows,
    virtual_windows,
)
from parcimetre_agent.sensors.machine import Machine
from parcimetre_agent.windows import battery, disk

MACHINE = Machine()
ENUM = r"SYSTEM\CurrentControlSet\Enum"
SHARP = base64.b64decode(  # computer_1.json of glpi-project/inventory_format, MIT licence
    "AP///////wBNEEkUAAAAACAZAQSlHRF4Dt5Qo1RMmSYPUFQAAAABAQEBAQEBAQEBAQEBAQEBGjaAoHA4H0AwIDUAJqUQAAAYAAAAEAAA"
    "AAAAAAAAAAAAAAAAAAAA/gBESkNQNoBMUTEzM00xAAAAAAACQQMoABIAAAsBCiAgAGY="
)


def _value(outcome: Outcome[dict[str, Any]]) -> dict[str, Any]:
    assert isinstance(outcome, Ok), outcome
    return outcome.value


def _none() -> bytes:
    raise OSError(1, "no table")


def test_system_is_stated_by_the_table_and_its_serial_leaves_hashed(thinkpad_table: bytes, keys: Any) -> None:
    found = _value(dmi_windows.read(MACHINE, lambda: thinkpad_table, keys({})))
    system = found["system"]
    assert found["category"] == "laptop"
    assert (system.maker, system.model, system.version) == ("LENOVO", "21AHCTO1WW", "ThinkPad T14 Gen 3")
    assert (system.sku, system.board, system.bios_date) == ("LENOVO_MT_21AH", "21AHCTO1WW", "11/04/2022")
    assert system.serial_hash == hashes.serial_hash("LENOVO", "PF3XK1ZQ")


def test_registry_states_the_system_where_the_table_is_silent(keys: Any) -> None:
    copied = {"SystemManufacturer": "Dell Inc.", "SystemProductName": "Latitude 5440", "SystemSKU": "0C2B"}
    found = _value(dmi_windows.read(MACHINE, _none, keys({dmi_windows.KEY: copied})))
    assert (found["system"].maker, found["system"].model) == ("Dell Inc.", "Latitude 5440")
    assert isinstance(dmi_windows.read(MACHINE, _none, keys({})), NoData)


def test_modules_are_those_of_the_table_else_one_total(thinkpad_table: bytes) -> None:
    modules = _value(memory_windows.read(MACHINE, lambda: thinkpad_table))["memory"]
    assert [(m.size_mib, m.maker, m.kind) for m in modules] == [
        (8192, "Samsung", "DDR4"),
        (8192, "SK Hynix", "DDR4"),
    ]
    assert [m.form for m in _value(memory_windows.read(MACHINE, _none))["memory"]] == ["total"]


def test_processor_is_named_by_the_registry_and_counted_by_windows(keys: Any) -> None:
    named = {
        "ProcessorNameString": "12th Gen Intel(R) Core(TM) i5-1245U  ",
        "VendorIdentifier": "GenuineIntel",
    }
    cores = [struct.pack("<II22xHQQ", 0, 48, 1, 1 << at, 0) for at in range(4)]
    counted = b"".join([*cores, struct.pack("<II22xHQQ", 3, 48, 1, 0xF, 0)])
    found = _value(cpu_windows.read(MACHINE, keys({cpu_windows.KEY: named}), lambda: counted, _none))
    assert found["cpus"] == [Cpu("12th Gen Intel(R) Core(TM) i5-1245U", 1, 4, 4, "GenuineIntel")]


def test_processor_is_the_firmwares_where_windows_is_silent(thinkpad_table: bytes, keys: Any) -> None:
    found = _value(cpu_windows.read(MACHINE, keys({}), _none, lambda: thinkpad_table))
    model = "12th Gen Intel(R) Core(TM) i5-1245U"
    assert found["cpus"] == [Cpu(model, 1, 10, 12, "Intel(R) Corporation")]
    assert isinstance(cpu_windows.read(MACHINE, keys({}), _none, _none), NoData)


def _disk(
    drivers: Any, path: str, bus: int, model: str, seeking: bool | None = None, size: int = 10**12
) -> None:
    described = struct.pack("<II4B6I", 40, 40, 0, 0, 0, 0, 0, 40, 0, 0, bus, 0).ljust(40, b"\0")
    described += model.encode() + b"\0"
    penalty = b"" if seeking is None else bytes(8) + bytes([seeking])
    drivers.lists.setdefault(disk.INTERFACE, []).append(path)
    drivers.answers |= {
        (path, 0x2D1400): lambda question: penalty if question[0] == 7 else described,
        (path, 0x700A0): bytes(24) + struct.pack("<q", size),
    }


def test_disks_are_told_by_bus_and_seek_penalty_and_those_outside_are_left_out(drivers: Any) -> None:
    _disk(drivers, "a", 17, "SAMSUNG MZVL2512HCJQ-00BL7", size=512_110_190_592)
    _disk(drivers, "b", 11, "ST2000DM008-2FR102", seeking=True)
    _disk(drivers, "c", 11, "CT500MX500SSD1", seeking=False)
    _disk(drivers, "d", 10, "PERC H730P Mini", seeking=True)
    _disk(drivers, "usb", 7, "Ultra USB 3.0")
    _disk(drivers, "iso", 15, "Virtual DVD")
    _disk(drivers, "odd", 1, "SomeDisk")
    found = _value(disks_windows.read(MACHINE, drivers))["disks"]
    assert [one.kind for one in found] == ["ssd", "hdd", "ssd", "virtual", "unknown"]
    assert found[0] == Disk(512_110_190_592, "ssd", None, "SAMSUNG MZVL2512HCJQ-00BL7")


def test_disks_that_may_not_be_asked_are_denied_and_none_is_no_data(drivers: Any) -> None:
    assert isinstance(disks_windows.read(MACHINE, drivers), NoData)
    drivers.lists[disk.INTERFACE] = ["a"]
    drivers.answers["a", 0x2D1400] = PermissionError(13, "denied", "a")
    assert isinstance(disks_windows.read(MACHINE, drivers), Denied)


def _dell(serial: bytes = b"\0\0\0\0") -> bytes:
    """The recorded block, as it would be of a display with a name."""
    block = bytearray(SHARP[:127])
    block[12:16] = serial
    block[72:90] = b"\0\0\0\xfc\0DELL P2419H\n "
    return bytes(block) + bytes([-sum(block) % 256])


def test_only_displays_that_are_present_count_and_the_panel_is_built_in(drivers: Any, keys: Any) -> None:
    panel, desk, gone = (rf"DISPLAY\{name}" for name in ("SHP1449\\4&1", "DEL40D9\\5&2", "OLD0000\\9&9"))
    tree = {rf"{ENUM}\{name}\Device Parameters": {"EDID": SHARP} for name in (panel, gone)}
    tree[rf"{ENUM}\{desk}\Device Parameters"] = {"EDID": _dell()}
    drivers.lists[displays_windows.MONITORS] = [panel, desk]
    found = _value(displays_windows.read(MACHINE, drivers, keys(tree), list))["displays"]
    assert [(one.maker, one.name, one.built_in) for one in found] == [
        ("SHP", None, True),
        ("SHP", "DELL P2419H", False),
    ]
    assert isinstance(found[0], Display)


def test_what_windows_says_of_the_connection_wins_over_the_guess(drivers: Any, keys: Any) -> None:
    name = r"DISPLAY\SHP1449\4&1"
    drivers.lists[displays_windows.MONITORS] = [name]
    path = r"\\?\DISPLAY#SHP1449#4&1#{e6f07b5f}".encode("utf-16-le")
    shown = [struct.pack("<24xI136x256s", 5, path)]
    tree = {rf"{ENUM}\{name}\Device Parameters": {"EDID": SHARP}}
    found = _value(displays_windows.read(MACHINE, drivers, keys(tree), lambda: shown))["displays"]
    assert [one.built_in for one in found] == [False]


def test_registry_tells_started_displays_where_setup_lists_none(drivers: Any, keys: Any) -> None:
    here, gone = (rf"{ENUM}\DISPLAY\{name}" for name in ("SHP1449\\4&1", "OLD0000\\9&9"))
    tree = {rf"{one}\Device Parameters": {"EDID": SHARP} for one in (here, gone)} | {rf"{here}\Control": {}}
    assert len(_value(displays_windows.read(MACHINE, drivers, keys(tree), list))["displays"]) == 1
    assert isinstance(displays_windows.read(MACHINE, drivers, keys({}), list), NoData)


def test_adapters_on_the_bus_are_named_and_software_ones_left_out(drivers: Any, keys: Any) -> None:
    intel, nvidia = r"PCI\VEN_8086&DEV_46A6&SUBSYS_1\3&1", r"PCI\VEN_10DE&DEV_25A2&SUBSYS_1\4&2"
    drivers.lists[gpu_windows.ADAPTERS] = [intel, nvidia, r"ROOT\BASICDISPLAY\0000"]
    classes = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
    tree = {
        rf"{ENUM}\{intel}": {
            "Driver": r"{4d36e968-e325-11ce-bfc1-08002be10318}\0001",
            "LocationInformation": "@System32\\pci.sys,#65536;PCI bus %1, device %2, function %3;(0,2,0)",
        },
        rf"{classes}\0001": {
            "DriverDesc": "Intel(R) Iris(R) Xe Graphics",
            "HardwareInformation.qwMemorySize": 1 << 30,
        },
    }
    found = _value(gpu_windows.read(MACHINE, drivers, keys(tree)))["gpus"]
    assert found == [
        Gpu("8086", "46a6", "Intel(R) Iris(R) Xe Graphics", 1024, True),
        Gpu("10de", "25a2", None, None, False),
    ]


def test_battery_is_described_with_its_maker(drivers: Any) -> None:
    basic = struct.pack("<I4s4s6I", 0x80000000, b"\1", b"LiP\0", 52_500, 47_000, 0, 0, 0, 143)
    texts = {0: basic, 4: "5B10W51826\0".encode("utf-16-le"), 6: "SMP\0".encode("utf-16-le")}
    drivers.lists[battery.INTERFACE] = ["b"]
    drivers.answers |= {
        ("b", 0x294040): bytes([7, 0, 0, 0]),
        ("b", 0x294044): lambda question: texts[question[4]],
    }
    found = _value(battery_windows.read(MACHINE, drivers))["batteries"]
    assert found == [Battery(52_500, 47_000, 143, "LiP", "SMP", "5B10W51826")]


@pytest.mark.parametrize(
    ("values", "name", "version"),
    [
        (
            {"ProductName": "Windows 10 Pro", "DisplayVersion": "23H2", "CurrentBuildNumber": "22631",
             "InstallationType": "Client"},
            "Windows 11 Pro", "23H2 (build 22631)",
        ),
        (
            {"ProductName": "Windows 10 Pro", "DisplayVersion": "22H2", "CurrentBuildNumber": "19045",
             "InstallationType": "Client"},
            "Windows 10 Pro", "22H2 (build 19045)",
        ),
        (
            {"ProductName": "Windows Server 2016 Standard", "ReleaseId": "1607",
             "CurrentBuildNumber": "14393", "InstallationType": "Server"},
            "Windows Server 2016 Standard", "1607 (build 14393)",
        ),
        ({}, "Windows", None),
    ],
)  # fmt: skip
def test_windows_11_is_not_called_10(
    values: dict[str, str], name: str, version: str | None, keys: Any
) -> None:
    environ = {"PROCESSOR_ARCHITECTURE": "AMD64"}
    found = _value(os_windows.read(MACHINE, keys({os_windows.KEY: values}), environ))["os"]
    assert found == OperatingSystem(name, version, "AMD64")


def _stated(maker: str, model: str) -> Callable[[], bytes]:
    texts = maker.encode() + b"\0" + model.encode() + b"\0\0"
    return lambda: struct.pack("<BBH4B", 1, 8, 0, 1, 2, 0, 0) + texts


@pytest.mark.parametrize(
    ("maker", "model", "virtual"),
    [
        ("Microsoft Corporation", "Virtual Machine", "hyper-v"),
        ("Microsoft Corporation", "Surface Pro 9", "none"),
        ("VMware, Inc.", "VMware Virtual Platform", "vmware"),
        ("Amazon EC2", "c5.metal", "none"),
        ("LENOVO", "21AHCTO1WW", "none"),
    ],
)
def test_guest_is_told_from_hardware_by_its_firmware(maker: str, model: str, virtual: str, keys: Any) -> None:
    found = _value(virtual_windows.read(MACHINE, _stated(maker, model), keys({})))
    assert found == {"virtual": virtual}


def test_guest_whose_firmware_is_silent_is_known_by_hyper_vs_own_key(keys: Any) -> None:
    guest = {r"SOFTWARE\Microsoft\Virtual Machine\Guest\Parameters": {"VirtualMachineName": "x"}}
    assert _value(virtual_windows.read(MACHINE, _none, keys(guest))) == {"virtual": "hyper-v"}


def test_table_tells_identifiers_as_linux_writes_them(thinkpad_table: bytes) -> None:
    stated = smbios.stated(thinkpad_table)
    assert stated is not None
    assert stated.uuid == "00112233-4455-6677-8899-aabbccddeeff"
    assert (stated.serial, stated.board_serial) == ("PF3XK1ZQ", "L1HF2CK01ZQ")


@given(st.binary(max_size=400))
def test_noise_is_no_system_and_no_absurd_processor(data: bytes) -> None:
    smbios.stated(data)
    for one in smbios.processors(data):
        assert one.cores is None or 0 < one.cores < 0xFFFF
