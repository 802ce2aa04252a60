"""What a factor set makes of the fleet's last weeks, so that its effect is known before it is adopted."""

from __future__ import annotations

from dataclasses import replace

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.tables.factor_set import FactorSet

from ...access.context import Context
from ...base.periods import DAY_S, Span
from ...footprint.compute import compute_footprint
from ...footprint.daily_cache import DailyCache
from ...footprint.query import FootprintQuery, FootprintRow

SPAN_DAYS = 28


def recent_total(context: Context, factors: FactorSet) -> FootprintRow:
    """Climate impact over the last days of all that a reader may see, computed with this set."""
    now = context.now() // SLOT_S * SLOT_S
    own = factors.id == context.factors.id
    with_it = context if own else replace(context, factors=factors, days=DailyCache())
    return compute_footprint(
        with_it, FootprintQuery(Span(now - SPAN_DAYS * DAY_S, now), Criterion.GWP)
    ).total()
