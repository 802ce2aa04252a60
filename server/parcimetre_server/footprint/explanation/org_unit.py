"""Explain the footprint of an org unit."""

from __future__ import annotations

from parcimetre_factors.criteria import UNITS, Criterion
from parcimetre_factors.explanation.term import leaf, total
from parcimetre_factors.service_life.amortisation import Policy

from ...access.context import Context
from ...base.i18n import N_
from ...base.periods import Span
from ...grid.supply_contracts import Electricity
from ..compute import compute_footprint
from ..query import FootprintQuery
from .device import Explanation, retention_notes
from .notes import MARKET


def explain_unit(
    context: Context,
    org_unit: str | None,
    span: Span,
    criterion: Criterion,
    amortisation: Policy | None = None,
    electricity: Electricity = "location",
) -> Explanation:
    """The figure of an org unit as the sum of its devices; each device's own tree is one step away."""
    query = FootprintQuery(
        span, criterion, org_unit=org_unit, amortisation=amortisation, electricity=electricity
    )
    found = compute_footprint(context, query)
    names = {str(key): device.name for key, device in found.known.items()}
    inputs = tuple(
        leaf(
            N_("footprint of a device"),
            row.value,
            row.unit,
            "given",
            detail=names[row.group],
            ref=row.group,
        )
        for row in found.rows("device")
        if row.value is not None
    )
    whole = (
        total(N_("footprint of an org unit"), UNITS[criterion], inputs, detail=org_unit or "")
        if inputs
        else None
    )
    row = found.total()
    return Explanation(
        criterion,
        span,
        whole,
        {},
        (),
        row.absent,
        ((MARKET,) if found.electricity == "market" else ()) + retention_notes(context, span),
        row.factor_set,
        found.amortisation,
        found.electricity,
        row.grid_tiers,
    )
