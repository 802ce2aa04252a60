"""Explanation of an org unit's footprint."""

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
    """Return the footprint of an org unit as the sum of its devices; `explain_device` returns their trees."""
    query = FootprintQuery(
        span, criterion, org_unit=org_unit, amortisation=amortisation, electricity=electricity
    )
    result = compute_footprint(context, query, group_by="device")
    names = {str(device_id): device.name for device_id, device in result.devices_by_id.items()}
    inputs = tuple(
        leaf(
            N_("footprint of a device"),
            row.value,
            row.unit,
            "given",
            detail=names[row.group],
            ref=row.group,
        )
        for row in result.rows("device")
        if row.value is not None
    )
    whole = (
        total(N_("footprint of an org unit"), UNITS[criterion], inputs, detail=org_unit or "")
        if inputs
        else None
    )
    row = result.total()
    return Explanation(
        criterion,
        span,
        whole,
        {},
        (),
        row.absent,
        ((MARKET,) if result.electricity == "market" else ()) + retention_notes(context, span),
        row.factor_set,
        result.amortisation,
        result.electricity,
        row.grid_tiers,
    )
