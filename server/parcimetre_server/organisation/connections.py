"""Which device hangs on which outlet of a feeder, and when: as it was stated, with merges followed."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from parcimetre_factors.activity import SLOT_S

from ..base.periods import LAST_SECOND
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from .merges import MergeHistory

POE = "poe"
ELSEWHERE = "elsewhere/"


@dataclass(frozen=True)
class Feeding:
    """What hangs on an outlet with first <= time < last (seconds UTC); None for nothing that is known."""

    device: DeviceId | None
    first: int = 0
    last: int = LAST_SECOND


@dataclass(frozen=True)
class Outlet:
    """An outlet or port of a feeder, with the ids of its records and what it feeds, in order of time.

    `since` is when the collector heard of it first; after a merge of feeders it has several ids.
    """

    feeder: DeviceId
    name: str
    scope: str
    source: str
    ids: tuple[DeviceId, ...]
    since: int
    feeds: tuple[Feeding, ...]

    def at(self, second: int) -> Feeding:
        """What hangs on it at a time."""
        return next(one for one in self.feeds if one.first <= second < one.last)


Hung = tuple[Outlet, Feeding]


@dataclass(frozen=True)
class ConnectionMap:
    """All outlets that ever gave something."""

    outlets: tuple[Outlet, ...] = ()

    @classmethod
    def of(cls, store: Store) -> ConnectionMap:
        """As the facts say."""
        known = store.latest("outlet")
        if not known:
            return cls()
        return cls(tuple(_outlets(known.values(), _by_key(store.history("feeding")), MergeHistory.of(store))))

    @cached_property
    def passing(self) -> frozenset[DeviceId]:
        """Feeders through which others' electricity merely passes: it is never theirs, whoever feeds them."""
        return frozenset(one.feeder for one in self.outlets if one.scope != POE)

    @cached_property
    def hung(self) -> Mapping[DeviceId, Sequence[Hung]]:
        """The outlets on which each device hangs or hung, and when."""
        found: dict[DeviceId, list[Hung]] = {}
        for outlet in self.outlets:
            for feeding in outlet.feeds:
                device = feeding.device
                if device is not None and device != outlet.feeder and device not in self.passing:
                    found.setdefault(device, []).append((outlet, feeding))
        return found

    @cached_property
    def giving(self) -> Mapping[DeviceId, Sequence[Hung]]:
        """The ports over which each switch gives, or gave, a part of its own energy to known devices."""
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
        """A feeder's outlets, in the order in which a person counts."""
        return sorted(
            (one for one in self.outlets if one.feeder == feeder), key=lambda one: counted(one.name)
        )


def elsewhere(device: DeviceId) -> str:
    """What stands for a device that a reader may not see: always the same, and no id."""
    return ELSEWHERE + hashlib.sha256(device.encode()).hexdigest()[:12]


def counted(name: str) -> tuple[tuple[int, int, str], ...]:
    """To sort names by: numbers within them by value, so that 10 comes after 9."""
    parts: list[str] = []
    for letter in name:
        if parts and parts[-1][-1].isdecimal() == letter.isdecimal():
            parts[-1] += letter
        else:
            parts.append(letter)
    return tuple((0, int(part), "") if part.isdecimal() else (1, 0, part.casefold()) for part in parts)


def feedings(stated: Iterable[Fact], lineages: MergeHistory) -> tuple[Feeding, ...]:
    """What hung on an outlet when; of two statements for one time the later one counts."""
    dated = {int(fact.body["from"]): fact.body["device"] for fact in stated}
    edges = [(0, None), *sorted(dated.items())]
    ends = [first for first, _ in edges[1:]] + [LAST_SECOND]
    return tuple(
        Feeding(None if device is None else lineages.whole(DeviceId(device)), first, last)
        for (first, device), last in zip(edges, ends, strict=True)
        if first < last
    )


def unplugged(store: Store, gone: Collection[DeviceId], now: int) -> list[Fact]:
    """The facts by which devices that go out of service hang on no outlet any more."""
    at = now // SLOT_S * SLOT_S
    left = (one for one in ConnectionMap.of(store).outlets if one.at(now).device in gone)
    return [Fact("feeding", one.ids[-1], now, {"device": None, "from": at}) for one in left]


def _by_key(stated: Iterable[Fact]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in stated:
        found.setdefault(fact.key, []).append(fact)
    return found


def _outlets(
    known: Iterable[Fact], moves: Mapping[str, Sequence[Fact]], lineages: MergeHistory
) -> Iterator[Outlet]:
    """Outlets of one name of a feeder, and of those merged into it, as one."""
    alike: dict[tuple[DeviceId, str], list[Fact]] = {}
    for fact in known:
        feeder = lineages.whole(DeviceId(fact.body["feeder"]))
        alike.setdefault((feeder, str(fact.body["outlet"])), []).append(fact)
    for (feeder, name), facts in sorted(alike.items()):
        facts.sort(key=lambda fact: (int(fact.body["since"]), fact.key))
        stated = [move for fact in facts for move in moves.get(fact.key, ())]
        yield Outlet(
            feeder, name, facts[-1].body["scope"], facts[-1].body["source"],
            tuple(DeviceId(fact.key) for fact in facts), int(facts[0].body["since"]),
            feedings(sorted(stated, key=lambda move: move.recorded_at), lineages),
        )  # fmt: skip
