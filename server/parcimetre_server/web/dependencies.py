"""Context of a request, narrowed to the scope of its reader."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request

from ..access.context import Context
from ..access.reader import reader_of
from ..base.i18n import COOKIE, Language, language_of
from ..base.scope import Capability
from ..store.interface import Store
from .looks import record_look
from .path_prefix import public_path

READING = ("GET", "HEAD")


def readable(request: Request) -> Context:
    """Return the context narrowed to the reader's scope, with single devices; writing needs an admin.

    Every route that reads depends on this, or on `aggregated`. Raises NotAllowed and UnknownOrgUnit.
    """
    return _narrowed(request, "devices" if request.method in READING else "administration")


def aggregated(request: Request) -> Context:
    """Return the narrowed context for a route that shows sums of groups only, open to viewers."""
    return _narrowed(request, "sums")


def serving_context(request: Request) -> Context:
    """Return the unnarrowed context, for routes of agents and public routes, which show no fleet data."""
    context: Context = request.app.state.context
    return context


def _narrowed(request: Request, capability: Capability) -> Context:
    scope = reader_of(request).scope
    scope.need(capability, f"{request.method} {public_path(request.url.path)}")
    context = serving_context(request).within(scope)
    if not scope.whole:
        for org_unit in filter(None, request.query_params.getlist("org_unit")):
            scope.check_unit(org_unit, _known_units(context.store))
    record_look(request, context)
    return context


def _known_units(store: Store) -> Iterator[str]:
    """Yield the paths of created org units, then those of devices."""
    yield from store.latest("org_unit")
    yield from (str(fact.body.get("org_unit")) for fact in store.latest("device").values())


def asked_language(request: Request) -> Language:
    """Return the language of the answer: of the URL, the cookie, or the browser."""
    return language_of(
        request.query_params.get("lang"), request.cookies.get(COOKIE), request.headers.get("accept-language")
    )
