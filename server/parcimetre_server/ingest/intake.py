"""Intake of a report: records are validated one by one, checked against the clock, and batched to be written.

A bad record never costs the good ones: it is refused with its reason and stored as a dead letter, and the
others are stored.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import asdict, dataclass, replace
from typing import Any

from parcimetre_agent.report import (
    DEPRECATED_MEANS,
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
from .plausibility import check_clock, check_readings, check_times, expand_gaps, sent_indexes
from .validation import RefusedRecord, parse

LONGEST_RECORD = 4000  # characters of a refused record that are stored
INVENTORY = TypeAdapter(Inventory)
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
    enrolment: Enrolment | None = None,
) -> ReportIntake:
    """Return what a device's report, received at `now` (seconds UTC), comes to; nothing is written yet.

    `versions` spares reads of the store; `enrolment` knows the organisation's key and all fingerprints;
    without it hashes are stored in the form in which they were sent. Raises UnknownSchema, BadReport,
    NotYourDevice, ClockAhead and BadCredential where nothing of the report can be stored.
    """
    report, invalid = parse(body)
    if report.device_id != device_id:
        raise NotYourDevice(f"the credential does not belong to device {report.device_id}: enrol again")
    check_clock(report.sent_at, now)
    wants_key = gets_key(report.schema, report.hash_form)
    if enrolment is not None and report.hash_form == PRODUCT and _has_hashes(report, invalid):
        report, invalid = _in_organisation_form(report, invalid, enrolment.key.rekeyed)
    sent = list(map(_stored_part, report.slots))
    slots, untimely_slots = check_times("slots", sent, sent_indexes("slots", sent, invalid), now)
    gap_slots, bad_gaps = expand_gaps(report.gaps, sent_indexes("gaps", report.gaps, invalid), now)
    readings, untimely_readings = check_readings(
        report.printing, sent_indexes("printing", report.printing, invalid), now
    )
    outlets, bad_feeds = _accept_feeds(report, invalid, store, now)
    refused = [*invalid, *untimely_slots, *bad_gaps, *untimely_readings, *bad_feeds]
    facts = [
        *_device(report, store, now, new_versions() if versions is None else versions, enrolment),
        *_facts(report, store, now),
        *printing.facts(device_id, readings, store, now),
        *outlets.facts,
        *(_dead_letter(record, device_id, now, report.hash_form) for record in refused),
    ]
    batch = WriteBatch(device_id, [*slots, *gap_slots], facts)
    return ReportIntake(
        batch, [record.refusal for record in refused], report.waiting, outlets.arrivals, wants_key
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
    report: Report, invalid: Sequence[RefusedRecord], store: Store, now: int
) -> tuple[FromOutlets, list[RefusedRecord]]:
    """Return what a feeder's outlets gave, and the feeds that are untimely or contradict their outlet."""
    if not report.feeds:
        return FromOutlets(), []
    indexes = list(sent_indexes("feeds", report.feeds, invalid))
    feeds, untimely = check_times("feeds", report.feeds, indexes, now)
    outlets = from_outlets(DeviceId(report.device_id), feeds, store, now)
    without = {record.refusal.index for record in untimely}
    sent_as = [index for index in indexes if index not in without]
    contradictory = [
        RefusedRecord(
            Refusal("feeds", sent_as[one.at], f"feeds[{sent_as[one.at]}].{one.reason}"), asdict(feeds[one.at])
        )
        for one in outlets.contradictions
    ]
    return outlets, [*untimely, *contradictory]


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


def _facts(report: Report, store: Store, now: int) -> Iterator[Fact]:
    """Yield what changed of the device: inventory, monitors, the agent's own cost, its losses."""
    device_id = report.device_id
    if report.inventory is not None:
        body = {**_inventory_body(report.inventory), FORM: report.hash_form}
        before = store.latest_of("inventory", device_id)
        if before is None or {**before.body, "taken_at": 0} != {**body, "taken_at": 0}:
            yield Fact("inventory", device_id, now, body)
        yield from displays.facts(DeviceId(device_id), report.inventory, store, now)
    if report.self_cost is not None and _is_due(store.latest_of("self_cost", device_id), now):
        yield Fact("self_cost", device_id, now, {**asdict(report.self_cost), "agent": report.agent_version})
    if report.losses is not None:
        losses, stored = asdict(report.losses), store.latest_of("losses", device_id)
        if stored is None or dict(stored.body) != losses:
            yield Fact("losses", device_id, now, losses)


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
    body = {"device": device_id, **asdict(refused.refusal), "record": _excerpt(refused.record), FORM: form}
    return Fact("dead_letter", secrets.token_hex(8), now, body)


def _excerpt(record: Any) -> Any:
    """Return the record as it was sent; the beginning of its text if it is too long or not strict JSON."""
    try:
        text = json.dumps(record, ensure_ascii=False, allow_nan=False)
    except ValueError:
        return repr(record)[:LONGEST_RECORD]
    return record if len(text) <= LONGEST_RECORD else text[:LONGEST_RECORD]
