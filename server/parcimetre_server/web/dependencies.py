"""The context of a request, narrowed to what its reader may see."""

from __future__ import annotations

from collections.abc import Iterator

from starlette.requests import Request

from ..access.context import Context
from ..access.reader import reader_of
from ..base.i18n import COOKIE, Language, language_of
from ..base.scope import Role
from ..store.interface import Store

READING = ("GET", "HEAD")


def readable(request: Request) -> Context:
    """The collector as the one who asks may see it, with single devices; changes are for admins.

    Every route that reads depends on this, or on `aggregates`. Raises NotAllowed and UnknownOrgUnit.
    """
    return _narrowed(request, "analyst" if request.method in READING else "admin")


def aggregated(request: Request) -> Context:
    """The same for a route that shows sums of groups only, so that viewers may ask it too."""
    return _narrowed(request, "viewer")


def serving_context(request: Request) -> Context:
    """The whole collector: for agents and for what is open to everybody, which tell nothing of the fleet."""
    context: Context = request.app.state.context
    return context


def _narrowed(request: Request, role: Role) -> Context:
    scope = reader_of(request).scope
    scope.need(role, f"{request.method} {request.url.path}")
    context = serving_context(request).within(scope)
    if not scope.whole:
        for org_unit in filter(None, request.query_params.getlist("org_unit")):
            scope.check_unit(org_unit, _known_units(context.store))
    return context


def _known_units(store: Store) -> Iterator[str]:
    """Org units that were created, then those of devices."""
    yield from store.latest("org_unit")
    yield from (str(fact.body["org_unit"]) for fact in store.latest("device").values())


def asked_language(request: Request) -> Language:
    """The language in which to answer a request."""
    return language_of(
        request.query_params.get("lang"), request.cookies.get(COOKIE), request.headers.get("accept-language")
    )
