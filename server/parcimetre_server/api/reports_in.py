"""`POST /v1/reports`: what agents measured, acknowledged once it is on disk."""

from __future__ import annotations

import logging
import time

from fastapi import APIRouter, Request
from parcimetre_agent.report import ReportAnswer
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..bodies import read_body
from ..collector import Collector
from ..credentials import Presented
from ..errors import ParcimetreError
from ..ingest import ClockAhead, take
from ..problems import expected
from ..writer import Writer

PATH = "/v1/reports"
SHORT = 64 * 1024  # bytes of JSON that are judged quicker than handed to another thread
OF_FEEDS = b'"outlet"'  # each outlet is looked up in the store
ANSWER = TypeAdapter(ReportAnswer)
LOG = logging.getLogger(__name__)
router = APIRouter(tags=["agents"])


@router.post(PATH, response_model=ReportAnswer)
async def reports(request: Request) -> Response:
    """Store a report; everything the answer counts is on disk, what it refuses is named with the reason."""
    state = request.app.state
    meters = state.writer.meters
    meters.reports += 1
    collector: Collector = state.collector
    shown: Presented = state.credentials.presented(request.headers.get("authorization"), collector.now())
    device_id = shown.device_id
    state.rates.take(device_id, time.monotonic())
    writer: Writer = state.writer
    with writer.admit():
        body = await read_body(request)
        judged = (body, device_id, collector.store, collector.now(), state.versions)
        is_quick = len(body) <= SHORT and OF_FEEDS not in body
        taken = take(*judged) if is_quick else await run_in_threadpool(take, *judged)
        arrival = state.letters.bounded(taken.arrival, collector.now())
        merged = await writer.written(arrival, *taken.fed)
    collector.seen.note(device_id, collector.now(), taken.waiting)
    if taken.refused:
        meters.refused += len(taken.refused)
        LOG.warning(
            "device %s: %d records refused, first: %s[%d]; its dead letters tell the reason",
            device_id, len(taken.refused), taken.refused[0].part, taken.refused[0].index,
        )  # fmt: skip
    meters.accepted += merged.accepted
    meters.duplicates += merged.duplicates
    answer = ReportAnswer(
        merged.accepted,
        merged.duplicates,
        list(taken.refused),
        collector.settings.upload_period_s,
        state.credentials.issue(device_id, collector.now()) if shown.is_due else None,
    )
    return Response(ANSWER.dump_json(answer, exclude_none=True), media_type="application/json")


class ReportsFirst:
    """Answers reports before any other route is looked at: a fleet sends them all day."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before the app."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a report, or pass the request on."""
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            response = await reports(request)
        except ParcimetreError as error:
            request.app.state.writer.meters.turned_away += 1
            if isinstance(error, ClockAhead):
                LOG.warning(
                    "a report is from the future by this machine's clock: if many are, set it with NTP"
                )
            response = await expected(request, error)
        await response(scope, receive, send)
