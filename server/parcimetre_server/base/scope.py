"""Scope of a reader: the org units they may see, and the capabilities of their role.

Roles are stated once, in CAPABILITIES. They are not a ladder: the data protection officer sees who looked at
single devices, but no device; an admin sees host names, but not when a person's machine was on.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from .errors import ParcimetreError
from .org_path import within

Role = Literal["viewer", "analyst", "technician", "presence", "dpo", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)
Capability = Literal["sums", "devices", "host_names", "presence", "access_record", "administration"]
CAPABILITIES: Mapping[Role, frozenset[Capability]] = {
    "viewer": frozenset({"sums"}),
    "analyst": frozenset({"sums", "devices"}),
    "technician": frozenset({"sums", "devices", "host_names"}),
    "presence": frozenset({"sums", "devices", "presence"}),
    "dpo": frozenset({"sums", "access_record"}),
    "admin": frozenset({"sums", "devices", "host_names", "administration"}),
}
IN_REPORTS: frozenset[Capability] = frozenset({"devices", "host_names"})
ReportRole = Literal["viewer", "analyst", "admin"]
REPORT_ROLES: tuple[ReportRole, ...] = get_args(ReportRole)


class NotAllowed(ParcimetreError):
    """Something that the reader's role does not include."""

    status = 403
    kind = "not-allowed"


class UnknownOrgUnit(ParcimetreError):
    """An org unit that does not exist or is out of scope: one error, so as not to disclose which."""

    status = 404
    kind = "unknown-org-unit"


def roles_with(capability: Capability) -> tuple[Role, ...]:
    """Return the roles that have a capability, in the order of the table."""
    return tuple(role for role in ROLES if capability in CAPABILITIES[role])


@dataclass(frozen=True)
class Scope:
    """An org unit with all below it (everything where `root` is None), seen with a role.

    `internal` is the collector's own computing, which is for no reader: jobs, published reports, caches.
    """

    root: str | None = None
    role: Role = "admin"
    internal: bool = False

    @property
    def whole(self) -> bool:
        """Return whether no fact is hidden."""
        return self.root is None and self.administers and self.sees_host_names

    def can(self, capability: Capability) -> bool:
        """Return whether the role includes a capability."""
        return self.internal or capability in CAPABILITIES[self.role]

    @property
    def sees_devices(self) -> bool:
        """Return whether single devices are shown, by the day."""
        return self.can("devices")

    @property
    def sees_host_names(self) -> bool:
        """Return whether host names are shown."""
        return self.can("host_names")

    @property
    def may_see_presence(self) -> bool:
        """Return whether the role includes presence data, once the organisation has switched it on."""
        return self.can("presence")

    @property
    def sees_access_record(self) -> bool:
        """Return whether the record of who looked at single devices is shown."""
        return self.can("access_record")

    @property
    def administers(self) -> bool:
        """Return whether the reader may make changes."""
        return self.can("administration")

    def includes_reports_for(self, role: Role) -> bool:
        """Return whether reports for another role show no more than this one sees."""
        return all(map(self.can, CAPABILITIES[role] & IN_REPORTS))

    def covers(self, org_unit: str) -> bool:
        """Return whether an org unit is in the subtree."""
        return self.root is None or within(org_unit, self.root)

    def touches(self, org_unit: str) -> bool:
        """Return whether an org unit is in the subtree or above it, so that its contracts apply here."""
        return self.covers(org_unit) or (self.root is not None and within(self.root, org_unit))

    def need(self, capability: Capability, what: str) -> None:
        """Raise NotAllowed, with the least role that suffices, unless the role includes a capability."""
        if not self.can(capability):
            role = roles_with(capability)[0]
            raise NotAllowed(f"{what} needs the role {role}; yours is {self.role}: ask an admin for a token")

    def check_unit(self, org_unit: str, known: Iterable[str]) -> None:
        """Raise UnknownOrgUnit where a unit does not exist, or not for this reader: both are told alike."""
        if not (self.covers(org_unit) and any(within(path, org_unit) for path in known)):
            raise UnknownOrgUnit(
                f"org unit {org_unit!r} does not exist: give its full path, as shown on the pages"
            )


WHOLE = Scope(internal=True)
