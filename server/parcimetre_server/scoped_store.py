"""The store as one reader may see it: what is out of scope is not there, so no figure can tell of it.

Facts of a kind that nobody placed here are not shown: a new kind is hidden until somebody says whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from parcimetre_agent.report import Slot
from parcimetre_factors.activity import Activity

from .scope import ROLES, NotAllowed, Scope
from .store import Arrival, Coverage, DeviceId, Fact, FactKind, Lease, Merged, Store

PUBLIC: frozenset[FactKind] = frozenset({"grid", "setting"})
OF_A_DEVICE: frozenset[FactKind] = frozenset({"inventory", "purchase", "self_cost", "losses", "attached"})
OF_REPORTS: frozenset[FactKind] = frozenset({"report", "schedule", "delivery"})


class ScopedStore:
    """Reads through a scope; nothing is written through it."""

    def __init__(self, store: Store, scope: Scope) -> None:
        """Show of `store` what `scope` covers."""
        self.whole = store
        self.scope = scope
        self._whose: Mapping[FactKind, Callable[[Fact], bool]] = {
            "org_unit": lambda fact: scope.covers(fact.key),
            "device": lambda fact: scope.covers(str(fact.body["org_unit"])),
            "site": lambda fact: fact.key in self._sites,
            "contract": self._is_of_contract,
            "dead_letter": lambda fact: self._sees_device(str(fact.body["device"])),
            "monitor": lambda fact: any(map(self._sees_device, fact.body["machines"])),
            "report": self._is_readers_report,
            "schedule": self._is_of_admin,
            "delivery": self._is_of_admin,
        }

    @cached_property
    def _devices(self) -> dict[DeviceId, Fact]:
        found = self.whole.latest("device").items()
        return {DeviceId(key): self._told(fact) for key, fact in found if self._sees(fact)}

    @cached_property
    def _sites(self) -> frozenset[str]:
        """Sites where a device of the subtree stands."""
        return frozenset(str(fact.body["site"]) for fact in self._devices.values())

    def _is_of_contract(self, fact: Fact) -> bool:
        place, unit = fact.body["site"], fact.body["org_unit"]
        if place is not None:
            return place in self._sites
        return unit is None or self.scope.touches(str(unit))

    def _is_readers_report(self, fact: Fact) -> bool:
        """Whether a report tells no more than the reader may see; of parts, viewers are told by no report."""
        unit, scope = fact.body["org_unit"], self.scope
        if ROLES.index(fact.body["role"]) > ROLES.index(scope.role):
            return False
        return unit == scope.root if scope.role == "viewer" else self._covers(unit)

    def _is_of_admin(self, fact: Fact) -> bool:
        """Whether somebody's address in the subtree may be seen."""
        return self.scope.role == "admin" and self._covers(fact.body["org_unit"])

    def _covers(self, org_unit: str | None) -> bool:
        return self.scope.root is None or (org_unit is not None and self.scope.covers(org_unit))

    def _sees_device(self, device_id: str) -> bool:
        fact = self.whole.latest_of("device", device_id)
        return fact is not None and self._sees(fact)

    def _sees(self, fact: Fact) -> bool:
        if fact.kind in OF_REPORTS:
            return self._whose[fact.kind](fact)
        if self.scope.root is None or fact.kind in PUBLIC:
            return fact.kind in PUBLIC or fact.kind in OF_A_DEVICE or fact.kind in self._whose
        if fact.kind in OF_A_DEVICE:
            return self._sees_device(fact.key)
        return fact.kind in self._whose and self._whose[fact.kind](fact)

    def _told(self, fact: Fact) -> Fact:
        """A fact without the host name, where only admins may see it, and without machines of others."""
        if fact.kind == "monitor":
            machines = [one for one in fact.body["machines"] if self._sees_device(one)]
            return replace(fact, body={**fact.body, "machines": machines})
        if fact.kind != "device" or self.scope.sees_host_names:
            return fact
        return replace(fact, body={**fact.body, "hostname": None})

    @property
    def shared(self) -> bool:
        """Whether other collectors may write to the store."""
        return self.whole.shared

    def latest(self, kind: FactKind, since: int = 0) -> dict[str, Fact]:
        """The latest fact of each key of a kind, in scope."""
        if kind == "device" and not since:
            return {str(key): fact for key, fact in self._devices.items()}
        found = self.whole.latest(kind, since)
        if kind in OF_A_DEVICE and self.scope.root is not None:
            return {key: fact for key, fact in found.items() if key in self._devices}
        return {key: self._told(fact) for key, fact in found.items() if self._sees(fact)}

    def latest_of(self, kind: FactKind, key: str) -> Fact | None:
        """The latest fact about one key, if it is in scope."""
        fact = self.whole.latest_of(kind, key)
        return self._told(fact) if fact is not None and self._sees(fact) else None

    def history(self, kind: FactKind, key: str | None = None) -> list[Fact]:
        """All facts of a kind (and key) that are in scope, oldest first."""
        return [self._told(fact) for fact in self.whole.history(kind, key) if self._sees(fact)]

    def activity(self, device_id: DeviceId, first: int, last: int) -> Activity:
        """Slots of one device; of one out of scope, those of no device."""
        seen = self._sees_device(device_id)
        return self.whole.activity(device_id if seen else DeviceId(""), first, last)

    def activities(
        self, device_ids: Iterable[DeviceId], first: int, last: int
    ) -> Iterator[tuple[DeviceId, Activity]]:
        """The same for many devices; those out of scope are left out."""
        return self.whole.activities([key for key in device_ids if key in self._devices], first, last)

    def slots(self, device_id: DeviceId, first: int, last: int) -> Iterator[Slot]:
        """Records of one device; none of one out of scope."""
        return self.whole.slots(device_id, first, last) if self._sees_device(device_id) else iter(())

    def span(self, device_id: DeviceId) -> tuple[int, int] | None:
        """Start of the first and of the last slot, or None."""
        return self.whole.span(device_id) if self._sees_device(device_id) else None

    def spans(self) -> dict[DeviceId, tuple[int, int]]:
        """The same for every device in scope that ever sent a slot."""
        return {key: span for key, span in self.whole.spans().items() if key in self._devices}

    def coverage(self, first_day: int, last_day: int) -> Coverage:
        """Seconds covered by day of the devices in scope."""
        found = self.whole.coverage(first_day, last_day)
        seen = [i for i, key in enumerate(found.devices) if key in self._devices]
        return Coverage(tuple(found.devices[i] for i in seen), found.covered_s[:, seen])

    def newer(self, kinds: Sequence[FactKind], mark: int) -> tuple[list[Fact], int]:
        """Facts of these kinds stated after a mark that are in scope, and the mark of now."""
        found, now = self.whole.newer(kinds, mark)
        return [self._told(fact) for fact in found if self._sees(fact)], now

    def write(self, arrivals: Sequence[Arrival]) -> list[Merged]:  # noqa: ARG002
        """Raises NotAllowed: agents write, readers do not."""
        raise NotAllowed("nothing is written through a reader's scope: use the command on the collector")

    def append(self, facts: Sequence[Fact]) -> None:  # noqa: ARG002
        """Raises NotAllowed."""
        raise NotAllowed("nothing is changed through a reader's scope: use the command on the collector")

    def lease(self, job: str) -> Lease:  # noqa: ARG002
        """Raises NotAllowed: jobs run for the whole."""
        raise NotAllowed("jobs run on the whole store: use the command on the collector")

    def take(self, job: str, lease: Lease) -> bool:  # noqa: ARG002
        """Raises NotAllowed."""
        raise NotAllowed("jobs run on the whole store: use the command on the collector")

    def tidy(self, now: int) -> None:
        """Nothing to do: the store itself is tidied."""

    def close(self) -> None:
        """Nothing to release: the store itself is closed."""
