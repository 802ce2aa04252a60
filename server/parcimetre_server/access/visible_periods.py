"""Periods in which a reader may see a device's records: while it was assigned to org units of the scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple
from weakref import proxy

from ..base.cache import CachePerOwner
from ..base.periods import LAST_SECOND
from ..base.scope import Scope
from ..organisation.audit import DELETED
from ..organisation.connections import ConnectionMap, Outlet
from ..organisation.left_out import leaving_out
from ..organisation.merges import MergeHistory, RecordSpan
from ..organisation.transfers import Placement, by_device, placements
from ..store.interface import Store
from ..store.records import DeviceId, Fact, FactKind

Period = tuple[int, int]
"""First second UTC, and the one after the last."""

ALWAYS: tuple[Period, ...] = ((0, LAST_SECOND),)
MOST_DEVICES = 50_000  # of all cached scopes together, some 2 kB each
DEPENDS_ON: tuple[FactKind, ...] = ("device", "lineage", "transfer", "outlet", "feeding", "audit")
STALE = "A history counts until a device, merge, transfer or connection is stated, or a device deleted."


class VisibleHistory:
    """What merges, transfers and connections say of a scope, read when first asked for."""

    def __init__(self, store: Store, scope: Scope) -> None:
        """Read nothing yet."""
        self._store, self._scope = store, scope
        self._periods: dict[DeviceId, tuple[Period, ...]] = {}

    @cached_property
    def devices(self) -> Mapping[DeviceId, Fact]:
        """The devices in scope as they were stated."""
        stated = self._store.latest("device").items()
        return {DeviceId(key): fact for key, fact in stated if self.periods(DeviceId(key), fact)}

    @cached_property
    def sites(self) -> frozenset[str]:
        """Sites where a device of the scope is or was located."""
        return frozenset(stay.site for fact in self.devices.values() for stay in self.placements(fact))

    def periods(self, source: DeviceId, stated: Fact | None = None) -> tuple[Period, ...]:
        """Return when the records of an id are in scope; `stated` is its device's latest fact, if at hand."""
        if source not in self._periods:
            self._periods[source] = tuple(self._periods_of(source, stated))
        return self._periods[source]

    def placements(self, fact: Fact) -> list[Placement]:
        """Return the placements at units of the scope of the device that a fact states."""
        return placements_in(self._scope, fact, self._transfers.get(fact.key, ()))

    def is_known(self, device_id: DeviceId) -> bool:
        """Return whether a device, a part of it, or a monitor's computer ever was at a unit of the scope."""
        if self._scope.root is None or self.periods(device_id):
            return True
        monitor = self._store.latest_of("monitor", device_id)
        machines = monitor.body.get("machines") if monitor is not None else None
        return isinstance(machines, list) and any(map(self.is_known, map(DeviceId, map(str, machines))))

    def has_records(self, source: DeviceId) -> bool:
        """Return whether records of an id are in scope, be it a device's or an outlet's."""
        return source in self.devices or (source in self._outlets and bool(self.periods(source)))

    def whole(self, device_id: DeviceId) -> DeviceId:
        """Return the device that an id was merged into, else the id."""
        return self._merges.whole(device_id)

    @cached_property
    def _merges(self) -> MergeHistory:
        return MergeHistory.of(self._store)

    @cached_property
    def _transfers(self) -> Mapping[str, Sequence[Fact]]:
        return by_device(self._store.history("transfer"))

    @cached_property
    def _outlets(self) -> Mapping[DeviceId, Outlet]:
        return {key: outlet for outlet in ConnectionMap.of(self._store).outlets for key in outlet.ids}

    def _periods_of(self, source: DeviceId, stated: Fact | None) -> Iterator[Period]:
        if stated is None and source in self._outlets:
            yield from self._periods_of_outlet(self._outlets[source])
            return
        for owner, span in owners(self._merges, source):
            fact = stated if stated and owner == stated.key else self._store.latest_of("device", owner)
            if fact is not None:
                yield from overlaps(span, self.placements(fact))

    def _periods_of_outlet(self, outlet: Outlet) -> Iterator[Period]:
        """Yield when an outlet's feeder was in scope, and when a device in scope was fed by it."""
        of_feeder = self.periods(outlet.feeder)
        yield from of_feeder
        for feed in outlet.feeds if of_feeder != ALWAYS else ():
            for first, last in () if feed.device is None else self.periods(feed.device):
                if max(first, feed.first) < min(last, feed.last):
                    yield max(first, feed.first), min(last, feed.last)


class _Cached(NamedTuple):
    """A history, and the mark of the facts before it was read."""

    history: VisibleHistory
    mark: int


_HISTORIES: CachePerOwner[str | None, _Cached] = CachePerOwner(
    "visible histories", STALE, MOST_DEVICES, lambda cached: len(cached.history.devices)
)


def visible_history(store: Store, scope: Scope) -> VisibleHistory:
    """Return the history of a scope, the same one for readers of all roles."""

    def read() -> _Cached:
        """Return the history by now; it does not keep its store from going, whose cache it is in."""
        mark = store.newer((), 0)[1]
        return _Cached(VisibleHistory(proxy(store), Scope(scope.root)), mark)

    def is_valid(cached: _Cached) -> bool:
        """Return whether nothing was stated that the history depends on."""
        stated = store.newer(DEPENDS_ON, cached.mark)[0]
        return all(fact.kind == "audit" and fact.key != DELETED for fact in stated)

    return _HISTORIES.of(store).get_or_compute(scope.root, read, is_valid).history


def owners(merges: MergeHistory, source: DeviceId) -> list[tuple[DeviceId, RecordSpan]]:
    """Return the devices that the records of an id belong to, with the span that each has."""
    own = merges.known.get(source)
    if own is None:
        return [(source, RecordSpan(source))]
    return [
        (merges.whole(key), span)
        for key, ancestry in merges.known.items()
        for span in ancestry.pieces
        if span.source == source
    ]


def placements_in(scope: Scope, fact: Fact, transfers: Iterable[Fact]) -> list[Placement]:
    """Return the placements of a device at units of a scope, by the fact that states it and its transfers.

    None where these facts cannot be used.
    """
    with leaving_out(DeviceId(fact.key), "placements of the device"):
        every = placements(fact.body["org_unit"], fact.body["site"], transfers)
        return [placement for placement in every if scope.covers(placement.org_unit)]
    return []


def overlaps(span: RecordSpan, during: Iterable[Placement]) -> Iterator[Period]:
    """Yield the parts of a span of records that fall into some placements."""
    for placement in during:
        first, last = max(span.first, placement.first), min(span.last, placement.last)
        if first < last:
            yield first, last


def is_inside(at: int, periods: Iterable[Period]) -> bool:
    """Return whether a time, seconds UTC, is in one of some periods."""
    return any(first <= at < last for first, last in periods)
