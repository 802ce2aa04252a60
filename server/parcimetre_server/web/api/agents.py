"""`GET /v1/agents`: agents of the fleet, denied sensors with their fix, and the cost of measuring."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query

from ...access.context import Context
from ...analysis.agent_health import fleet_agents
from ...analysis.left_out import visible_left_out
from ...organisation.left_out import collect_left_out
from ..dependencies import readable

router = APIRouter(tags=["agents"])


@router.get("/v1/agents")
def list_agents(
    context: Annotated[Context, Depends(readable)],
    org_unit: Annotated[str | None, Query(description="Path of an org unit: it and all below it.")] = None,
    limit: Annotated[int, Query(ge=0, le=10_000, description="Agents listed one by one.")] = 1000,
) -> dict[str, Any]:
    """Versions, denied sensors grouped with their fix, losses, and own cost; then agent by agent."""
    with collect_left_out() as left_out:
        found = asdict(fleet_agents(context, org_unit or context.scope.root))
    return found | {
        "count": len(found["agents"]),
        "agents": found["agents"][:limit],
        "left_out": [asdict(one) for one in visible_left_out(context, left_out)],
    }
