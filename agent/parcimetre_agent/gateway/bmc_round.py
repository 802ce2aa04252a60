"""A round over BMCs: who their servers are, whether they are on, and what energy they took since the last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone
from typing import Any

from ..base.outcome import NoData, Ok
from ..machine.clock import Instant
from ..metering.counters import Counter
from ..metering.rare_readings import ChannelPower, power_since
from ..metering.redfish import NotRedfish, UntrustedCertificate
from ..report import SLOT_S
from . import bmc
from .bmc_asking import BmcAnswer, BmcPoll
from .bmc_session import BmcRefused, BmcUnreachable, ServerAnswer
from .book import Address, Book, WatchedDevice
from .configuration import GatewayConfiguration
from .poll import DAY_S, REACH, SILENT_AFTER, RoundResult
from .servers import PREFIX, BmcTarget
from .time_in_state import (
    LONGEST_S,
    LastAnswer,
    SlotTotals,
    StatePeriod,
    by_slot,
    close_slots,
    spread_over_slots,
    state_periods,
)

HOUR_S = 3600
STATUS = "server.status"


class ServerRound:
    """One round over the BMCs that are due at `now_s`."""

    def __init__(self, configuration: GatewayConfiguration, book: Book, now_s: float) -> None:
        self._configuration = configuration
        self._book = book
        self._now_s = now_s
        self._places = book.places()
        self._devices = book.devices()
        self._changed: set[str] = set()
        self._asking: BmcPoll | None = None
        self.count = RoundResult()

    def start(self) -> None:
        """Begin to ask."""
        due = [one for one in self._configuration.servers if self._is_due(one)]
        due.sort(key=lambda one: self._place(one.place).asked_s)
        limits = self._configuration.concurrency, self._configuration.round_limit_s
        self._asking = BmcPoll([(one, self._parts_are_due(one)) for one in due], *limits)

    def finish(self) -> RoundResult:
        """Wait for the answers until the round's time is over, and write down what was found."""
        assert self._asking is not None
        for there, asked_s, said in self._asking.answers():
            self._judge(there, said, asked_s)
        self.count.late = len(self._asking.late)
        own = (one for name, one in self._places.items() if name.startswith(PREFIX))
        self._book.save(own, {key: self._devices[key] for key in self._changed})
        self._book.bound(self._now_s)
        return self.count

    def _place(self, name: str) -> Address:
        return self._places.setdefault(name, Address(name))

    def _is_due(self, there: BmcTarget) -> bool:
        place = self._place(there.place)
        return self._now_s >= max(place.asked_s + SLOT_S / 2, place.next_s)

    def _parts_are_due(self, there: BmcTarget) -> bool:
        known = self._known(there)
        return not known or any(self._now_s >= one.counters_due_s for one in known)

    def _known(self, there: BmcTarget) -> list[WatchedDevice]:
        """The servers that were seen behind a BMC last."""
        within = [place for place in self._places.values() if place.name.startswith(f"{there.place} /")]
        return [self._devices[place.device] for place in within if place.device in self._devices]

    def _judge(self, there: BmcTarget, said: BmcAnswer, asked_s: float) -> None:
        place = self._place(there.place)
        place.asked_s, place.next_s = self._now_s, 0.0
        if isinstance(said, Exception):
            self._failed(there, place, said)
            return
        place.misses = 0
        self.count.answered += 1
        gone = {one.name for one in self._places.values() if one.name.startswith(f"{there.place} /")}
        for server in said:
            gone.discard(f"{there.place} {server.path}")
            self._guarded(there, server, self._now_s + asked_s + server.asked_s)
        for name in gone:
            self._places[name].device = None
        if not said:
            self._complain(there, "it has no servers")

    def _failed(self, there: BmcTarget, place: Address, error: Exception) -> None:
        """Tell what went wrong with a BMC; that one is away, after the second time."""
        place.misses += 1
        if isinstance(error, BmcUnreachable):
            self.count.silent += 1
        else:
            self.count.garbled += 1
        known = self._known(there)
        if isinstance(error, BmcRefused) or (isinstance(error, BmcUnreachable) and not known):
            place.next_s = self._now_s + HOUR_S - SLOT_S / 2
        is_told = isinstance(error, (BmcUnreachable, BmcRefused, UntrustedCertificate, NotRedfish))
        sentence = str(error) if is_told else f"its answer is not valid: {type(error).__name__}: {error}"
        if not known:
            self._complain(there, sentence)
        for watched in known:
            watched.silent_since_s = watched.silent_since_s or self._now_s
            if place.misses >= SILENT_AFTER or not isinstance(error, BmcUnreachable):
                since_ = datetime.fromtimestamp(watched.silent_since_s, timezone.utc)
                watched.note(REACH, f"not read since {since_:%Y-%m-%d %H:%M} UTC: {sentence}")
            self._changed.add(watched.known.key)

    def _guarded(self, there: BmcTarget, server: ServerAnswer, at_s: float) -> None:
        """Take down what was said of a server; whatever it is, the round goes on."""
        try:
            self._server(there, server, at_s)
        except Exception as error:  # noqa: BLE001 - what no BMC was seen to answer must not end the round
            self.count.garbled += 1
            self._complain(there, f"its answer is not valid: {type(error).__name__}: {error}")

    def _server(self, there: BmcTarget, server: ServerAnswer, at_s: float) -> None:
        """Take down what was said of a server: who it is, its state and its energy."""
        watched = self._watched(there, server)
        watched.secret_file, watched.silent_since_s = there.secret_file, None
        watched.note(REACH, "")
        self._parts(watched, server)
        counted = self._energy(watched, server)
        state = bmc.power_state(server.system)
        watched.note(STATUS, "" if state else "the BMC does not report whether the server is on")
        if state is None:
            watched.seen, watched.counted = None, []
            return
        before, now = watched.seen, LastAnswer(at_s, state)
        if before is not None and now.at_s > before.at_s:
            earlier: list[Any] = [Counter(*one) for one in watched.counted]
            late = power_since(_instant(before.at_s), earlier, _instant(at_s), counted)
            closed = close_slots(watched.cells, slot_totals(before, now, late), at_s, prints=False)
            self._book.put((watched.known.key, "slot", start, fields) for start, fields in closed)
        watched.seen = now
        watched.counted = [list(one) for one in counted if isinstance(one, Counter)]

    def _watched(self, there: BmcTarget, server: ServerAnswer) -> WatchedDevice:
        """The server as it is known. One that states no serial number for now is the one that was there."""
        place = self._place(f"{there.place} {server.path}")
        found = bmc.identify_server(
            server.system, there.place, server.path, self._is_elsewhere(server, place)
        )
        place.asked_s = self._now_s
        before = self._devices.get(place.device or "")
        if before is not None and found.serial_hash is None:
            found = replace(before.known, object_id=server.path)
        watched = self._devices.setdefault(found.key, WatchedDevice(found))
        watched.known = replace(found, hardware=watched.known.hardware)
        place.device = found.key
        self._changed.add(found.key)
        return watched

    def _is_elsewhere(self, server: ServerAnswer, place: Address) -> bool:
        """Whether another server was just seen with the same serial number, as in one chassis some are."""
        key = bmc.hashed_serial(server.system)
        return key is not None and any(
            one.device == key and one is not place and one.asked_s > self._now_s - 2 * SLOT_S
            for one in self._places.values()
        )

    def _parts(self, watched: WatchedDevice, server: ServerAnswer) -> None:
        if server.parts is None:
            return
        watched.counters_due_s = self._now_s + DAY_S - SLOT_S / 2
        watched.note(bmc.PARTS, server.wrong)
        before = watched.known.hardware or {}
        parts = {name: value or before.get(name, value) for name, value in server.parts.items()}
        hardware = before if server.wrong and before else {**before, **parts}
        watched.known = replace(watched.known, hardware=hardware)

    def _energy(self, watched: WatchedDevice, server: ServerAnswer) -> list[Any]:
        """What was counted; whether the server is metered is part of what is known of it."""
        outcome = server.energy
        is_wrong = not isinstance(outcome, (Ok, NoData))
        watched.note(bmc.POWER, outcome.reason if is_wrong else "")  # type: ignore[union-attr]
        if not is_wrong:
            hardware = {**(watched.known.hardware or {}), "metered": isinstance(outcome, Ok)}
            watched.known = replace(watched.known, hardware=hardware)
        return outcome.value if isinstance(outcome, Ok) else []

    def _complain(self, there: BmcTarget, sentence: str) -> None:
        """Tell what is wrong with a BMC of which no server is known."""
        self.count.complaints = (*self.count.complaints, f"{there.place}: {sentence}")


def slot_totals(before: LastAnswer, now: LastAnswer, late: Iterable[ChannelPower]) -> dict[int, SlotTotals]:
    """The slots between two answers: states, and energy that stands for the time it was counted in.

    After a longer time without an answer only the energy of its end is counted.
    """
    found = spread_over_slots(state_periods(before, now), 0)
    is_long = now.at_s - before.at_s > LONGEST_S
    for one in late:
        source, scope, quality = one.channel
        if scope != "wall_ac":
            continue
        since_s = max(one.since_s, now.at_s - SLOT_S / 2) if is_long else one.since_s
        for start, _, seconds in by_slot([StatePeriod(since_s, now.at_s, now.state)]):
            energy = {f"{source}/{quality}": (one.power_w * seconds, seconds)}
            found.setdefault(start, SlotTotals()).merge(SlotTotals(energy=energy))
    return found


def _instant(at_s: float) -> Instant:
    return Instant(at_s, at_s, at_s, "")
