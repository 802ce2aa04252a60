"""`/healthz` and `/readyz`: whether the process runs, and whether it can store reports."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request

from ...access.context import Context
from ...store.health import assert_ready
from ..dependencies import serving_context

router = APIRouter(tags=["health"])


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process answers, whatever its threads are busy with."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(
    request: Request, context: Annotated[Context, Depends(serving_context)]
) -> dict[str, str | int | None]:
    """The store is writable and its disk has free space; `last_commit` is in seconds UTC, of this process."""
    assert_ready(context.store, context.settings.data_dir)
    return {"status": "ok", "last_commit": request.app.state.writer.meters.committed_at}
