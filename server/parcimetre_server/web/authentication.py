"""Authentication: assign each request its reader before any route sees it, or refuse it with the reason."""

from __future__ import annotations

from contextlib import nullcontext
from urllib.parse import quote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from ..access.context import Context
from ..access.failed_attempts import FailedAttempts
from ..access.reader import LOCAL_READER, Reader
from ..access.sessions import COOKIE, Sessions
from ..access.tokens import BadToken, Tokens
from ..base.errors import ParcimetreError
from ..configuration.host_names import answered_names
from ..organisation.audit import acting
from .client_address import client_address
from .dependencies import READING
from .host_names import check_host, is_this_machine
from .path_prefix import public_path
from .problems import problem
from .request_body import bounded

OPEN = ("/v1/enrol", "/healthz", "/readyz")
OF_AGENTS = ("POST", "/v1/reports")
OPEN_TO_BROWSERS = ("/login", "/login/oidc", "/login/callback", "/logout", "/logout/provider")
STATIC = "/static/"


class NotRecognised(ParcimetreError):
    """A request without a login."""

    status = 401
    kind = "not-recognised"

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that names the required scheme."""
        return {"WWW-Authenticate": "Bearer"}


class ForeignForm(ParcimetreError):
    """A change requested by another site through a logged-in browser."""

    status = 403
    kind = "foreign-form"


class Access:
    """Middleware before all routes: assigns readers, so that no route can omit it by mistake."""

    def __init__(
        self, app: ASGIApp, context: Context, tokens: Tokens, sessions: Sessions, failures: FailedAttempts
    ) -> None:
        """Stand before the app."""
        self._app, self._failures = app, failures
        self._settings = context.settings
        self._names = answered_names(context.settings)
        self._tokens, self._sessions = tokens, sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its reader, or refuse it."""
        if scope["type"] != "http" or scope["path"] in OPEN or (scope["method"], scope["path"]) == OF_AGENTS:
            await self._app(scope, receive, send)
            return
        connection = HTTPConnection(scope)
        try:
            reader = await self._recognised(connection)
            receive = bounded(scope, receive)
        except ParcimetreError as error:
            await self._refusal(connection, error)(scope, receive, send)
            return
        connection.state.reader = reader
        with acting(reader.name) if reader and reader.name else nullcontext():
            await self._app(scope, receive, send)

    async def _recognised(self, connection: HTTPConnection) -> Reader | None:
        """Return the reader; None on the login pages. Raises the reason of a refusal."""
        check_host(connection, self._names)
        bearer = connection.headers.get("authorization")
        if bearer is not None:
            address = client_address(connection.scope, self._settings.trusted_proxies)
            try:
                return await run_in_threadpool(self._of_bearer, bearer, self._failures.is_spent(address))
            except (BadToken, NotRecognised):
                self._failures.count(address)
                raise
        cookie = connection.cookies.get(COOKIE)
        reader = await run_in_threadpool(self._sessions.reader, cookie) if cookie else None
        path = connection.scope["path"]
        if reader is not None or path in OPEN_TO_BROWSERS:
            _refuse_foreign_form(connection, self._settings.public_url)
            return reader
        if path.startswith(STATIC):
            return None
        if self._settings.trust_this_machine and is_this_machine(connection):
            _refuse_foreign_form(connection, self._settings.public_url)
            return LOCAL_READER
        raise NotRecognised(
            "a login is required: send 'Authorization: Bearer' with a token, or log in at "
            f"{public_path('/login')}"
        )

    def _of_bearer(self, authorization: str, has_failed: bool) -> Reader:
        scheme, _, text = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise NotRecognised(
                "only the scheme Bearer is accepted: send 'Authorization: Bearer' with a token"
            )
        token = self._tokens.of_text(text, has_failed)
        return Reader(token.scope, token.name, "token")

    def _refusal(self, connection: HTTPConnection, error: ParcimetreError) -> Response:
        """Redirect people to the login page; answer programs with a problem document."""
        path = str(connection.scope["path"])
        wants_page = "text/html" in connection.headers.get("accept", "") and not path.startswith("/v1/")
        if isinstance(error, NotRecognised) and wants_page and connection.scope["method"] in READING:
            query = connection.url.query
            target = path + (f"?{query}" if query else "")
            return RedirectResponse(
                f"/login?next={quote(target, safe='')}", 303, {"Cache-Control": "no-store"}
            )
        return problem(error.status, str(error), f"/problems/{error.kind}", error.headers)


def _refuse_foreign_form(connection: HTTPConnection, public_url: str) -> None:
    """Refuse forms of other sites' pages, with which old browsers send cookies too.

    A proxy may send another Host than the browser's, so that pages of the public address count as ours.
    """
    if connection.scope["method"] in READING:
        return
    site, origin = connection.headers.get("sec-fetch-site"), connection.headers.get("origin")
    own = {connection.headers.get("host"), urlsplit(public_url).netloc} - {""}
    foreign = origin is not None and urlsplit(origin).netloc not in own
    if site not in (None, "same-origin", "none") or (site is None and foreign):
        raise ForeignForm("another site's page sent this form: send it from the collector's own page")
