"""Grid intensity of the zones and contracts that a query needs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import Term
from parcimetre_factors.grid.intensity import GridSlots, intensity, intensity_term
from parcimetre_factors.grid.market_based import Contract, market_based_intensity, market_term, with_contracts
from parcimetre_factors.grid.observations import ObservedSlots
from parcimetre_factors.tables.factor_set import FactorSet

from ..access.context import Context
from ..base.periods import Span
from ..fleet.device import Device
from ..grid.observations import observations
from ..grid.supply_contracts import Electricity, contracts, contracts_at


class Grid:
    """Grid intensity over one span for one criterion, computed once per zone and its contracts.

    `electricity` is "market" for gwp only; `factors` then includes those of the contracts.
    """

    def __init__(
        self, context: Context, span: Span, criterion: Criterion, electricity: Electricity = "location"
    ) -> None:
        self.criterion = criterion
        self.electricity: Electricity = electricity if criterion == Criterion.GWP else "location"
        self._contracts = contracts(context.store) if self.electricity == "market" else []
        self.factors: FactorSet = with_contracts(
            context.factors, (supply.contract for supply in self._contracts)
        )
        self._market: dict[tuple[str, tuple[Contract, ...]], GridSlots] = {}
        self._context = context
        self._span = span
        self._first = span.first
        self._starts = np.arange(span.first, span.last, SLOT_S, dtype=np.int64)
        self._located: dict[str, GridSlots | None] = {}
        self._observed: dict[str, ObservedSlots | None] = {}

    def of(self, zone: str) -> GridSlots | None:
        """Return the intensity of a zone in each slot of the span, None where no factor has the criterion."""
        if zone not in self._located:
            factors, observed = self._context.factors, self.observed(zone)
            self._located[zone] = intensity(zone, self._starts, factors, observed, self.criterion)
        return self._located[zone]

    def of_device(self, device: Device) -> GridSlots | None:
        """Return the intensity for a device: of its zone, or of its contracts if market-based."""
        located = self.of(device.zone)
        if self.electricity == "location" or located is None:
            return located
        supplied = self.supplied(device)
        if supplied not in self._market:
            self._market[supplied] = market_based_intensity(located, self._starts, *supplied, self.factors)
        return self._market[supplied]

    def supplied(self, device: Device) -> tuple[str, tuple[Contract, ...]]:
        """Return the zone and, for market-based electricity, the contracts that supply a device."""
        return device.zone, contracts_at(
            self._contracts, device.site, device.org_unit
        ) if self._contracts else ()

    def term_of_device(self, device: Device, start: int) -> Term:
        """Return the tree behind one slot of `of_device`. Raises UnknownZone."""
        located = self.term(device.zone, start)
        if self.electricity == "location":
            return located
        return market_term(
            located,
            start,
            device.zone,
            contracts_at(self._contracts, device.site, device.org_unit),
            self.factors,
        )

    def observed(self, zone: str) -> ObservedSlots | None:
        """Return the feeds' observations of a zone in the span, None where there are none."""
        if zone not in self._observed:
            first, last = self._span.first, self._span.last
            self._observed[zone] = observations(self._context.store, zone, first, last)
        return self._observed[zone]

    def term(self, zone: str, start: int) -> Term:
        """Return the tree behind one slot's intensity of a zone. Raises UnknownZone."""
        return intensity_term(zone, start, self._context.factors, self.observed(zone), self.criterion)

    def index(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the index of each slot in the arrays of `of`."""
        return (starts - self._first) // SLOT_S
