"""Records of outlets, made from the feeds of a report: slots under an id of its own, and a fact for each.

An outlet is not a device: its slots hold one energy, and the time for which it was counted as time awake. The
scope of that energy is the wall's; the fact about the outlet states whether it was passed on over Ethernet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from parcimetre_agent.report import SLOT_S, Energy, Feed, Slot

from ...base.names import text_fault
from ...base.periods import DAY_S
from ...store.interface import Store
from ...store.records import DeviceId, Fact, WriteBatch

MOST_OF_NAME = 40
MOST_OUTLETS = 600  # of a feeder: more are names that change


@dataclass(frozen=True)
class Contradiction:
    """A feed that contradicts what is stored of its outlet; `at` is its index among the feeds."""

    at: int
    reason: str


@dataclass(frozen=True)
class FromOutlets:
    """What the feeds of a report come to: batches to write, facts, and feeds that are refused."""

    arrivals: Sequence[WriteBatch] = ()
    facts: Sequence[Fact] = ()
    contradictions: Sequence[Contradiction] = ()


def outlet_id(feeder: str, outlet: str) -> DeviceId:
    """Return the id under which an outlet's slots are stored."""
    return DeviceId(hashlib.sha256(f"{feeder}/{outlet}".encode()).hexdigest()[:32])


def from_outlets(
    feeder: DeviceId, feeds: Sequence[Feed], store: Store, now: int, most_outlets: int = MOST_OUTLETS
) -> FromOutlets:
    """Return slots by outlet, and facts about outlets that are new or have another source than before."""
    known = {key: store.latest_of("outlet", key) for key in {outlet_id(feeder, f.outlet) for f in feeds}}
    scopes: dict[DeviceId, str] = {key: str(one.body["scope"]) for key, one in known.items() if one}
    room = most_outlets if len(scopes) == len(known) else most_outlets - _count_outlets(store, feeder)
    slots: dict[DeviceId, list[Slot]] = {}
    latest: dict[DeviceId, Feed] = {}
    contradictions = []
    for at, feed in enumerate(feeds):
        key = outlet_id(feeder, feed.outlet)
        fault = None if key in scopes else text_fault(feed.outlet, MOST_OF_NAME)
        if fault:
            contradictions.append(Contradiction(at, f"outlet = {feed.outlet!r}: {fault}; rename the outlet"))
            continue
        if key not in scopes and room <= 0:
            reason = f"more than {most_outlets} outlets; each outlet must have the same name in every report"
            contradictions.append(Contradiction(at, f"outlet = {feed.outlet!r}: {reason}"))
            continue
        room -= key not in scopes
        if scopes.setdefault(key, feed.scope) != feed.scope:
            reason = (
                f"outlet {feed.outlet!r} had the scope {scopes[key]} before; give outlets and ports "
                "different names"
            )
            contradictions.append(Contradiction(at, f"scope = {feed.scope!r}: {reason}"))
            continue
        slots.setdefault(key, []).append(_slot(feed))
        latest[key] = feed
    facts = list(_facts(feeder, latest, known, now))
    return FromOutlets([WriteBatch(key, stored) for key, stored in slots.items()], facts, contradictions)


def _count_outlets(store: Store, feeder: DeviceId) -> int:
    """Return how many outlets of a feeder are stored."""
    return sum(one.body["feeder"] == feeder for one in store.latest("outlet").values())


def _slot(feed: Feed) -> Slot:
    energy = Energy(feed.source, "wall_ac", feed.quality, feed.energy_j, feed.duration_s)
    return Slot(feed.start, 0, feed.duration_s, 0, 0, SLOT_S - feed.duration_s, energy=[energy])


def _facts(
    feeder: DeviceId, latest: Mapping[DeviceId, Feed], known: Mapping[DeviceId, Fact | None], now: int
) -> Iterator[Fact]:
    for key, feed in latest.items():
        before = known[key]
        since = before.body["since"] if before else now
        body = {
            "feeder": feeder, "outlet": feed.outlet, "scope": feed.scope, "source": feed.source,
            "since": since,
        }  # fmt: skip
        is_same_day = before is not None and before.recorded_at // DAY_S == now // DAY_S
        if before is None or (dict(before.body) != body and not is_same_day):
            yield Fact("outlet", key, now, body)
