"""`/admin/joins` and `/admin/secrets/{id}`: devices that wait to be joined, and devices of a secret."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, cast
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from ...access.context import Context
from ...base.errors import ParcimetreError
from ...base.i18n import N_
from ...fleet.device import UnknownDevice
from ...fleet.devices import device
from ...fleet.joins import STATES, STEPS, Step
from ...fleet.secret_devices import is_beyond_plan
from ...organisation.left_out import UnusableDevice
from ...presentation.labels import JOINED, label
from ..administration import Administration
from .admin import NO_STORE, Admin, Narrowed
from .forms import Filled
from .rendering import respond

router = APIRouter(include_in_schema=False)
SHOWN = 200
DONE = {
    "approve": N_("They are one device from now on."),
    "refuse": N_("They stay two devices."),
    "undo": N_("It waits again."),
    "revoked": N_("The secret and the credentials of its devices are no longer valid."),
}
SecretId = Annotated[str, Path(alias="id", max_length=64)]
Done = Annotated[str, Query(max_length=20)]


@router.get("/admin/joins", response_class=HTMLResponse)
def joins(request: Request, context: Narrowed, here: Admin, done: Done = "") -> HTMLResponse:
    """The devices that wait to be joined with one known before, and those that were decided."""
    return _joins_page(request, context, here, done=DONE.get(done, ""))


@router.post("/admin/joins")
def decide(request: Request, context: Narrowed, here: Admin, form: Filled) -> Response:
    """Approve or refuse a join, or undo that."""
    step = cast(Step, form.get("step")) if form.get("step") in STEPS else "refuse"

    def again(fault: str, status: int) -> HTMLResponse:
        """Show the page with what was wrong."""
        return _joins_page(request, context, here, fault=fault, status=status)

    return _changed("/admin/joins", step, lambda: here.decide(form.get("join", ""), step), again)


@router.get("/admin/secrets/{id}", response_class=HTMLResponse)
def secret(
    request: Request, context: Narrowed, here: Admin, secret_id: SecretId, done: Done = ""
) -> HTMLResponse:
    """The devices that ever enrolled with a secret."""
    return _secret_page(request, context, here, secret_id, done=DONE.get(done, ""))


@router.post("/admin/secrets/{id}")
def revoke(request: Request, context: Narrowed, here: Admin, secret_id: SecretId, form: Filled) -> Response:
    """Revoke a secret with the credentials of its devices."""
    _ = form  # it is the reader's own form

    def again(fault: str, status: int) -> HTMLResponse:
        """Show the page with what was wrong."""
        return _secret_page(request, context, here, secret_id, fault=fault, status=status)

    page = f"/admin/secrets/{quote(secret_id, safe='')}"
    return _changed(page, "revoked", lambda: here.revoke_secret(secret_id, with_devices=True), again)


def _changed(
    page: str, done: str, change: Callable[[], object], again: Callable[[str, int], HTMLResponse]
) -> Response:
    """Make a change and show the page again, with the error if it failed."""
    try:
        change()
    except ParcimetreError as error:
        return again(str(error), error.status)
    return RedirectResponse(f"{page}?" + urlencode({"done": done}), 303, {"Cache-Control": NO_STORE})


def _joins_page(
    request: Request,
    context: Context,
    here: Administration,
    done: str = "",
    fault: str = "",
    status: int = 200,
) -> HTMLResponse:
    found = here.joins()
    waiting = [one for one in found if one.join.state == "waiting"]
    decided = [one for one in found if one.join.state != "waiting"]
    listed = [*waiting[:SHOWN], *decided[:SHOWN]]
    ids = {key for one in listed for key in (one.join.earlier, one.join.later)}
    values = {
        "done": done, "fault": fault, "waiting": waiting[:SHOWN], "decided": decided[:SHOWN],
        "count": len(waiting), "what": JOINED, "states": STATES,
        "names": {key: _name(here.whole, key) for key in ids},
    }  # fmt: skip
    answer = respond(request, context, "joins.html", values, status)
    answer.headers["Cache-Control"] = NO_STORE
    return answer


def _secret_page(
    request: Request, context: Context, here: Administration, secret_id: str, done: str = "", fault: str = "",
    status: int = 200,
) -> HTMLResponse:  # fmt: skip
    found = here.secret(secret_id)
    arrivals = here.arrivals(secret_id)
    values = {
        "done": done, "fault": fault, "secret": found, "devices": arrivals[:SHOWN], "count": len(arrivals),
        "beyond": is_beyond_plan(found, len(arrivals)), "now": context.now(), "title": label,
    }  # fmt: skip
    answer = respond(request, context, "secret.html", values, status)
    answer.headers["Cache-Control"] = NO_STORE
    return answer


def _name(context: Context, key: str) -> str:
    """Return the name of a device; a part of one that it was merged into has none, nor an unusable one."""
    try:
        return device(context.store, key).name
    except (UnknownDevice, UnusableDevice):
        return key[:6]
