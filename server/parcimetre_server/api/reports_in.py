"""`POST /v1/reports`: what agents measured, acknowledged once it is on disk."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from parcimetre_agent.report import ReportAnswer

from ..bodies import read_body
from ..collector import Collector, of
from ..ingest import take

router = APIRouter(tags=["agents"])
LOG = logging.getLogger(__name__)


@router.post("/v1/reports")
async def reports(request: Request, collector: Annotated[Collector, Depends(of)]) -> ReportAnswer:
    """Store a report; everything the answer counts is on disk, what it refuses is named with the reason."""
    device_id = request.app.state.credentials.verify(request.headers.get("authorization"))
    taken = take(await read_body(request), device_id, collector.store, collector.now())
    merged = await asyncio.wrap_future(request.app.state.writer.submit(taken.arrival))
    if taken.refused:
        LOG.warning(
            "device %s: %d records refused, first: %s", device_id, len(taken.refused), taken.refused[0].reason
        )
    return ReportAnswer(
        merged.accepted, merged.duplicates, list(taken.refused), collector.settings.upload_period_s
    )
