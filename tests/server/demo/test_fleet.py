from collections import Counter
from itertools import islice

import pytest
from parcimetre_agent.report import Inventory
from parcimetre_server.demo.fleet import METROPOLIS, ORGANISATIONS, device, fleet
from pydantic import TypeAdapter

INVENTORY = TypeAdapter(Inventory)
SIZE = 2000


def test_same_seed_gives_the_same_devices() -> None:
    assert list(fleet(50, seed=1)) == list(fleet(50, seed=1))


def test_another_seed_shares_no_device() -> None:
    ours = {device.install_id for device in fleet(200, seed=1)}
    assert not ours & {device.install_id for device in fleet(200, seed=2)}


def test_a_larger_fleet_keeps_the_devices_of_the_smaller_one() -> None:
    assert list(islice(fleet(500, seed=3), 20)) == list(fleet(20, seed=3))


@pytest.mark.slow
def test_a_device_of_a_large_fleet_needs_none_of_the_others() -> None:
    assert device(149_999, seed=1) == next(islice(fleet(150_000, seed=1), 149_999, None))


def test_install_ids_and_fingerprints_are_each_devices_own() -> None:
    devices = list(fleet(SIZE, seed=1))
    physical = [device for device in devices if device.category != "virtual_machine"]
    assert len({device.install_id for device in devices}) == SIZE
    assert len({device.fingerprint for device in physical}) == len(physical)


def test_a_virtual_machine_has_no_firmware_of_its_own() -> None:
    guests = [device for device in fleet(SIZE, seed=1) if device.category == "virtual_machine"]
    assert guests
    assert all(guest.fingerprint is None and not guest.rapl for guest in guests)


def test_the_metropolis_and_its_fourteen_communes_all_have_devices() -> None:
    assert len(ORGANISATIONS) == 15
    assert sum(organisation.share for organisation in ORGANISATIONS) == pytest.approx(1)
    assert {device.org_unit for device in fleet(SIZE, seed=1)} == {o.org_unit for o in ORGANISATIONS}


def test_every_name_says_that_it_is_a_demonstration() -> None:
    for simulated in fleet(100, seed=1):
        assert simulated.org_unit.startswith(f"{METROPOLIS}/")
        assert simulated.hostname.startswith("demo-")


def test_every_category_is_there_and_people_have_more_devices_than_server_rooms() -> None:
    counted = Counter(device.category for device in fleet(SIZE, seed=1))
    assert set(counted) == {"laptop", "desktop", "mini_pc", "all_in_one", "server", "virtual_machine"}
    assert counted["laptop"] > counted["desktop"] > counted["server"] + counted["virtual_machine"]


def test_every_inventory_is_one_the_collector_accepts() -> None:
    for simulated in fleet(SIZE, seed=1):
        inventory = simulated.inventory(taken_at=1_700_000_000)
        assert INVENTORY.validate_json(INVENTORY.dump_json(inventory)) == inventory
        assert inventory.category == simulated.category


def test_memory_is_that_of_the_inventory() -> None:
    for simulated in fleet(100, seed=1):
        modules = simulated.inventory(taken_at=0).memory
        assert sum(module.size_mib for module in modules) == simulated.memory_mib


def test_monitors_are_their_desk_s_own_but_for_those_that_laptops_of_a_site_share() -> None:
    found = [(one, screen) for one in fleet(SIZE, seed=1) for screen in one.screens]
    sites: dict[str, set[str]] = {}
    for one, screen in found:
        sites.setdefault(screen, set()).add(one.site)
    shared = Counter(screen for _, screen in found)
    assert all(len(places) == 1 for places in sites.values())
    assert {one.category for one, screen in found if shared[screen] > 1} == {"laptop"}
    assert 0 < sum(count > 1 for count in shared.values()) < len(shared) / 10
