"""Path prefix behind a reverse proxy: taken off requests, put before all paths that answers refer to.

Routes, pages and cookies know paths of the collector alone. The prefix is a setting; no header is read, and
a proxy may take it off or leave it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextvars import ContextVar
from urllib.parse import quote, urlsplit

from starlette.datastructures import URL
from starlette.types import Message, Scope, Send

from ..base.errors import BadSetting

PREFIX: ContextVar[str] = ContextVar("path_prefix", default="")
"""The prefix of the collector that answers the request."""
LINK = re.compile(r'(?<=\s)(href|src|action|formaction)="/(?!/)')
COOKIE_PATH = re.compile(rb"(?i)(;\s*path=)/(?=;|$)")


def public_path(path: str) -> str:
    """Return a path of the collector as clients know it."""
    return PREFIX.get() + path


def with_public_links(html: str, prefix: str) -> str:
    """Return a page whose links, forms and files have the prefix; text is escaped, so only markup matches."""
    return LINK.sub(rf'\1="{prefix}/', html) if prefix else html


def check_prefix(prefix: str, paths: Iterable[str]) -> None:
    """Raise BadSetting if a prefix begins like a path of the collector: both could not be told apart."""
    first = prefix.strip("/").partition("/")[0]
    if first and first in {path.strip("/").partition("/")[0] for path in paths}:
        raise BadSetting(
            f"public_url has the path {prefix!r}, but /{first} is a path of the collector itself: choose "
            "another one, like /parcimetre"
        )


class PathPrefix:
    """The edge of the app: every request and every head of an answer passes it."""

    def __init__(self, prefix: str) -> None:
        """Stand for a prefix, empty for none."""
        self._prefix = prefix

    def inner(self, scope: Scope) -> Scope:
        """Return a request as the routes know it, and set the prefix for whoever answers."""
        PREFIX.set(self._prefix)
        path: str = scope["path"]
        if not self._prefix or not f"{path}/".startswith(f"{self._prefix}/"):
            return scope
        rest = path[len(self._prefix) :] or "/"
        return {**scope, "path": rest, "raw_path": quote(rest).encode()}

    def outer(self, scope: Scope, send: Send) -> Send:
        """Return a `send` that puts the prefix before paths in the heads of answers to a request."""

        async def answer(message: Message) -> None:
            """Send a message, the head of an answer with the prefix."""
            if message["type"] == "http.response.start":
                headers = [self._header(scope, name, value) for name, value in message.get("headers", ())]
                message = {**message, "headers": headers}
            await send(message)

        return answer

    def _header(self, scope: Scope, name: bytes, value: bytes) -> tuple[bytes, bytes]:
        match name.lower():
            case b"location":
                return name, self._location(scope, value.decode("latin-1")).encode("latin-1")
            case b"set-cookie" if self._prefix:
                return name, COOKIE_PATH.sub(rb"\1" + self._prefix.encode(), value)
        return name, value

    def _location(self, scope: Scope, target: str) -> str:
        """Return the target of a redirect with the prefix; the framework's own ones lose scheme and host.

        Those only add or remove a last slash, with the Host that the client or a proxy sent.
        """
        parts, own = urlsplit(target), URL(scope=scope)
        if parts.netloc and parts.netloc == own.netloc and parts.path.rstrip("/") == own.path.rstrip("/"):
            target = parts._replace(scheme="", netloc="").geturl()
        is_path = target.startswith("/") and not target.startswith(("//", "/\\"))
        return f"{self._prefix}{target}" if is_path else target
