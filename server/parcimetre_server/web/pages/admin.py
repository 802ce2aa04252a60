"""`/admin`: the org tree, sites, secrets, tokens and recipients, for admins, each in their own subtree."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any, cast
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from parcimetre_factors.errors import UnknownZone
from parcimetre_factors.grid.intensity import zones

from ...access.context import Context
from ...access.presence import is_switched_on
from ...base.errors import ParcimetreError
from ...base.i18n import N_, NAMES, Translator
from ...base.scope import REPORT_ROLES, ROLES, Role
from ...presentation.labels import ROLE_LABELS
from ...presentation.role_table import headings, role_rows
from ...reports.formats import Format
from ..administration import Administration
from ..dependencies import asked_language, readable, serving_context
from .forms import Filled
from .rendering import respond

router = APIRouter(include_in_schema=False)
EXPIRIES = (30, 90, 365)
NO_STORE = "no-store"
MOST_DIGITS = 8
DONE = {
    "units": N_("The org units were created."),
    "site": N_("The site is in this grid zone."),
    "revoked": N_("It is no longer valid."),
    "recipient": N_("This recipient gets the next weekly report."),
    "removed": N_("This recipient gets no more reports."),
}
ATTACHED: Mapping[str, tuple[Format, ...]] = {
    "PDF": ("pdf",),
    "PDF, XLSX": ("pdf", "xlsx"),
    "PDF, XLSX, CSV, JSON": ("pdf", "xlsx", "csv", "json"),
}


def administration(
    context: Annotated[Context, Depends(readable)], whole: Annotated[Context, Depends(serving_context)]
) -> Administration:
    """Return the administration of the admin's scope. Raises NotAllowed."""
    context.scope.need("administration", "administration")
    return Administration(whole, context.scope)


Admin = Annotated[Administration, Depends(administration)]
Narrowed = Annotated[Context, Depends(readable)]


@router.get("/admin", response_class=HTMLResponse)
def admin(
    request: Request, context: Narrowed, here: Admin, done: Annotated[str, Query(max_length=20)] = ""
) -> HTMLResponse:
    """Everything there is to administer."""
    return _page(request, context, here, done=DONE.get(done, ""))


@router.post("/admin/units")
def units(request: Request, context: Narrowed, here: Admin, form: Filled) -> Response:
    """Create one org unit, or those of a file."""
    file, path = form.get("file", ""), form.get("path", "")
    return _changed(request, context, here, "units",
                    lambda: here.import_units(file) if file else here.create_units([path]))  # fmt: skip


@router.post("/admin/sites")
def sites(request: Request, context: Narrowed, here: Admin, form: Filled) -> Response:
    """Create a site, or move it to another grid zone."""
    name, zone = form.get("name", ""), form.get("zone", "")
    return _changed(request, context, here, "site", lambda: here.put_site(name, zone))


@router.post("/admin/secrets")
def secrets(request: Request, context: Narrowed, here: Admin, form: Filled) -> Response:
    """Create an enrolment secret, which the answer shows once, or revoke one."""
    if "revoke" in form:
        return _changed(request, context, here, "revoked", lambda: here.revoke_secret(form["revoke"]))
    asked = form.get("org_unit", ""), form.get("site", ""), _days(form), _planned(form)
    return _shown_once(request, context, here, lambda: here.create_secret(*asked))


@router.post("/admin/tokens")
def tokens(request: Request, context: Narrowed, here: Admin, form: Filled) -> Response:
    """Create an access token, which the answer shows once, or revoke one."""
    if "revoke" in form:
        return _changed(request, context, here, "revoked", lambda: here.revoke_token(form["revoke"]))
    role = cast(Role, form.get("role")) if form.get("role") in ROLES else "viewer"
    asked = form.get("name", ""), role, form.get("org_unit", ""), _days(form)
    return _shown_once(request, context, here, lambda: here.create_token(*asked))


@router.post("/admin/recipients")
def recipients(request: Request, context: Narrowed, here: Admin, form: Filled) -> Response:
    """Mail somebody the weekly reports, or no longer."""
    if "revoke" in form:
        return _changed(request, context, here, "removed", lambda: here.remove_recipient(form["revoke"]))
    formats = ATTACHED.get(form.get("formats", ""), ())
    to, unit, role, language = (form.get(name, "") for name in ("to", "org_unit", "role", "language"))
    return _changed(
        request, context, here, "recipient",
        lambda: here.add_recipient(to, unit, role, language, formats),
    )  # fmt: skip


def _days(form: Mapping[str, str]) -> int | None:
    """Return the end of validity; no end only if chosen."""
    text = form.get("days", "")
    return None if text == "never" else int(text) if text.isdigit() and int(text) in EXPIRIES else EXPIRIES[0]


def _planned(form: Mapping[str, str]) -> int | None:
    """Return the planned number of devices, None where none was given."""
    text = form.get("planned", "")
    return (
        int(text) if text.isascii() and text.isdigit() and 0 < len(text) < MOST_DIGITS and int(text) else None
    )


def _changed(
    request: Request, context: Context, here: Administration, what: str, change: Callable[[], object]
) -> Response:
    """Make a change and show the page again, with the error if it failed."""
    try:
        change()
    except (ParcimetreError, UnknownZone) as error:
        return _page(request, context, here, fault=str(error), status=_status(error))
    return RedirectResponse("/admin?" + urlencode({"done": what}), 303, {"Cache-Control": NO_STORE})


def _shown_once(
    request: Request,
    context: Context,
    here: Administration,
    create: Callable[[], tuple[Any, str]],
) -> Response:
    """Create a secret or token, whose text is shown in this answer only."""
    try:
        _, text = create()
    except ParcimetreError as error:
        return _page(request, context, here, fault=str(error), status=_status(error))
    return _page(request, context, here, text=text)


def _status(error: Exception) -> int:
    return error.status if isinstance(error, ParcimetreError) else 400


def _page(
    request: Request,
    context: Context,
    here: Administration,
    done: str = "",
    fault: str = "",
    text: str = "",
    status: int = 200,
) -> HTMLResponse:
    say = Translator(asked_language(request))
    values = {
        "done": done,
        "fault": fault,
        "text": text,
        "units": here.units(),
        "sites": here.sites(),
        "secrets": here.secrets(),
        "came_by": here.devices_by_secret(),
        "waiting_joins": len(here.joins("waiting")),
        "tokens": here.tokens(),
        "recipients": here.recipients(),
        "mails": context.settings.mail is not None,
        "tongues": NAMES,
        "attached": list(ATTACHED),
        "last_used": here.last_used(),
        "zones": zones(context.factors),
        "roles": ROLE_LABELS,
        "report_roles": {role: ROLE_LABELS[role] for role in REPORT_ROLES},
        "role_headings": headings(say),
        "role_rows": list(role_rows(say)),
        "presence": is_switched_on(context.store),
        "expiries": EXPIRIES,
        "now": context.now(),
        "scope_root": context.scope.root,
    }
    answer = respond(request, context, "admin.html", values, status)
    answer.headers["Cache-Control"] = NO_STORE
    return answer
