"""A report on its way in: validated record by record, judged against the clock, made into an arrival.

One bad record never costs the good ones: it is refused with its reason, kept as a dead letter, and the
rest is stored.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeVar, get_args

from parcimetre_agent.report import SCHEMA, SLOT_S, Feed, Gap, Inventory, Reading, Refusal, Report, Slot
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from .access.credentials import BadCredential
from .base.errors import ParcimetreError
from .fleet import displays
from .fleet.outlets.records import FromOutlets, from_outlets
from .fleet.printing import readings as printing
from .store.interface import Store
from .store.records import Arrival, DeviceId, Fact

AHEAD_S = 600
NEWEST_S = SLOT_S
DAY_S = 86_400
OLDEST_S = 400 * DAY_S
MOST_GAP_SLOTS = 2 * OLDEST_S // SLOT_S
MOST_KEPT = 4000
LONGEST_NAME = 40
UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
REPORT = TypeAdapter(Report)
INVENTORY = TypeAdapter(Inventory)

Versions = dict[DeviceId, str]  # agent versions that the store holds
Part = Literal["slots", "gaps", "inventory", "self_cost", "losses", "printing", "feeds"]
LISTS: tuple[Part, ...] = ("slots", "gaps", "printing", "feeds")
PARTS: tuple[Part, ...] = get_args(Part)
Timed = TypeVar("Timed", Slot, Feed)


class BadReport(ParcimetreError):
    """A report that is not understood as a whole."""

    status = 422
    kind = "bad-report"


class UnknownSchema(ParcimetreError):
    """A version of the wire format that is not known here.

    Not 422: an agent that reads "unprocessable" looks for the bad record and sets it aside, while here all
    of them are good and must stay in its spool.
    """

    status = 409
    kind = "unknown-schema"


class ClockAhead(ParcimetreError):
    """A report from the future; its records stay with the agent, as for UnknownSchema."""

    status = 409
    kind = "clock-ahead"


class NotYourDevice(ParcimetreError):
    """A credential used for another device's report."""

    status = 403
    kind = "not-your-device"


@dataclass(frozen=True)
class Taken:
    """What a report comes to: what will be stored, what was refused, and how many slots it left behind.

    `fed` are the slots of the device's outlets, one arrival each.
    """

    arrival: Arrival
    refused: Sequence[Refusal]
    waiting: int | None
    fed: Sequence[Arrival] = ()


def take(body: bytes, device_id: DeviceId, store: Store, now: int, versions: Versions | None = None) -> Taken:
    """Judge a report of a device, received at `now` (seconds UTC); `versions` spare reads of the store.

    Raises UnknownSchema, BadReport, NotYourDevice, ClockAhead, BadCredential when nothing can be stored.
    """
    report, dead = parse(body)
    if report.device_id != device_id:
        raise NotYourDevice(f"the credential is not that of device {report.device_id}: enrol again")
    if report.sent_at > now + AHEAD_S:
        raise ClockAhead(
            f"this machine's clock is {report.sent_at - now} s ahead of the collector's: set it, for example "
            "with NTP; the agent keeps its data until then"
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
    arrival = Arrival(device_id, [*slots, *expanded], facts)
    return Taken(arrival, refused, report.waiting, outlets.arrivals)


@dataclass(frozen=True)
class _Dead:
    refusal: Refusal
    record: Any


def parse(body: bytes) -> tuple[Report, list[_Dead]]:
    """The report, without the records that contradict the format, and those records.

    Raises UnknownSchema and BadReport.
    """
    try:
        return REPORT.validate_json(body), []
    except ValidationError as error:
        return _salvaged(body, error)


def _salvaged(body: bytes, error: ValidationError) -> tuple[Report, list[_Dead]]:
    try:
        raw = from_json(body)
    except ValueError as syntax:
        raise BadReport(f"report refused: it is not JSON ({syntax}); send it again") from None
    if not isinstance(raw, dict):
        raise BadReport("report refused: it is not a JSON object; send one as docs/en/wire-format.md says")
    if raw.get("schema") != SCHEMA:
        raise UnknownSchema(
            f"report schema {raw.get('schema')!r} is not known here (this collector knows {SCHEMA}): update "
            "the older of agent and collector; the agent keeps its data until then"
        )
    dead = list(_bad_records(raw, error))
    for letter in sorted(dead, key=lambda letter: -letter.refusal.index):
        _take_out(raw, letter.refusal)
    try:
        return REPORT.validate_json(json.dumps(raw)), dead
    except ValidationError as still:
        raise BadReport(f"report refused: {_sentence(still.errors(include_url=False))}") from None


def _bad_records(raw: dict[str, Any], error: ValidationError) -> Iterator[_Dead]:
    """One dead letter for each record that has errors."""
    found: dict[tuple[Part, int], list[ErrorDetails]] = {}
    for finding in error.errors(include_url=False):
        place = finding["loc"]
        part = next((part for part in PARTS if place and place[0] == part), None)
        if part in LISTS and len(place) > 1 and isinstance(place[1], int):
            found.setdefault((part, place[1]), []).append(finding)
        elif part is not None and part not in LISTS:
            found.setdefault((part, 0), []).append(finding)
    for (part, index), findings in found.items():
        record = raw[part][index] if part in LISTS else raw[part]
        yield _Dead(Refusal(part, index, f"{_sentence(findings)}; update the agent"), record)


def _sentence(findings: Sequence[ErrorDetails]) -> str:
    """Where, what was given and what is due; the value of an unknown field is not repeated."""
    told = []
    for finding in findings[:3]:
        place = "".join(map(_step, finding["loc"]))
        what = finding["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
        given = repr(finding["input"])
        shown = finding["type"] not in UNKNOWN_FIELD and len(given) <= 60
        told.append(f"{place.lstrip('.') or 'report'}{f' = {given}' if shown else ''}: {what}")
    return "; ".join(told)


def _step(part: int | str) -> str:
    """An index or a name on the way to a value; a made-up name in a form that can be printed."""
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part.isidentifier() and len(part) <= LONGEST_NAME else f".{part[:LONGEST_NAME]!r}"


def _take_out(raw: dict[str, Any], refusal: Refusal) -> None:
    if refusal.part in LISTS:
        del raw[refusal.part][refusal.index]
    else:
        del raw[refusal.part]


def _sent_as(part: Part, records: Sequence[object], dead: Sequence[_Dead]) -> Iterable[int]:
    """The index under which each remaining record was sent."""
    if not dead:
        return range(len(records))
    gone = {letter.refusal.index for letter in dead if letter.refusal.part == part}
    return (i for i in range(len(records) + len(gone)) if i not in gone)


def _in_time(
    part: Literal["slots", "feeds"], slots: Sequence[Timed], indexes: Iterable[int], now: int
) -> tuple[list[Timed], list[_Dead]]:
    """Slots or feeds near enough to now, and the others with the reason."""
    starts = [slot.start for slot in slots]
    if not starts or (min(starts) >= now - OLDEST_S and max(starts) <= now + NEWEST_S):
        return list(slots), []
    kept, dead = [], []
    for index, slot in zip(indexes, slots, strict=True):
        if slot.start > now + NEWEST_S:
            reason = f"it starts {slot.start - now} s in the future; set the machine's clock, e.g. with NTP"
        elif slot.start < now - OLDEST_S:
            reason = f"it is older than {OLDEST_S // DAY_S} days, the oldest that is taken; nothing to mend"
        else:
            kept.append(slot)
            continue
        told = f"{part}[{index}].start = {slot.start}: {reason}"
        dead.append(_Dead(Refusal(part, index, told), asdict(slot)))
    return kept, dead


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


def _expanded(gaps: Sequence[Gap], indexes: Iterable[int], now: int) -> tuple[list[Slot], list[_Dead]]:
    """The slots that the gaps stand for, as far back as slots are taken, and gaps that make no sense."""
    slots: list[Slot] = []
    dead: list[_Dead] = []
    for index, gap in zip(indexes, gaps, strict=True):
        end = gap.start + gap.duration_s
        if end > now + NEWEST_S + SLOT_S:
            reason = f"ends {end - now} s in the future; set the machine's clock, e.g. with NTP"
        elif end <= now - OLDEST_S:
            reason = f"is older than {OLDEST_S // DAY_S} days, the oldest that is taken; nothing to mend"
        elif len(slots) + gap.duration_s // SLOT_S > MOST_GAP_SLOTS:
            reason = f"makes the gaps of one report longer than {MOST_GAP_SLOTS} slots; send it in the next"
        else:
            slots += (slot for slot in expand(gap) if slot.start >= now - OLDEST_S)
            continue
        dead.append(_Dead(Refusal("gaps", index, f"gaps[{index}] {reason}"), asdict(gap)))
    return slots, dead


def _readings(
    readings: Sequence[Reading], indexes: Iterable[int], now: int
) -> tuple[list[Reading], list[_Dead]]:
    """A printer's readings near enough to now, and the others with the reason."""
    kept, dead = [], []
    for index, reading in zip(indexes, readings, strict=True):
        if now - OLDEST_S <= reading.at <= now + NEWEST_S:
            kept.append(reading)
            continue
        told = (
            f"printing[{index}].at = {reading.at}: too far from now; set the gateway's clock, e.g. with NTP"
        )
        dead.append(_Dead(Refusal("printing", index, told), asdict(reading)))
    return kept, dead


def expand(gap: Gap) -> Iterator[Slot]:
    """The slots of a gap; a gap of unknown state says nothing that could be stored."""
    if gap.state == "unknown":
        return
    asleep_s, off_s = (SLOT_S, 0) if gap.state == "asleep" else (0, SLOT_S)
    for start in range(gap.start, gap.start + gap.duration_s, SLOT_S):
        yield Slot(start, 0, 0, asleep_s, off_s, 0)


def _version(report: Report, store: Store, now: int, versions: Versions) -> Iterator[Fact]:
    """The device with its agent's new version, after an update. Raises BadCredential for a lost device."""
    device_id = DeviceId(report.device_id)
    if versions.get(device_id) == report.agent_version:
        return
    device = store.latest_of("device", device_id)
    if device is None:
        raise BadCredential(f"device {report.device_id} is not known here any more: enrol again")
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
