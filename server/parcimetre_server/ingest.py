"""A report on its way in: validated record by record, judged against the clock, made into an arrival.

One bad record never costs the good ones: it is refused with its reason, kept as a dead letter, and the
rest is stored.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from parcimetre_agent.report import SCHEMA, SLOT_S, Gap, Inventory, Refusal, Report, Slot
from pydantic import TypeAdapter, ValidationError

from .errors import ParcimetreError
from .problems import sentence
from .store import Arrival, DeviceId, Fact, Store

AHEAD_S = 600
NEWEST_S = SLOT_S
DAY_S = 86_400
OLDEST_S = 400 * DAY_S
REPORT = TypeAdapter(Report)
INVENTORY = TypeAdapter(Inventory)

Part = Literal["slots", "gaps", "inventory", "self_cost"]
LISTS: tuple[Part, ...] = ("slots", "gaps")
PARTS: tuple[Part, ...] = get_args(Part)


class BadReport(ParcimetreError):
    """A report that is not understood as a whole."""

    status = 422
    kind = "bad-report"


class UnknownSchema(BadReport):
    """A version of the wire format that is not known here."""

    kind = "unknown-schema"


class ClockAhead(BadReport):
    """A report from the future."""

    kind = "clock-ahead"


class NotYourDevice(ParcimetreError):
    """A credential used for another device's report."""

    status = 403
    kind = "not-your-device"


@dataclass(frozen=True)
class Taken:
    """What a report comes to: what will be stored, and what was refused."""

    arrival: Arrival
    refused: Sequence[Refusal]


def take(body: bytes, device_id: DeviceId, store: Store, now: int) -> Taken:
    """Judge a report of a device, received at `now` (seconds UTC).

    Raises UnknownSchema, BadReport, NotYourDevice, ClockAhead when nothing of it can be stored.
    """
    report, dead = parse(body)
    if report.device_id != device_id:
        raise NotYourDevice(f"the credential is not that of device {report.device_id}: enrol again")
    if report.sent_at > now + AHEAD_S:
        raise ClockAhead(
            f"this machine's clock is {report.sent_at - now} s ahead of the collector's: "
            "set it (NTP); its data is kept and sent later"
        )
    slots = [*report.slots, *(slot for gap in report.gaps for slot in expand(gap))]
    late = list(_misdated(report, dead, now))
    misdated = {letter.record["start"] for letter in late}
    kept = [slot for slot in slots if slot.start not in misdated and _in_time(slot.start, now)]
    letters = [*dead, *late]
    facts = [*_facts(report, store, now), *(_dead_letter(letter, device_id, now) for letter in letters)]
    return Taken(Arrival(device_id, kept, facts), [letter.refusal for letter in letters])


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
        raw = json.loads(body)
    except ValueError:
        raise BadReport("the report is not JSON: send it again") from None
    if not isinstance(raw, dict):
        raise BadReport("the report is not a JSON object")
    if raw.get("schema") != SCHEMA:
        raise UnknownSchema(
            f"report schema {raw.get('schema')!r} is not known here (this collector knows {SCHEMA}): "
            "update the older of the two"
        )
    dead = list(_bad_records(raw, error))
    for letter in sorted(dead, key=lambda letter: -letter.refusal.index):
        _take_out(raw, letter.refusal)
    try:
        return REPORT.validate_json(json.dumps(raw)), dead
    except ValidationError as still:
        raise BadReport(f"report refused: {sentence(still.errors(include_url=False))}") from None


def _bad_records(raw: dict[str, Any], error: ValidationError) -> Iterator[_Dead]:
    """One dead letter for each record that has errors."""
    reasons: dict[tuple[Part, int], list[Any]] = {}
    for finding in error.errors(include_url=False):
        place = finding["loc"]
        part = next((part for part in PARTS if place and place[0] == part), None)
        if part in LISTS and len(place) > 1 and isinstance(place[1], int):
            reasons.setdefault((part, place[1]), []).append(finding)
        elif part is not None and part not in LISTS:
            reasons.setdefault((part, 0), []).append(finding)
    for (part, index), findings in reasons.items():
        record = raw[part][index] if part in LISTS else raw[part]
        yield _Dead(Refusal(part, index, sentence(findings)), record)


def _take_out(raw: dict[str, Any], refusal: Refusal) -> None:
    if refusal.part in LISTS:
        del raw[refusal.part][refusal.index]
    else:
        del raw[refusal.part]


def expand(gap: Gap) -> Iterator[Slot]:
    """The slots of a gap; a gap of unknown state says nothing that could be stored."""
    if gap.state == "unknown":
        return
    asleep_s, off_s = (SLOT_S, 0) if gap.state == "asleep" else (0, SLOT_S)
    for start in range(gap.start, gap.start + gap.duration_s, SLOT_S):
        yield Slot(start, 0, 0, asleep_s, off_s, 0)


def _in_time(start: int, now: int) -> bool:
    return now - OLDEST_S <= start <= now + NEWEST_S


def _misdated(report: Report, dead: Sequence[_Dead], now: int) -> Iterator[_Dead]:
    """Slots too far from now, under the index they were sent with."""
    gone = {letter.refusal.index for letter in dead if letter.refusal.part == "slots"}
    sent_at = (i for i in range(len(report.slots) + len(gone)) if i not in gone)
    for i, slot in zip(sent_at, report.slots, strict=True):
        if slot.start > now + NEWEST_S:
            ahead_s = slot.start - now
            reason = f"the slot starts {ahead_s} s in the future: set the machine's clock (NTP)"
        elif not _in_time(slot.start, now):
            reason = f"the slot is older than {OLDEST_S // DAY_S} days"
        else:
            continue
        yield _Dead(Refusal("slots", i, reason), asdict(slot))


def _facts(report: Report, store: Store, now: int) -> Iterator[Fact]:
    device_id = report.device_id
    if report.inventory is not None:
        body = INVENTORY.dump_python(report.inventory, mode="json", exclude_none=True)
        before = store.latest_of("inventory", device_id)
        if before is None or {**before.body, "taken_at": 0} != {**body, "taken_at": 0}:
            yield Fact("inventory", device_id, now, body)
    if report.self_cost is not None and _is_due(store.latest_of("self_cost", device_id), now):
        yield Fact("self_cost", device_id, now, {**asdict(report.self_cost), "agent": report.agent_version})


def _is_due(before: Fact | None, now: int) -> bool:
    """The agent's own cost is kept once a day: it hardly changes, and a fleet reports it every hour."""
    return before is None or before.recorded_at // DAY_S != now // DAY_S


def _dead_letter(letter: _Dead, device_id: DeviceId, now: int) -> Fact:
    body = {"device": device_id, **asdict(letter.refusal), "record": letter.record}
    return Fact("dead_letter", secrets.token_hex(8), now, body)
