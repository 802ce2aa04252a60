"""Request ids: in the answer's header and in every log line of the request."""

from __future__ import annotations

import logging
import re
import secrets
import time
from itertools import count

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..base.log import REQUEST_ID

GIVEN = re.compile(rb"[A-Za-z0-9._-]{1,64}")
HEADER = b"x-request-id"
OF_AGENTS = ("/v1/reports", "/v1/enrol")  # answered before routes are looked at
PROCESS, NUMBERS = secrets.token_hex(4), count()
LOG = logging.getLogger(__name__)


class Requests:
    """Accepts the id of X-Request-Id, or creates one; logs each request if `log`."""

    def __init__(self, app: ASGIApp, log: bool) -> None:
        """Stand before the app."""
        self._app, self._log = app, log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on under its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _given(scope) or f"{PROCESS}{next(NUMBERS):08x}"
        REQUEST_ID.set(request_id)
        header, begin = (HEADER, request_id.encode()), time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            """Add the id to the head of the answer."""
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), header]
            await send(message)

        try:
            await self._app(scope, receive, answer)
        finally:
            if self._log:
                _logged(scope, status, time.perf_counter() - begin)


def _given(scope: Scope) -> str | None:
    """Return the id chosen by a proxy or client, if it is safe to log."""
    for name, value in scope["headers"]:
        if name == HEADER and GIVEN.fullmatch(value):
            return str(value.decode())
    return None


def _logged(scope: Scope, status: int, duration_s: float) -> None:
    """Name the route, not the path: a path may hold a host name."""
    route = getattr(scope.get("route"), "path", None) or (
        scope["path"] if scope["path"] in OF_AGENTS else "-"
    )
    LOG.info("%s %s %d %.1f ms", scope["method"], route, status, duration_s * 1000)
