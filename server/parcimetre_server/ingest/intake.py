"""Intake of a report: records are validated one by one, checked against the clock, and batched to be written.

A bad record never costs the good ones: it is refused with its reason and stored as a dead letter, and the
others are stored.
"""

from __future__ import annotations

import json
import re
import secrets
import sys
from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from typing import Any

from parcimetre_agent.report import (
    DEPRECATED_MEANS,
    SLOT_S,
    Feed,
    HardwareIdentity,
    HashForm,
    Inventory,
    Refusal,
    Report,
    Slot,
)
from pydantic import TypeAdapter

from ..access.credentials import BadCredential
from ..base.cache import Cache
from ..base.errors import ParcimetreError
from ..base.periods import DAY_S
from ..fleet import displays
from ..fleet.enrolment import Enrolment
from ..fleet.organisation_hashes import (
    FORM,
    ORGANISATION,
    PRODUCT,
    Rekey,
    gets_key,
    of_hardware,
    of_inventory,
    of_json,
)
from ..fleet.outlets.records import FromOutlets, from_outlets
from ..fleet.printing import readings as printing
from ..store.interface import Store
from ..store.records import DeviceId, Fact, WriteBatch
from .device_limits import (
    MOST_BYTES_A_DAY,
    MOST_MONITORS_A_DAY,
    LimitsCache,
    are_within,
    check_limits,
    check_readings_a_day,
    expire,
    has_room,
    has_room_for_monitors,
    limits_of,
    new_limits,
)
from .masking import masked
from .plausibility import are_timely, check_clock, check_readings, check_times, expand_gaps, sent_indexes
from .validation import RefusedRecord, parse

LONGEST_RECORD = 4000  # characters of a refused record that are stored
INVENTORY = TypeAdapter(Inventory)
TOO_MANY_DIGITS = re.compile(r"\d{19}")  # 2 ** 63 has so many
LOSSES_EVERY_S = SLOT_S  # they are sums: a later report has what an earlier one had
TOO_MANY_INVENTORIES = (
    f"inventory: today's changes of the inventory have more than {MOST_BYTES_A_DAY} bytes together; the next "
    "one is stored tomorrow (UTC)"
)
TOO_MANY_MONITORS = (
    f"inventory.displays: more than {MOST_MONITORS_A_DAY} monitors on one day (UTC); those of this inventory "
    "are no devices of their own until tomorrow"
)
SINCE_SCHEMA_2 = ("guests", "power_supplies")
NOT_STORED: dict[str, Any] = {**dict.fromkeys(DEPRECATED_MEANS), "boot": None, "disbelieved": []}

MOST_VERSIONS = 200_000
Versions = Cache[DeviceId, str]


def new_versions() -> Versions:
    """Return an empty cache of the agent versions that the store has, by device."""
    return Cache("agent versions", "A version counts until its device reports another one.", MOST_VERSIONS)


class NotYourDevice(ParcimetreError):
    """A credential used for another device's report."""

    status = 403
    kind = "not-your-device"


@dataclass(frozen=True)
class ReportIntake:
    """What a report comes to: the batch to write, the refused records, and the slots still with the agent.

    `fed` are the slots of the device's outlets, one batch each. Its agent `wants_key` where it sent hashes
    of the product's form and can use the organisation's key.
    """

    arrival: WriteBatch
    refused: Sequence[Refusal]
    waiting: int | None
    fed: Sequence[WriteBatch] = ()
    wants_key: bool = False


def accept_report(
    body: bytes,
    device_id: DeviceId,
    store: Store,
    now: int,
    versions: Versions | None = None,
    limits: LimitsCache | None = None,
    enrolment: Enrolment | None = None,
) -> ReportIntake:
    """Return what a device's report, received at `now` (seconds UTC), comes to; nothing is written yet.

    `versions` and `limits` spare reads of the store; `enrolment` knows the organisation's key and all
    fingerprints; without it hashes are stored in the form in which they were sent. Raises UnknownSchema,
    BadReport, NotYourDevice, ClockAhead and BadCredential where nothing of the report can be stored.
    """
    report, invalid = parse(body)
    if report.device_id != device_id:
        raise NotYourDevice(f"the credential does not belong to device {report.device_id}: enrol again")
    check_clock(report.sent_at, now)
    wants_key = gets_key(report.schema, report.hash_form)
    if enrolment is not None and report.hash_form == PRODUCT and _has_hashes(report, invalid):
        report, invalid = _in_organisation_form(report, invalid, enrolment.key.rekeyed)
    limits = new_limits() if limits is None else limits
    records = _records(report, invalid, store, now, limits)
    changed, too_many = _facts(report, store, now)
    refused = [*records.refused, *too_many]
    facts = [
        *_device(report, store, now, new_versions() if versions is None else versions, enrolment),
        *changed,
        *records.facts,
        *(_dead_letter(record, device_id, now, report.hash_form) for record in refused),
    ]
    if changed and any(fact.kind == "inventory" for fact in changed):
        expire(limits, device_id)
    batch = WriteBatch(device_id, records.slots, facts)
    return ReportIntake(batch, [record.refusal for record in refused], report.waiting, records.fed, wants_key)


@dataclass(frozen=True)
class _Records:
    """Records of a report that are stored, the facts that they come to, and those that are refused."""

    slots: Sequence[Slot]
    fed: Sequence[WriteBatch] = ()
    facts: Sequence[Fact] = ()
    refused: Sequence[RefusedRecord] = ()


def _records(
    report: Report, invalid: Sequence[RefusedRecord], store: Store, now: int, cache: LimitsCache
) -> _Records:
    """Return what slots, gaps, readings and feeds come to; most reports have good slots and nothing else."""
    device_id, sent = DeviceId(report.device_id), list(map(_stored_part, report.slots))
    plain = not (invalid or report.gaps or report.printing or report.feeds)
    if plain and are_timely(sent, now) and are_within(limits_of(store, device_id, now, cache), sent):
        return _Records(sent)
    slots, untimely_slots = check_times("slots", sent, sent_indexes("slots", sent, invalid), now)
    feeds, untimely_feeds = check_times(
        "feeds", report.feeds, sent_indexes("feeds", report.feeds, invalid), now
    )
    readings, untimely_readings = check_readings(
        report.printing, sent_indexes("printing", report.printing, invalid), now
    )
    gap_slots, bad_gaps = expand_gaps(report.gaps, sent_indexes("gaps", report.gaps, invalid), now)
    refused = [*invalid, *untimely_slots, *untimely_feeds, *bad_gaps, *untimely_readings]
    within = check_limits(
        store, device_id, (slots, sent_indexes("slots", slots, refused)),
        (feeds, sent_indexes("feeds", feeds, refused)), now, cache,
    )  # fmt: skip
    refused += within.refused
    readings, too_many = check_readings_a_day(
        store, device_id, readings, sent_indexes("printing", readings, refused)
    )
    outlets, contradictory = _accept_feeds(
        device_id, within.feeds, sent_indexes("feeds", within.feeds, refused), store, now
    )
    return _Records(
        [*within.slots, *gap_slots],
        outlets.arrivals,
        [*within.facts, *printing.facts(device_id, readings, store, now), *outlets.facts],
        [*refused, *too_many, *contradictory],
    )


def _stored_part(slot: Slot) -> Slot:
    """Return a valid slot without what is not stored of it; a copy is not validated."""
    if (
        slot.disk_read_kib_s is None
        and slot.disk_write_kib_s is None
        and slot.net_received_kib_s is None
        and slot.net_sent_kib_s is None
        and slot.boot is None
        and not slot.disbelieved
    ):
        return slot
    stored = copy(slot)
    vars(stored).update(NOT_STORED)
    return stored


def _accept_feeds(
    feeder: DeviceId, feeds: Sequence[Feed], indexes: Iterable[int], store: Store, now: int
) -> tuple[FromOutlets, list[RefusedRecord]]:
    """Return what a feeder's outlets gave, and the feeds that contradict their outlet."""
    if not feeds:
        return FromOutlets(), []
    sent_as = list(indexes)
    outlets = from_outlets(feeder, feeds, store, now)
    contradictory = [
        RefusedRecord(
            Refusal("feeds", sent_as[one.at], f"feeds[{sent_as[one.at]}].{one.reason}"), asdict(feeds[one.at])
        )
        for one in outlets.contradictions
    ]
    return outlets, contradictory


def _has_hashes(report: Report, invalid: Sequence[RefusedRecord]) -> bool:
    return report.inventory is not None or report.hardware is not None or bool(invalid)


def _in_organisation_form(
    report: Report, invalid: Sequence[RefusedRecord], rekey: Rekey
) -> tuple[Report, list[RefusedRecord]]:
    """Return a report, and what was refused of it, with the organisation's hashes for the product's."""
    known = replace(
        report,
        inventory=None if report.inventory is None else of_inventory(report.inventory, rekey),
        hardware=None if report.hardware is None else of_hardware(report.hardware, rekey),
        hash_form=ORGANISATION,
    )
    return known, [replace(one, record=of_json(one.record, rekey)) for one in invalid]


def _device(
    report: Report, store: Store, now: int, versions: Versions, enrolment: Enrolment | None
) -> Iterator[Fact]:
    """Yield the device's fact with its agent's new version, and with the identity that its agent states.

    Raises BadCredential for a device that the store does not know.
    """
    device_id = DeviceId(report.device_id)
    if versions.get(device_id) == report.agent_version and report.hardware is None:
        return
    device = store.latest_of("device", device_id)
    if device is None:
        raise BadCredential(f"device {report.device_id} no longer exists: enrol again")
    body = {**device.body, "agent_version": report.agent_version}
    if report.hardware is not None:
        body |= _identity(report.hardware, report.hash_form, device_id, enrolment)
    if body != device.body:
        yield Fact("device", device.key, now, body)
    else:
        versions.put(device_id, sys.intern(report.agent_version))


def _identity(
    hardware: HardwareIdentity, form: HashForm, device_id: DeviceId, enrolment: Enrolment | None
) -> dict[str, Any]:
    """Return what a device's fact states of its hardware, without a fingerprint of another device."""
    stated: dict[str, Any] = {
        "install_id": hardware.install_id,
        "asset_hash": hardware.asset_hash,
        FORM: form,
    }
    if enrolment is None or not enrolment.is_of_another(hardware.fingerprint, device_id):
        stated["fingerprint"] = hardware.fingerprint
    return {name: value for name, value in stated.items() if value is not None}


def _facts(report: Report, store: Store, now: int) -> tuple[list[Fact], list[RefusedRecord]]:
    """Return what changed of the device (inventory, monitors, its agent's own cost and losses), and what of
    it is more than a device may state in a day.
    """
    device_id, changed, refused = DeviceId(report.device_id), list[Fact](), list[RefusedRecord]()
    if report.inventory is not None:
        body = {**_inventory_body(report.inventory), FORM: report.hash_form}
        before = store.latest_of("inventory", device_id)
        is_new = before is None or {**before.body, "taken_at": 0} != {**body, "taken_at": 0}
        if is_new and not has_room(store, body, before, now):
            refused.append(RefusedRecord(Refusal("inventory", 0, TOO_MANY_INVENTORIES), {}))
        else:
            changed += [Fact("inventory", device_id, now, body)] if is_new else []
            shown = list(displays.facts(device_id, report.inventory, store, now))
            if has_room_for_monitors(store, shown, now):
                changed += shown
            else:
                refused.append(RefusedRecord(Refusal("inventory.displays", 0, TOO_MANY_MONITORS), {}))
    if report.self_cost is not None and _is_due(store.latest_of("self_cost", device_id), now):
        cost = {**asdict(report.self_cost), "agent": report.agent_version}
        changed.append(Fact("self_cost", device_id, now, cost))
    if report.losses is not None:
        losses, stored = asdict(report.losses), store.latest_of("losses", device_id)
        if stored is None or (dict(stored.body) != losses and now - stored.recorded_at >= LOSSES_EVERY_S):
            changed.append(Fact("losses", device_id, now, losses))
    return changed, refused


def _inventory_body(inventory: Inventory) -> dict[str, Any]:
    """Return an inventory as stored: without what is None, and without empty lists that schema 1 lacks.

    So the same hardware is the same body whichever schema its agent sends.
    """
    body: dict[str, Any] = INVENTORY.dump_python(inventory, mode="json", exclude_none=True)
    return {name: value for name, value in body.items() if value != [] or name not in SINCE_SCHEMA_2}


def _is_due(before: Fact | None, now: int) -> bool:
    """Return whether the agent's own cost was not stored yet today (UTC): it hardly changes in a day."""
    return before is None or before.recorded_at // DAY_S != now // DAY_S


def _dead_letter(refused: RefusedRecord, device_id: DeviceId, now: int, form: HashForm) -> Fact:
    body = {
        "device": device_id,
        **asdict(refused.refusal),
        "record": _excerpt(masked(refused.record)),
        FORM: form,
    }
    return Fact("dead_letter", secrets.token_hex(8), now, body)


def _excerpt(record: Any) -> Any:
    """Return the record as it was sent; the beginning of its text if it is too long or not strict JSON.

    So it is where an integer has more digits than other readers of JSON accept.
    """
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return repr(record)[:LONGEST_RECORD]
    whole = len(text) <= LONGEST_RECORD and not TOO_MANY_DIGITS.search(text)
    return record if whole else text[:LONGEST_RECORD]
