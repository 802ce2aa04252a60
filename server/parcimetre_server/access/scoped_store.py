"""The store as one reader may see it: what is out of scope is not there, so no figure can tell of it.

Facts of a kind that nobody placed here are not shown: a new kind is hidden until somebody says whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import SLOT_S, Slot
from parcimetre_factors.activity import Activity

from ..base.periods import DAY_S, LAST_SECOND
from ..base.scope import ROLES, NotAllowed, Scope
from ..organisation.connections import ConnectionMap, Outlet, elsewhere
from ..organisation.merges import MergeHistory, between
from ..organisation.transfers import Placement, by_device
from ..store.interface import Coverage, Lease, RolledUp, Store
from ..store.joining import join
from ..store.records import DeviceId, Fact, FactKind, WriteBatch, WriteResult
from ..store.rolling import Hours
from .visible_periods import ALWAYS, Window, common, held_by, inside, owners

PUBLIC: frozenset[FactKind] = frozenset({"grid", "setting"})
OF_A_DEVICE: frozenset[FactKind] = frozenset(
    {"inventory", "purchase", "self_cost", "losses", "attached", "printing"}
)
OF_ITS_HARDWARE: frozenset[FactKind] = frozenset({"inventory", "purchase"})
OF_AN_OUTLET: frozenset[FactKind] = frozenset({"outlet", "feeding"})
OF_REPORTS: frozenset[FactKind] = frozenset({"report", "schedule", "delivery"})


class ScopedStore:
    """Reads through a scope; nothing is written through it."""

    def __init__(self, store: Store, scope: Scope) -> None:
        """Show of `store` what `scope` covers."""
        self.whole = store
        self.scope = scope
        self._whose: Mapping[FactKind, Callable[[Fact], bool]] = {
            "org_unit": lambda fact: scope.covers(fact.key),
            "device": lambda fact: self.sees(DeviceId(fact.key)) and bool(self._held(fact)),
            "lineage": lambda fact: self.sees(DeviceId(fact.key)),
            "transfer": self._is_of_transfer,
            "site": lambda fact: fact.key in self._sites,
            "contract": self._is_of_contract,
            "dead_letter": lambda fact: inside(fact.recorded_at, self.windows(fact.body["device"])),
            "monitor": lambda fact: any(map(self.sees, fact.body["machines"])),
            "report": self._is_readers_report,
            "schedule": self._is_of_admin,
            "delivery": self._is_of_admin,
            "outlet": lambda fact: bool(self.windows(DeviceId(fact.key))),
            "feeding": lambda fact: bool(self.windows(DeviceId(fact.key))),
        }
        self._windows: dict[DeviceId, tuple[Window, ...]] = {}

    @cached_property
    def _devices(self) -> dict[DeviceId, Fact]:
        """The devices in scope as they were stated."""
        found = self.whole.latest("device").items()
        return {DeviceId(key): fact for key, fact in found if self.windows(DeviceId(key), fact)}

    @cached_property
    def _lineages(self) -> MergeHistory:
        return MergeHistory.of(self.whole)

    @cached_property
    def _moves(self) -> Mapping[str, Sequence[Fact]]:
        return by_device(self.whole.history("transfer"))

    def windows(self, source: DeviceId, stated: Fact | None = None) -> tuple[Window, ...]:
        """When the records of an id are in scope; `stated` is its device's latest fact, if at hand."""
        if source not in self._windows:
            self._windows[source] = tuple(self._cut(source, stated))
        return self._windows[source]

    def _held(self, fact: Fact) -> list[Placement]:
        return held_by(self.scope, fact, self._moves.get(fact.key, ()))

    @cached_property
    def _outlets(self) -> Mapping[DeviceId, Outlet]:
        return {key: outlet for outlet in ConnectionMap.of(self.whole).outlets for key in outlet.ids}

    def _cut(self, source: DeviceId, stated: Fact | None) -> Iterator[Window]:
        if stated is None and source in self._outlets:
            yield from self._cut_outlet(self._outlets[source])
            return
        for owner, piece in owners(self._lineages, source):
            known = stated if stated and owner == stated.key else self.whole.latest_of("device", owner)
            if known is not None:
                yield from common(piece, self._held(known))

    def _cut_outlet(self, outlet: Outlet) -> Iterator[Window]:
        """When an outlet's feeder was in scope, and when a device in scope hung on it."""
        of_feeder = self.windows(outlet.feeder)
        yield from of_feeder
        for one in outlet.feeds if of_feeder != ALWAYS else ():
            for first, last in () if one.device is None else self.windows(one.device):
                if max(first, one.first) < min(last, one.last):
                    yield max(first, one.first), min(last, one.last)

    def _holds(self, source: DeviceId) -> bool:
        """Whether there are records of an id in scope, be it a device's or an outlet's."""
        return source in self._devices or (source in self._outlets and bool(self.windows(source)))

    def sees(self, source: DeviceId) -> bool:
        """Whether a device, or one that was merged into another, ever was at a unit of the scope."""
        if self.scope.root is None:
            return True
        if self.windows(source):
            return True
        fact = self.whole.latest_of("monitor", source)
        return fact is not None and any(map(self.sees, fact.body["machines"]))

    @cached_property
    def _sites(self) -> frozenset[str]:
        """Sites where a device of the subtree stands or stood."""
        return frozenset(stay.site for fact in self._devices.values() for stay in self._held(fact))

    def _is_of_contract(self, fact: Fact) -> bool:
        place, unit = fact.body["site"], fact.body["org_unit"]
        if place is not None:
            return place in self._sites
        return unit is None or self.scope.touches(str(unit))

    def _is_of_transfer(self, fact: Fact) -> bool:
        return self.scope.covers(str(fact.body["org_unit"]))

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

    def _sees(self, fact: Fact) -> bool:
        if fact.kind in OF_REPORTS:
            return self._whose[fact.kind](fact)
        if self.scope.root is None or fact.kind in PUBLIC:
            return fact.kind in PUBLIC or fact.kind in OF_A_DEVICE or fact.kind in self._whose
        if fact.kind in OF_ITS_HARDWARE:
            return self.sees(DeviceId(fact.key))
        if fact.kind == "attached":  # what was attached when the device came still is
            return fact.recorded_at < max((end for _, end in self.windows(DeviceId(fact.key))), default=0)
        if fact.kind in OF_A_DEVICE:
            return inside(fact.recorded_at, self.windows(DeviceId(fact.key)))
        return fact.kind in self._whose and self._whose[fact.kind](fact)

    def _told(self, fact: Fact) -> Fact:
        """A fact without the host name, where only admins may see it, and without machines of others."""
        if fact.kind == "monitor":
            machines = [one for one in fact.body["machines"] if self.sees(one)]
            return replace(fact, body={**fact.body, "machines": machines})
        if fact.kind in OF_AN_OUTLET:
            return self._without_others(fact)
        if fact.kind != "device":
            return fact
        windows = self.windows(DeviceId(fact.key)) if self.scope.root else ALWAYS
        if self.scope.sees_host_names and windows == ALWAYS:
            return fact
        stay = self._held(fact)[-1]
        named = self.scope.sees_host_names and stay.last == LAST_SECOND
        hostname = fact.body.get("hostname") if named else None
        return replace(
            fact, body={**fact.body, "hostname": hostname, "org_unit": stay.org_unit, "site": stay.site}
        )

    def _without_others(self, fact: Fact) -> Fact:
        """What is said of an outlet, without the id of a feeder or device of others."""
        name = "feeder" if fact.kind == "outlet" else "device"
        key = fact.body[name]
        if key is None or self.sees(self._lineages.whole(DeviceId(key))):
            return fact
        return replace(fact, body={**fact.body, name: elsewhere(self._lineages.whole(DeviceId(key)))})

    @property
    def shared(self) -> bool:
        """Whether other collectors may write to the store."""
        return self.whole.shared

    def latest(self, kind: FactKind, since: int = 0) -> dict[str, Fact]:
        """The latest fact of each key of a kind, in scope."""
        if kind == "device" and not since:
            return {str(key): self._told(fact) for key, fact in self._devices.items() if self._sees(fact)}
        found = self.whole.latest(kind, since)
        if kind in OF_A_DEVICE and self.scope.root is not None:
            return {key: fact for key, fact in found.items() if key in self._devices and self._sees(fact)}
        return {key: self._told(fact) for key, fact in found.items() if self._sees(fact)}

    def latest_of(self, kind: FactKind, key: str) -> Fact | None:
        """The latest fact about one key, if it is in scope."""
        fact = self.whole.latest_of(kind, key)
        return self._told(fact) if fact is not None and self._sees(fact) else None

    def history(self, kind: FactKind, key: str | None = None, since: int = 0) -> list[Fact]:
        """Those of the facts of a kind (and key), oldest first, that are in scope."""
        return [self._told(fact) for fact in self.whole.history(kind, key, since) if self._sees(fact)]

    def activity(self, device_id: DeviceId, first: int, last: int) -> Activity:
        """Slots of one device while it was in scope; of one that never was, those of no device."""
        windows = self.windows(device_id)
        found = self.whole.activity(device_id if windows else DeviceId(""), first, last)
        return _within(found, windows)

    def activities(
        self, device_ids: Iterable[DeviceId], first: int, last: int
    ) -> Iterator[tuple[DeviceId, Activity]]:
        """The same for many devices; those without a slot in scope are left out."""
        seen = [key for key in device_ids if self._holds(key)]
        for key, found in self.whole.activities(seen, first, last):
            part = _within(found, self.windows(key))
            if len(part.start):
                yield key, part

    def slots(self, device_id: DeviceId, first: int, last: int) -> Iterator[Slot]:
        """Records of one device while it was in scope."""
        windows = self.windows(device_id)
        found = self.whole.slots(device_id, first, last) if windows else iter(())
        return (slot for slot in found if inside(slot.start, windows))

    def span(self, device_id: DeviceId) -> tuple[int, int] | None:
        """Start of the first slot ever, which its life begins with, and of the last one in scope, or None."""
        found = self.whole.span(device_id) if self.windows(device_id) else None
        return found and _ended(found, self.windows(device_id))

    def spans(self) -> dict[DeviceId, tuple[int, int]]:
        """The same for every device in scope that ever sent a slot."""
        found = self.whole.spans().items()
        return {key: _ended(span, self.windows(key)) for key, span in found if self._holds(key)}

    def coverage(self, first_day: int, last_day: int) -> Coverage:
        """Seconds covered by day (UTC) of the devices, on the days when they were in scope."""
        found = self.whole.coverage(first_day, last_day)
        seen = [i for i, key in enumerate(found.devices) if self._holds(key)]
        devices, covered_s = tuple(found.devices[i] for i in seen), found.covered_s[:, seen]
        for column, key in enumerate(devices):
            if self.windows(key) != ALWAYS:
                covered_s[:, column] *= _days(self.windows(key), first_day, len(covered_s))
        return Coverage(devices, covered_s)

    def newer(self, kinds: Sequence[FactKind], mark: int) -> tuple[list[Fact], int]:
        """Facts of these kinds stated after a mark that are in scope, and the mark of now."""
        found, now = self.whole.newer(kinds, mark)
        return [self._told(fact) for fact in found if self._sees(fact)], now

    def write(self, arrivals: Sequence[WriteBatch]) -> list[WriteResult]:  # noqa: ARG002
        """Raises NotAllowed: agents write, readers do not."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def remove(self, kind: FactKind, keys: Sequence[str]) -> None:  # noqa: ARG002
        """Raises NotAllowed."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def erase(
        self,
        device_ids: Sequence[DeviceId],  # noqa: ARG002
        facts: Sequence[tuple[FactKind, str]],  # noqa: ARG002
        instead: Sequence[Fact],  # noqa: ARG002
    ) -> None:
        """Raises NotAllowed."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def append(self, facts: Sequence[Fact]) -> None:  # noqa: ARG002
        """Raises NotAllowed."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def lease(self, job: str) -> Lease:  # noqa: ARG002
        """Raises NotAllowed: jobs run for the whole."""
        raise NotAllowed("jobs run on the whole store: use the command on the collector")

    def take(self, job: str, lease: Lease) -> bool:  # noqa: ARG002
        """Raises NotAllowed."""
        raise NotAllowed("jobs run on the whole store: use the command on the collector")

    def roll_up(self, before_day: int, hours: Hours, dry_run: bool = False) -> int:  # noqa: ARG002
        """Raises NotAllowed: it is for the whole."""
        raise NotAllowed("a reader's scope is read-only: use the command on the collector")

    def rolled_up(self) -> RolledUp:
        """What is rolled up, which is the same for everybody."""
        return self.whole.rolled_up()

    def tidy(self, now: int) -> None:
        """Nothing to do: the store itself is tidied."""

    def close(self) -> None:
        """Nothing to release: the store itself is closed."""


def _within(found: Activity, windows: Sequence[Window]) -> Activity:
    """The slots of an activity that start in one of some times."""
    if windows == ALWAYS or not windows:
        return found
    return join([between(found, *window) for window in windows])


def _ended(span: tuple[int, int], windows: Sequence[Window]) -> tuple[int, int]:
    """A device's span, over at the latest when it left."""
    first, last = span
    return first, max(first, min(last, max(end for _, end in windows) - SLOT_S))


def _days(windows: Sequence[Window], first_day: int, n: int) -> NDArray[np.bool_]:
    """Which of n days of UTC touch some times, shape (n,)."""
    days = np.arange(first_day, first_day + n) * DAY_S
    touched = [(days < last) & (first < days + DAY_S) for first, last in windows]
    seen: NDArray[np.bool_] = np.any(touched, axis=0)
    return seen
