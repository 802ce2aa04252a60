"""A device that went from one commune to the other: each sees the time when it was theirs."""

from datetime import UTC, date, datetime

import pytest
from parcimetre_factors.criteria import Criterion
from parcimetre_server.base.periods import Span
from parcimetre_server.base.scope import Scope
from parcimetre_server.fleet.devices import device, devices
from parcimetre_server.fleet.merging import merge, split
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.organisation.transfers import Placement, midnight, transfer
from parcimetre_server.store.records import DeviceId

from tests.server.conftest import DAY_S, SLOT_S, TODAY

A, B = "Métropole/Aubeclair", "Métropole/Boisverre"
MOVED, ANOTHER = DeviceId("a0a0a0" + "0" * 26), DeviceId("a0a0a0" + "1".zfill(26))
MIDNIGHT = TODAY - 3600  # in Paris
WEEK = Span(MIDNIGHT - 6 * DAY_S, MIDNIGHT)
DAY = datetime.fromtimestamp(TODAY - 3 * DAY_S, UTC).date()


@pytest.fixture
def moved(communes):
    """The collector after a device of A went to B three days ago."""
    context = communes.context
    before = Placement(f"{A}/Mairie", "Siteofa")
    transfer(context.store, MOVED, before, f"{B}/Schoolb", "Siteofb", DAY, context.zone, context.now())
    return context


@pytest.mark.parametrize("unit", [A, B])
@pytest.mark.parametrize("interval", ["total", "day"])
def test_a_scope_shows_the_figures_that_the_whole_gives_its_unit(moved, unit, interval):
    whole = compute_footprint(moved, FootprintQuery(WEEK, org_unit=unit, interval=interval)).rows("device")
    seen = compute_footprint(moved.within(Scope(unit)), FootprintQuery(WEEK, interval=interval)).rows(
        "device"
    )
    assert {row.group for row in seen} >= {MOVED}
    assert seen == whole


def test_who_gave_a_device_away_sees_nothing_of_it_since_and_who_got_it_nothing_before(moved):
    at = midnight(DAY, moved.zone)
    ours, theirs = moved.within(Scope(A)), moved.within(Scope(B))
    assert device(ours.store, MOVED).org_unit == f"{A}/Mairie"
    assert device(ours.store, MOVED).hostname is None
    assert devices(theirs.store)[MOVED].hostname == "hostofa0"
    starts = {
        place: seen.store.activity(MOVED, 0, moved.now()).start
        for place, seen in (("A", ours), ("B", theirs))
    }
    assert starts["A"][-1] < at <= starts["B"][0]
    assert ours.store.span(MOVED)[1] < at
    assert "Boisverre" not in str([ours.store.history(kind) for kind in ("device", "transfer")])
    assert "Aubeclair" not in str([theirs.store.history(kind) for kind in ("device", "transfer")])
    assert [slot.start < at for slot in theirs.store.slots(MOVED, 0, moved.now())] == [False] * len(
        starts["B"]
    )
    told = explain_device(ours, MOVED, WEEK, Criterion.GWP)
    assert told.term.value == pytest.approx(
        compute_footprint(ours, FootprintQuery(WEEK, device=MOVED)).total().value, rel=1e-12
    )


def test_what_was_merged_belongs_to_who_holds_the_one_it_is_part_of(moved):
    merge(moved.store, MOVED, ANOTHER, moved.now())
    ours, theirs = moved.within(Scope(A)), moved.within(Scope(B))
    at = midnight(DAY, moved.zone)
    assert ours.store.activity(ANOTHER, 0, moved.now()).start[-1] < at
    assert theirs.store.activity(ANOTHER, 0, moved.now()).start[0] >= at
    for unit in (A, B):
        whole = compute_footprint(moved, FootprintQuery(WEEK, org_unit=unit)).rows("device")
        assert compute_footprint(moved.within(Scope(unit)), FootprintQuery(WEEK)).rows("device") == whole


def test_both_parts_of_a_split_device_are_seen_where_they_are(communes):
    context = communes.context
    at = TODAY - 2 * DAY_S
    new = split(context.store, ANOTHER, at, context.now())
    before = Placement(f"{A}/Mairie", "Siteofa")
    today = date.fromisoformat("2026-11-23")
    transfer(context.store, new, before, f"{B}/Schoolb", None, today, context.zone, context.now())
    for unit in (A, B):
        whole = compute_footprint(context, FootprintQuery(WEEK, org_unit=unit)).rows("device")
        assert compute_footprint(context.within(Scope(unit)), FootprintQuery(WEEK)).rows("device") == whole
    assert new in devices(context.within(Scope(B)).store)
    assert context.within(Scope(B)).store.activity(new, 0, at + SLOT_S).start.size == 0
