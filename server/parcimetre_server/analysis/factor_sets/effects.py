"""Effect of a factor set on the fleet's last weeks, known before it is adopted."""

from __future__ import annotations

from dataclasses import replace

from parcimetre_factors.criteria import Criterion
from parcimetre_factors.tables.factor_set import FactorSet

from ...access.context import Context, new_daily_totals
from ...access.presence import day_of
from ...base.periods import DAY_S, Span, since_midnight
from ...footprint.compute import compute_footprint
from ...footprint.query import FootprintQuery, FootprintRow

SPAN_DAYS = 28


def recent_total(context: Context, factors: FactorSet) -> FootprintRow:
    """Return the climate impact of all devices a reader may see over SPAN_DAYS, with a factor set."""
    last = since_midnight(context.now(), context.zone).first
    own = factors.id == context.factors.id
    with_it = context if own else replace(context, factors=factors, daily_totals=new_daily_totals())
    return compute_footprint(
        with_it, FootprintQuery(Span(day_of(last - SPAN_DAYS * DAY_S, context.zone), last), Criterion.GWP)
    ).total()
