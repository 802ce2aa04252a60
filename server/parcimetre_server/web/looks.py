"""Looks at single devices, as requests show them, for the access record."""

from __future__ import annotations

from starlette.requests import Request

from ..access.access_record import Detail, Look, record
from ..access.context import Context
from ..access.presence import is_personal
from ..access.reader import reader_of
from ..fleet.device import Device, UnknownDevice
from ..fleet.devices import device
from ..organisation import audit
from ..store.records import DeviceId

OF_ONE = ("/devices/", "/v1/devices/")
LISTS = frozenset({
    "/", "/devices", "/devices.csv", "/v1/devices", "/agents", "/v1/agents", "/v1/outlets", "/explain",
    "/v1/explain", "/v1/dead-letters",
})  # fmt: skip
GROUPED = frozenset({"/v1/footprint", "/v1/printing"})


def record_look(request: Request, context: Context) -> None:
    """Record the look of a request at one device or at a list of devices, if it is one.

    Raises the store's error where a look at presence data cannot be recorded.
    """
    if request.method != "GET" or not context.scope.sees_devices:
        return
    wanted = _wanted(request)
    found = None if wanted is None else _known(context, wanted)
    if found is not None:
        record(context.whole_store, _look(request, context, found), context.recent_looks)
    elif wanted is None and _is_list(request):
        record(context.whole_store, _look(request, context, None), context.recent_looks)


def _wanted(request: Request) -> str | None:
    """Return the id of the device that a request names."""
    if request.url.path.startswith(OF_ONE):
        return next(iter(request.path_params.values()), None)
    return request.query_params.get("device") or None


def _known(context: Context, wanted: str) -> Device | None:
    try:
        return device(context.store, DeviceId(wanted))
    except UnknownDevice:
        return None


def _is_list(request: Request) -> bool:
    path = request.url.path
    return path in LISTS or (path in GROUPED and request.query_params.get("group_by") == "device")


def _look(request: Request, context: Context, found: Device | None) -> Look:
    reader = reader_of(request)
    shows_presence = context.sees_presence and (found is None or is_personal(found))
    detail: Detail = "presence" if shows_presence else "list" if found is None else "days"
    asked = request.query_params.get("org_unit") or context.scope.root
    return Look(
        context.now(),
        reader.name or audit.actor(),
        reader.door,
        detail,
        "" if found is None else found.id,
        asked if found is None else found.org_unit,
        f"{request.method} {_template(request)}",
    )


def _template(request: Request) -> str:
    """Return the path of the route, without the ids in it."""
    return str(getattr(request.scope.get("route"), "path", request.url.path))
