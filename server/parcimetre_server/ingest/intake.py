"""A report on its way in: validated record by record, judged against the clock, made into an arrival.

One bad record never costs the good ones: it is refused with its reason, kept as a dead letter, and the
rest is stored.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from parcimetre_agent.report import Inventory, Refusal, Report
from pydantic import TypeAdapter

from ..access.credentials import BadCredential
from ..base.errors import ParcimetreError
from ..fleet import displays
from ..fleet.outlets.records import FromOutlets, from_outlets
from ..fleet.printing import readings as printing
from ..store.interface import Store
from ..store.records import DeviceId, Fact, WriteBatch
from .plausibility import AHEAD_S, DAY_S, ClockAhead, _expanded, _in_time, _readings, _sent_as
from .validation import _Dead, parse

MOST_KEPT = 4000
INVENTORY = TypeAdapter(Inventory)

Versions = dict[DeviceId, str]  # agent versions that the store holds


class NotYourDevice(ParcimetreError):
    """A credential used for another device's report."""

    status = 403
    kind = "not-your-device"


@dataclass(frozen=True)
class ReportIntake:
    """What a report comes to: what will be stored, what was refused, and how many slots it left behind.

    `fed` are the slots of the device's outlets, one arrival each.
    """

    arrival: WriteBatch
    refused: Sequence[Refusal]
    waiting: int | None
    fed: Sequence[WriteBatch] = ()


def accept_report(
    body: bytes, device_id: DeviceId, store: Store, now: int, versions: Versions | None = None
) -> ReportIntake:
    """Judge a report of a device, received at `now` (seconds UTC); `versions` spare reads of the store.

    Raises UnknownSchema, BadReport, NotYourDevice, ClockAhead, BadCredential when nothing can be stored.
    """
    report, dead = parse(body)
    if report.device_id != device_id:
        raise NotYourDevice(f"the credential does not belong to device {report.device_id}: enrol again")
    if report.sent_at > now + AHEAD_S:
        raise ClockAhead(
            f"this machine's clock is {report.sent_at - now} s ahead of the collector's: set it, for "
            "example with NTP; the agent stores its data until then"
        )
    slots, late = _in_time("slots", report.slots, _sent_as("slots", report.slots, dead), now)
    expanded, odd = _expanded(report.gaps, _sent_as("gaps", report.gaps, dead), now)
    readings, untimely = _readings(report.printing, _sent_as("printing", report.printing, dead), now)
    outlets, unfed = _outlets(report, dead, store, now)
    letters = [*dead, *late, *odd, *untimely, *unfed]
    facts = [
        *_version(report, store, now, {} if versions is None else versions),
        *_facts(report, store, now),
        *printing.facts(device_id, readings, store, now),
        *outlets.facts,
        *(_dead_letter(letter, device_id, now) for letter in letters),
    ]
    refused = [letter.refusal for letter in letters]
    arrival = WriteBatch(device_id, [*slots, *expanded], facts)
    return ReportIntake(arrival, refused, report.waiting, outlets.arrivals)


def _outlets(
    report: Report, dead: Sequence[_Dead], store: Store, now: int
) -> tuple[FromOutlets, list[_Dead]]:
    """What a feeder's outlets gave, and feeds that come at a wrong time or contradict their outlet."""
    if not report.feeds:
        return FromOutlets(), []
    indexes = list(_sent_as("feeds", report.feeds, dead))
    kept, late = _in_time("feeds", report.feeds, indexes, now)
    found = from_outlets(DeviceId(report.device_id), kept, store, now)
    gone = {letter.refusal.index for letter in late}
    sent_as = [index for index in indexes if index not in gone]
    odd = [
        _Dead(
            Refusal("feeds", sent_as[one.at], f"feeds[{sent_as[one.at]}].{one.reason}"), asdict(kept[one.at])
        )
        for one in found.contradictions
    ]
    return found, [*late, *odd]


def _version(report: Report, store: Store, now: int, versions: Versions) -> Iterator[Fact]:
    """The device with its agent's new version, after an update. Raises BadCredential for a lost device."""
    device_id = DeviceId(report.device_id)
    if versions.get(device_id) == report.agent_version:
        return
    device = store.latest_of("device", device_id)
    if device is None:
        raise BadCredential(f"device {report.device_id} no longer exists: enrol again")
    if device.body["agent_version"] != report.agent_version:
        yield Fact("device", device.key, now, {**device.body, "agent_version": report.agent_version})
    else:
        versions[device_id] = sys.intern(report.agent_version)


def _facts(report: Report, store: Store, now: int) -> Iterator[Fact]:
    device_id = report.device_id
    if report.inventory is not None:
        body = INVENTORY.dump_python(report.inventory, mode="json", exclude_none=True)
        before = store.latest_of("inventory", device_id)
        if before is None or {**before.body, "taken_at": 0} != {**body, "taken_at": 0}:
            yield Fact("inventory", device_id, now, body)
        yield from displays.facts(DeviceId(device_id), report.inventory, store, now)
    if report.self_cost is not None and _is_due(store.latest_of("self_cost", device_id), now):
        yield Fact("self_cost", device_id, now, {**asdict(report.self_cost), "agent": report.agent_version})
    if report.losses is not None:
        lost, known = asdict(report.losses), store.latest_of("losses", device_id)
        if known is None or dict(known.body) != lost:
            yield Fact("losses", device_id, now, lost)


def _is_due(before: Fact | None, now: int) -> bool:
    """The agent's own cost is kept once a day: it hardly changes, and a fleet reports it every hour."""
    return before is None or before.recorded_at // DAY_S != now // DAY_S


def _dead_letter(letter: _Dead, device_id: DeviceId, now: int) -> Fact:
    body = {"device": device_id, **asdict(letter.refusal), "record": _kept(letter.record)}
    return Fact("dead_letter", secrets.token_hex(8), now, body)


def _kept(record: Any) -> Any:
    """The record as it was sent; one that is too long or no strict JSON as the beginning of its text."""
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return repr(record)[:MOST_KEPT]
    return record if len(text) <= MOST_KEPT else text[:MOST_KEPT]
