"""`/v1/joins`: devices that wait to be joined with one known before, for admins of both org units."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request

from ...access.context import Context
from ...fleet.joins import Join, State, Step
from ..administration import Administration
from ..dependencies import readable, serving_context

router = APIRouter(prefix="/v1/joins", tags=["devices"])


def _administration(request: Request, context: Annotated[Context, Depends(readable)]) -> Administration:
    context.scope.need("administration", "the list of joins")
    return Administration(serving_context(request), context.scope)


Admin = Annotated[Administration, Depends(_administration)]


@router.get("")
def list_joins(
    here: Admin,
    state: Annotated[
        State | Literal["all"], Query(description="waiting, approved, refused or all.")
    ] = "waiting",
) -> dict[str, Any]:
    """Devices that may be ones known before, with the present org unit of both; the latest first.

    Until one is decided, the earlier device counts up to its last record, and the later one after it.
    """
    found = here.joins(None if state == "all" else state)
    return {
        "joins": [
            _as_json(one.join) | {"earlier_unit": one.earlier_unit, "later_unit": one.later_unit}
            for one in found
        ]
    }


@router.post("/{id}/{step}")
def decide_join(
    here: Admin,
    join_id: Annotated[str, Path(alias="id", max_length=100, description="Id of a join.")],
    step: Annotated[Step, Path(description="approve, refuse or undo.")],
) -> dict[str, Any]:
    """Approve a join (one machine, whose records are read as one), refuse it (two machines), or undo that."""
    return _as_json(here.decide(join_id, step))


def _as_json(join: Join) -> dict[str, Any]:
    return {"id": join.id, **asdict(join)}
