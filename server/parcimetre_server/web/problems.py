"""Problem documents (RFC 9457): errors as HTTP answers."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from ..base.errors import ParcimetreError
from ..base.log import REQUEST_ID
from ..base.names import shown_lines
from .path_prefix import public_path

PROBLEM = "application/problem+json"
LOG = logging.getLogger(__name__)


def problem(
    status: int, detail: str, kind: str = "about:blank", headers: dict[str, str] | None = None
) -> Response:
    """Return a problem document (RFC 9457), with the invisible characters of what was given escaped."""
    kind = public_path(kind) if kind.startswith("/") else kind
    body = {"type": kind, "title": HTTPStatus(status).phrase, "status": status}
    body["detail"] = shown_lines(detail)
    return JSONResponse(body, status, headers, media_type=PROBLEM)


def install(app: FastAPI) -> None:
    """Register handlers that answer every error of the app with a problem document."""
    app.add_exception_handler(ParcimetreError, expected)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(Exception, unexpected)


async def expected(request: Request, error: Exception) -> Response:
    """Return the document of an expected error; log it if the collector itself is at fault."""
    assert isinstance(error, ParcimetreError)
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR and "Retry-After" not in error.headers:
        LOG.error("%s %s: %s", request.method, request.url.path, error)
    return problem(error.status, str(error), f"/problems/{error.kind}", error.headers)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = (
        f"there is nothing at {public_path(request.url.path)}"
        if error.status_code == 404
        else str(error.detail)
    )
    return problem(error.status_code, detail, headers=dict(error.headers or {}))


async def _invalid(request: Request, error: Exception) -> Response:  # noqa: ARG001
    assert isinstance(error, RequestValidationError)
    return problem(422, sentence(error.errors()), "/problems/invalid-request")


async def unexpected(request: Request, error: Exception) -> Response:  # noqa: ARG001
    """Return the document of an internal error, which the caller logs."""
    detail = "internal error of the collector: report it with the last lines of the collector's log"
    request_id = REQUEST_ID.get()
    headers = {"X-Request-Id": request_id} if request_id else None
    return problem(500, detail, "/problems/unexpected", headers)


def sentence(errors: object) -> str:
    """Return Pydantic's findings as one line: where, what, and the given value."""
    findings = errors if isinstance(errors, list | tuple) else []
    return "; ".join(_finding(finding) for finding in findings[:3]) or "the request is not valid"


def _finding(finding: dict[str, object]) -> str:
    place = finding.get("loc")
    parts = [str(part) for part in place if part != "body"] if isinstance(place, tuple | list) else []
    given = repr(finding.get("input"))
    said = "" if len(given) > 60 else f" (given: {given})"
    return f"{'.'.join(parts) or 'body'}: {finding.get('msg')}{said}"
