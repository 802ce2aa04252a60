"""`POST /v1/reports`: what agents measured, acknowledged once it is on disk."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from parcimetre_agent.report import ReportAnswer
from starlette.concurrency import run_in_threadpool

from ..bodies import read_body
from ..collector import Collector, of
from ..ingest import take
from ..store import DeviceId
from ..writer import Writer

router = APIRouter(tags=["agents"])
LOG = logging.getLogger(__name__)


def sender(request: Request) -> DeviceId:
    """The device whose credential came with the request. Raises BadCredential."""
    found: DeviceId = request.app.state.credentials.verify(request.headers.get("authorization"))
    return found


@router.post("/v1/reports")
async def reports(
    request: Request,
    device_id: Annotated[DeviceId, Depends(sender)],
    collector: Annotated[Collector, Depends(of)],
) -> ReportAnswer:
    """Store a report; everything the answer counts is on disk, what it refuses is named with the reason."""
    writer: Writer = request.app.state.writer
    with writer.admit():
        body = await read_body(request)
        taken = await run_in_threadpool(take, body, device_id, collector.store, collector.now())
        merged = await asyncio.wrap_future(writer.submit(taken.arrival))
    collector.seen.note(device_id, collector.now(), taken.waiting)
    if taken.refused:
        LOG.warning(
            "device %s: %d records refused, first: %s", device_id, len(taken.refused), taken.refused[0].reason
        )
    return ReportAnswer(
        merged.accepted, merged.duplicates, list(taken.refused), collector.settings.upload_period_s
    )
