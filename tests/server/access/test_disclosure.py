"""Groups of few devices: neither shown to a viewer, nor left over when what is shown is subtracted."""

import re
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.criteria import Criterion
from parcimetre_server.access.disclosure import FEWEST, disclosure_tree, groups_to_merge, too_few
from parcimetre_server.analysis.changes import compare_queries
from parcimetre_server.base.org_path import SMALL
from parcimetre_server.base.periods import Span, since_midnight
from parcimetre_server.base.scope import NotAllowed, Scope
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.store.records import WriteBatch

from tests.server.conftest import slot

A, B = "Métropole/Aubeclair", "Métropole/Boisverre"
DAY_S = 86_400
PATHS = st.lists(st.sampled_from(["M/A", "M/A/x", "M/A/y", "M/A/y/1", "M/A/y/2", "M/B", "M/B/z", "M", "N"]))


@given(st.dictionaries(st.text(min_size=1), st.sets(st.integers(0, 14))), st.sets(st.integers(0, 14)))
def test_the_hidden_groups_together_are_many_or_all_there_is(groups, absent):
    members = {group: np.isin(range(15), list(devices)) for group, devices in groups.items()}
    present = np.array([[1, int(i not in absent)] for i in range(15)])
    found = groups_to_merge(members, present)
    assert not [group for group in groups.keys() - found if too_few(members[group].astype(int) @ present)]
    if found and found != groups.keys():
        assert not too_few(np.any([members[group] for group in found], axis=0).astype(int) @ present)


@given(PATHS)
def test_no_difference_of_units_that_are_shown_is_of_few_devices(paths):
    found = disclosure_tree(paths, None)
    of = {unit: {i for i, path in enumerate(paths) if unit in ("", path) or path.startswith(f"{unit}/")}
          for unit in found.shown}  # fmt: skip
    for unit, devices in of.items():
        below = [of[other] for other in of if of[other] < devices and other.startswith(unit)]
        for some in (chosen for n in range(1, 4) for chosen in combinations(below, n)):
            rest = devices - set().union(*some)
            assert not 0 < len(rest) < FEWEST, (unit, rest)
        assert len(devices) >= FEWEST


@given(PATHS)
def test_every_group_of_the_tree_has_enough_devices_or_stands_for_all(paths):
    found = disclosure_tree(paths, None)
    groups = [found.group_of(path) for path in paths]
    assert all(groups.count(group) >= FEWEST for group in groups) or set(groups) == {SMALL}


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
        compute_footprint(seen, replace(query, org_unit=unit))
    analyst, _ = week(A, "analyst")
    assert compute_footprint(analyst, replace(query, org_unit=unit)).total().value > 0


def test_values_of_groups_still_add_up_to_the_total(week):
    seen, query = week(None)
    found = compute_footprint(seen, query)
    for group_by in ("org_unit", "site", "category", "component", "power_source", "model", "stage"):
        rows = found.rows(group_by)
        assert sum(row.value or 0.0 for row in rows) == pytest.approx(found.total().value)


def test_categories_of_a_part_of_the_scope_are_not_shown(week):
    seen, query = week(None)
    assert compute_footprint(seen, query).rows("category")
    with pytest.raises(NotAllowed, match="category"):
        compute_footprint(seen, replace(query, org_unit=A)).rows("category")


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


def test_a_viewer_learns_no_reason_of_a_change_that_few_devices_have(communes):
    store, now = communes.context.store, communes.context.now() // 900 * 900
    context = communes.context.within(Scope(A, "viewer"))
    keys = sorted(key for key in store.spans() if key.startswith("a0a0a0"))
    store.write([WriteBatch(key, [slot(now - DAY_S + 900)]) for key in keys[:6]])
    retire(store, keys[0], now - 2 * DAY_S)
    halves = Span(now - 6 * DAY_S, now - 3 * DAY_S), Span(now - 3 * DAY_S, now)
    found = compare_queries(context, *(FootprintQuery(span, org_unit=A) for span in halves))
    assert "several" in {part.reason for part in found.parts}
    assert all(part.devices >= FEWEST for part in found.parts)
    assert sum(part.value for part in found.parts) == pytest.approx(found.difference, abs=1e-9)


def test_a_viewer_is_offered_only_units_that_may_be_shown(asking):
    text = asking("viewer").get("/?lang=en").text
    offered = re.search(r'<select name="org_unit">(.*?)</select>', text)[1]
    assert "Aubeclair" in offered
    assert not {"Mairie", "Police"} & set(re.findall(r"\w+", offered))
    assert "Boisverre" not in offered
