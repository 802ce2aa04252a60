"""Who is let in: every request is given its reader before any route sees it, or is refused with the mend."""

from __future__ import annotations

from contextlib import nullcontext
from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..access.context import Context
from ..access.reader import LOCAL_READER, Reader
from ..access.sessions import COOKIE, Sessions
from ..access.tokens import Tokens
from ..base.errors import ParcimetreError
from ..organisation.audit import acting
from .dependencies import READING
from .problems import problem

OPEN = ("/v1/enrol", "/healthz", "/readyz")
OF_AGENTS = ("POST", "/v1/reports")
OPEN_TO_BROWSERS = ("/login", "/login/oidc", "/login/callback", "/logout", "/logout/provider")
STATIC = "/static/"


class NotRecognised(ParcimetreError):
    """Nobody said who is asking."""

    status = 401
    kind = "not-recognised"

    @property
    def headers(self) -> dict[str, str]:
        """The scheme that is asked for."""
        return {"WWW-Authenticate": "Bearer"}


class FromTheNetwork(ParcimetreError):
    """A reader on another machine, where only this one is served."""

    status = 403
    kind = "read-from-network"


class ForeignForm(ParcimetreError):
    """A change that another site asked a logged-in browser for."""

    status = 403
    kind = "foreign-form"


class Access:
    """Stands before all routes: recognises readers, so that no route can be without one by an oversight."""

    def __init__(self, app: ASGIApp, context: Context, tokens: Tokens, sessions: Sessions) -> None:
        """Stand before the app."""
        self._app = app
        self._settings = context.settings
        self._tokens, self._sessions = tokens, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its reader, or refuse it."""
        if scope["type"] != "http" or scope["path"] in OPEN or (scope["method"], scope["path"]) == OF_AGENTS:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            reader = await self._recognised(connection)
        except ParcimetreError as error:
            await self._refusal(connection, error)(scope, receive, send)
            return
        connection.state.reader = reader
        with acting(reader.name) if reader and reader.name else nullcontext():
            await self._app(scope, receive, send)

    async def _recognised(self, connection: HTTPConnection) -> Reader | None:
        """Who is asking; None on the pages that let people in. Raises the reason for nobody."""
        local = is_local(connection)
        if not (local or self._settings.read_from_network):
            raise FromTheNetwork(
                "figures are shown on the collector's own machine only; to let readers with a token or a "
                "login in from the network, start it with --read-from-network"
            )
        bearer = connection.headers.get("authorization")
        if bearer is not None:
            return await run_in_threadpool(self._of_bearer, bearer)
        cookie = connection.cookies.get(COOKIE)
        reader = await run_in_threadpool(self._sessions.reader, cookie) if cookie else None
        path = connection.scope["path"]
        if reader is not None or path in OPEN_TO_BROWSERS:
            _refuse_foreign_form(connection)
            return reader
        if path.startswith(STATIC):
            return None
        if local and not self._settings.require_login:
            _refuse_foreign_form(connection)
            return LOCAL_READER
        raise NotRecognised(
            "a login is required: send 'Authorization: Bearer' with a token, or log in at /login"
        )

    def _of_bearer(self, authorization: str) -> Reader:
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotRecognised(
                "only the scheme Bearer is accepted: send 'Authorization: Bearer' with a token"
            )
        token = self._tokens.of_text(text)
        return Reader(token.scope, token.name, "token")

    def _refusal(self, connection: HTTPConnection, error: ParcimetreError) -> Response:
        """People on pages are shown where to log in, machines are told."""
        path = str(connection.scope["path"])
        wants_page = "text/html" in connection.headers.get("accept", "") and not path.startswith("/v1/")
        if isinstance(error, NotRecognised) and wants_page and connection.scope["method"] in READING:
            query = connection.url.query
            target = path + (f"?{query}" if query else "")
            return RedirectResponse(
                f"/login?next={quote(target, safe='')}", 303, {"Cache-Control": "no-store"}
            )
        return problem(error.status, str(error), f"/problems/{error.kind}", error.headers)


def _refuse_foreign_form(connection: HTTPConnection) -> None:
    """Cookies go with forms of other sites' pages too in old browsers: those are refused."""
    if connection.scope["method"] in READING:
        return
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    foreign = origin is not None and urlsplit(origin).netloc != connection.headers.get("host")
    if site not in (None, "same-origin", "none") or (site is None and foreign):
        raise ForeignForm("another site's page sent this form: send it from the collector's own page")


def is_local(connection: HTTPConnection) -> bool:
    """Whether the client is this machine, and not a proxy that speaks for somebody else."""
    if connection.client is None:
        return True
    forwarded = any(name in connection.headers for name in ("x-forwarded-for", "forwarded"))
    try:
        return ip_address(connection.client.host).is_loopback and not forwarded
    except ValueError:
        return False
