"""`POST /v1/estimate`: impact and power of hardware that is in no fleet."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from starlette.concurrency import run_in_threadpool

from ...access.context import Context
from ...analysis.estimates import MOST_REQUESTS, TooManyRequests, answer_body, answer_lines
from ..dependencies import aggregated
from ..request_body import read_body

router = APIRouter(prefix="/v1", tags=["estimate"])
LINES = "application/x-ndjson"


@router.post(
    "/estimate",
    openapi_extra={"requestBody": {"content": {"application/json": {"schema": {"type": "object"}},
                                               LINES: {"schema": {"type": "string"}}}}},
)  # fmt: skip
async def estimate(request: Request, context: Annotated[Context, Depends(aggregated)]) -> Response:
    """Answers one object with one, an array with an array, JSON Lines with JSON Lines, in order.

    A request that cannot be answered gives `error`; the others are answered. Keys and answers: documentation,
    estimate.
    """
    body = await read_body(request)
    return await run_in_threadpool(_answer, body, request.headers.get("content-type", ""), context)


def _answer(body: bytes, content_type: str, context: Context) -> Response:
    if not content_type.startswith(LINES):
        try:
            return JSONResponse(answer_body(body, context.factors))
        except (ValueError, RecursionError):
            pass
    lines = body.splitlines()
    if len(lines) > MOST_REQUESTS:
        raise TooManyRequests(f"too many requests ({len(lines)}): send at most {MOST_REQUESTS} at once")
    answers = (
        json.dumps(answer, ensure_ascii=False) + "\n" for answer in answer_lines(lines, context.factors)
    )
    return Response("".join(answers), media_type=LINES)
