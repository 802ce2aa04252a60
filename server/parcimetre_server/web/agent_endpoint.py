"""ASGI app of one route of agents, answered before the framework, its middleware and its routes."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ..base.errors import ParcimetreError
from .problems import expected, unexpected

JSON = (b"content-type", b"application/json")
LOG = logging.getLogger(__name__)


class AgentEndpoint(ABC):
    """Answers one route with JSON, and every error with a problem document."""

    @abstractmethod
    async def answer(self, scope: Scope, receive: Receive) -> bytes:
        """Return the answer as JSON. Raises ParcimetreError."""

    async def refusal(self, request: Request, error: ParcimetreError) -> Response:
        """Return the problem document of an expected error."""
        return await expected(request, error)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        try:
            answer = await self.answer(scope, receive)
        except ClientDisconnect:
            return
        except ParcimetreError as error:
            problem = await self.refusal(Request(scope), error)
        except Exception as error:  # the edge of a server that must survive
            LOG.exception(
                "%s failed because of an internal error of the collector; the agent will send it again",
                scope["path"],
            )
            problem = await unexpected(Request(scope), error)
        else:
            headers = [JSON, (b"content-length", b"%d" % len(answer))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": answer})
            return
        await problem(scope, receive, send)
