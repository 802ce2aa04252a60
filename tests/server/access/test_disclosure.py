"""Groups of few devices: neither shown to a viewer, nor left over when what is shown is subtracted."""

import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcimetre_factors.criteria import Criterion
from parcimetre_server.access.disclosure import (
    DOMINANT,
    FEWEST,
    FURTHEST,
    NEAREST,
    NO_BLOCK,
    BlockTree,
    blocks_of_day,
    common_unit,
    embodied_factor,
    is_safe,
    parts_to_merge,
    shown_units,
)
from parcimetre_server.analysis.changes import compare_queries
from parcimetre_server.base.org_path import SMALL
from parcimetre_server.base.periods import DAY_S, Span, since_midnight
from parcimetre_server.base.scope import NotAllowed, Scope
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.store.records import WriteBatch

from tests.server.conftest import slot

A, B = "Métropole/Aubeclair", "Métropole/Boisverre"
LEAVES = [("FR", *path) for path in ("Ax", "Ay", "Az", "Bx", "By", "C")]
AMOUNTS = st.one_of(st.just(0.0), st.floats(0.01, 100.0))
MEMBERS = st.lists(st.tuples(st.integers(-1, 5), st.integers(0, 2), AMOUNTS), max_size=40)


def blocks(members):
    """The blocks of members, each with its leaf, kind and amount."""
    leaf, kind, amounts = (
        np.array([one[i] for one in members], dtype) for i, dtype in ((0, np.intp), (1, np.intp), (2, float))
    )
    return amounts, leaf, blocks_of_day(BlockTree(LEAVES), leaf, kind, amounts)


@settings(max_examples=300)
@given(MEMBERS)
def test_every_block_is_safe_and_nobody_is_in_two(members):
    amounts, leaf, found = blocks(members)
    for block in set(found.tolist()) - {NO_BLOCK}:
        of_block = amounts[found == block]
        assert is_safe(of_block) or (len(of_block) >= FEWEST and not of_block.any())
    assert (found[leaf == NO_BLOCK] == NO_BLOCK).all()


@given(MEMBERS)
def test_only_what_no_block_of_all_could_take_is_in_none(members):
    amounts, _, found = blocks(members)
    left = amounts[(found == NO_BLOCK) & (np.array([one[0] for one in members], int) != NO_BLOCK)]
    assert not is_safe(left)
    if left.any() and (found != NO_BLOCK).any():
        assert left.max() > DOMINANT * amounts.sum() or not is_safe(amounts)


@given(MEMBERS, st.randoms())
def test_blocks_do_not_depend_on_what_others_use_elsewhere_in_the_tree(members, random):
    """A leaf that is safe alone is a block, less what it spares, whatever the other leaves have."""
    amounts, leaf, found = blocks(members)
    for at in range(len(LEAVES)):
        if is_safe(amounts[leaf == at]):
            assert (found[leaf == at] != NO_BLOCK).all()


@pytest.mark.parametrize(
    ("amounts", "safe"),
    [
        ([1] * 4, False),
        ([1] * 5, True),
        ([1] * 4 + [0], False),
        ([100, 1, 1, 1, 1], False),
        ([30, 1, 1, 1, 1], True),
    ],
)
def test_five_that_contribute_and_none_of_more_than_nine_tenths_are_safe(amounts, safe):
    assert is_safe(np.array(amounts, float)) is safe


def test_too_few_are_completed_by_a_few_of_the_largest_block():
    *_, found = blocks([(0, 0, 1.0)] * 20 + [(1, 1, 1.0)] * 3)
    assert sorted(np.bincount(found).tolist()) == [5, 18]


@given(st.lists(st.lists(AMOUNTS, min_size=9, max_size=9), min_size=1, max_size=5))
def test_parts_of_a_block_that_are_shown_apart_are_safe_and_so_are_the_others_together(parts):
    amounts = np.array(parts)
    merged = parts_to_merge(amounts)
    for i in range(len(parts)):
        assert i in merged or is_safe(amounts[i]) or not amounts[i].any()
    apart = [i for i in range(len(parts)) if i not in merged and amounts[i].any()]
    assert not merged or not apart or is_safe(amounts[sorted(merged)].sum(axis=0))


def test_devices_of_several_units_are_shown_under_the_lowest_above_them():
    assert common_unit(["M/A/x"]) == "M/A/x"
    assert common_unit(["M/A/x", "M/A/y"]) == common_unit(["M/A", "M/A/y"]) == f"M/A/{SMALL}"
    assert common_unit(["M", "N"]) == SMALL
    assert shown_units(["M/A/x", f"M/B/{SMALL}", SMALL]) == {"M", "M/A", "M/A/x", "M/B"}


@pytest.fixture
def week(communes):
    """The past week, with the collector as a viewer of a commune sees it."""
    now = since_midnight(communes.context.now(), communes.context.zone).first

    def of(root, role="viewer"):
        return communes.context.within(Scope(root, role)), FootprintQuery(
            Span(now - 7 * DAY_S, now), Criterion.GWP
        )

    return of


def test_a_unit_of_two_devices_is_one_with_its_neighbour(week):
    seen, query = week(A)
    (row,) = compute_footprint(seen, query).rows("org_unit", below=A)
    assert row.group == f"{A}/{SMALL}"
    assert row.value == pytest.approx(compute_footprint(seen, query).total().value)


@pytest.mark.parametrize("unit", [f"{A}/Police", f"{A}/Mairie"])
def test_neither_the_small_unit_nor_the_rest_can_be_asked_for(week, unit):
    seen, query = week(A)
    with pytest.raises(NotAllowed, match="fewer than 5 devices"):
        compute_footprint(seen, replace(query, org_unit=unit)).checked()
    analyst, _ = week(A, "analyst")
    assert compute_footprint(analyst, replace(query, org_unit=unit)).checked().total().value > 0


def by_stage(result):
    """The value of each stage."""
    return {row.group: row.value for row in result.rows("stage")}


@pytest.mark.parametrize("root", [None, A])
def test_a_viewer_s_total_is_that_of_an_analyst_over_whole_days_but_for_factors(week, root):
    seen, query = week(root)
    found = compute_footprint(seen, query)
    analyst, _ = week(root, "analyst")
    exact = compute_footprint(analyst, replace(query, span=found.span))
    whole, total = exact.total(), found.total()
    for name in ("energy_kwh", "coverage", "measured_share"):
        assert getattr(total, name) == pytest.approx(getattr(whole, name)), name
    assert by_stage(found)["use"] == pytest.approx(by_stage(exact)["use"])
    changed = total.value - whole.value
    assert 0 < abs(changed) <= FURTHEST * (whole.value - by_stage(exact)["use"])
    for bound in ("low", "high"):
        assert getattr(total, bound) == pytest.approx(getattr(whole, bound), rel=FURTHEST + 0.01)
    assert len(f"{total.high:.12g}".replace(".", "").strip("0")) <= 3
    assert found.count == {None: 14, A: 8}[root]


@given(st.text(max_size=40), st.sampled_from(Criterion))
def test_a_factor_of_embodied_impact_is_neither_near_one_nor_far(device, criterion):
    factor = embodied_factor(device, criterion)
    assert NEAREST <= abs(factor - 1) <= FURTHEST
    assert factor == embodied_factor(device, criterion)


def test_factors_of_embodied_impact_are_one_on_average_and_differ_by_criterion():
    factors = np.array([
        [embodied_factor(f"{i:032x}", criterion) for criterion in ("gwp", "pe")] for i in range(10_000)
    ])  # fmt: skip
    assert factors.mean(axis=0) == pytest.approx(1, abs=0.003)
    assert abs(np.corrcoef(factors.T)[0, 1]) < 0.05


def test_values_of_groups_still_add_up_to_the_total(week):
    seen, query = week(None)
    found = compute_footprint(seen, query)
    for group_by in ("org_unit", "site", "category", "component", "power_source", "model", "stage"):
        rows = found.rows(group_by)
        assert sum(row.value or 0.0 for row in rows) == pytest.approx(found.total().value)
        assert sum(row.energy_kwh for row in rows) == pytest.approx(found.total().energy_kwh)


def test_groupings_of_a_part_of_the_scope_add_up_to_its_total(week):
    seen, query = week(None)
    found = compute_footprint(seen, replace(query, org_unit=A)).checked()
    for group_by in ("category", "site", "stage"):
        assert sum(row.value for row in found.rows(group_by)) == pytest.approx(found.total().value)
    with pytest.raises(NotAllowed, match="single devices"):
        found.rows("device")


def test_a_scope_of_few_devices_shows_no_figure_and_says_so(week):
    seen, query = week(f"{A}/Police")
    found = compute_footprint(seen, query)
    assert found.withheld
    assert found.rows() == found.rows("category") == []
    assert (found.total().value, found.count) == (None, 0)


def test_a_viewer_is_told_so_on_the_page_and_in_the_report(asking, communes):
    from parcimetre_server.access.tokens import create_token

    reader = asking(token=create_token(communes.context, "v", "viewer", f"{A}/Police")[1])
    for path in ("/?lang=fr", "/reports/weekly/2026-W48?lang=fr"):
        assert "Trop peu d’équipements" in reader.get(path).text
    assert reader.get("/v1/reports/weekly/2026-W48?format=json").json()["withheld"] is True


def test_a_viewer_learns_of_a_change_what_sums_say_and_not_who_came_or_left(communes):
    store, now = communes.context.store, communes.context.now() // 900 * 900
    context = communes.context.within(Scope(A, "viewer"))
    keys = sorted(key for key in store.spans() if key.startswith("a0a0a0"))
    store.write([WriteBatch(key, [slot(now - DAY_S + 900)]) for key in keys[:6]])
    retire(store, keys[0], now - 2 * DAY_S)
    halves = Span(now - 6 * DAY_S, now - 3 * DAY_S), Span(now - 3 * DAY_S, now)
    found = compare_queries(context, *(FootprintQuery(span, org_unit=A) for span in halves))
    assert not {"joined", "left", "moved"} & {part.reason for part in found.parts}
    assert all(part.devices >= FEWEST for part in found.parts)
    assert sum(part.value for part in found.parts) == pytest.approx(found.difference, abs=1e-9)
    before, after = (
        compute_footprint(context, FootprintQuery(span, org_unit=A)).total().value for span in halves
    )
    assert (found.before, found.after) == (pytest.approx(before), pytest.approx(after))


def test_a_viewer_is_offered_only_units_that_may_be_shown(asking):
    text = asking("viewer").get("/?lang=en").text
    offered = re.search(r'<select name="org_unit">(.*?)</select>', text)[1]
    assert "Aubeclair" in offered
    assert not {"Mairie", "Police"} & set(re.findall(r"\w+", offered))
    assert "Boisverre" not in offered


def test_a_viewer_is_offered_no_day_that_is_not_over(asking):
    offered = [re.search(r'<select name="period">(.*?)</select>', asking(role).get("/?period=today").text)[1]
               for role in ("viewer", "analyst")]  # fmt: skip
    assert ['value="today"' in one for one in offered] == [False, True]


@pytest.mark.parametrize("group_by", ["org_unit", "category", "stage"])
def test_a_day_is_the_same_in_every_period_and_for_every_unit_asked_for(week, group_by):
    """Else what two answers differ by would be of few devices."""
    seen, query = week(None)
    found = compute_footprint(seen, replace(query, interval="day"))
    by_day = {(row.group, row.period): (row.energy_kwh, row.value) for row in found.rows(group_by)}
    for first, last in zip(found.periods.edges[:-1].tolist(), found.periods.edges[1:].tolist(), strict=True):
        alone = replace(query, span=Span(first, last), interval="day")
        for row in compute_footprint(seen, alone).rows(group_by):
            assert by_day[row.group, row.period] == pytest.approx((row.energy_kwh, row.value))
    part = compute_footprint(seen, replace(query, org_unit=A, interval="day")).checked()
    of_unit = {row.period: row.energy_kwh for row in part.rows()}
    if group_by == "org_unit":
        for period, energy_kwh in of_unit.items():
            inside = [of[0] for (group, at), of in by_day.items() if at == period and group.startswith(A)]
            assert sum(inside) == pytest.approx(energy_kwh)
