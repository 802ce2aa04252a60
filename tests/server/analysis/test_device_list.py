"""The list of devices: the figures of the whole, and what needs looking into."""

import pytest
from parcimetre_factors.criteria import Criterion
from parcimetre_server.analysis.device_list import Filter, list_devices, sort_devices
from parcimetre_server.base.periods import since_midnight
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.store.records import Fact

from tests.server.conftest import GUEST, SILENT


@pytest.fixture
def listed(fleet_of, fleet):
    return fleet_of(fleet.context)


@pytest.fixture
def fleet_of():
    def make(context):
        span = since_midnight(context.now(), context.zone, 7)
        return {one.device.id: one for one in list_devices(context, FootprintQuery(span, Criterion.GWP))}

    return make


def test_devices_of_the_list_add_up_to_the_total(fleet, listed):
    span = since_midnight(fleet.context.now(), fleet.context.zone, 7)
    total = compute_footprint(fleet.context, FootprintQuery(span, Criterion.GWP)).total()
    assert sum(one.used.value for one in listed.values()) == pytest.approx(total.value)
    assert sum(one.used.energy_kwh for one in listed.values()) == pytest.approx(total.energy_kwh)


def test_a_device_not_heard_for_two_days_is_silent_until_it_is_retired(fleet, listed, fleet_of):
    assert [key for key, one in listed.items() if "silent" in one.faults] == [SILENT]
    retire(fleet.context.store, SILENT, fleet.now)
    assert fleet_of(fleet.context)[SILENT].faults == ()


@pytest.mark.parametrize("trait", ["fingerprint", "hostname"])
def test_devices_that_share_what_only_one_machine_has_are_duplicates_of_each_other(fleet, fleet_of, trait):
    store = fleet.context.store
    for key in (fleet.laptop, fleet.server):
        body = {**store.latest_of("device", key).body, trait: "THE-SAME"}
        store.append([Fact("device", key, fleet.now, body)])
    found = fleet_of(fleet.context)
    assert found[fleet.laptop].twins == (fleet.server,)
    assert {key for key, one in found.items() if "duplicate" in one.faults} == {fleet.laptop, fleet.server}


def test_a_device_that_only_its_category_describes_is_unmatched(fleet, fleet_of):
    store = fleet.context.store
    bare = store.latest_of("inventory", fleet.laptop).body
    bare = bare | {"system": {**bare["system"], "maker": "Nobody", "model": "Unheard of"}}
    bare |= {"cpus": [], "memory": [], "disks": [], "displays": []}
    store.append([Fact("inventory", fleet.laptop, fleet.now, bare)])
    assert [key for key, one in fleet_of(fleet.context).items() if "unmatched" in one.faults] == [
        fleet.laptop
    ]


def test_filters_narrow_by_words_site_and_category(listed):
    def fitting(**wish):
        return {key for key, one in listed.items() if Filter(**wish).fits(one)}

    assert fitting(q="latitude") == {
        key for key, one in listed.items() if one.device.category in ("laptop", "desktop")
    }
    assert fitting(q="GUEST-1") == {GUEST}
    assert fitting(category="server", site="Hôtel de Ville") == fitting(q="poweredge")
    assert fitting(site="elsewhere") == fitting(retired=True) == set()


def test_lists_are_ordered_by_any_column_and_what_is_not_known_comes_last_going_down(listed):
    down = [one.used.value for one in sort_devices(listed.values(), "value", backwards=True)]
    assert down == sorted(down, reverse=True)
    names = [one.device.name.casefold() for one in sort_devices(listed.values(), "name", backwards=False)]
    assert names == sorted(names)
    assert sort_devices(listed.values(), "age_years", backwards=True)[-1].device.id == GUEST
