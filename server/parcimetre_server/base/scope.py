"""Scope of a reader: the org units they may see, and the level of detail of their role."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from .errors import ParcimetreError
from .org_path import within

Role = Literal["viewer", "analyst", "admin"]
ROLES: tuple[Role, ...] = get_args(Role)


class NotAllowed(ParcimetreError):
    """Something that the reader's role does not include."""

    status = 403
    kind = "not-allowed"


class UnknownOrgUnit(ParcimetreError):
    """An org unit that does not exist or is out of scope: one error, so as not to disclose which."""

    status = 404
    kind = "unknown-org-unit"


@dataclass(frozen=True)
class Scope:
    """An org unit with all below it (everything where `root` is None), seen with a role.

    A viewer sees sums of groups, an analyst devices without their host names, an admin everything of the
    subtree.
    """

    root: str | None = None
    role: Role = "admin"

    @property
    def whole(self) -> bool:
        """Return whether nothing is hidden."""
        return self.root is None and self.role == "admin"

    @property
    def sees_devices(self) -> bool:
        """Return whether single devices are shown."""
        return self.role != "viewer"

    @property
    def sees_host_names(self) -> bool:
        """Return whether host names are shown."""
        return self.role == "admin"

    def covers(self, org_unit: str) -> bool:
        """Return whether an org unit is in the subtree."""
        return self.root is None or within(org_unit, self.root)

    def touches(self, org_unit: str) -> bool:
        """Return whether an org unit is in the subtree or above it, so that its contracts apply here."""
        return self.covers(org_unit) or (self.root is not None and within(self.root, org_unit))

    def has(self, role: Role) -> bool:
        """Return whether the role is at least this one."""
        return ROLES.index(self.role) >= ROLES.index(role)

    def need(self, role: Role, what: str) -> None:
        """Raise NotAllowed unless the role is at least this one."""
        if not self.has(role):
            raise NotAllowed(f"{what} needs the role {role}; yours is {self.role}: ask an admin for a token")

    def check_unit(self, org_unit: str, known: Iterable[str]) -> None:
        """Raise UnknownOrgUnit where a unit does not exist, or not for this reader: both are told alike."""
        if not (self.covers(org_unit) and any(within(path, org_unit) for path in known)):
            raise UnknownOrgUnit(
                f"org unit {org_unit!r} does not exist: give its full path, as shown on the pages"
            )


WHOLE = Scope()
