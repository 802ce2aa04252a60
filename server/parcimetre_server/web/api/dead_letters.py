"""`GET /v1/dead-letters`: records that were refused, with the reason."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from ...access.context import Context
from ...ingest.dead_letters import DeadLetter, letters, shown_letters
from ..dependencies import readable

router = APIRouter(tags=["devices"])


@router.get("/v1/dead-letters")
def dead_letters(
    context: Annotated[Context, Depends(readable)],
    device: Annotated[str | None, Query(description="Id of a device.")] = None,
    limit: Annotated[
        int, Query(ge=1, le=10_000, description="Maximum number of dead letters, the latest first.")
    ] = 200,
) -> list[DeadLetter]:
    """The latest dead letters, oldest first; for admins only, since a record may contain anything.

    Quarter hours of personal machines are withheld unless presence data is shown.
    """
    context.scope.need("administration", "a dead letter")
    return shown_letters(context, letters(context.store, device)[-limit:])
