"""`/healthz` and `/readyz`: whether the process lives, and whether it can read its store."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from ..collector import Collector, serving

router = APIRouter(tags=["health"])


@router.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/readyz")
def readyz(collector: Annotated[Collector, Depends(serving)]) -> dict[str, str]:
    """The store answers too."""
    collector.store.latest_of("setting", "ready")
    return {"status": "ok"}
