"""Connections: the device on each outlet of a feeder over time, as stated, with merges followed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from parcimetre_factors.activity import SLOT_S

from ..base.periods import LAST_SECOND
from ..store.fact_schema import FeedingBody, OutletBody, body_of
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from .left_out import leaving_out
from .merges import MergeHistory

POE = "poe"
OUTLET = "outlets of the device"
ELSEWHERE = "elsewhere/"


@dataclass(frozen=True)
class Feeding:
    """Device on an outlet with first <= time < last (seconds UTC); None if no device is known."""

    device: DeviceId | None
    first: int = 0
    last: int = LAST_SECOND


@dataclass(frozen=True)
class Outlet:
    """An outlet or port of a feeder, with the ids of its records and its feedings in order of time.

    `since` is when it was first reported (seconds UTC); after a merge of feeders it has several ids.
    """

    feeder: DeviceId
    name: str
    scope: str
    source: str
    ids: tuple[DeviceId, ...]
    since: int
    feeds: tuple[Feeding, ...]

    def at(self, second: int) -> Feeding:
        """Return the feeding at a time (seconds UTC)."""
        return next(feeding for feeding in self.feeds if feeding.first <= second < feeding.last)


Hung = tuple[Outlet, Feeding]


@dataclass(frozen=True)
class ConnectionMap:
    """All outlets that ever reported energy."""

    outlets: tuple[Outlet, ...] = ()

    @classmethod
    def of(cls, store: Store) -> ConnectionMap:
        """Read the facts about outlets and feedings."""
        known = store.latest("outlet")
        if not known:
            return cls()
        return cls(tuple(_outlets(known.values(), _by_key(store.history("feeding")), MergeHistory.of(store))))

    @cached_property
    def passing(self) -> frozenset[DeviceId]:
        """Feeders whose outlets pass electricity on: it is never counted as theirs."""
        return frozenset(one.feeder for one in self.outlets if one.scope != POE)

    @cached_property
    def hung(self) -> Mapping[DeviceId, Sequence[Hung]]:
        """Outlets of each device over time."""
        found: dict[DeviceId, list[Hung]] = {}
        for outlet in self.outlets:
            for feeding in outlet.feeds:
                device = feeding.device
                if device is not None and device != outlet.feeder and device not in self.passing:
                    found.setdefault(device, []).append((outlet, feeding))
        return found

    @cached_property
    def giving(self) -> Mapping[DeviceId, Sequence[Hung]]:
        """PoE ports over which each switch supplies known devices with a part of its own energy."""
        found: dict[DeviceId, list[Hung]] = {}
        for of_device in self.hung.values():
            for outlet, feeding in of_device:
                if outlet.scope == POE:
                    found.setdefault(outlet.feeder, []).append((outlet, feeding))
        return found

    def touches(self, device: DeviceId) -> bool:
        """Whether outlets change the energy of a device."""
        return device in self.hung or device in self.giving

    def of_feeder(self, feeder: DeviceId) -> list[Outlet]:
        """Return a feeder's outlets, in natural order of their names."""
        return sorted(
            (one for one in self.outlets if one.feeder == feeder), key=lambda one: counted(one.name)
        )


def elsewhere(device: DeviceId) -> str:
    """Return a stable name, without its id, for a device that a reader may not see."""
    return ELSEWHERE + hashlib.sha256(device.encode()).hexdigest()[:12]


def counted(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a sort key by which numbers within names compare by value: 10 after 9."""
    parts: list[str] = []
    for letter in name:
        if parts and parts[-1][-1].isdecimal() == letter.isdecimal():
            parts[-1] += letter
        else:
            parts.append(letter)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts)


def feedings(stated: Iterable[Fact], lineages: MergeHistory) -> tuple[Feeding, ...]:
    """Return the feedings of an outlet; of two statements for one time the later one counts."""
    bodies = [body_of(fact, FeedingBody) for fact in stated]
    dated = {body["from"]: body["device"] for body in bodies}
    edges = [(0, None), *sorted(dated.items())]
    ends = [first for first, _ in edges[1:]] + [LAST_SECOND]
    return tuple(
        Feeding(None if device is None else lineages.whole(DeviceId(device)), first, last)
        for (first, device), last in zip(edges, ends, strict=True)
        if first < last
    )


def unplugged(store: Store, gone: Collection[DeviceId], now: int) -> list[Fact]:
    """Return the facts that free the outlets of devices that go out of service."""
    at = now // SLOT_S * SLOT_S
    outlets = (outlet for outlet in ConnectionMap.of(store).outlets if outlet.at(now).device in gone)
    return [
        Fact("feeding", outlet.ids[-1], now, FeedingBody({"device": None, "from": at})) for outlet in outlets
    ]


def _by_key(stated: Iterable[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in stated:
        found.setdefault(fact.key, []).append(fact)
    return found


def _outlets(
    known: Iterable[Fact], moves: Mapping[str, Sequence[Fact]], lineages: MergeHistory
) -> Iterator[Outlet]:
    """Yield one outlet for those of one name of a feeder and of the feeders merged into it."""
    alike: dict[tuple[DeviceId, str], list[Fact]] = {}
    for fact in known:
        with leaving_out(DeviceId(fact.key), OUTLET):
            body = body_of(fact, OutletBody)
            feeder = lineages.whole(DeviceId(str(body["feeder"])))
            alike.setdefault((feeder, str(body["outlet"])), []).append(fact)
    for (feeder, name), facts in sorted(alike.items()):
        with leaving_out(feeder, OUTLET):
            facts.sort(key=lambda fact: (int(body_of(fact, OutletBody)["since"]), fact.key))
            first, latest = body_of(facts[0], OutletBody), body_of(facts[-1], OutletBody)
            stated = [move for fact in facts for move in moves.get(fact.key, ())]
            yield Outlet(
                feeder, name, str(latest["scope"]), str(latest["source"]),
                tuple(DeviceId(fact.key) for fact in facts), first["since"],
                feedings(sorted(stated, key=lambda move: move.recorded_at), lineages),
            )  # fmt: skip
