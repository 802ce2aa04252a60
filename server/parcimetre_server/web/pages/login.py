"""`/login`: with the organisation's OpenID provider, or with a token; and `/logout`."""

from __future__ import annotations

import logging
from dataclasses import asdict
from typing import Annotated
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from ...access import oidc
from ...access.context import Context
from ...access.oidc_claims import unmapped_reason
from ...access.sessions import FLOW_COOKIE, FLOW_LIFETIME_S, Sessions
from ...access.tokens import BadToken
from ...base.errors import ParcimetreError
from ...base.i18n import N_
from ...configuration.login_settings import LoginSettings
from ..client_address import client_address
from ..dependencies import serving_context
from ..path_prefix import public_path
from ..request_body import SMALL, read_body
from .rendering import respond

router = APIRouter(include_in_schema=False)
LOG = logging.getLogger(__name__)
Serving = Annotated[Context, Depends(serving_context)]
Next = Annotated[str, Query(alias="next", max_length=2000)]
MOST_FIELDS = 20
NO_STORE = {"Cache-Control": "no-store"}
NOT_ACCEPTED = N_("This token is not valid: it is unknown, expired or revoked.")
NO_GROUP = N_(
    "You are logged in, but none of your groups has access here. Ask the administrator of this collector."
)
OVER = N_("This login took too long or was not started here. Try again.")
NO_LOGOUT = N_("The login provider has no logout page. Close the browser to end your session there.")
FAULT = N_("The login provider did not answer correctly; see the collector's log.")


class NoProvider(ParcimetreError):
    """A login by a provider although none is configured."""

    status = 404
    kind = "no-login-provider"


@router.get("/login", response_class=HTMLResponse)
def login(request: Request, context: Serving, target: Next = "/", left: bool = False) -> HTMLResponse:
    """Show the login page; `left` is set after a logout that leaves the provider's session open."""
    return _page(request, context, target, left=left)


@router.post("/login", response_class=HTMLResponse)
async def with_token(request: Request, context: Serving) -> Response:
    """Start a session for a valid token."""
    form = _fields(await read_body(request, SMALL))
    text, target = (form.get(name, [""])[0] for name in ("token", "next"))
    failures, address = (
        request.app.state.failures,
        client_address(request.scope, context.settings.trusted_proxies),
    )
    try:
        token = await run_in_threadpool(request.app.state.tokens.of_text, text, failures.is_spent(address))
    except BadToken:
        failures.count(address)
        return _page(request, context, target, NOT_ACCEPTED, 401)
    answer = RedirectResponse(_ours(target), 303, NO_STORE)
    _sessions(request).open(answer, request, {"token": token.id}, token.scope)
    return answer


def _fields(body: bytes) -> dict[str, list[str]]:
    """Return the fields of the form; none if there are more than it has."""
    try:
        return parse_qs(body.decode("utf-8", "replace"), max_num_fields=MOST_FIELDS)
    except ValueError:
        return {}


@router.get("/login/oidc")
def begin(request: Request, context: Serving, target: Next = "/") -> Response:
    """Send the browser to the provider."""
    flow = oidc.new_flow(_ours(target))
    try:
        answer = RedirectResponse(oidc.authorization_address(_provider(context), flow), 303, NO_STORE)
    except oidc.ProviderFault as error:
        LOG.error("login: %s", error)
        return _page(request, context, target, FAULT, 502)
    _sessions(request).set(answer, request, "login-flow", asdict(flow))
    return answer


@router.get("/login/callback")
def come_back(request: Request, context: Serving) -> Response:
    """Start a session for a reader sent back by the provider, if the login was started here."""
    provider, sessions = _provider(context), _sessions(request)
    kept = sessions.read("login-flow", request.cookies.get(FLOW_COOKIE), FLOW_LIFETIME_S)
    if kept is None:
        return _page(request, context, "/", OVER, 403)
    flow = oidc.Flow(**kept)
    try:
        person = oidc.verified_person(provider, flow, request.query_params, context.now())
    except oidc.ProviderFault as error:
        LOG.error("login: %s", error)
        return _without_flow(sessions, _page(request, context, flow.next, FAULT, 502))
    except oidc.LoginRefused as error:
        LOG.warning("login refused: %s (%s)", error, error.__cause__)
        return _without_flow(sessions, _page(request, context, flow.next, str(error), 403))
    found = provider.scope_of(person.groups)
    if found is None:
        LOG.warning(
            "login refused: %s", unmapped_reason(person.groups, provider.claim, list(provider.groups))
        )
        return _without_flow(sessions, _page(request, context, flow.next, NO_GROUP, 403))
    answer = RedirectResponse(flow.next, 303, NO_STORE)
    sessions.open(answer, request, {"group": found[0], "name": person.name}, found[1])
    return _without_flow(sessions, answer)


@router.post("/logout")
def logout(request: Request) -> Response:
    """End the session of this browser, for whoever has a copy of its cookie too."""
    sessions = _sessions(request)
    about = sessions.end(request)
    answer = RedirectResponse("/login?left=true" if "group" in about else "/login", 303, NO_STORE)
    sessions.drop(answer, "session")
    return answer


@router.get("/logout/provider")
def logout_there(request: Request, context: Serving) -> Response:
    """Send the browser to the provider to end its session there too."""
    try:
        address = oidc.logout_address(_provider(context))
    except oidc.ProviderFault as error:
        LOG.error("logout: %s", error)
        return _page(request, context, "/", FAULT, 502)
    return RedirectResponse(address, 303, NO_STORE) if address else _page(request, context, "/", NO_LOGOUT)


def _without_flow(sessions: Sessions, answer: Response) -> Response:
    """Delete the cookie of the login, which is valid once."""
    sessions.drop(answer, "login-flow")
    return answer


def _page(
    request: Request, context: Context, target: str, told: str = "", status: int = 200, left: bool = False
) -> HTMLResponse:
    values = {
        "menu": [],
        "told": told,
        "next": _ours(target),
        "logout": "/logout/provider" if left and context.settings.login else "",
        "oidc": "/login/oidc?" + urlencode({"next": _ours(target)}) if context.settings.login else "",
    }
    answer = respond(request, context, "login.html", values, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _ours(target: str) -> str:
    """Return a path of this collector; replace anything that leads elsewhere by the first page."""
    plain = target.startswith("/") and not target.startswith(("//", "/\\"))
    return target if plain and target.isprintable() else "/"


def _provider(context: Context) -> LoginSettings:
    if context.settings.login is None:
        raise NoProvider(f"no OpenID provider is configured: log in with a token at {public_path('/login')}")
    return context.settings.login


def _sessions(request: Request) -> Sessions:
    sessions: Sessions = request.app.state.sessions
    return sessions
