"""Inventories of recorded machines."""

from pathlib import Path

import pytest
from parcimetre_agent.base.outcome import Denied, NoData, Ok
from parcimetre_agent.report import Cpu, Inventory
from parcimetre_agent.sending import inventory
from parcimetre_agent.sending.wire_json import as_json
from parcimetre_agent.sensors.machine import Machine
from pydantic import TypeAdapter


def _take(root: Path) -> Inventory:
    return inventory.take_inventory(Machine(root), 1_800_000_000, {})


def test_laptop_is_described_without_root(laptop: Path) -> None:
    taken = _take(laptop)
    assert (taken.category, taken.virtual) == ("laptop", "none")
    assert (taken.system.maker, taken.system.version) == ("LENOVO", "ThinkPad T14 Gen 3")
    assert [(m.size_mib, m.maker) for m in taken.memory] == [(8192, "Samsung"), (8192, "SK Hynix")]
    assert [(d.kind, d.model) for d in taken.disks] == [("ssd", "SAMSUNG MZVL2512HCJQ-00BL7")]
    assert [(g.name, g.integrated) for g in taken.gpus] == [("Alder Lake-UP3 GT2 [Iris Xe Graphics]", True)]
    assert [(b.design_mwh, b.cycles) for b in taken.batteries] == [(52500, 143)]
    assert {(d.maker, d.name, d.built_in) for d in taken.displays} == {
        ("LEN", None, True),
        ("DEL", "DELL P2419H", False),
    }


def test_operator_may_keep_displays_that_are_plugged_in_from_being_sent(laptop: Path) -> None:
    taken = inventory.take_inventory(Machine(laptop), 1_800_000_000, {}, displays="none")
    assert [display.built_in for display in taken.displays] == [True]


def test_server_counts_its_sockets_and_what_raid_hides(rack_server: Path) -> None:
    taken = _take(rack_server)
    assert taken.category == "server"
    assert taken.cpus == [Cpu("Intel(R) Xeon(R) Gold 6130 CPU @ 2.10GHz", 2, 16, 32, "GenuineIntel")]
    assert sum(module.size_mib for module in taken.memory) == 6 * 32768
    assert [disk.kind for disk in taken.disks] == ["virtual", "hdd"]


def test_guest_without_firmware_tables_is_a_virtual_machine(virtual_machine: Path) -> None:
    taken = _take(virtual_machine)
    assert (taken.category, taken.virtual) == ("virtual_machine", "kvm")
    assert [(m.size_mib, m.form) for m in taken.memory] == [(4096, "total")]


@pytest.mark.parametrize("name", ["laptop", "rack_server", "virtual_machine"])
def test_every_machines_inventory_is_accepted_by_the_collectors_validator(
    name: str, request: pytest.FixtureRequest
) -> None:
    TypeAdapter(Inventory).validate_python(_take(request.getfixturevalue(name)))


@pytest.mark.parametrize(
    ("file", "text", "virtual"),
    [
        ("proc/sys/kernel/osrelease", "5.15.146.1-microsoft-standard-WSL2", "wsl"),
        ("sys/class/dmi/id/sys_vendor", "VMware, Inc.", "vmware"),
        ("sys/class/dmi/id/product_name", "VirtualBox", "virtualbox"),
        (".dockerenv", "", "docker"),
        ("run/systemd/container", "lxc", "lxc"),
    ],
)
def test_guests_and_containers_on_a_laptop_are_not_counted_as_hardware(
    laptop: Path, file: str, text: str, virtual: str
) -> None:
    (laptop / file).parent.mkdir(parents=True, exist_ok=True)
    (laptop / file).write_text(text)
    taken = _take(laptop)
    assert (taken.virtual, taken.category) == (virtual, "virtual_machine")


def test_serial_number_leaves_only_as_a_keyed_hash(laptop: Path) -> None:
    (laptop / "sys/class/dmi/id/product_serial").write_text("PF3XK1ZQ")
    taken = _take(laptop)
    assert taken.system.serial_hash is not None
    assert "PF3XK1ZQ" not in str(as_json(taken))


@pytest.mark.parametrize("filler", ["Default string", "To Be Filled By O.E.M.", "0000000", "None", ""])
def test_placeholder_serial_is_absent(laptop: Path, filler: str) -> None:
    (laptop / "sys/class/dmi/id/product_serial").write_text(filler)
    assert _take(laptop).system.serial_hash is None


def test_hash_follows_hardware_and_denials_but_not_time_or_mains(laptop: Path) -> None:
    taken = inventory.take_inventory(Machine(laptop), 1, {"power.battery": NoData("on mains")})
    later = inventory.take_inventory(Machine(laptop), 2, {"power.battery": Ok([])})
    denied = inventory.take_inventory(Machine(laptop), 2, {"power.rapl": Denied("energy_uj", "grant")})
    assert inventory.content_hash(taken) == inventory.content_hash(later) != inventory.content_hash(denied)


def test_readable_table_tells_the_same_as_windows_would_read(laptop: Path, thinkpad_table: bytes) -> None:
    table = laptop / "sys/firmware/dmi/tables/DMI"
    table.parent.mkdir(parents=True)
    table.write_bytes(thinkpad_table)
    taken = _take(laptop)
    assert (taken.category, taken.system.sku) == ("laptop", "LENOVO_MT_21AH")
    assert taken.system.serial_hash is not None
    assert [module.part for module in taken.memory] == ["M471A1G44AB0", "HMAA1GS6CJR6N"]


def test_processor_without_a_name_is_named_by_the_table(laptop: Path, thinkpad_table: bytes) -> None:
    table = laptop / "sys/firmware/dmi/tables/DMI"
    table.parent.mkdir(parents=True)
    table.write_bytes(thinkpad_table)
    (laptop / "proc/cpuinfo").write_text("processor\t: 0\nBogoMIPS\t: 50.00\n")
    assert [one.model for one in _take(laptop).cpus] == ["12th Gen Intel(R) Core(TM) i5-1245U"]
