"""Shared by all pages: the reader's language, the menu, security headers, the template's tools."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse

from ...access.context import Context
from ...access.reader import Reader
from ...base.i18n import COOKIE, LANGUAGES, N_, NAMES, Translator
from ...base.periods import week_of
from ...base.scope import Capability
from ...presentation.jinja_environment import environment, template_tools
from ...presentation.labels import ROLE_LABELS
from ..dependencies import asked_language
from ..path_prefix import with_public_links

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
    "Vary": "Accept-Language, Cookie",
}
COOKIE_AGE_S = 365 * 86_400
MENU = (
    ("/", N_("Overview")),
    ("/devices", N_("Devices")),
    ("/reports/weekly/", N_("Weekly report")),
    ("/agents", N_("Agents")),
    ("/factors", N_("Factors")),
    ("/access-record", N_("Access record")),
    ("/admin", N_("Administration")),
)
NEEDED: dict[str, Capability] = {
    "/devices": "devices",
    "/agents": "devices",
    "/access-record": "access_record",
    "/admin": "administration",
}


def respond(
    request: Request, context: Context, template: str, values: Mapping[str, Any], status: int = 200
) -> HTMLResponse:
    """Render a page in the reader's language; a language chosen in the address is remembered."""
    language = asked_language(request)
    translator = Translator(language)
    week = week_of(context.now(), context.zone)
    frame = {
        "menu": [
            (href + week if href.endswith("weekly/") else href, translator(name), _here(request, href))
            for href, name in MENU
            if context.scope.can(NEEDED.get(href, "sums"))
        ],
        "languages": [
            (
                code,
                NAMES[code],
                str(request.url.include_query_params(lang=code).replace(scheme="", netloc="")),
            )
            for code in LANGUAGES
        ],
        "simulated": False,
        "reader": _logged_in(request),
        "role_titles": ROLE_LABELS,
        "form_key": request.app.state.sessions.form_key(request),
    }
    tools = template_tools(language, context.zone, context.settings.organisation, context.factors)
    html = environment("reports", "web.pages").get_template(template).render(tools | frame | dict(values))
    html = with_public_links(html, context.settings.path_prefix)
    answer = HTMLResponse(html, status, HEADERS | {"Content-Language": language})
    if request.query_params.get("lang") == language:
        answer.set_cookie(COOKIE, language, max_age=COOKIE_AGE_S, samesite="lax", httponly=True)
    return answer


def _logged_in(request: Request) -> Reader | None:
    """Return the name of the logged-in reader; where this machine is trusted no login is needed."""
    reader: Reader | None = getattr(request.state, "reader", None)
    return reader if reader is not None and reader.door != "machine" else None


def _here(request: Request, href: str) -> bool:
    path = request.url.path
    return path == href if href == "/" else path.startswith(href)
