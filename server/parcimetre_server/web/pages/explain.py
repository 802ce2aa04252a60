"""`/explain`: the tree behind a figure with its factors, to open, check and download."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import walk
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_factors.tables.factor_set import ESTIMATE

from ...access.context import Context
from ...analysis.left_out import visible_left_out
from ...analysis.period_choice import ROLLING, Period
from ...base.periods import Span, since_midnight
from ...base.periods import span as span_of
from ...fleet import devices
from ...footprint.compute import compute_footprint, shown_days
from ...footprint.explanation.device import Explanation, explain_device
from ...footprint.query import FootprintQuery, FootprintRow
from ...grid.supply_contracts import Electricity
from ...organisation.left_out import collect_left_out
from ...presentation.labels import CRITERIA, PERIOD_LABELS, label
from ...store.records import DeviceId
from ..dependencies import readable
from ..query_parameters import BeginParameter, EndParameter
from .overview import crumbs
from .rendering import respond

router = APIRouter(include_in_schema=False)
MOST = 200
LONGER: Period = "7d"


@router.get("/explain", response_class=HTMLResponse)
def explain(
    request: Request,
    context: Annotated[Context, Depends(readable)],
    device: Annotated[str, Query(max_length=64)] = "",
    org_unit: Annotated[str, Query(max_length=400)] = "",
    period: Period = "7d",
    begin: BeginParameter = None,
    end: EndParameter = None,
    criterion: Criterion = Criterion.GWP,
    amortisation: Policy | None = None,
    electricity: Electricity = "location",
) -> HTMLResponse:
    """Why a device's figure is what it is, or an org unit's as the sum of its devices."""
    span = _span(context, period, begin, end)
    unit = org_unit or context.scope.root
    query = FootprintQuery(span, criterion, "total", None if device else unit,
                           DeviceId(device) if device else None, amortisation, electricity)  # fmt: skip
    if period == "today" and not (begin or end) and shown_days(context, query) is None:
        period, query = LONGER, replace(query, span=_span(context, LONGER, begin, end))
    query = shown_days(context, query) or query
    span = query.span
    with collect_left_out() as left_out:
        known = compute_footprint(context, query)
    total = known.total()
    found = _explanation(context, query)
    greatest = [] if device else [row for row in known.greatest_devices(MOST) if row.value is not None]
    factors = found.factors if found else ()
    one = devices.device(context.store, device) if device else None
    values = {
        "name": one.name if one else "",
        "crumbs": crumbs(one.org_unit if one else unit or "", context.scope),
        "scope_root": context.scope.root,
        "device_id": device,
        "span": span,
        "total": total,
        "explanation": found,
        "unusable": visible_left_out(context, left_out),
        "greatest": [(row, known.devices_by_id[DeviceId(row.group)].name) for row in greatest],
        "more": 0 if device else len(known.in_service()) - len(greatest),
        "terms": {factor.id: _terms(found, factor.id) for factor in factors},
        "sources_of": {factor.id: factor.source.url for factor in factors},
        "estimates": {factor.id for factor in factors if factor.quality == ESTIMATE},
        "criterion": criterion,
        "title": label,
        "periods": [(_period_link(request, key), PERIOD_LABELS[key], key == period and not begin)
                    for key in ROLLING],
        "criteria": [(_link(request, criterion=key), name, key == criterion)
                     for key, name in CRITERIA.items()],
        "device_link": lambda key: _link(request, device=key, org_unit=""),
        "json": "/v1/explain?" + urlencode(_api(query)),
        "file": _file(query, total),
        "simulated": total.simulated,
    }  # fmt: skip
    return respond(request, context, "explain.html", values)


def _span(context: Context, period: Period, begin: str | None, end: str | None) -> Span:
    """Return the period by name, or between the given times."""
    if begin or end:
        return span_of(begin, end, context.zone, context.now())
    return since_midnight(context.now(), context.zone, ROLLING[period])


def _explanation(context: Context, query: FootprintQuery) -> Explanation | None:
    """Return the explanation of a device; None for an org unit, which is explained by its devices."""
    if query.device is None:
        return None
    return explain_device(
        context, query.device, query.span, query.criterion, query.amortisation, query.electricity
    )


def _terms(found: Explanation | None, factor_id: str) -> int:
    """Count the terms that use a factor."""
    trees = [] if found is None else [*found.definitions.values(), *([found.term] if found.term else [])]
    return sum(term.factor == factor_id for tree in trees for term in walk(tree))


def _api(query: FootprintQuery) -> Mapping[str, Any]:
    """Return the parameters of the same query for the API."""
    about = {
        "device": query.device, "org_unit": query.org_unit, "from": query.span.first, "to": query.span.last,
        "criterion": str(query.criterion), "amortisation": query.amortisation and str(query.amortisation),
        "electricity": query.electricity,
    }  # fmt: skip
    return {name: value for name, value in about.items() if value}


def _file(query: FootprintQuery, total: FootprintRow) -> str:
    """Return the file name of the explanation."""
    of = query.device or (query.org_unit or "all").rsplit("/", maxsplit=1)[-1]
    return f"explain-{of}-{query.criterion}-{total.factor_set[:8]}.json"


def _period_link(request: Request, period: Period) -> str:
    """Return the URL of this page for a rolling period, without explicit days."""
    return _link(request, period=period, **{"from": "", "to": ""})


def _link(request: Request, **changed: str) -> str:
    """Return the URL of this page with some parameters changed."""
    kept = {key: value for key, value in request.query_params.items() if key != "lang"} | changed
    query = urlencode({key: value for key, value in kept.items() if value})
    return f"/explain?{query}" if query else "/explain"
