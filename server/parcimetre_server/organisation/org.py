"""The organisation: a tree of units, and the sites where devices stand.

A unit's key is its path, the names from the top joined by "/": "Métropole/Commune/Direction".
"""

from __future__ import annotations

from dataclasses import dataclass

from parcimetre_factors.grid.intensity import check_zone
from parcimetre_factors.tables.factor_set import FactorSet

from ..base.errors import ParcimetreError
from ..base.names import name_fault
from ..base.org_path import BadOrgUnit, clean_path, new_path
from ..store.fact_schema import OrgUnitBody, SiteBody, body_of
from ..store.interface import Store
from ..store.records import Fact

DEFAULT_SITE = "default"
MOST_SHOWN = 100  # characters of a refused name


class UnknownSite(ParcimetreError):
    """There is no site of that name."""

    status = 404
    kind = "unknown-site"


@dataclass(frozen=True)
class Site:
    """A place of devices, with its grid zone (ISO 3166 or a bidding zone)."""

    name: str
    zone: str


def units(store: Store) -> list[str]:
    """Return the paths of all org units, sorted."""
    return sorted(store.latest("org_unit"))


def create_unit(store: Store, path: str, now: int) -> str:
    """Create an org unit and those above it if they are missing; return its clean path. Raises BadOrgUnit."""
    path = clean_path(path)
    known = store.latest("org_unit")
    if path not in known:
        path = new_path(path)
    names = path.split("/")
    above = ["/".join(names[: i + 1]) for i in range(len(names))]
    store.append([Fact("org_unit", unit, now, OrgUnitBody()) for unit in above if unit not in known])
    return path


def sites(store: Store) -> dict[str, Site]:
    """Return all sites by name."""
    return {name: Site(name, body_of(fact, SiteBody)["zone"]) for name, fact in store.latest("site").items()}


def create_site(store: Store, name: str, zone: str, now: int, factors: FactorSet) -> Site:
    """Create a site, or give it another grid zone. Raises BadOrgUnit, UnknownZone of the engine."""
    name, known = name.strip(), sites(store)
    fault = None if name in known else name_fault(name)
    if fault:
        raise BadOrgUnit(
            f"{name[:MOST_SHOWN]!r} is not a valid name of a site: {fault}. Choose another name."
        )
    check_zone(zone, factors)
    if known.get(name) != Site(name, zone):
        store.append([Fact("site", name, now, SiteBody(zone=zone))])
    return Site(name, zone)


def site(store: Store, name: str) -> Site:
    """Return the site of that name. Raises UnknownSite."""
    fact = store.latest_of("site", name)
    if fact is None:
        raise UnknownSite(f"there is no site {name!r}: create it with `parcimetre org site`")
    return Site(name, body_of(fact, SiteBody)["zone"])
