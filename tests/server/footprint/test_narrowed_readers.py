"""Readers of a part find what was computed before for others, and only of what they may see."""

import pytest
from parcimetre_factors.criteria import Criterion
from parcimetre_server.analysis.device_list import list_devices
from parcimetre_server.base.periods import DAY_S, Span, whole_days
from parcimetre_server.base.scope import Scope
from parcimetre_server.fleet import purchases
from parcimetre_server.footprint import hardware_model
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery

TOWN = "Métropole/Ville"


@pytest.fixture
def query(fleet):
    week = Span(fleet.today - 7 * DAY_S, fleet.today)
    return FootprintQuery(whole_days(week, fleet.context.zone, fleet.now), Criterion.GWP)


@pytest.fixture
def nothing_is_computed(fleet, monkeypatch):
    """Make all that is cached fail from now on."""

    def forbid():
        for module, name in ((hardware_model, "hardware"), (purchases, "purchase")):
            monkeypatch.setattr(module, name, lambda *_: pytest.fail("computed again"))
        monkeypatch.setattr(fleet.context.store, "activities", lambda *_: pytest.fail("slots were read"))

    return forbid


@pytest.mark.parametrize("role", ["analyst", "admin"])
def test_what_was_computed_for_the_whole_fleet_serves_readers_of_a_part(
    fleet, query, nothing_is_computed, role
):
    narrowed = fleet.context.within(Scope(TOWN, role))
    wanted = compute_footprint(narrowed, query, few=10**9).rows("device")
    compute_footprint(fleet.context, query, few=0)
    nothing_is_computed()
    rows = compute_footprint(narrowed, query, few=0).rows("device")
    values = {row.group: pytest.approx(row.value, rel=1e-12) for row in wanted}
    assert {row.group: row.value for row in rows} == values
    assert values.keys() == {fleet.laptop, fleet.guest}


def test_what_was_computed_for_readers_of_a_part_serves_others(fleet, query, nothing_is_computed):
    for root in (TOWN, "Métropole/DSI"):
        compute_footprint(fleet.context.within(Scope(root, "viewer")), query, few=0)
    nothing_is_computed()
    rows = compute_footprint(fleet.context, query, few=0).rows("device")
    assert {row.group for row in rows} == {fleet.laptop, fleet.guest, fleet.server, fleet.silent}


def test_an_analyst_sees_no_host_name_that_an_admin_s_question_has_left_behind(fleet, query):
    names = {
        role: {one.device.hostname for one in list_devices(fleet.context.within(Scope(TOWN, role)), query)}
        for role in ("admin", "analyst")
    }
    assert "guest-1" in names["admin"]
    assert names["analyst"] == {None}
