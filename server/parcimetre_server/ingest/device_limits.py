"""Limits of what one device may send: energy that it can use, channels, and bytes of facts a day.

A channel is a source with its scope and quality; the store has a column of a day's quarter hours for each.
They are counted over all records of a device, whichever day they are of, so that no day of a device that was
away for months has more of them either. The list is a fact, which other collectors read and a restart keeps.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise

from parcimetre_agent.report import Feed, Reading, Refusal, Slot
from pydantic import TypeAdapter

from ..base.cache import Cache
from ..base.periods import DAY_S
from ..fleet.plausible_power import LEAST_J, POE_PORT_W, ceiling_w
from ..store.interface import Store
from ..store.records import Body, DeviceId, Fact
from .validation import Part, RefusedRecord

MOST_CHANNELS = 64  # a slot has 16 at most, and the agent knows a dozen sources
MOST_CHANNELS_OF_OUTLETS = 8
RENEWED_DAYS = 180  # after them a device that is full begins a new list
MOST_BYTES_A_DAY = 1_000_000  # of facts of one kind; the largest inventory has some 300 kB
EXPIRED = -1
APART_S, MOST_READINGS_A_DAY = 600, 300  # a gateway reads every quarter hour
MOST_MONITORS_A_DAY = 48  # three times what an inventory may have
OUTLET = "outlet"
PLAUSIBLE = "are plausible"
MOST_DEVICES = 200_000
SLOT, FEED = TypeAdapter(Slot), TypeAdapter(Feed)
STALE = "Limits count until the day (UTC) is over, or the device's inventory changes."
Channel = tuple[str, str, str]


@dataclass(frozen=True)
class DeviceLimits:
    """Limits of a device on a day since 1970: its greatest mean power (W), and the channels it used since."""

    category: str
    ceiling_w: float
    channels: frozenset[Channel]
    since: int
    day: int


LimitsCache = Cache[DeviceId, DeviceLimits]


def new_limits() -> LimitsCache:
    """Return an empty cache of limits by device."""
    return Cache("limits of devices", STALE, MOST_DEVICES)


def limits_of(store: Store, device_id: DeviceId, now: int, cache: LimitsCache) -> DeviceLimits:
    """Return the limits of a device, from the cache where they count still."""
    known = cache.get(device_id)
    if known is None or known.day != now // DAY_S:
        known = _read(store, device_id, now)
        cache.put(device_id, known)
    return known


def _read(store: Store, device_id: DeviceId, now: int) -> DeviceLimits:
    device, inventory = (store.latest_of(kind, device_id) for kind in ("device", "inventory"))
    about, made = (None if fact is None else fact.body for fact in (device, inventory))
    category = str((about or {}).get("category", "unknown"))
    limits = DeviceLimits(category, ceiling_w(about, made), frozenset(), now // DAY_S, now // DAY_S)
    return _with_stored_channels(limits, store, device_id)


def _with_stored_channels(limits: DeviceLimits, store: Store, device_id: DeviceId) -> DeviceLimits:
    """Return limits with the channels that the store has too, which another collector may have written."""
    stored = store.latest_of("channels", device_id)
    if stored is None:
        return limits
    channels = frozenset((str(a), str(b), str(c)) for a, b, c in stored.body["channels"])
    since = int(stored.body["since"])
    full = len(limits.channels | channels) >= MOST_CHANNELS
    if full and limits.day - since >= RENEWED_DAYS:
        return limits
    return replace(limits, channels=limits.channels | channels, since=since)


@dataclass
class Checked:
    """Records within a device's limits, those beyond them, and the facts that state a new channel."""

    slots: list[Slot]
    feeds: list[Feed]
    refused: list[RefusedRecord]
    facts: list[Fact]


def check_limits(
    store: Store,
    device_id: DeviceId,
    slots: tuple[Sequence[Slot], Iterable[int]],
    feeds: tuple[Sequence[Feed], Iterable[int]],
    now: int,
    cache: LimitsCache,
) -> Checked:
    """Check slots and feeds, each with the indexes under which they were sent, against a device's limits."""
    limits, (sent, indexes), (sent_feeds, feed_indexes) = (
        limits_of(store, device_id, now, cache),
        slots,
        feeds,
    )
    if are_within(limits, sent) and _are_feeds_within(limits, sent_feeds):
        return Checked(list(sent), list(sent_feeds), [], [])
    check = _Check(_with_stored_channels(limits, store, device_id))
    good = list(check.slots(sent, indexes)), list(check.feeds(sent_feeds, feed_indexes))
    after = replace(check.limits, channels=frozenset(check.channels))
    cache.put(device_id, after)
    body = {"since": after.since, "channels": sorted(after.channels)}
    is_new = after.channels != check.limits.channels
    return Checked(*good, check.refused, [Fact("channels", device_id, now, body)] if is_new else [])


def are_within(limits: DeviceLimits, slots: Iterable[Slot]) -> bool:
    """Return whether no slot is beyond the limits and every channel is known, as in nearly all reports."""
    known, most_w = limits.channels, limits.ceiling_w
    for slot in slots:
        for one in slot.energy:
            energy_j = one.energy_j
            if energy_j > most_w * one.duration_s or 0.0 < energy_j < LEAST_J:
                return False
            if (one.source, one.scope, one.quality) not in known:
                return False
    return True


def _are_feeds_within(limits: DeviceLimits, feeds: Iterable[Feed]) -> bool:
    return all(
        _channel_of(feed) in limits.channels
        and _beyond(feed.energy_j, feed.duration_s, _most_of_feed_w(limits, feed)) is None
        for feed in feeds
    )


class _Check:
    """One report's records against the limits, in the order in which they were sent."""

    def __init__(self, limits: DeviceLimits) -> None:
        self.limits = limits
        self.channels = set(limits.channels)
        self.refused: list[RefusedRecord] = []

    def slots(self, slots: Sequence[Slot], indexes: Iterable[int]) -> Iterator[Slot]:
        """Yield the slots within the limits."""
        for index, slot in zip(indexes, slots, strict=True):
            reason = self._energy(slot) or self._too_many(
                {(one.source, one.scope, one.quality) for one in slot.energy}, MOST_CHANNELS
            )
            if reason is None:
                yield slot
            else:
                self._refuse("slots", index, reason, slot)

    def feeds(self, feeds: Sequence[Feed], indexes: Iterable[int]) -> Iterator[Feed]:
        """Yield the feeds within the limits."""
        for index, feed in zip(indexes, feeds, strict=True):
            beyond = _beyond(feed.energy_j, feed.duration_s, _most_of_feed_w(self.limits, feed))
            reason = f".energy_j = {feed.energy_j:g}: {beyond}" if beyond else None
            reason = reason or self._too_many({_channel_of(feed)}, MOST_CHANNELS_OF_OUTLETS, of_outlets=True)
            if reason is None:
                yield feed
            else:
                self._refuse("feeds", index, reason, feed)

    def _energy(self, slot: Slot) -> str | None:
        for i, one in enumerate(slot.energy):
            beyond = _beyond(one.energy_j, one.duration_s, self.limits.ceiling_w)
            if beyond is not None:
                return f".energy[{i}].energy_j = {one.energy_j:g}: {beyond} for a {self.limits.category}"
        return None

    def _too_many(self, channels: set[Channel], most: int, of_outlets: bool = False) -> str | None:
        """Return why these channels are too many, None after adding them."""
        new = channels - self.channels
        if not new:
            return None
        used = sum((scope == OUTLET) == of_outlets for _, scope, _ in self.channels)
        if used + len(new) > most:
            return f": the device used {most} sources of energy already; a source must keep its name"
        self.channels |= new
        return None

    def _refuse(self, part: Part, index: int, reason: str, record: Slot | Feed) -> None:
        sent = SLOT.dump_python(record) if isinstance(record, Slot) else FEED.dump_python(record)
        self.refused.append(RefusedRecord(Refusal(part, index, f"{part}[{index}]{reason}"), sent))


def _beyond(energy_j: float, duration_s: int, most_w: float) -> str | None:
    """Return why an energy cannot be, None where it can."""
    if energy_j > most_w * duration_s:
        return f"{energy_j / duration_s:.0f} W on average are more than the {most_w:.0f} W that {PLAUSIBLE}"
    return f"less than {LEAST_J} J cannot be counted" if 0.0 < energy_j < LEAST_J else None


def _most_of_feed_w(limits: DeviceLimits, feed: Feed) -> float:
    return min(limits.ceiling_w, POE_PORT_W) if feed.scope == "poe" else limits.ceiling_w


def _channel_of(feed: Feed) -> Channel:
    return feed.source, OUTLET, feed.quality


def check_readings_a_day(
    store: Store, device_id: DeviceId, readings: Sequence[Reading], indexes: Iterable[int]
) -> tuple[list[Reading], list[RefusedRecord]]:
    """Return a printer's readings that fit into the number of their days (UTC), and the others."""
    if len(readings) <= 1 or _are_apart(readings):
        latest = store.latest_of("printing", device_id) if readings else None
        if latest is None or readings[0].at >= int(latest.body["at"]) + APART_S:
            return list(readings), []
    first = min(reading.at for reading in readings) // DAY_S * DAY_S
    of_day = Counter(
        int(fact.body["at"]) // DAY_S for fact in store.history("printing", device_id, first)
    )  # what was read on a day or later was recorded after it began
    accepted, refused = [], []
    for index, reading in zip(indexes, readings, strict=True):
        day = reading.at // DAY_S
        if of_day[day] < MOST_READINGS_A_DAY:
            of_day[day] += 1
            accepted.append(reading)
        else:
            reason = f"printing[{index}]: more than {MOST_READINGS_A_DAY} readings on one day (UTC)"
            refused.append(RefusedRecord(Refusal("printing", index, reason), asdict(reading)))
    return accepted, refused


def _are_apart(readings: Sequence[Reading]) -> bool:
    return all(after.at >= before.at + APART_S for before, after in pairwise(readings))


def expire(cache: LimitsCache, device_id: DeviceId) -> None:
    """Have the limits of a device read again at its next report."""
    known = cache.get(device_id)
    if known is not None:
        cache.put(device_id, replace(known, day=EXPIRED))


def has_room(store: Store, body: Body, before: Fact | None, now: int) -> bool:
    """Return whether a fact after the one before fits into what a device may state of its kind in a day.

    The day (UTC) is that of its arrival: facts that replace each other have no other.
    """
    size, today = _size(body), now // DAY_S * DAY_S
    if before is not None and before.recorded_at >= today:
        stated = store.history(before.kind, before.key, today)
        size += sum(_size(fact.body) for fact in stated if fact.recorded_at >= today)
    return size <= MOST_BYTES_A_DAY


def has_room_for_monitors(store: Store, changed: Sequence[Fact], now: int) -> bool:
    """Return whether a computer shows no more monitors on a day (UTC) than one can be attached to."""
    attached = next((fact for fact in changed if fact.kind == "attached"), None)
    if attached is None:
        return True
    today = now // DAY_S * DAY_S
    seen, before = set(attached.body["monitors"]), store.latest_of("attached", attached.key)
    if before is not None and before.recorded_at >= today:
        stated = store.history("attached", attached.key, today)
        seen.update(*(fact.body["monitors"] for fact in stated if fact.recorded_at >= today))
    return len(seen) <= MOST_MONITORS_A_DAY


def _size(body: Body) -> int:
    return len(json.dumps(body, ensure_ascii=False))
