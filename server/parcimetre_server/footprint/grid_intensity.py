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
    """Grid intensity over one span for one criterion, computed once a zone and its contracts.

    `electricity` says what it is based on: contracts count for gwp alone. `factors` hold them where they do.
    """

    def __init__(
        self, context: Context, within: Span, criterion: Criterion, electricity: Electricity = "location"
    ) -> None:
        self.criterion = criterion
        self.electricity: Electricity = electricity if criterion == Criterion.GWP else "location"
        self._held = contracts(context.store) if self.electricity == "market" else []
        self.factors: FactorSet = with_contracts(context.factors, (held.contract for held in self._held))
        self._market: dict[tuple[str, tuple[Contract, ...]], GridSlots] = {}
        self._context = context
        self._within = within
        self._first = within.first
        self._starts = np.arange(within.first, within.last, SLOT_S, dtype=np.int64)
        self._known: dict[str, GridSlots | None] = {}
        self._observed: dict[str, ObservedSlots | None] = {}

    def of(self, zone: str) -> GridSlots | None:
        """Intensity in every slot of the span, or None where no factor knows the criterion."""
        if zone not in self._known:
            factors, observed = self._context.factors, self.observed(zone)
            self._known[zone] = intensity(zone, self._starts, factors, observed, self.criterion)
        return self._known[zone]

    def of_device(self, device: Device) -> GridSlots | None:
        """The same for a device: of its zone, or of its contracts where they are asked for."""
        located = self.of(device.zone)
        if self.electricity == "location" or located is None:
            return located
        supplied = self.supplied(device)
        if supplied not in self._market:
            self._market[supplied] = market_based_intensity(located, self._starts, *supplied, self.factors)
        return self._market[supplied]

    def supplied(self, device: Device) -> tuple[str, tuple[Contract, ...]]:
        """What a device's electricity depends on: its zone, and its contracts where they are asked for."""
        return device.zone, contracts_at(self._held, device.site, device.org_unit) if self._held else ()

    def term_of_device(self, device: Device, start: int) -> Term:
        """The tree behind one slot of `of_device`. Raises UnknownZone."""
        located = self.term(device.zone, start)
        if self.electricity == "location":
            return located
        return market_term(
            located, start, device.zone, contracts_at(self._held, device.site, device.org_unit), self.factors
        )

    def observed(self, zone: str) -> ObservedSlots | None:
        """What feeds have stated of the zone's slots."""
        if zone not in self._observed:
            within = self._within
            self._observed[zone] = observations(self._context.store, zone, within.first, within.last)
        return self._observed[zone]

    def term(self, zone: str, start: int) -> Term:
        """The tree behind one slot's intensity. Raises UnknownZone."""
        return intensity_term(zone, start, self._context.factors, self.observed(zone), self.criterion)

    def index(self, starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where each slot stands in what `of` gives."""
        return (starts - self._first) // SLOT_S
