"""How embodied impact falls into periods: by policy, over second lives, and when a device is scrapped."""

from datetime import datetime

import pytest
from click.testing import CliRunner
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_server.base.periods import DAY_S, SLOT_S, Span
from parcimetre_server.cli import devices as command
from parcimetre_server.fleet.purchases import store_purchases
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.footprint.accrual import Life
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.explanation.notes import NO_PURCHASE_YEAR, SCRAPPED, SECOND_LIFE
from parcimetre_server.footprint.query import FootprintQuery

BOUGHT = {
    "known": "2026-05-04,new",
    "earlier": "2024-05-04,new",
    "reconditioned": "2026-05-04,reconditioned",
}


def bought(fleet, which, how):
    context = fleet.context
    lines = ["device,date,condition\n", f"{which},{BOUGHT[how]}\n"]
    store_purchases(context.store, lines, context.zone, fleet.now)


def found(fleet, which, span, policy, criterion=Criterion.GWP):
    return compute_footprint(
        fleet.context, FootprintQuery(span, criterion, device=which, amortisation=policy)
    )


def embodied(fleet, which, span, policy):
    rows = found(fleet, which, span, policy).rows("component")
    return {row.group: row.value for row in rows if row.group != Stage.USE}


def at(fleet, text):
    return int(datetime.fromisoformat(text).replace(tzinfo=fleet.context.zone).timestamp())


def year(fleet, which):
    return Span(*(at(fleet, f"{first}-01-01") for first in (which, which + 1)))


def whole(fleet, which):
    model = found(fleet, which, week(fleet), None).single_devices[0].model
    stages = [model.embodied.by_stage.get((Criterion.GWP, stage)) for stage in Stage]
    return sum(term.value for term in stages if term)


def week(fleet):
    return Span(fleet.today - 7 * DAY_S, fleet.today)


@pytest.mark.parametrize("policy", list(Policy))
@pytest.mark.parametrize("criterion", list(Criterion))
@pytest.mark.parametrize("how", [None, *BOUGHT])
@pytest.mark.parametrize("scrapped", [False, True])
def test_the_tree_is_the_figure_by_every_policy(fleet, policy, criterion, how, scrapped, clock_at):
    if how:
        bought(fleet, fleet.server, how)
    if scrapped:
        retire(fleet.context.store, fleet.server, fleet.now - DAY_S, scrapped=True)
    span = Span(fleet.today - 7 * DAY_S, fleet.today)
    told = explain_device(fleet.context, fleet.server, span, criterion, policy)
    row = found(fleet, fleet.server, span, policy, criterion).total()
    assert told.absent == row.absent
    if row.value is None:
        assert told.term is None
    else:
        assert recompute(told.term) == told.term.value == pytest.approx(row.value, rel=1e-9)
        assert row.low <= row.value <= row.high


def test_the_year_of_purchase_carries_the_whole_and_no_other_year_does(fleet, clock_at):
    bought(fleet, fleet.server, "known")
    clock_at(at(fleet, "2027-06-01"))
    sums = [
        sum(embodied(fleet, fleet.server, year(fleet, which), Policy.PURCHASE_YEAR).values())
        for which in (2025, 2026, 2027)
    ]
    assert sums == pytest.approx([0.0, whole(fleet, fleet.server), 0.0])


def test_the_year_of_purchase_counts_up_to_now(fleet):
    bought(fleet, fleet.server, "known")
    span = year(fleet, 2026)
    share = (fleet.now - span.first) / (span.last - span.first)
    assert sum(embodied(fleet, fleet.server, span, Policy.PURCHASE_YEAR).values()) == pytest.approx(
        share * whole(fleet, fleet.server)
    )


def test_without_a_year_of_purchase_the_service_life_carries(fleet):
    by_life, by_year = (
        embodied(fleet, fleet.server, week(fleet), policy)
        for policy in (Policy.SERVICE_LIFE, Policy.PURCHASE_YEAR)
    )
    assert by_year == by_life
    told = explain_device(fleet.context, fleet.server, week(fleet), Criterion.GWP, Policy.PURCHASE_YEAR)
    assert NO_PURCHASE_YEAR in told.notes


def test_active_hours_carry_where_a_device_was_awake(fleet):
    span = Span(fleet.today - 2 * DAY_S, fleet.today - DAY_S)
    bought(fleet, fleet.laptop, "known")
    hours = 9  # awake from 8 to 17 hours UTC
    assert sum(embodied(fleet, fleet.laptop, span, Policy.ACTIVE_HOUR).values()) == pytest.approx(
        whole(fleet, fleet.laptop) * hours / (4 * 2628)
    )
    assert sum(embodied(fleet, fleet.silent, span, Policy.ACTIVE_HOUR).values()) == 0.0


def test_a_second_life_carries_its_preparation_and_the_rest_of_the_first(fleet):
    new = embodied(fleet, fleet.server, week(fleet), Policy.SERVICE_LIFE)
    bought(fleet, fleet.server, "reconditioned")
    second = embodied(fleet, fleet.server, week(fleet), Policy.SERVICE_LIFE)
    prepared = second.pop("reconditioning")
    assert second == new
    assert prepared == pytest.approx(25 * 7 / (3 * 365.25))
    told = explain_device(fleet.context, fleet.server, week(fleet), Criterion.GWP)
    assert SECOND_LIFE in told.notes


def test_the_first_owner_s_year_has_carried_what_making_it_cost(fleet):
    bought(fleet, fleet.server, "reconditioned")
    span = year(fleet, 2026)
    second = embodied(fleet, fleet.server, span, Policy.PURCHASE_YEAR)
    share = (fleet.now - span.first) / (span.last - span.first)
    assert second.pop("reconditioning") == pytest.approx(25 * share)
    assert set(second.values()) == {0.0}


def test_a_criterion_that_no_source_gives_for_reconditioning_is_said_to_be_absent(fleet):
    before = found(fleet, fleet.guest, week(fleet), None, Criterion.ADPE).total()
    bought(fleet, fleet.guest, "reconditioned")
    after = found(fleet, fleet.guest, week(fleet), None, Criterion.ADPE).total()
    assert after.value == before.value
    assert set(after.absent) - set(before.absent) == {Stage.MANUFACTURING}


@pytest.mark.parametrize("scrapped", [True, False])
def test_what_a_scrapped_device_has_left_counts_on_its_last_day(fleet, scrapped, clock_at):
    bought(fleet, fleet.server, "known")
    put_to_use = fleet.context.store.spans()[fleet.server][0]
    gone = fleet.now
    retire(fleet.context.store, fleet.server, gone, scrapped)
    clock_at(gone + 30 * DAY_S)
    span = Span(fleet.today - 30 * DAY_S, fleet.today + 20 * DAY_S)
    life = Life(at(fleet, "2026-05-04"), 4, 0)
    carried = (life.ends if scrapped else gone) - put_to_use
    assert sum(embodied(fleet, fleet.server, span, Policy.SERVICE_LIFE).values()) == pytest.approx(
        whole(fleet, fleet.server) * carried / (life.ends - life.begins)
    )
    told = explain_device(fleet.context, fleet.server, span, Criterion.GWP)
    assert (SCRAPPED in told.notes) == scrapped
    after = Span(gone // SLOT_S * SLOT_S + SLOT_S, span.last)
    assert set(embodied(fleet, fleet.server, after, Policy.SERVICE_LIFE).values()) <= {0.0}


def test_the_command_says_that_a_device_is_scrapped(fleet):
    folder = ["--data-dir", str(fleet.context.settings.data_dir)]
    CliRunner().invoke(
        command.command, ["retire", fleet.server, "--scrapped", *folder], catch_exceptions=False
    )
    assert found(fleet, fleet.server, week(fleet), None).single_devices[0].device.scrapped


def test_the_api_answers_by_the_policy_that_is_asked_for(fleet, reader):
    bought(fleet, fleet.server, "known")
    values = {}
    for policy in (None, *Policy):
        asked = {"device": fleet.server} | ({"amortisation": str(policy)} if policy else {})
        told = reader.get("/v1/footprint", params=asked).json()
        explained = reader.get("/v1/explain", params=asked).json()
        assert told["amortisation"] == explained["amortisation"] == (policy or "service_life")
        assert told["rows"][0]["value"] == pytest.approx(explained["value"])
        values[policy] = told["rows"][0]["value"]
    assert values[None] == values[Policy.SERVICE_LIFE]
    assert len(set(values.values())) == len(Policy)
