"""Effect of a factor set on the fleet's last weeks, known before it is adopted."""

from __future__ import annotations

from dataclasses import replace

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.tables.factor_set import FactorSet

from ...access.context import Context, new_daily_totals
from ...base.periods import DAY_S, Span
from ...footprint.compute import compute_footprint
from ...footprint.query import FootprintQuery, FootprintRow

SPAN_DAYS = 28


def recent_total(context: Context, factors: FactorSet) -> FootprintRow:
    """Return the climate impact of all devices a reader may see over SPAN_DAYS, with a factor set."""
    now = context.now() // SLOT_S * SLOT_S
    own = factors.id == context.factors.id
    with_it = context if own else replace(context, factors=factors, daily_totals=new_daily_totals())
    return compute_footprint(
        with_it, FootprintQuery(Span(now - SPAN_DAYS * DAY_S, now), Criterion.GWP)
    ).total()
