"""`/agents`: versions of agents, denied sensors with their fix, and the cost of measuring."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse

from ...access.context import Context
from ...analysis import agent_health as fleet
from ...analysis.left_out import visible_left_out
from ...organisation.left_out import collect_left_out
from ..dependencies import readable
from .rendering import respond

router = APIRouter(include_in_schema=False)
SHOWN = 200


@router.get("/agents", response_class=HTMLResponse)
def agents(
    request: Request,
    context: Annotated[Context, Depends(readable)],
    org_unit: Annotated[str, Query(max_length=400)] = "",
) -> HTMLResponse:
    """The agents of the fleet, or of an org unit; those not heard for longest come first."""
    org_unit = org_unit or context.scope.root or ""
    with collect_left_out() as left_out:
        found = fleet.fleet_agents(context, org_unit or None)
    longest = sorted(found.agents, key=lambda agent: agent.last_seen or 0)
    values = {
        "found": found,
        "unusable": visible_left_out(context, left_out),
        "shown": longest[:SHOWN],
        "silent": sum(agent.silent for agent in found.agents),
        "silent_after_hours": context.settings.silent_after_hours,
        "org_unit": org_unit,
    }
    return respond(request, context, "agents.html", values)
