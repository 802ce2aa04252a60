"""Market-based electricity: the contract's factor, else the residual mix, else the location's."""

from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

import numpy as np
import pytest
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import recompute, walk
from parcimetre_factors.grid.intensity import intensity, intensity_term, losses
from parcimetre_factors.grid.market_based import (
    CONTRACT_TIER,
    RESIDUAL_TIER,
    Contract,
    contract_factor,
    market_based_intensity,
    market_term,
    with_contracts,
)
from parcimetre_factors.tables.factor_set import FactorSet

START = int(datetime(2024, 6, 1, tzinfo=UTC).timestamp())
STARTS = START + 900 * np.arange(8, dtype=np.int64)
GREEN = Contract(
    "green", "Énergies Sud", "Vert", 0.02, None, None, False, "statement.pdf", START + 1800, START + 3600,
    "2024-01-15",
)  # fmt: skip


def lost(factors, zone):
    return losses(zone, factors, Criterion.GWP).value


def supplied(factors, zone="DE", *contracts):
    """Market-based slots, the set that holds the contracts, and the location's slots."""
    known = with_contracts(factors, contracts)
    located = intensity(zone, STARTS, known)
    return market_based_intensity(located, STARTS, zone, contracts, known), known, located


def with_residual(factors):
    """A set whose organisation has laid a residual mix of Germany over the empty table."""
    row = replace(
        factors.get("grid.de.2023.gwp"), id="residual.de.2023", value=0.7, low=0.6, high=0.8, year=2023
    )
    tables = {**factors.tables, "grid_residual": (row,)}
    return FactorSet("residual", MappingProxyType(tables), factors.facts, factors.sources)


def test_a_contract_counts_while_it_holds_and_with_losses_where_it_leaves_them_out(factors):
    slots, _, located = supplied(factors, "DE", GREEN)
    held = np.isin(np.arange(8), (2, 3))
    assert slots.kg_per_kwh[held] == pytest.approx([0.02 * lost(factors, "DE")] * 2)
    assert slots.kg_per_kwh[~held].tolist() == located.kg_per_kwh[~held].tolist()
    assert (slots.tier == CONTRACT_TIER).tolist() == held.tolist()
    assert ("contract.green", "losses.other") in slots.parts


def test_a_contract_at_the_meter_is_taken_as_it_stands(factors):
    slots, _, _ = supplied(factors, "DE", replace(GREEN, at_meter=True))
    assert slots.kg_per_kwh[2] == 0.02


def test_of_two_that_hold_the_first_counts_and_an_open_end_holds_for_ever(factors):
    rest = replace(GREEN, id="rest", kg_per_kwh=0.3, first=0, last=None, at_meter=True)
    slots, _, _ = supplied(factors, "DE", GREEN, rest)
    assert slots.kg_per_kwh == pytest.approx(
        [0.3, 0.3, 0.02 * lost(factors, "DE"), 0.02 * lost(factors, "DE"), *[0.3] * 4]
    )


def test_a_contract_of_nothing_costs_nothing(factors):
    slots, _, _ = supplied(factors, "DE", replace(GREEN, kg_per_kwh=0.0, first=0, last=None))
    assert not slots.kg_per_kwh.any()
    assert set(slots.tier) == {CONTRACT_TIER}


def test_time_without_a_contract_takes_the_residual_mix_where_one_is_known(factors):
    slots, _, _ = supplied(with_residual(factors), "DE", GREEN)
    assert slots.kg_per_kwh[0] == pytest.approx(0.7 * lost(factors, "DE"))
    assert slots.tier.tolist() == [RESIDUAL_TIER] * 2 + [CONTRACT_TIER] * 2 + [RESIDUAL_TIER] * 4
    assert slots.parts[("residual.de.2023", "losses.other")][0] > 0


def test_a_range_is_the_supplier_s_or_assumed_and_says_which():
    assumed, stated = contract_factor(GREEN), contract_factor(replace(GREEN, low=0.01, high=0.03))
    assert (assumed.low, assumed.high) == pytest.approx((0.02 / 1.1, 0.022))
    assert assumed.range_basis.startswith("assumed")
    assert (stated.low, stated.high, stated.range_basis) == (0.01, 0.03, "source")
    assert (stated.source.publisher, stated.source.url) == ("Énergies Sud", "statement.pdf")


def test_the_set_is_named_by_its_contracts(factors):
    known = with_contracts(factors, [GREEN])
    assert known.id not in (factors.id, with_contracts(factors, [replace(GREEN, kg_per_kwh=0.021)]).id)
    assert with_contracts(factors, []) is factors
    assert known.get("contract.green").value == 0.02
    assert known.get("grid.de.2023.gwp") == factors.get("grid.de.2023.gwp")


@pytest.mark.parametrize("residual", [False, True], ids=["location", "residual"])
@pytest.mark.parametrize("zone", ["DE", "FR"])
def test_the_tree_of_each_slot_gives_its_value_and_says_what_stands_in(factors, zone, residual):
    base = with_residual(factors) if residual else factors
    slots, known, _ = supplied(base, zone, GREEN)
    for start, kg in zip(STARTS.tolist(), slots.kg_per_kwh.tolist(), strict=True):
        term = market_term(intensity_term(zone, start, known), start, zone, [GREEN], known)
        assert term.value == recompute(term) == pytest.approx(kg, rel=1e-12)
        notes = " ".join(below.note for below in walk(term))
        held = GREEN.first <= start < GREEN.last
        assert ("No contract holds" in notes) != held
        if not held:
            assert ("direct emissions" in notes) == (residual and zone == "DE")
