"""What a factor set makes of the fleet's last weeks, so that its effect is known before it is adopted."""

from __future__ import annotations

from dataclasses import replace

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.tables.factor_set import FactorSet

from ...access.context import Collector
from ...base.periods import DAY_S, Span
from ...footprint.compute import figures
from ...footprint.daily_cache import DaySums
from ...footprint.query import Query, Row

SPAN_DAYS = 28


def total(collector: Collector, factors: FactorSet) -> Row:
    """Climate impact over the last days of all that a reader may see, computed with this set."""
    now = collector.now() // SLOT_S * SLOT_S
    own = factors.id == collector.factors.id
    with_it = collector if own else replace(collector, factors=factors, days=DaySums())
    return figures(with_it, Query(Span(now - SPAN_DAYS * DAY_S, now), Criterion.GWP)).total()
