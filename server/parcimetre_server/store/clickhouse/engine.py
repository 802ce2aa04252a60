"""The Store over ClickHouse servers, each with a share of the devices.

The collectors choose the shard, by a hash of the device's id (of the fact's key), rather than a Distributed
table: then every statement speaks to a server by its name, so that one that is away is an error that names
it and never an answer without its devices (skip_unavailable_shards would give one), an insert is on the
server that answered and not in a queue on the way to it, and servers need not know of each other. What is
known of a device, slots and facts, is on one server.

An arrival's slots are written before its facts: should a server fail in between, nothing is acknowledged,
agents send again, and the slots that are there are duplicates.
"""

from __future__ import annotations

import hashlib
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from typing import TypeVar

import numpy as np
from parcimetre_agent.report import Slot
from parcimetre_factors.activity import Activity

from ..embedded.columns import activity as unpacked
from ..embedded.packing import DAY_S, Channel, Unpacker
from ..interface import Coverage, Lease, RolledUp
from ..joining import join
from ..records import Body, DeviceId, Fact, FactKind, WriteBatch, WriteResult
from ..rolling import ALL_SETTLED, SETTLED_DAY, DayRule, Hours, RollRules
from . import facts, leases, mutations, rolled, rollup, slots
from .server import Server, quoted
from .slots import Key, Rows

MOST_READ = 4_000  # device-days of a server in memory at once: some 50 MB
T = TypeVar("T")
Row = TypeVar("Row", facts.Written, facts.Row)


class ClickHouseStore:
    """The Store over one server or several. Its methods may be called from any thread."""

    shared = True

    def __init__(self, servers: Sequence[Server]) -> None:
        """Take over servers that have the tables, in the order of their shards."""
        self._servers, self._pool = servers, ThreadPoolExecutor(len(servers), "clickhouse")
        self._sequences, self._writing = facts.Sequences(), threading.Lock()
        self._heard = facts.Acknowledged()
        self._channels: list[dict[int, Channel]] = [{} for _ in servers]

    def write(self, arrivals: Sequence[WriteBatch]) -> list[WriteResult]:
        """See Store.write: all or nothing is acknowledged."""
        for arrival in arrivals:
            slots.check(arrival.device_id, arrival.slots)
        written = facts.written(fact for arrival in arrivals for fact in arrival.facts)
        with self._writing:
            merged, chosen, late = self._merged(arrivals)
            rows = self._ordered(written)
            for days in late.values():
                days.write()
            for shard, of_shard in chosen.items():
                self._name_channels(shard, of_shard.values())
                slots.write(self._servers[shard], of_shard)
            self._add(rows)
        return merged

    def _merged(
        self, arrivals: Sequence[WriteBatch]
    ) -> tuple[list[WriteResult], dict[int, dict[Key, Slot]], dict[int, rolled.LateSlots]]:
        """What becomes of each arrival, the slots to write on each shard, and days to write anew."""
        asked: defaultdict[int, list[Key]] = defaultdict(list)
        for arrival in arrivals:
            asked[self._shard(arrival.device_id)] += [
                (arrival.device_id, slot.start) for slot in arrival.slots
            ]
        known = {shard: slots.covered(self._servers[shard], keys) for shard, keys in asked.items()}
        chosen: defaultdict[int, dict[Key, Slot]] = defaultdict(dict)
        late = {
            shard: rolled.LateSlots(self._servers[shard], rolled.marks(self._servers[shard]))
            for shard in asked
        }
        merged = []
        for arrival in arrivals:
            accepted, shard = 0, self._shard(arrival.device_id)
            for slot in arrival.slots:
                key = (arrival.device_id, slot.start)
                if late[shard].takes(slot):
                    accepted += late[shard].merge(arrival.device_id, slot)
                elif slot.covered_s > known[shard].get(key, 0):
                    known[shard][key], chosen[shard][key] = slot.covered_s, slot
                    accepted += 1
            merged.append(WriteResult(accepted, len(arrival.slots) - accepted))
        return merged, chosen, late

    def append(self, facts_: Sequence[Fact]) -> None:
        """See Store.append: one block on each server, after all of them answered."""
        written = facts.written(facts_)
        if not written:
            self._all(lambda server: server.ask("SELECT 1"))
        with self._writing:
            self._add(self._ordered(written))

    def remove(self, kind: FactKind, keys: Sequence[str]) -> None:
        """See Store.remove; on each server, not on all at one instant."""
        of_kind = f"kind = {quoted(kind)}"
        with self._writing:
            self._all(lambda server: mutations.delete(server, "fact", "key", keys, of_kind))

    def erase(
        self, device_ids: Sequence[DeviceId], facts_: Sequence[tuple[FactKind, str]], instead: Sequence[Fact]
    ) -> None:
        """See Store.erase. What is known of the devices goes last: an erasure that failed can be repeated."""
        by_kind: defaultdict[FactKind, list[str]] = defaultdict(list)
        for kind, key in facts_:
            by_kind[kind].append(key)
        for kind, keys in by_kind.items():
            self.remove(kind, keys)
        self.append(instead)
        with self._writing:
            for table in ("slot", "rolled_day"):
                self._all(partial(mutations.delete, table=table, column="device", values=device_ids))
            self._all(lambda server: mutations.delete(server, "fact", "key", device_ids))

    def rewrite(self, kind: FactKind, change: Callable[[Fact], Body | None]) -> int:
        """See Store.rewrite: on each server the new rows are added, then those of their writers go."""
        with self._writing:
            return sum(self._all(lambda server: facts.rewrite(server, kind, change)))

    def _ordered(self, written: Sequence[facts.Written]) -> dict[int, list[facts.Row]]:
        """Facts by shard, with sequences above those that their keys have there."""
        by_shard = self._by_shard(written)
        newest = [facts.newest(self._servers[shard], of_shard) for shard, of_shard in by_shard.items()]
        rows = self._sequences.order(written, {key: last for found in newest for key, last in found.items()})
        return self._by_shard(rows)

    def _by_shard(self, rows: Sequence[Row]) -> dict[int, list[Row]]:
        by_shard: defaultdict[int, list[Row]] = defaultdict(list)
        for row in rows:
            by_shard[self._shard(row[0].key)].append(row)
        return by_shard

    def _add(self, by_shard: dict[int, list[facts.Row]]) -> None:
        for shard, rows in by_shard.items():
            facts.add(self._servers[shard], rows)

    def latest(self, kind: FactKind, since: int = 0) -> dict[str, Fact]:
        """See Store.latest."""
        return {
            fact.key: fact
            for found in self._all(lambda one: facts.latest(one, kind, since))
            for fact in found
        }

    def latest_of(self, kind: FactKind, key: str) -> Fact | None:
        """See Store.latest_of."""
        return facts.latest_of(self._servers[self._shard(key)], kind, key)

    def history(self, kind: FactKind, key: str | None = None, since: int = 0) -> list[Fact]:
        """See Store.history."""
        if key is not None:
            return [fact for _, fact in facts.history(self._servers[self._shard(key)], kind, key, since)]
        of_all = self._all(lambda server: facts.history(server, kind, None, since))
        found = [one for of_one in of_all for one in of_one]
        return [fact for _, fact in sorted(found, key=lambda one: one[0])]

    def activity(self, device_id: DeviceId, first: int, last: int) -> Activity:
        """See Store.activity."""
        found = dict(self.activities([device_id], first, last))
        return found.get(device_id) or unpacked([], first, last)

    def activities(
        self, device_ids: Iterable[DeviceId], first: int, last: int
    ) -> Iterator[tuple[DeviceId, Activity]]:
        """See Store.activities."""
        for shard, rows, days in self._rows(device_ids, first, last):
            names = self._names(shard, rows)
            found = dict(rows.by_device())
            for device_id in dict.fromkeys(chain(days, found)):
                parts = []
                if device_id in days:
                    parts.append(unpacked(days[device_id], first, last))
                if device_id in found:
                    parts.append(rows.activity(found[device_id], names))
                activity = join(parts)
                if len(activity.start):
                    yield device_id, activity

    def slots(self, device_id: DeviceId, first: int, last: int) -> Iterator[Slot]:
        """See Store.slots."""
        shard = self._shard(device_id)
        rows, days = read(self._servers[shard], [device_id], first, last, means=True)
        for day, row in days.get(device_id, ()):
            yield from (one for one in Unpacker().day(row).slots(day) if first <= one.start < last)
        if len(rows):
            yield from rows.slots(self._names(shard, rows))

    def span(self, device_id: DeviceId) -> tuple[int, int] | None:
        """See Store.span."""
        return slots.spans(self._servers[self._shard(device_id)], device_id).get(device_id)

    def spans(self) -> dict[DeviceId, tuple[int, int]]:
        """See Store.spans."""
        return {device: span for found in self._all(slots.spans) for device, span in found.items()}

    def coverage(self, first_day: int, last_day: int) -> Coverage:
        """See Store.coverage."""
        found = [row for of in self._all(lambda one: _coverage(one, first_day, last_day + 1)) for row in of]
        numbers = {device: number for number, device in enumerate(sorted({device for device, *_ in found}))}
        covered_s = np.zeros((last_day - first_day + 1, len(numbers)), np.int64)
        for device, day, seconds in found:
            covered_s[day - first_day, numbers[device]] = seconds
        return Coverage(tuple(numbers), covered_s)

    def newer(self, kinds: Sequence[FactKind], mark: int) -> tuple[list[Fact], int]:
        """See Store.newer: each fact once, also one that a collector with a slower clock stated before."""
        now, since = self._heard.now(), self._heard.since(mark)
        found = [one for of in self._all(lambda server: facts.stated(server, kinds, since)) for one in of]
        return self._heard.after(mark, now, sorted(found, key=lambda one: one[0])), now

    def lease(self, job: str) -> Lease:
        """See Store.lease."""
        return leases.current(self._servers[0], job)

    def take_lease(self, job: str, lease: Lease) -> bool:
        """See Store.take_lease."""
        return leases.take(self._servers[0], job, lease)

    def day_rule(self, day: int) -> DayRule:
        """See Store.day_rule."""
        stated = (rule for rule in self._all(lambda server: rolled.day_rule(server, day)) if rule is not None)
        return next(stated, SETTLED_DAY)

    def rolled_up(self) -> RolledUp:
        """See Store.rolled_up."""
        found = self._all(rolled.marks)
        return RolledUp(max(one.hours_before for one in found), max(one.days_before for one in found))

    def roll_up(
        self, before_day: int, hours: Hours, dry_run: bool = False, rules: RollRules = ALL_SETTLED
    ) -> int:
        """See Store.roll_up: whole months of UTC; those of an earlier call leave the disk."""
        if dry_run:
            return sum(self._all(lambda server: rollup.due(server, before_day, hours)))
        return sum(self._all(lambda server: rollup.roll_up(server, before_day, hours, rules, self._writing)))

    def tidy(self, now: int) -> None:
        """See Store.tidy: ClickHouse merges by itself."""

    def close(self) -> None:
        """See Store.close."""
        self._pool.shutdown()
        for server in self._servers:
            server.close()

    def _shard(self, key: str) -> int:
        return shard_of(key, len(self._servers))

    def _all(self, ask: Callable[[Server], T]) -> list[T]:
        """Every server's answer, asked at once; one that is away is an error, never a gap."""
        return list(self._pool.map(ask, self._servers))

    def _rows(
        self, device_ids: Iterable[DeviceId], first: int, last: int
    ) -> Iterator[tuple[int, Rows, rolled.DaysOf]]:
        by_shard: defaultdict[int, list[DeviceId]] = defaultdict(list)
        for device_id in dict.fromkeys(device_ids):
            by_shard[self._shard(device_id)].append(device_id)
        size = max(1, MOST_READ // max(1, (last - first) // DAY_S + 1))

        def part_of(shard: int, devices: Sequence[DeviceId]) -> tuple[int, Rows, rolled.DaysOf]:
            """A part of one server."""
            return shard, *read(self._servers[shard], devices, first, last)

        for at in range(0, max(map(len, by_shard.values()), default=0), size):
            asked = [(shard, part) for shard, of in by_shard.items() if (part := of[at : at + size])]
            yield from self._pool.map(part_of, *zip(*asked, strict=True))

    def _names(self, shard: int, rows: Rows) -> dict[int, Channel]:
        """Names of the channels of a server, read again where rows have one that is not known."""
        if not rows.channel_ids() <= self._channels[shard].keys():
            self._channels[shard] = slots.read_channels(self._servers[shard])
        return self._channels[shard]

    def _name_channels(self, shard: int, written: Iterable[Slot]) -> None:
        """See to it that a server knows the channels before the slots that have them."""
        named = slots.channels_of(written)
        if named.keys() <= self._channels[shard].keys():
            return
        known = slots.read_channels(self._servers[shard])
        new = {key: channel for key, channel in named.items() if key not in known}
        if new:
            slots.write_channels(self._servers[shard], new)
        self._channels[shard] = known | new


def read(
    server: Server, devices: Sequence[DeviceId], first: int, last: int, means: bool = False
) -> tuple[Rows, rolled.DaysOf]:
    """Slots of devices with first <= start < last, and the days in which more are that are rolled up."""
    known = rolled.marks(server)
    days = rolled.read(server, devices, first // DAY_S, (last - 1) // DAY_S + 1, known)
    since = max(first, known.hours_before * DAY_S)
    return slots.read(server, devices, since, last, means) if since < last else Rows({}), days


def _coverage(server: Server, first: int, last: int) -> list[tuple[DeviceId, int, int]]:
    """Device, day and seconds covered, from one day to before another."""
    known = rolled.marks(server)
    since = max(first, known.hours_before)
    recent = slots.coverage(server, since, last - 1) if since < last else []
    return rolled.coverage(server, first, last, known) + recent


def shard_of(key: str, shards: int) -> int:
    """The shard of a device or of a fact's key, from 0; the same on every collector and for ever."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little") % shards
