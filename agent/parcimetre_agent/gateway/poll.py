"""A round: every device that is due is asked, none more often than configured, and none can break it.

A printer is first asked for its status alone. Only one that is awake is asked for its total and its serial
number, and for all its counters when these are due; one asleep keeps its counters for a day at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import Any

from ..base.outcome import Ok
from ..identification import names
from ..identification.hashes import asset_hash, serial_hash
from ..report import SLOT_S, Reading
from ..sending import wire_json
from . import (
    counters,
    device_identity,
    feeders,
    meters,
    network,
    network_session,
    power_session,
    printer_session,
    printers,
)
from .answers import NAME, OBJECT_ID, Answers
from .book import Address, Book, WatchedDevice
from .configuration import GatewayConfiguration, SnmpTarget
from .device_identity import KnownDevice
from .makers import maker_of
from .snmp import AT_ONCE, MANY_AT_ONCE, NoAnswer, SnmpSession, UnreadableAnswer
from .taps import OUTLETS
from .time_in_state import LastAnswer, StatedPower, close_slots, spread_over_slots, state_periods

DAY_S = 86_400
LONGEST_ASK_S = 30.0
SILENT_AFTER = 2
FIRST_CONTACTS = 4
"""Times as many addresses of which nothing is known are asked at once: most of them are waited for."""
WOKEN = "polling wakes it: it is polled only when its counters are due"
REACH, STATUS, COUNTERS = "gateway.reach", "printer.status", "printer.counters"
PRINTER_POWER = "printer.power"


@dataclass
class RoundResult:
    """Result of a round. `asked` counts datagrams, `late` the devices that the round had no time for.

    `complaints` are problems at addresses where no device is known.
    """

    answered: int = 0
    silent: int = 0
    garbled: int = 0
    late: int = 0
    asked: int = 0
    complaints: tuple[str, ...] = ()

    def and_of(self, other: RoundResult) -> RoundResult:
        """What came of two rounds."""
        return RoundResult(
            self.answered + other.answered, self.silent + other.silent, self.garbled + other.garbled,
            self.late + other.late, self.asked + other.asked, (*self.complaints, *other.complaints),
        )  # fmt: skip


class PollingRound:
    """One round over what is due at `now_s`; a printer that slept is left alone for `look_again_s`."""

    def __init__(
        self, configuration: GatewayConfiguration, book: Book, now_s: float, look_again_s: float = 20.0
    ) -> None:
        self._configuration = configuration
        self._book = book
        self._now_s = now_s
        self._look_again_s = look_again_s
        self._places = book.places()
        self._devices = book.devices()
        self._records: list[tuple[str, Any, int, dict[str, Any]]] = []
        self._changed: set[str] = set()
        self._doubted: list[tuple[SnmpTarget, str]] = []
        self.count = RoundResult()

    async def run(self) -> RoundResult:
        """Ask, judge, and write down what was found."""
        due = [target for target in self._configuration.targets if self._is_due(target)]
        due.sort(key=lambda target: self._place(target).asked_s)
        known = [target for target in due if self._place(target).device]
        strange = [target for target in due if not self._place(target).device]
        at_once = self._configuration.concurrency
        await asyncio.gather(
            self._all(known, self._ask, at_once), self._all(strange, self._ask, FIRST_CONTACTS * at_once)
        )
        if self._doubted:
            await asyncio.sleep(self._look_again_s)
            await self._all([target for target, _ in self._doubted], self._look_again, at_once)
        self._book.save(self._places.values(), {key: self._devices[key] for key in self._changed})
        self._book.put(self._records)
        self._book.bound(self._now_s)
        return self.count

    def _place(self, target: SnmpTarget) -> Address:
        return self._places.setdefault(target.place, Address(target.place))

    def _is_due(self, target: SnmpTarget) -> bool:
        """Every quarter hour; an address without a printer once a day, a printer that polls wake rarely."""
        place = self._place(target)
        if self._now_s < place.asked_s + SLOT_S / 2:
            return False
        watched = self._devices.get(place.device or "")
        if watched is not None and watched.waking.by_polls:
            return self._now_s >= watched.counters_due_s
        return self._now_s >= place.next_s

    async def _all(
        self, due: Iterable[SnmpTarget], ask: Callable[[SnmpTarget], Awaitable[None]], at_once: int
    ) -> None:
        """Ask several at once, each one thing at a time, until the round's time is over."""
        waiting = iter(due)
        loop = asyncio.get_running_loop()
        end_s = loop.time() + self._configuration.round_limit_s

        async def one_after_another() -> None:
            """Ask while there are printers and time left."""
            for target in waiting:
                if loop.time() >= end_s:
                    self.count.late += 1
                    continue
                await self._guarded(target, ask)

        await asyncio.gather(*(one_after_another() for _ in range(at_once)))

    async def _guarded(self, target: SnmpTarget, ask: Callable[[SnmpTarget], Awaitable[None]]) -> None:
        """Ask one; whatever it answers, the round goes on."""
        try:
            await asyncio.wait_for(ask(target), LONGEST_ASK_S)
        except (NoAnswer, asyncio.TimeoutError):
            self._missed(target)
        except Exception as error:  # noqa: BLE001 - what no device was seen to answer must not end the round
            self.count.garbled += 1
            what = error if isinstance(error, UnreadableAnswer) else f"{type(error).__name__}: {error}"
            self._note_problem(target, STATUS, f"its answer is not valid: {what}")

    async def _ask(self, target: SnmpTarget) -> None:
        place = self._place(target)
        place.asked_s = self._now_s
        session = self._session(target, 0 if place.misses else self._configuration.retries)
        try:
            watched = self._devices.get(place.device or "")
            if watched is None:
                await self._meet(target, session)
            else:
                await self._visit(target, session, watched)
        finally:
            self.count.asked += session.asked

    def _session(self, target: SnmpTarget, retries: int) -> SnmpSession:
        return SnmpSession(target, self._configuration.timeout_s, retries)

    async def _meet(self, target: SnmpTarget, session: SnmpSession) -> None:
        """See what answers at an address, and read it whole when it is what is expected."""
        place = self._place(target)
        place.next_s = self._now_s + DAY_S - SLOT_S / 2
        found = await identify(session, target)
        place.misses = 0
        if found is None:
            return
        place.device, place.next_s = found.key, 0.0
        watched = self._devices.setdefault(found.key, WatchedDevice(found))
        watched.known, watched.secret_file = found, target.secret_file
        if watched.seen is None or self._now_s > watched.seen.at_s:
            await self._visit(target, session, watched, is_new=True)

    async def _visit(
        self, target: SnmpTarget, session: SnmpSession, watched: WatchedDevice, is_new: bool = False
    ) -> None:
        """Ask a device that is known: its status, and what may be asked beyond without waking it."""
        known = watched.known
        if known.category in feeders.KINDS:
            await self._visit_network(target, session, watched, is_new)
            return
        answers = await session.get(printers.status_oids(known))
        power = printers.power(answers, known)
        due = self._now_s >= watched.counters_due_s
        overdue = self._now_s >= watched.counters_due_s + DAY_S
        fresh: Reading | None = None
        if power == "awake" or overdue or is_new or not printers.looks_like(answers, known):
            who = await session.get(_proof_oids(known))
            if not is_new and not _is_same(who, known):
                self._place(target).device = None
                await self._meet(target, session)
                return
            answers = {**answers, **who}
            watched.known = replace(
                known, name=names.printable(answers.get(NAME)), asset_hash=_asset_hash(who, known)
            )
            if due:
                fresh = await self._read(session, watched)
        elif not watched.waking.is_known:
            self._doubted.append((target, known.key))
        metered, wrong = meters.stated_power(answers, known.meters)
        self._answered(target, watched, answers, power, fresh, metered)
        self._problem(watched, PRINTER_POWER, wrong)

    async def _visit_network(
        self, target: SnmpTarget, session: SnmpSession, watched: WatchedDevice, is_new: bool
    ) -> None:
        """Ask a network device or power unit for what it takes and gives; once a day for its parts."""
        maker = maker_of(watched.known.object_id)
        answers = await session.get(network.status_oids(watched.known, maker))
        if not is_new and not network.is_same(answers, watched.known, maker):
            self._place(target).device = None
            await self._meet(target, session)
            return
        if is_new or self._now_s >= watched.counters_due_s:
            watched.counters_due_s = self._now_s + DAY_S - SLOT_S / 2
            again = None if is_new else await identify(session, target)
            if again is not None and again.key == watched.known.key:
                watched.known = again
                answers = await session.get(network.status_oids(again, maker))
        watched.known = replace(watched.known, name=names.printable(answers.get(NAME)))
        power, wrong = feeders.own_power(answers, watched.known)
        self._answered(target, watched, answers, "awake", None, power)
        for start, rows in feeders.given(answers, watched.known, watched.feeding, self._now_s):
            self._records.append((watched.known.key, "feeds", start, rows))
        for what, sentence in {**wrong, OUTLETS: watched.feeding.problems_sentence()}.items():
            self._problem(watched, what, sentence)

    async def _read(self, session: SnmpSession, watched: WatchedDevice) -> Reading | None:
        """All counters and supplies, and what is wrong with them."""
        known = watched.known
        maker = maker_of(known.object_id)
        oids = [printers.LIFE_COUNT]
        table: dict[int, int] = {}
        if maker is not None:
            oids += [oid for oids_ in maker.counters.values() for oid in oids_]
            if maker.coded is not None:
                numbers = await session.walk(maker.coded.numbers, AT_ONCE)
                table = counters.numbered(
                    numbers, await session.walk(maker.coded.values, AT_ONCE) if numbers else {}
                )
        outcome, wrong = counters.reading(await session.get(oids), table, maker, int(self._now_s))
        watched.counters_due_s = self._now_s + DAY_S / self._configuration.counters_per_day - SLOT_S / 2
        if not isinstance(outcome, Ok):
            self._problem(watched, COUNTERS, outcome.reason)
            return None
        rows = await session.walk(printers.SUPPLIES, MANY_AT_ONCE)
        colours = await session.walk(printers.COLOURS, AT_ONCE) if rows else {}
        fresh = replace(outcome.value, supplies=counters.supplies(rows, colours))
        fresh, leap = counters.after(fresh, watched.reading)
        self._problem(watched, COUNTERS, "; ".join(filter(None, (leap, wrong))))
        return fresh

    def _answered(
        self, target: SnmpTarget, watched: WatchedDevice, answers: Answers, power: printers.Power,
        fresh: Reading | None, metered: StatedPower | None = None,
    ) -> None:  # fmt: skip
        """Take down an answer: the state, the slots that closed, the reading, the power."""
        self.count.answered += 1
        place = self._place(target)
        place.misses, place.device = 0, watched.known.key
        watched.silent_since_s = None
        self._problem(watched, REACH, "")
        self._problem(watched, STATUS, WOKEN if watched.waking.by_polls else "")
        total = answers.get(printers.LIFE_COUNT)
        before = watched.seen
        now = LastAnswer(
            self._now_s, power, device_identity.uptime_s(answers),
            total if isinstance(total, int) and printers.is_count(total)
            else before.impressions if before else None,
            metered,
        )  # fmt: skip
        if before is not None:
            self._slots(watched, before, now)
        watched.seen = now
        if fresh is not None:
            watched.reading = fresh
            self._records.append((watched.known.key, "reading", fresh.at, wire_json.reading_fields(fresh)))

    def _slots(self, watched: WatchedDevice, before: LastAnswer, now: LastAnswer) -> None:
        """Add what is known since the last answer; slots that ended are to be sent."""
        printed = 0
        if before.impressions is not None and now.impressions is not None:
            leap = counters.jump(before.impressions, now.impressions, now.at_s - before.at_s)
            printed = 0 if leap else now.impressions - before.impressions
        fresh, prints = (
            spread_over_slots(state_periods(before, now), printed),
            watched.known.printer is not None,
        )
        for start, fields in close_slots(watched.cells, fresh, now.at_s, prints):
            self._records.append((watched.known.key, "slot", start, fields))

    async def _look_again(self, target: SnmpTarget) -> None:
        """Whether a printer that was asleep woke since it was asked."""
        watched = self._devices[self._place(target).device or ""]
        session = self._session(target, 0)
        answers = await session.get(printers.status_oids(watched.known))
        self.count.asked += session.asked
        watched.waking = watched.waking.seen(printers.power(answers, watched.known) == "awake")
        if watched.waking.by_polls:
            self._problem(watched, STATUS, WOKEN)

    def _missed(self, target: SnmpTarget) -> None:
        """Count a missing answer; the device is reported as absent after the second one."""
        self.count.silent += 1
        place = self._place(target)
        place.misses += 1
        watched = self._devices.get(place.device or "")
        if watched is None:
            return
        watched.silent_since_s = watched.silent_since_s or self._now_s
        if place.misses >= SILENT_AFTER:
            since = datetime.fromtimestamp(watched.silent_since_s, timezone.utc)
            away = f"no answer since {since:%Y-%m-%d %H:%M} UTC: off, moved, or other SNMP credentials"
            self._problem(watched, REACH, away)
        self._changed.add(watched.known.key)

    def _note_problem(self, target: SnmpTarget, what: str, sentence: str) -> None:
        watched = self._devices.get(self._place(target).device or "")
        if watched is not None:
            self._problem(watched, what, sentence)

    def _problem(self, watched: WatchedDevice, what: str, sentence: str) -> None:
        """Note what is wrong, or with an empty sentence that nothing is."""
        self._changed.add(watched.known.key)
        watched.note(what, sentence)


def _proof_oids(known: KnownDevice) -> list[str]:
    """What shows that the same printer answers as the last time, and its total."""
    maker = maker_of(known.object_id)
    own = maker.serial if maker else ()
    return [OBJECT_ID, printers.SERIAL, *own, printers.CHASSIS_SERIAL, printers.LIFE_COUNT]


def _is_same(answers: Answers, known: KnownDevice) -> bool:
    """Whether nothing says that another printer stands at the address now."""
    maker = maker_of(known.object_id)
    object_id = answers.get(OBJECT_ID)
    if object_id is not None and str(object_id) != known.object_id:
        return False
    hashed = serial_hash(known.maker, printers.stated_serial(answers, maker))
    return hashed is None or hashed == known.serial_hash


def _asset_hash(answers: Answers, known: KnownDevice) -> str | None:
    """The hash of the serial number alone, which a printer that was met by an earlier agent has not yet."""
    return asset_hash(printers.stated_serial(answers, maker_of(known.object_id))) or known.asset_hash


async def identify(session: SnmpSession, target: SnmpTarget) -> KnownDevice | None:
    """Who answers at an address; None for what is not expected there. Raises Silent and Garbled."""
    found = await printer_session.identify(session) if target.expected in ("printer", "any") else None
    if found is None and target.expected in ("power", "any"):
        found = await power_session.identify(session, target)
    if found is None and target.expected in ("network", "any"):
        found = await network_session.identify(session, target)
    return found
