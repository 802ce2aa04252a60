"""`GET /metrics`: the collector and its fleet for Prometheus."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.responses import Response

from ... import __version__
from ...access.context import Context
from ...base.exposition import CONTENT_TYPE, Metric, counter, gauge, text
from ...store import health as condition
from ..dependencies import readable

router = APIRouter(tags=["health"])


@router.get("/metrics", response_class=Response, responses={200: {"content": {CONTENT_TYPE: {}}}})
def metrics(
    request: Request,
    context: Annotated[Context, Depends(readable)],
    org_unit: Annotated[
        str | None, Query(description="An org unit and all below it, and nothing about the process.")
    ] = None,
) -> Response:
    """Counters and gauges in Prometheus' text format."""
    state, org_unit = request.app.state, org_unit or context.scope.root
    of_fleet = state.fleet_metrics.metrics(org_unit)
    if org_unit is not None:
        return Response(text(of_fleet), media_type=CONTENT_TYPE)
    waiting = gauge("parcimetre_queue_reports", "Reports waiting to be committed.", state.writer.waiting)
    families = (
        _info(context),
        *state.writer.meters.metrics(),
        waiting,
        counter(
            "parcimetre_failed_attempts_refused_total",
            "Failed attempts beyond the limit of their address, answered with 429.",
            state.failures.limited,
        ),
        *of_fleet,
        *condition.metrics(context.settings.data_dir),
    )
    return Response(text(families), media_type=CONTENT_TYPE)


def _info(context: Context) -> Metric:
    labels = {"version": __version__, "factor_set": context.factors.id}
    return Metric("parcimetre_info", "gauge", "Version and factor set in force.", [("", labels, 1)])
