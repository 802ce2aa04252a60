"""Changes that an admin makes on pages: units, sites, secrets, tokens and report recipients in their subtree.

Pages read through a scope and cannot write; changes go through here, where the scope is asked each time. What
is out of scope is answered like what does not exist.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from ..access import tokens as access
from ..access.context import Context
from ..base import org_path
from ..base.errors import ParcimetreError
from ..base.scope import Role, Scope, UnknownOrgUnit
from ..fleet import enrolment, secret_devices
from ..fleet import joins as joining
from ..fleet.device import Device
from ..fleet.devices import devices
from ..organisation import org
from ..reports.formats import Format
from ..reports.schedules import Schedule, UnknownSchedule, add, end, schedules

DAY_S = 86_400
UNIT_COLUMN, PARENT_COLUMN = "org_unit", "parent"
MOST_LINES = 5000
FIRST_LINE = 2


class BadUnits(ParcimetreError):
    """A file of org units with a fault."""


class SiteExists(ParcimetreError):
    """A site whose grid zone only an admin of the whole organisation may change."""

    status = 403
    kind = "site-exists"


@dataclass(frozen=True)
class Unit:
    """A node of the org tree with its number of devices in service, without its sub-units."""

    path: str
    devices: int

    @property
    def depth(self) -> int:
        """Return the number of units above it."""
        return self.path.count("/")

    @property
    def name(self) -> str:
        """Return its own name, without its parents."""
        return self.path.rsplit("/", maxsplit=1)[-1]


@dataclass(frozen=True)
class Administration:
    """The unnarrowed context, and the scope of the admin."""

    whole: Context
    scope: Scope

    def units(self) -> list[Unit]:
        """Return the org tree of the scope in order, including units that exist only in devices."""
        counted = Counter(one.org_unit for one in self._in_service())
        known = {above for path in {*org.units(self.whole.store), *counted} for above in _above(path)}
        return [Unit(path, counted[path]) for path in sorted(known, key=_in_order) if self.scope.covers(path)]

    def _in_service(self) -> Iterator[Device]:
        """Return the devices in service, without monitors, which belong to their computer."""
        known = devices(self.whole.store).values()
        return (one for one in known if one.retired_at is None and not one.drivers)

    def create_units(self, paths: list[str]) -> int:
        """Create org units, and those above them; returns how many are new.

        Nothing is created if one of them is out of scope. Raises BadOrgUnit and UnknownOrgUnit.
        """
        known = set(org.units(self.whole.store))
        clean = [path if path in known else org_path.new_path(path) for path in paths]
        for path in clean:
            self._check(path)
        before = set(org.units(self.whole.store))
        for path in clean:
            if path not in before:
                org.create_unit(self.whole.store, path, self.whole.now())
        return len(set(org.units(self.whole.store)) - before)

    def import_units(self, text: str) -> int:
        """Create the org units of a CSV; returns how many are new. Raises BadUnits with the line.

        A column `org_unit` has paths; with a column `parent` beside it, names and the paths above them.
        """
        return self.create_units(list(_paths(text)))

    def sites(self) -> list[tuple[org.Site, int]]:
        """Return sites with their devices in service; a part's admin gets only the sites of its devices."""
        stand = Counter(one.site for one in self._in_service() if self.scope.covers(one.org_unit))
        found = org.sites(self.whole.store).values()
        seen = [site for site in found if self.scope.root is None or site.name in stand]
        return [(site, stand[site.name]) for site in sorted(seen, key=lambda site: site.name.casefold())]

    def put_site(self, name: str, zone: str) -> org.Site:
        """Create a site, or move it to another zone. Raises BadOrgUnit, UnknownZone and SiteExists."""
        name = name.strip()
        known = org.sites(self.whole.store).get(name)
        if known is not None and known.zone != zone and self.scope.root is not None:
            raise SiteExists(
                f"site {name!r} exists already and its grid zone is shared by all: ask an admin of "
                "the whole organisation to change it, or choose another name"
            )
        return org.create_site(self.whole.store, name, zone, self.whole.now(), self.whole.factors)

    def secrets(self) -> list[enrolment.Secret]:
        """Return the enrolment secrets of the scope, latest first."""
        found = enrolment.all_secrets(self.whole.store)
        return [one for one in reversed(found) if self.scope.covers(one.org_unit)]

    def create_secret(
        self, org_unit: str, site: str, days: int | None, planned: int | None = None, most: int | None = None
    ) -> tuple[enrolment.Secret, str]:
        """A secret for an org unit and a site that exist, and its text.

        Raises UnknownOrgUnit and UnknownSite.
        """
        path = self._check(org_path.clean_path(org_unit), known=True)
        name = org.site(self.whole.store, site).name if site else org.DEFAULT_SITE
        expires_at = self._expiry(days)
        return enrolment.create_secret(self.whole, path, name, None, expires_at, planned, most)

    def secret(self, secret_id: str) -> enrolment.Secret:
        """Return an enrolment secret of the scope. Raises UnknownSecret."""
        found = next((one for one in self.secrets() if one.id == secret_id), None)
        if found is None:
            raise enrolment.UnknownSecret(f"no secret {secret_id!r}: the page of administration lists them")
        return found

    def revoke_secret(self, secret_id: str, with_devices: bool = False) -> enrolment.Secret:
        """Revoke an enrolment secret, and the credentials of the devices that came by it where that is asked
        for. Raises UnknownSecret.
        """
        secret = self.secret(secret_id)
        if with_devices:
            return secret_devices.revoke_with_devices(self.whole, secret.id)[0]
        return enrolment.revoke_secret(self.whole, secret.id)

    def arrivals(self, secret_id: str) -> list[secret_devices.Arrival]:
        """Return the devices that ever enrolled with a secret of the scope. Raises UnknownSecret.

        One that is out of the scope now is listed without its name and org unit.
        """
        found = secret_devices.arrivals(self.whole.store, self.secret(secret_id).id)
        return [one if self.scope.covers(one.org_unit) else _elsewhere(one) for one in found]

    def devices_by_secret(self) -> Mapping[str, int]:
        """Return how many devices came by each secret, by its id."""
        return secret_devices.devices_by_secret(self.whole.store)

    def joins(self, state: joining.State | None = None) -> list[joining.ListedJoin]:
        """Return the joins in a state, or all, of which both org units are in the scope, the latest first."""
        return [
            one
            for one in joining.listed(self.whole.store)
            if state in (None, one.join.state)
            and self.scope.covers(one.earlier_unit)
            and self.scope.covers(one.later_unit)
        ]

    def decide(self, join_id: str, step: joining.Step) -> joining.Join:
        """Approve or refuse a join, or undo that. Raises UnknownJoin, CannotDecide and CannotJoin."""
        join = next((one.join for one in self.joins() if one.join.id == join_id), None)
        if join is None:
            raise joining.UnknownJoin(f"there is no join {join_id!r}: the page of joins lists them")
        return joining.decide(self.whole.store, join, step, self.whole.now())

    def tokens(self) -> list[access.Token]:
        """Return the access tokens of the scope, latest first."""
        found = access.all_tokens(self.whole.store)
        return [one for one in reversed(found) if self._opens_less(one.org_unit)]

    def last_used(self) -> Mapping[str, int]:
        """Return the last day of use of each token, by token id."""
        return access.last_use_days(self.whole.store)

    def create_token(
        self, name: str, role: Role, org_unit: str, days: int | None
    ) -> tuple[access.Token, str]:
        """A token for an org unit, or everything where none is named, and its text. Raises BadTokenName."""
        unit = self._check(org_path.clean_path(org_unit), known=True) if org_unit else self.scope.root
        return access.create_token(self.whole, name, role, unit, self._expiry(days))

    def revoke_token(self, token_id: str) -> access.Token:
        """Revoke a token. Raises UnknownToken."""
        if token_id not in {one.id for one in self.tokens()}:
            raise access.UnknownToken(f"no token {token_id!r}: the page of administration lists them")
        return access.revoke_token(self.whole, token_id)

    def recipients(self) -> list[Schedule]:
        """Return the recipients of weekly reports of the scope, latest first."""
        found = schedules(self.whole.store)
        return [one for one in reversed(found) if self._opens_less(one.org_unit)]

    def add_recipient(
        self, to: str, org_unit: str, role: str, language: str, formats: Sequence[Format]
    ) -> Schedule:
        """Mail somebody the reports of an org unit, of everything where none is named, from the next one on.

        Raises BadSchedule and UnknownOrgUnit.
        """
        unit = org_unit or self.scope.root
        return add(self.whole.store, self.whole.now(), unit, "mail", to, language, formats, role, self.scope)

    def remove_recipient(self, schedule_id: str) -> Schedule:
        """Remove a schedule. Raises UnknownSchedule."""
        if schedule_id not in {one.id for one in self.recipients()}:
            raise UnknownSchedule(f"no recipient {schedule_id!r}: the page of administration lists them")
        return end(self.whole.store, schedule_id, self.whole.now())

    def _opens_less(self, org_unit: str | None) -> bool:
        return self.scope.root is None or (org_unit is not None and self.scope.covers(org_unit))

    def _check(self, path: str, known: bool = False) -> str:
        """Return the path. Raises UnknownOrgUnit if it is out of scope, or must exist and does not."""
        if known:
            self.scope.check_unit(path, [unit.path for unit in self.units()])
        elif not self.scope.covers(path):
            raise UnknownOrgUnit(
                f"{path!r} is not below your own org unit {self.scope.root!r}: give paths from the top"
            )
        return path

    def _expiry(self, days: int | None) -> int | None:
        return None if days is None else self.whole.now() + days * DAY_S


def _elsewhere(arrival: secret_devices.Arrival) -> secret_devices.Arrival:
    return replace(arrival, hostname=None, org_unit="")


def _above(path: str) -> Iterator[str]:
    """Return a unit and its parents."""
    names = path.split("/")
    return ("/".join(names[:depth]) for depth in range(1, len(names) + 1))


def _in_order(path: str) -> list[str]:
    return [name.casefold() for name in path.split("/")]


def _paths(text: str) -> Iterator[str]:
    """Return the paths in a CSV separated by commas, semicolons or tabs."""
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    rows = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
    if UNIT_COLUMN not in rows.fieldnames:
        raise BadUnits(
            f"line 1: give a column {UNIT_COLUMN} with paths like Métropole/Commune, or {UNIT_COLUMN} and "
            f"{PARENT_COLUMN}"
        )
    for line, row in enumerate(rows, start=FIRST_LINE):
        if line > MOST_LINES:
            raise BadUnits(
                f"line {line}: the file has too many lines (limit {MOST_LINES}). Split it and import "
                "the parts one after another."
            )
        name, parent = ((row.get(column) or "").strip() for column in (UNIT_COLUMN, PARENT_COLUMN))
        if name:
            try:
                yield org_path.new_path(f"{parent}/{name}" if parent else name)
            except org_path.BadOrgUnit as error:
                raise BadUnits(f"line {line}: {error}") from error
