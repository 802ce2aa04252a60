"""Which subtree of the organisation a reader may see, and what of it by their role."""

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
    """No org unit of that path, or none that the reader may see: both are told alike."""

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
        """Whether nothing is hidden."""
        return self.root is None and self.role == "admin"

    @property
    def sees_devices(self) -> bool:
        """Whether single devices are shown."""
        return self.role != "viewer"

    @property
    def sees_host_names(self) -> bool:
        """Whether devices are called by their host names."""
        return self.role == "admin"

    def covers(self, org_unit: str) -> bool:
        """Whether an org unit is in the subtree."""
        return self.root is None or within(org_unit, self.root)

    def touches(self, org_unit: str) -> bool:
        """Whether an org unit is in the subtree or above it: what is stated for it holds here too."""
        return self.covers(org_unit) or (self.root is not None and within(self.root, org_unit))

    def has(self, role: Role) -> bool:
        """Whether the role is at least this one."""
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
