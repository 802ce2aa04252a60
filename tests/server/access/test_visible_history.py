"""The cached history of a scope ends with all that it depends on, and keeps no store alive."""

import gc
import weakref

import pytest
from parcimetre_server.access.visible_periods import visible_history
from parcimetre_server.base.scope import Scope
from parcimetre_server.fleet.deletion import delete
from parcimetre_server.store.records import Fact

TOWN = Scope("Métropole/Ville")


def seen(fleet):
    return set(visible_history(fleet.context.store, TOWN).devices)


def test_readers_of_all_roles_share_it(fleet):
    store = fleet.context.store
    assert visible_history(store, TOWN) is visible_history(store, Scope(TOWN.root, "viewer"))
    assert visible_history(store, TOWN) is not visible_history(store, Scope("Métropole/DSI"))


def test_a_slot_or_another_act_in_the_audit_log_does_not_end_it(fleet):
    before = visible_history(fleet.context.store, TOWN)
    fleet.context.store.append([Fact("audit", "token", fleet.now, {})])
    assert visible_history(fleet.context.store, TOWN) is before


@pytest.mark.parametrize("kind", ["transfer", "device"])
def test_a_device_that_comes_or_leaves_counts_at_once(fleet, kind):
    store = fleet.context.store
    assert seen(fleet) == {fleet.laptop, fleet.guest}
    body = {"org_unit": TOWN.root, "site": "default", "at": fleet.today}
    if kind == "device":
        body = {**store.latest_of("device", fleet.server).body, "org_unit": TOWN.root}
    store.append([Fact(kind, fleet.server, fleet.now, body)])
    assert seen(fleet) == {fleet.laptop, fleet.guest, fleet.server}


def test_a_deletion_ends_it(fleet):
    seen(fleet)
    delete(fleet.context.store, fleet.guest, "asked for", fleet.now)
    assert seen(fleet) == {fleet.laptop}


def test_it_goes_with_its_store(empty):
    class Store:
        """Passes everything on."""

        def __getattr__(self, name):
            return getattr(empty.store, name)

    store = Store()
    history = weakref.ref(visible_history(store, TOWN))
    gone = weakref.ref(store)
    del store
    gc.collect()
    assert (gone(), history()) == (None, None)
