"""The store through a scope: a fact of a kind that nobody placed is hidden."""

from typing import get_args

import pytest
from parcimetre_server.access.scoped_store import ScopedStore
from parcimetre_server.base.scope import NotAllowed, Scope
from parcimetre_server.fleet.device import UnknownDevice
from parcimetre_server.fleet.devices import device, devices
from parcimetre_server.store.records import Fact, FactKind

A = "Métropole/Aubeclair"
TOLD = {
    "losses",
    "dead_letter",
    "attached",
    "monitor",
    "lineage",
    "printing",
    "outlet",
    "feeding",
    "transfer",
    "org_unit",
    "site",
    "device",
    "inventory",
    "purchase",
    "self_cost",
    "contract",
    "grid",
    "setting",
    "report",
    "schedule",
    "delivery",
    "channels",
}


@pytest.mark.parametrize("scope", [Scope(A), Scope(None, "analyst"), Scope(None, "viewer")])
def test_kinds_that_nobody_placed_are_hidden(communes, scope):
    store = communes.context.store
    for kind in set(get_args(FactKind)) - TOLD:
        store.append([Fact(kind, "a0a0a0" + "0" * 26, 0, {"org_unit": A, "site": "Siteofa"})])
        seen = ScopedStore(store, scope)
        assert seen.latest(kind) == {}
        assert seen.history(kind) == []
        assert seen.latest_of(kind, "a0a0a0" + "0" * 26) is None


def test_nothing_is_written_through_a_scope(communes):
    seen = ScopedStore(communes.context.store, Scope(A))
    for change in (seen.append, seen.write):
        with pytest.raises(NotAllowed):
            change([])


def test_a_device_that_moved_away_takes_its_past_along(communes):
    store = communes.context.store
    key = "a0a0a0" + "0" * 26
    fact = store.latest_of("device", key)
    store.append([Fact("device", key, 1, {**fact.body, "org_unit": "Métropole/Boisverre"})])
    seen = ScopedStore(store, Scope(A))
    assert seen.latest_of("device", key) is None
    assert len(seen.activity(key, 0, communes.context.now()).start) == 0
    assert seen.span(key) is None
    assert "Boisverre" not in str([fact.body for fact in seen.history("device")])


def test_a_monitor_is_seen_where_its_last_machine_is_and_names_no_machine_of_others(communes):
    store = communes.context.store
    ours, theirs = (sorted(key for key in store.latest("device") if key.startswith(of)) for of in "ab")
    about = {"display": {"maker": "DEL", "product": "a0b1", "built_in": False}, "since": 1,
             "retired_at": None, "scrapped": False}  # fmt: skip
    came, went = "c" * 32, "d" * 32
    store.append([Fact("monitor", came, 1, {**about, "machines": [theirs[0], ours[0]]})])
    store.append([Fact("monitor", went, 1, {**about, "machines": [ours[0], theirs[0]]})])
    seen = ScopedStore(store, Scope(A))
    assert devices(seen)[came].drivers == device(seen, came).drivers == (ours[0],)
    assert went not in devices(seen)
    with pytest.raises(UnknownDevice):
        device(seen, went)
    assert theirs[0] not in str(seen.latest("monitor")) + str(seen.history("monitor"))


def test_a_dead_letter_is_seen_with_its_device(communes):
    store = communes.context.store
    ours, theirs = (next(key for key in store.latest("device") if key.startswith(of)) for of in "ab")
    store.append([Fact("dead_letter", key, 1, {"device": key}) for key in (ours, theirs)])
    assert set(ScopedStore(store, Scope(A)).latest("dead_letter")) == {ours}
