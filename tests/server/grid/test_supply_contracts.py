"""Suppliers' contracts: who states them, what refuses them, and figures by market beside the location's."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from parcimetre_agent import report
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import recompute, walk
from parcimetre_factors.explanation.verification import first_difference
from parcimetre_server.base.periods import DAY_S, Span
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.explanation.as_json import as_json
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.explanation.notes import MARKET
from parcimetre_server.footprint.explanation.org_unit import explain_unit
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.grid import supply_contracts
from parcimetre_server.grid.supply_contracts import (
    BadContract,
    UnknownContract,
    add_contracts,
    end_contract,
    market_sets,
    parse_contracts,
)
from parcimetre_server.organisation.org import UnknownSite
from parcimetre_server.reports.content import as_json as weekly_json
from parcimetre_server.reports.html import html
from parcimetre_server.reports.weekly import weekly_report
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

PARIS = ZoneInfo("Europe/Paris")
SLOT_S = 900
ROOF, HALL = DeviceId("1" * 32), DeviceId("2" * 32)
GREEN = {
    "supplier": "Énergies Sud", "product": "Vert", "kg_per_kwh": 0.02, "at_meter": "no",
    "evidence": "statement-2026.pdf", "from": "2026-11-01", "site": "Toit",
}  # fmt: skip
FRENCH_LOSSES = 1.07


@pytest.fixture
def two_sites(fleet):
    """The fleet with a server on each of two sites of Paris time, 100 Wh at the wall every quarter hour."""
    store, first = fleet.context.store, fleet.today - 3 * DAY_S
    about = {"category": "server", "hostname": None, "simulated": False, "virtual": "none",
             "enrolled_at": first, "agent_version": "0.1.0"}  # fmt: skip
    wall = [report.Energy("pdu", "wall_ac", "measured", 360_000.0, 900)]
    slots = [report.Slot(first + i * SLOT_S, 900, 0, 0, 0, 0, [900, *[0] * 9], energy=wall)
             for i in range(3 * 96)]  # fmt: skip
    for device, place, unit in ((ROOF, "Toit", "Régie/Ateliers"), (HALL, "Halle", "Régie/Siège")):
        store.append(
            [
                Fact("site", place, first, {"zone": "FR"}),
                Fact("device", device, first, about | {"site": place, "org_unit": unit}),
            ]
        )
        store.write([WriteBatch(device, slots)])
    return fleet


def state(fleet, *stated):
    return add_contracts(fleet.context.store, stated, PARIS, fleet.now)


def use(fleet, electricity, span, device=None, unit="Régie", criterion=Criterion.GWP):
    """The row of the use stage."""
    unit = None if device else unit
    query = FootprintQuery(span, criterion, org_unit=unit, device=device, electricity=electricity)
    (row,) = [row for row in footprint_rows(fleet.context, query, "stage") if row.group == "use"]
    return row


def days(fleet):
    """Two whole days, UTC."""
    return Span(fleet.today - 3 * DAY_S, fleet.today - DAY_S)


def test_two_sites_one_contract_worked_by_hand(two_sites):
    """192 quarter hours of 0.1 kWh are 19.2 kWh; times 0.02 kg and 1.07 for the losses: 0.41088 kg."""
    state(two_sites, GREEN)
    located, market = (use(two_sites, how, days(two_sites)) for how in ("location", "market"))
    hall = use(two_sites, "location", days(two_sites), HALL).value
    assert market.energy_kwh == located.energy_kwh == pytest.approx(2 * 19.2)
    assert market.value == pytest.approx(0.41088 + hall)
    assert use(two_sites, "market", days(two_sites), HALL).value == pytest.approx(hall)
    assert use(two_sites, "market", days(two_sites), ROOF).value == pytest.approx(0.41088)
    assert located.value == pytest.approx(2 * hall)


def test_rows_say_what_they_are_based_on_and_where_their_intensity_comes_from(two_sites):
    state(two_sites, GREEN)
    located, market = (use(two_sites, how, days(two_sites)) for how in ("location", "market"))
    assert (located.electricity, market.electricity) == ("location", "market")
    assert located.grid_tiers == {"FR": {"profile": 1.0}}
    assert market.grid_tiers == {"FR": {"contract": pytest.approx(0.5), "profile": pytest.approx(0.5)}}
    assert located.factor_set == two_sites.context.factors.id != market.factor_set


def test_the_contract_s_own_range_is_the_interval_of_what_it_covers(two_sites):
    state(two_sites, GREEN | {"low": 0.01, "high": 0.04, "at_meter": "yes"})
    row = use(two_sites, "market", days(two_sites), ROOF)
    assert (row.low / row.value, row.high / row.value) == pytest.approx((0.5, 2.0), rel=0.1)


def test_a_contract_that_ends_within_the_period_counts_up_to_midnight_of_its_last_day(two_sites):
    """Midnight in Paris is 23:00 UTC: of the first day 92 of 96 quarter hours."""
    first = datetime.fromtimestamp(days(two_sites).first, PARIS).date().isoformat()
    state(two_sites, GREEN | {"until": first})
    row = use(two_sites, "market", days(two_sites), ROOF)
    later = Span(days(two_sites).first + 92 * SLOT_S, days(two_sites).last)
    by_location = use(two_sites, "location", later, ROOF).value
    assert row.value == pytest.approx(92 * 0.1 * 0.02 * FRENCH_LOSSES + by_location)
    assert row.grid_tiers["FR"]["contract"] == pytest.approx(92 / 192)


def test_the_site_s_contract_comes_before_the_org_unit_s_and_that_before_the_one_for_everything(two_sites):
    without = {name: text for name, text in GREEN.items() if name != "site"} | {"at_meter": "yes"}
    state(
        two_sites,
        GREEN | {"at_meter": "yes"},
        without | {"kg_per_kwh": 0.3, "org_unit": "Régie"},
        without | {"kg_per_kwh": 0.5},
    )
    day = Span(days(two_sites).first, days(two_sites).first + DAY_S)
    assert use(two_sites, "market", day, ROOF).value == pytest.approx(9.6 * 0.02)
    assert use(two_sites, "market", day, HALL).value == pytest.approx(9.6 * 0.3)
    server = use(two_sites, "market", day, two_sites.server)
    assert server.value == pytest.approx(server.energy_kwh * 0.5)


def test_other_criteria_stay_with_the_location_and_say_so(two_sites):
    state(two_sites, GREEN)
    located, asked = (
        use(two_sites, how, days(two_sites), criterion=Criterion.ADPE) for how in ("location", "market")
    )
    assert asked == located
    assert asked.electricity == "location"


def test_without_a_contract_the_market_is_the_location_and_says_so(two_sites):
    located, market = (use(two_sites, how, days(two_sites)) for how in ("location", "market"))
    assert market.value == pytest.approx(located.value)
    assert market.grid_tiers == {"FR": {"profile": 1.0}}


@pytest.mark.parametrize("long", [False, True], ids=["slots", "days"])
def test_the_explanation_recomputes_verifies_and_names_the_contract(two_sites, long):
    (held,) = state(two_sites, GREEN)
    span = Span(days(two_sites).first, days(two_sites).last + long * DAY_S)
    asked = (ROOF, span, Criterion.GWP, None, "market")
    found = explain_device(two_sites.context, *asked)
    row = footprint_rows(two_sites.context, FootprintQuery(span, device=ROOF, electricity="market"))[0]
    assert recompute(found.term) == pytest.approx(row.value, rel=1e-9)
    assert (found.electricity, found.factor_set, found.grid_tiers) == (
        "market",
        row.factor_set,
        row.grid_tiers,
    )
    assert MARKET in found.notes
    assert held.contract.factor_id in {factor.id for factor in found.factors}
    (known,) = market_sets(two_sites.context.store, two_sites.context.factors)
    assert first_difference(as_json(found), known) is None


def test_the_explanation_says_that_no_contract_holds(two_sites):
    state(two_sites, GREEN)
    found = explain_device(two_sites.context, HALL, days(two_sites), Criterion.GWP, None, "market")
    assert any("No contract holds" in term.note for term in walk(found.term))
    whole = explain_unit(two_sites.context, "Régie", days(two_sites), Criterion.GWP, None, "market")
    row = footprint_rows(
        two_sites.context, FootprintQuery(days(two_sites), org_unit="Régie", electricity="market")
    )[0]
    assert whole.term.value == pytest.approx(row.value)


def test_an_explanation_is_verified_with_the_contracts_of_its_time(two_sites):
    (held,) = state(two_sites, GREEN)
    store, base = two_sites.context.store, two_sites.context.factors
    before = explain_device(two_sites.context, ROOF, days(two_sites), Criterion.GWP, None, "market")
    state(two_sites, GREEN | {"site": "Halle"})
    end_contract(store, held.contract.id, "2026-11-10", PARIS, two_sites.now)
    assert before.factor_set in {known.id for known in market_sets(store, base)}
    assert next(market_sets(store, base)).id != before.factor_set


def test_the_same_contract_again_changes_nothing(two_sites):
    state(two_sites, GREEN)
    state(two_sites, GREEN)
    assert len(two_sites.context.store.history("contract")) == 1


def test_contracts_that_overlap_are_refused_and_both_named(two_sites):
    (one,) = state(two_sites, GREEN | {"until": "2026-12-31"})
    other = GREEN | {"supplier": "Courant d’Ouest", "from": "2026-12-31"}
    with pytest.raises(
        BadContract, match=r"Courant d’Ouest, Vert .* and Énergies Sud, Vert .*Toit at the same"
    ):
        state(two_sites, other)
    state(two_sites, other | {"from": "2027-01-01"}, other | {"site": "Halle"})
    with pytest.raises(BadContract, match="at the same time"):
        end_contract(two_sites.context.store, one.contract.id, "2027-01-01", PARIS, two_sites.now)


def test_a_contract_that_ends_before_it_begins_never_held(two_sites):
    (held,) = state(two_sites, GREEN)
    end_contract(two_sites.context.store, held.contract.id, "2026-10-01", PARIS, two_sites.now)
    assert use(two_sites, "market", days(two_sites)).grid_tiers == {"FR": {"profile": 1.0}}
    state(two_sites, GREEN | {"supplier": "Courant d’Ouest"})


def test_no_contract_of_that_id_can_end(two_sites):
    with pytest.raises(UnknownContract, match="there is no contract 'none'"):
        end_contract(two_sites.context.store, "none", "2026-11-10", PARIS, two_sites.now)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"supplier": ""}, "contract 2: supplier is missing"),
        ({"evidence": None}, "evidence is missing"),
        ({"kg_per_kwh": "20"}, "Is the value in grams"),
        ({"kg_per_kwh": "-1"}, "not plausible"),
        ({"kg_per_kwh": "nan"}, "not plausible"),
        ({"kg_per_kwh": "little"}, "plain numbers"),
        ({"low": "0.01"}, "both low and high"),
        ({"low": "0.03", "high": "0.04"}, "0.02 is not between"),
        ({"at_meter": "perhaps"}, "give yes if grid losses"),
        ({"from": "1/1/2026"}, "'1/1/2026' is not a valid date"),
        ({"from": "9999-01-01"}, "out of range"),
        ({"until": "2026-10-31"}, "Swap them"),
        ({"org_unit": "Régie"}, "not both"),
        ({"site": None, "org_unit": "Nowhere"}, "no org unit 'Nowhere'"),
        ({"colour": "green"}, "unknown column 'colour'"),
    ],
)
def test_a_fault_is_named_with_its_mend_and_nothing_of_the_file_is_kept(two_sites, change, sentence):
    with pytest.raises(BadContract, match=sentence):
        state(two_sites, GREEN | {"site": "Halle"}, GREEN | change)
    assert supply_contracts.contracts(two_sites.context.store) == []


def test_an_unknown_site_is_refused(two_sites):
    with pytest.raises(UnknownSite, match="no site 'Cave'"):
        state(two_sites, GREEN | {"site": "Cave"})


def test_contracts_come_from_a_csv_or_from_toml(two_sites):
    heading = "supplier,product,kg_per_kwh,at_meter,evidence,from,until,site\n"
    table = heading + "Énergies Sud,Vert,0.02,no,statement-2026.pdf,2026-11-01,,Toit\n"
    toml = (
        '[[contract]]\nsupplier = "Énergies Sud"\nproduct = "Vert"\nkg_per_kwh = 0.02\nat_meter = false\n'
        'evidence = "statement-2026.pdf"\nfrom = 2026-11-01\nsite = "Toit"\n'
    )
    one, two, three = state(two_sites, *parse_contracts(table), *parse_contracts(toml), GREEN)
    assert one == two == three


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("supplier;product\n", "line 1: give the columns supplier"),
        ("[[contract]]\nsupplier = \n", "not valid TOML"),
        ("", "line 1"),
    ],
)
def test_a_file_of_another_kind_is_refused(text, sentence):
    with pytest.raises(BadContract, match=sentence):
        parse_contracts(text)


def test_the_weekly_report_shows_both_totals_where_a_contract_holds(two_sites):
    assert weekly_report(two_sites.context, "2026-W47").market is None
    state(two_sites, GREEN)
    made = weekly_report(two_sites.context, "2026-W47")
    told = weekly_json(made)
    assert told["total_market"]["electricity"] == "market"
    assert told["total"]["electricity"] == "location"
    assert told["total_market"]["value"] < told["total"]["value"]
    assert "Market-based, from the supply contracts: " in html(made, two_sites.context, "en")
    assert weekly_report(two_sites.context, "2026-W47", "Métropole").market is None


def test_every_door_answers_by_market(two_sites, client_of):
    (held,) = state(two_sites, GREEN)
    reader = client_of(two_sites.context)
    asked = {
        "from": days(two_sites).first,
        "to": days(two_sites).last,
        "device": ROOF,
        "electricity": "market",
    }
    (row,) = reader.get("/v1/footprint", params=asked).json()["rows"]
    told = reader.get("/v1/explain", params=asked).json()
    assert told["value"] == pytest.approx(row["value"], rel=1e-9)
    assert told["electricity"] == row["electricity"] == "market"
    assert told["grid_tiers"] == row["grid_tiers"] == {"FR": {"contract": 1.0}}
    (shown,) = reader.get("/v1/contracts").json()
    assert (shown["id"], shown["from"], shown["until"]) == (held.contract.id, "2026-11-01", None)
    assert reader.get("/v1/footprint", params=asked | {"electricity": "green"}).status_code == 422
