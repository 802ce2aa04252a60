"""`GET /v1/dead-letters`: records that were refused, with the reason."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from ...access.context import Collector
from ...ingest.dead_letters import Letter, letters
from ..dependencies import of

router = APIRouter(tags=["devices"])


@router.get("/v1/dead-letters")
def dead_letters(
    collector: Annotated[Collector, Depends(of)],
    device: Annotated[str | None, Query(description="Id of a device.")] = None,
    limit: Annotated[int, Query(ge=1, le=10_000, description="The latest so many.")] = 200,
) -> list[Letter]:
    """The latest dead letters, oldest first; for admins, since a record may say anything."""
    collector.scope.need("admin", "a dead letter")
    return letters(collector.store, device)[-limit:]
