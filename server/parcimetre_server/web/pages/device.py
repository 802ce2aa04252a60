"""`/devices/{id}`: a device's hardware, footprint by hour, and how it is computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import numpy as np
from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse
from parcimetre_factors.criteria import EMBODIED, Criterion, Stage
from parcimetre_factors.explanation.term import Term
from parcimetre_factors.tables.factor_set import ESTIMATE

from ...access.context import Context
from ...access.presence import WITHHELD, is_personal, presence_needed
from ...analysis.agent_health import agent_of
from ...analysis.alternatives import alternatives, service_life_of
from ...analysis.bars import StageShare, bars, stage_shares
from ...analysis.device_summary import monitor_drivers
from ...analysis.period_choice import ROLLING, Period
from ...analysis.timeline import by_day, quarter_hours
from ...base.periods import HOUR_S, Span, since_midnight
from ...base.scope import NotAllowed
from ...fleet import devices
from ...fleet.counting import why_not_counted
from ...fleet.device import Device, UnknownDevice
from ...fleet.hardware import hardware
from ...fleet.outlets.mapping import OutletRow, listed
from ...fleet.printing.consumables import ConsumablesQuery as Printing
from ...fleet.printing.consumables import ConsumablesRow as PrintingRow
from ...fleet.printing.consumables import consumption
from ...fleet.printing.supplies import supplies
from ...fleet.silence import shown_time
from ...footprint.compute import compute_footprint, shown_days
from ...footprint.explanation.device import explain_device
from ...footprint.grid_intensity import Grid
from ...footprint.hardware_model import HardwareModel, hardware_models
from ...footprint.query import FootprintQuery, FootprintRow
from ...ingest.dead_letters import letters
from ...organisation.left_out import UnusableDevice, alone
from ...presentation.charts import Chart, chart
from ...presentation.labels import (
    ALTERNATIVES,
    ASSUMPTIONS,
    COLOURS,
    CRITERIA,
    EVIDENCE,
    NOT_COUNTED,
    PERIOD_LABELS,
    STAGES,
    SUPPLIES,
    label,
)
from ...store.records import DeviceId
from ..dependencies import readable
from .overview import crumbs
from .rendering import respond
from .strips import grid_strip, use_strip

router = APIRouter(include_in_schema=False)
HOURS = 36
TICK_S = 6 * HOUR_S
LONGER: Period = "7d"
OF_A_GATEWAY = ("gateway.", "server.")


@dataclass(frozen=True)
class Hour:
    """One hour of the device: energy, impact of use, coverage, and what a kilowatt-hour cost."""

    start: int
    row: FootprintRow | None
    grid: float | None

    @property
    def value(self) -> float:
        """Impact of use, 0 where there is no record."""
        return (self.row.value or 0.0) if self.row else 0.0


@router.get("/devices/{id}", response_class=HTMLResponse)
def device(
    request: Request,
    id: str,  # noqa: A002
    context: Annotated[Context, Depends(readable)],
    period: Period = "7d",
    criterion: Criterion = Criterion.GWP,
) -> HTMLResponse:
    """The page of one device."""
    with alone(DeviceId(id), "page of the device"):
        values = _values(context, id, period, criterion)
        return respond(request, context, "device.html", values)


def _values(context: Context, key: str, period: Period, criterion: Criterion) -> Mapping[str, Any]:
    """Return what the page shows of a device."""
    found = devices.device(context.store, key)
    restricted = is_personal(found) and not context.sees_presence
    span, period = _span(context, found, period, criterion)
    figure = compute_footprint(context, FootprintQuery(span, criterion, device=found.id))
    profile = hardware_models(context.factors).of(hardware(found))
    hours = [] if restricted else _hours(context, found, criterion)
    quarters = quarter_hours(context, found, span, criterion)
    stages = stage_shares(figure.rows("stage"))
    return {
        "device": found,
        "gateway": _gateway(context, found),
        "agent": agent_of(context, found),
        "drivers": monitor_drivers(context, found),
        "enrolled_at": shown_time(context, found, found.enrolled_at) if found.drivers else found.enrolled_at,
        "withheld": WITHHELD,
        "state": NOT_COUNTED.get(why_not_counted(context, [found]).get(found.id, "")),
        "scope_root": context.scope.root,
        "crumbs": crumbs(found.org_unit, context.scope),
        "hardware": profile.hardware,
        "span": span,
        "total": figure.total(),
        "reported": bool(figure.devices_by_id),
        "stages": stages,
        "use_strip": None if restricted else use_strip(quarters, context.zone),
        "grid_strip": grid_strip(quarters, context.zone),
        "days": by_day(quarters),
        "life": service_life_of(context, found, criterion),
        "embodied_share": _embodied_share(stages),
        "alternatives": alternatives(context, found, criterion),
        "option_labels": ALTERNATIVES,
        "assumption_labels": ASSUMPTIONS,
        "sources": bars([row for row in figure.rows("power_source") if row.energy_kwh > 0]),
        "embodied": profile.embodied,
        "components": _components(profile, criterion),
        "stage_titles": {stage: STAGES[stage] for stage in EMBODIED},
        "whole": _whole(profile, criterion),
        **_of_a_printer(context, found, span),
        "problems": _problems(found),
        "letters": letters(context.store, found.id)[::-1],
        "shows_letters": context.scope.administers,
        "outlets": _outlets(context, found, span),
        "hours": hours,
        "charts": _charts(hours) if hours else None,
        "explanation": explain_device(context, found.id, span, criterion) if figure.devices_by_id else None,
        "evidence_titles": EVIDENCE,
        "sources_of": _sources(context),
        "estimates": {f.id for f in context.factors.factors.values() if f.quality == ESTIMATE},
        "criterion": criterion,
        "simulated": found.simulated,
        "title": label,
        "whole_values": lambda values: {name: round(value) for name, value in values.items()},
        "periods": [(_link(found.id, each, criterion), PERIOD_LABELS[each], each == period)
                    for each in ROLLING if not restricted or each != "today"],
        "criteria": [(_link(found.id, period, each), name, each == criterion)
                     for each, name in CRITERIA.items()],
        "explain": "/explain?"
        + urlencode({"device": found.id, "period": period, "criterion": str(criterion)}),
    }  # fmt: skip


def _span(context: Context, found: Device, period: Period, criterion: Criterion) -> tuple[Span, Period]:
    """Return the period, or seven days where the reader may not see today, without what they may not see."""
    for key in (period, LONGER):
        span = since_midnight(context.now(), context.zone, ROLLING[key])
        query = shown_days(context, FootprintQuery(span, criterion, device=found.id))
        if query is not None:
            return query.span, key
    raise presence_needed("less than a whole day of this device")


def _outlets(context: Context, found: Device, span: Span) -> list[OutletRow]:
    """Return its outlets, or those that feed it; none of a period that the reader may not see of desks."""
    try:
        return listed(context, span, found.id)
    except NotAllowed:
        return []


def _gateway(context: Context, found: Device) -> Device | None:
    """Return the gateway of a device, None if there is none that the reader may see."""
    if found.relayed_by is None:
        return None
    try:
        return devices.device(context.store, found.relayed_by)
    except (UnknownDevice, UnusableDevice):
        return None


def _of_a_printer(context: Context, found: Device, span: Span) -> dict[str, object]:
    """Return its printed pages and supply levels."""
    printing = next(iter(consumption(context, Printing(span, device=found.id))), None)
    return {
        "printing": printing,
        "colour_untold": printing is not None and _is_colour_untold(found, printing),
        "supplies": supplies(context.store, found.id) if found.category == "printer" else None,
        "supply_titles": SUPPLIES,
        "colour_titles": COLOURS,
    }


def _is_colour_untold(found: Device, printing: PrintingRow) -> bool:
    """Return whether a printer that may have coloured toner does not count colour pages."""
    can = found.inventory.printer if found.inventory else None
    is_told = can is not None and (can.marking == "inkjet" or can.colour is False)
    return not is_told and printing.share("colour") is None


def _problems(found: Device) -> list[tuple[str, str]]:
    """Return the faults reported by the device's gateway, by the name of the failed value."""
    outcomes = (
        found.inventory.outcomes if found.inventory and (not found.speaks_for_itself or found.joined) else ()
    )
    return [
        (one.sensor, one.detail or "")
        for one in outcomes
        if one.state == "failed" and (not found.speaks_for_itself or one.sensor.startswith(OF_A_GATEWAY))
    ]


def _embodied_share(stages: list[StageShare]) -> float | None:
    """Return the embodied share of the footprint; None if there is no footprint."""
    whole = sum(stage.share for stage in stages)
    return sum(stage.share for stage in stages if stage.key != Stage.USE) if whole else None


def _sources(context: Context) -> dict[str, str]:
    """Address of each factor's source, by the factor's id."""
    return {key: factor.source.url for key, factor in context.factors.factors.items()}


def _link(device_id: str, period: Period, criterion: Criterion) -> str:
    return f"/devices/{device_id}?{urlencode({'period': period, 'criterion': str(criterion)})}"


def _whole(profile: HardwareModel, criterion: Criterion) -> Term | None:
    """Embodied impact of the whole device, all stages that are known."""
    terms = [profile.embodied.by_stage.get((criterion, stage)) for stage in EMBODIED]
    known = tuple(term for term in terms if term is not None)
    return Term("embodied", sum(t.value for t in known), known[0].unit, "sum", known) if known else None


def _components(profile: HardwareModel, criterion: Criterion) -> list[tuple[str, dict[Stage, float], float]]:
    """Embodied impact of each component by stage, and its sum; the greatest first."""
    found: dict[str, dict[Stage, float]] = {}
    for stage in EMBODIED:
        whole = profile.embodied.by_stage.get((criterion, stage))
        for term in () if whole is None else whole.inputs or (whole,):
            stages = found.setdefault(term.label, {})
            stages[stage] = stages.get(stage, 0.0) + term.value
    rows = [(name, stages, sum(stages.values())) for name, stages in found.items()]
    return sorted(rows, key=lambda row: -row[2])


def _hours(context: Context, found: Device, criterion: Criterion) -> list[Hour]:
    """The last hours, the one that is open included."""
    last = context.now() // HOUR_S * HOUR_S + HOUR_S
    span = Span(last - HOURS * HOUR_S, last)
    rows = compute_footprint(context, FootprintQuery(span, criterion, "hour", device=found.id)).rows("stage")
    use = {row.period: row for row in rows if row.group == Stage.USE}
    grid = Grid(context, span, criterion).of(found.zone)
    means = None if grid is None else grid.kg_per_kwh.reshape(HOURS, -1).mean(axis=1)
    starts = np.arange(span.first, span.last, HOUR_S)
    names = np.datetime_as_string(starts.astype("datetime64[s]"), unit="m")
    return [
        Hour(int(start), use.get(f"{name}Z"), None if means is None else float(means[i]))
        for i, (start, name) in enumerate(zip(starts, names, strict=True))
    ]


def _charts(hours: list[Hour]) -> tuple[Chart, Chart]:
    """Impact of use by hour, and the grid's intensity over the same hours."""
    starts = [hour.start for hour in hours]
    return (
        chart(starts, [hour.value for hour in hours], HOUR_S, TICK_S),
        chart(starts, [hour.grid or 0.0 for hour in hours], HOUR_S, TICK_S, as_line=True),
    )
