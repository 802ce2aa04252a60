"""Market-based electricity: a supplier's contract, else the zone's residual mix, else the grid as it is.

Method: GHG Protocol Scope 2 Guidance (2015), chapter 6: contractual instruments come before the residual
mix, and where no residual mix is at hand the location-based factor stands in, which has to be said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from ..criteria import UNITS, Criterion, Stage
from ..explanation.term import Term, leaf, product
from ..tables.factor_set import Factor, FactorId, FactorSet, Source
from .intensity import TIERS, Array, Errors, GridSlots, Starts, chosen_years, losses, losses_leaf

CONTRACT_TIER, RESIDUAL_TIER = TIERS.index("contract"), TIERS.index("residual")
ASSUMED_SPREAD = 1.1
ASSUMED_BASIS = "assumed: +-10 %, no range in the contract"
STATED_BASIS = "source"
TABLE, RESIDUAL_TABLE = "grid_contract", "grid_residual"
PER_KWH = f"{UNITS[Criterion.GWP]}/kWh"
NO_CONTRACT = (
    "No contract holds in this slot: the residual mix of the zone stands in, of direct emissions only."
)
NO_RESIDUAL = (
    "No contract holds in this slot and no residual mix of the zone is known: location-based instead."
)


@dataclass(frozen=True)
class Contract:
    """What a supplier states of the electricity it delivers from `first` up to `last`, seconds UTC.

    `kg_per_kwh` is kg CO2 eq per kWh; `at_meter` says that it counts the losses of the grid. `low` and `high`
    bound 95 %; they are assumed where the supplier states none. `evidence` says where the figure stands: a
    guarantee of origin, a statement, an address or a file. `recorded` is the day on which it was taken in.
    """

    id: str
    supplier: str
    product: str
    kg_per_kwh: float
    low: float | None
    high: float | None
    at_meter: bool
    evidence: str
    first: int
    last: int | None
    recorded: str

    @property
    def factor_id(self) -> FactorId:
        """Id of the factor that the contract becomes."""
        return FactorId(f"contract.{self.id}")

    def holds(self, starts: Starts) -> NDArray[np.bool_]:
        """In which slots (n,) the contract is in force."""
        return (starts >= self.first) & ((starts < self.last) if self.last is not None else True)


def contract_factor(contract: Contract) -> Factor:
    """The contract as a factor with its source."""
    value, stated = contract.kg_per_kwh, contract.low is not None and contract.high is not None
    low = contract.low if contract.low is not None else value / ASSUMED_SPREAD
    high = contract.high if contract.high is not None else value * ASSUMED_SPREAD
    source = Source(
        contract.factor_id, contract.supplier, contract.product, contract.recorded[:4], contract.evidence,
        "the organisation's own contract", contract.recorded,
    )  # fmt: skip
    losses_said = "losses of the grid are counted" if contract.at_meter else "losses of the grid are added"
    return Factor(
        contract.factor_id, "electricity of a contract", str(Stage.USE), str(Criterion.GWP), value, low, high,
        STATED_BASIS if stated else ASSUMED_BASIS, UNITS[Criterion.GWP], "kWh", None, None, source,
        contract.evidence, losses_said,
    )  # fmt: skip


def with_contracts(base: FactorSet, contracts: Iterable[Contract]) -> FactorSet:
    """The set with contracts as factors; its name is of the base and of every word of them."""
    rows = tuple(contract_factor(c) for c in sorted(contracts, key=lambda contract: contract.id))
    if not rows:
        return base
    digest = hashlib.sha256(f"{base.id}\0{[astuple(row) for row in rows]}".encode()).hexdigest()[:12]
    sources = {**base.sources, **{row.source.id: row.source for row in rows}}
    return FactorSet(digest, MappingProxyType({**base.tables, TABLE: rows}), base.facts, sources)


def market_based_intensity(
    located: GridSlots, starts: Starts, zone: str, contracts: Sequence[Contract], factors: FactorSet
) -> GridSlots:
    """Market-based climate impact per kWh at the meter, kg CO2 eq.

    `located` is the same by location; of contracts that hold in one slot the earlier in the sequence counts.
    `factors` must hold the contracts.
    """
    tier = located.tier.copy()
    parts: dict[Errors, Array] = {errors: values.copy() for errors, values in located.parts.items()}
    residual = _residual(zone, factors)
    if residual:
        chosen = chosen_years(residual, starts)
        for i in np.unique(chosen):
            _replace(parts, chosen == i, residual[i], losses(zone, factors, Criterion.GWP))
        tier[:] = RESIDUAL_TIER
    free = np.ones(len(starts), np.bool_)
    for contract in contracts:
        mask = contract.holds(starts) & free
        lost = None if contract.at_meter else losses(zone, factors, Criterion.GWP)
        _replace(parts, mask, factors.get(contract.factor_id), lost)
        tier[mask] = CONTRACT_TIER
        free &= ~mask
    nonzero = {errors: values for errors, values in parts.items() if values.any()}
    return GridSlots(sum(nonzero.values(), np.zeros(len(starts))), tier, nonzero)


def _replace(
    parts: dict[Errors, Array], mask: NDArray[np.bool_], factor: Factor, lost: Factor | None
) -> None:
    """Put a factor, with what is lost on the way, in the place of what slots had."""
    for errors, values in parts.items():
        parts[errors] = np.where(mask, 0.0, values)
    named = (factor.id,) if lost is None else (factor.id, lost.id)
    value = factor.value * (1.0 if lost is None else lost.value)
    parts[named] = np.where(mask, value, parts.get(named, 0.0))


def market_term(
    located: Term, start: int, zone: str, contracts: Sequence[Contract], factors: FactorSet
) -> Term:
    """Return the tree behind one slot of `market_based_intensity`; `located` is that of the grid."""
    at = np.array([start])
    holding = [contract for contract in contracts if contract.holds(at)[0]]
    residual = _residual(zone, factors)
    if holding:
        factor, lost = factors.get(holding[0].factor_id), not holding[0].at_meter
        label, tier, note = "factor of the supplier's contract", "contract", factor.note
    elif residual:
        factor, lost = residual[int(chosen_years(residual, at)[0])], True
        label, tier, note = "residual mix of the year", "residual", NO_CONTRACT
    else:
        return product("impact of a kilowatt-hour", located.unit, (located,), tier=located.tier,
                       detail=located.detail, note=NO_RESIDUAL)  # fmt: skip
    about = f"{factor.source.publisher}, {factor.source.title}"
    own = leaf(label, factor.value, PER_KWH, "factor", detail=about, factor=factor.id, note=note)
    way = losses_leaf(zone, factors, Criterion.GWP) if lost else None
    parts = (own,) if way is None else (own, way)
    return product("impact of a kilowatt-hour", PER_KWH, parts, detail=zone, tier=tier)


def _residual(zone: str, factors: FactorSet) -> list[Factor]:
    """Residual mixes of a zone, oldest first."""
    found = (factor for factor in factors.table(RESIDUAL_TABLE) if factor.zone == zone and factor.year)
    return sorted(found, key=lambda factor: factor.year or 0)
