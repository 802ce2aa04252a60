"""Why a footprint changed: parts that add up, each of its own cause, at every level of the organisation."""

from dataclasses import fields, replace
from itertools import count

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.tables.factor_set import FactorSet
from parcimetre_server.access.opening import open_context
from parcimetre_server.analysis.changes import (
    Incomparable,
    PeriodAmounts,
    change_parts,
    compare_queries,
    compare_results,
)
from parcimetre_server.base.periods import DAY_S, SLOT_S, Span
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from tests.server.conftest import NOW, TODAY, enrolled, inventory, slot

WEEK_S = 7 * DAY_S
AFTER = Span(TODAY - WEEK_S, TODAY)
BEFORE = Span(AFTER.first - WEEK_S, AFTER.first)
amount = st.one_of(st.just(0.0), st.floats(0.01, 100))


def told(devices):
    """Amounts of devices, each a tuple of its fields."""
    return PeriodAmounts(*np.array(devices, np.float64).reshape(-1, len(fields(PeriodAmounts))).T)


def lived(service_s, share, watts, of_joule, steady, once):
    """A device that used nothing without energy, and had no energy without a record."""
    recorded_s = service_s * min(share, 1.0)
    energy_j = recorded_s * watts
    return service_s, recorded_s, energy_j, energy_j * of_joule, steady * (service_s > 0), once


def period(n):
    """Amounts of n devices."""
    device = st.tuples(*[amount] * 6).map(lambda drawn: lived(*drawn))
    return st.lists(device, min_size=n, max_size=n).map(told)


@given(st.integers(1, 4).flatmap(lambda n: st.tuples(period(n), period(n))))
def test_parts_add_up_device_by_device_and_turn_round_with_time(periods):
    before, after = periods
    nobody = np.zeros(len(before.use), np.bool_)
    there, back = change_parts(before, after, nobody), change_parts(after, before, nobody)
    rounding = 1e-9 * float(np.max(after.total + before.total)) + 1e-12
    assert sum(there.values()) == pytest.approx(after.total - before.total, abs=rounding)
    opposite = {"joined": "left", "left": "joined"}
    for reason, part in there.items():
        assert part == pytest.approx(-back[opposite.get(reason, reason)], abs=rounding)


ONE = {
    "service_s": 604_800.0, "recorded_s": 302_400.0, "energy_j": 3e6, "use": 60.0, "steady": 500.0,
    "once": 0.0,
}  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "after"),
    [
        ("use", {"energy_j": 6e6, "use": 120.0}),
        ("grid", {"use": 30.0}),
        ("coverage", {"recorded_s": 604_800.0, "energy_j": 6e6, "use": 120.0}),
        ("coverage", {"recorded_s": 0.0, "energy_j": 0.0, "use": 0.0}),
        ("service", {name: value / 2 for name, value in ONE.items()}),
        ("left", dict.fromkeys(ONE, 0.0)),
        ("embodied", {"steady": 250.0}),
        ("embodied", {"once": 9000.0}),
    ],
    ids=["watts", "intensity", "more records", "no records", "half a week", "gone", "life ended", "scrapped"],
)
def test_what_one_thing_changed_is_told_under_its_name_only(reason, after):
    before, after = told([tuple(ONE.values())]), told([tuple((ONE | after).values())])
    found = {
        name: float(part[0]) for name, part in change_parts(before, after, np.zeros(1, np.bool_)).items()
    }
    wanted = dict.fromkeys(found, 0.0) | {reason: float((after.total - before.total)[0])}
    assert found == pytest.approx(wanted, abs=1e-9)


def test_the_example_of_the_method_page():
    hour = 3600.0
    first = (168 * hour, 126 * hour, 126 * hour * 10, 63.0, 500.0, 0.0)
    later = (168 * hour, 151.2 * hour, 151.2 * hour * 12, 72.576, 500.0, 0.0)
    joined = (84 * hour, 84 * hour, 84 * hour * 10, 33.6, 250.0, 0.0)
    parts = change_parts(told([first, (0,) * 6]), told([later, joined]), np.zeros(2, np.bool_))
    assert {reason: pytest.approx(part.sum(), abs=1e-9) for reason, part in parts.items()} == {
        "joined": 283.6, "left": 0.0, "moved": 0.0, "service": 0.0, "use": 12.474, "grid": -15.246,
        "coverage": 12.348, "embodied": 0.0,
    }  # fmt: skip


UNITS = st.lists(st.sampled_from("AB"), min_size=1, max_size=3).map("/".join)
devices_of = st.lists(
    st.tuples(
        UNITS,
        st.sampled_from(["laptop", "desktop", "server"]),
        st.integers(-4, 15),  # day on which it was first heard, of the two weeks
        st.one_of(st.none(), st.tuples(st.integers(1, 15), st.booleans())),  # retired, scrapped
        st.lists(st.tuples(st.integers(0, 14 * 24 - 1), st.integers(0, 900)), max_size=12),
    ),
    min_size=1,
    max_size=5,
)
numbers = count()


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(devices_of, st.lists(st.tuples(st.integers(0, 4), st.integers(0, 14 * 24 - 1)), max_size=6))
def test_parts_add_up_in_every_unit_of_any_fleet_with_late_data(tmp_path, clock_at, fleet_of, late):
    context = open_context(Settings(tmp_path / str(next(numbers))), create=True)
    known = [DeviceId(f"{i:032x}") for i in range(len(fleet_of))]
    for key, described in zip(known, fleet_of, strict=True):
        context.store.write([reports(key, *described)])
    check_every_unit(context, {unit for unit, *_ in fleet_of})
    moved = transferred(context, known[0])
    check_every_unit(context, {unit for unit, *_ in fleet_of} | {moved})
    for i, hour in late:
        at = BEFORE.first + hour * 3600
        context.store.write([WriteBatch(known[i % len(known)], [slot(at, awake_s=700)])])
    check_every_unit(context, {unit for unit, *_ in fleet_of} | {moved})
    context.store.close()


def transferred(context, key):
    """Move a device to another unit in the middle of the second week."""
    at = AFTER.first + 3 * DAY_S
    body = {"org_unit": "Z", "site": "default", "at": at}
    context.store.append([Fact("transfer", key, at, body)])
    return "Z"


def reports(key, unit, category, first_day, retired, hours):
    """What a device sent in two weeks."""
    begin = BEFORE.first + first_day * DAY_S
    about = {"enrolled_at": begin}
    if retired is not None:
        about |= {"retired_at": begin + retired[0] * DAY_S, "scrapped": retired[1]}
    starts = {begin: 900} | {BEFORE.first + hour * 3600: awake_s for hour, awake_s in hours}
    slots = [slot(at, awake_s=awake_s) for at, awake_s in sorted(starts.items()) if begin <= at < TODAY]
    return WriteBatch(key, slots, enrolled(key, category, unit, inventory(category), **about))


def check_every_unit(context, units):
    """The parts of the whole, and of each unit on top, add up to what its rows differ by."""
    differences = {}
    for path in (None, *sorted({unit.split("/")[0] for unit in units})):
        before, after = (
            compute_footprint(context, FootprintQuery(span, org_unit=path)) for span in (BEFORE, AFTER)
        )
        values = [one.total().value or 0.0 for one in (before, after)]
        found = compare_results(before, after)
        differences[path] = values[1] - values[0]
        if found is not None:
            assert [found.before, found.after] == pytest.approx(values, rel=1e-9)
            parts = sum(part.value for part in found.parts)
            assert parts == pytest.approx(found.difference, rel=1e-9, abs=1e-8 * sum(values))
    whole = differences.pop(None)
    assert sum(differences.values()) == pytest.approx(whole, rel=1e-9, abs=1e-9)


def test_other_factors_are_a_part_of_their_own_and_the_rest_is_told_by_both(fleet):
    context, other = fleet.context, dearer(fleet.context.factors)
    before, after = (
        FootprintQuery(Span(TODAY - 6 * DAY_S, TODAY - 3 * DAY_S)),
        FootprintQuery(Span(TODAY - 3 * DAY_S, TODAY)),
    )
    found = compare_queries(context, before, after, earlier=other)
    then, now = (compute_footprint(one, query).total().value for one, query in
                 ((replace(context, factors=other), before), (context, after)))  # fmt: skip
    assert (found.before, found.after) == pytest.approx((then, now))
    assert sum(part.value for part in found.parts) == pytest.approx(found.difference)
    by_reason = {part.reason: part.value for part in found.parts}
    assert by_reason["factors"] < 0
    assert "factors" not in {part.reason for part in compare_queries(context, before, after).parts}


def dearer(factors: FactorSet) -> FactorSet:
    """The same set with lives half as long, so that embodied impact is dearer."""
    tables = {
        name: tuple(halved(one) if one.id.startswith("life.") else one for one in table)
        for name, table in factors.tables.items()
    }
    return replace(factors, tables=tables, id="dearer")


def halved(factor):
    """A factor of half the value."""
    return replace(factor, value=factor.value / 2, low=factor.low / 2, high=factor.high / 2)


def test_a_transfer_moves_a_device_out_of_one_unit_into_another_and_changes_nothing_above(fleet):
    transferred(fleet.context, fleet.server)
    unit = "Métropole/DSI"
    spans = Span(AFTER.first, AFTER.first + 3 * DAY_S), Span(AFTER.first + 3 * DAY_S, AFTER.last - DAY_S)
    left, joined, whole = (
        {part.reason: part.value for part in found.parts} if found else {}
        for found in (compare_queries(fleet.context, *(FootprintQuery(span, org_unit=at) for span in spans))
                      for at in (unit, "Z", None))
    )  # fmt: skip
    assert left["moved"] < 0
    assert joined == {}
    assert "moved" not in whole


def test_there_is_no_change_from_nothing(fleet):
    assert (
        compare_queries(
            fleet.context, FootprintQuery(BEFORE), FootprintQuery(Span(TODAY, NOW // SLOT_S * SLOT_S))
        )
        is not None
    )
    long_ago = Span(TODAY - 60 * DAY_S, TODAY - 53 * DAY_S)
    assert compare_queries(fleet.context, FootprintQuery(long_ago), FootprintQuery(AFTER)) is None


def test_two_different_questions_are_refused_with_the_mend(fleet):
    with pytest.raises(Incomparable, match="only the periods may differ"):
        compare_queries(fleet.context, FootprintQuery(BEFORE), FootprintQuery(AFTER, Criterion.ADPE))
