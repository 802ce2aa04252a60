"""`once`: measure for two seconds and report; with --print, show the report and change nothing."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from .. import __version__
from ..base.console import print_line
from ..base.errors import AgentError
from ..configuration.settings import Settings
from ..identity import installation
from ..machine import self_cost
from ..machine.clock import Clock
from ..recording import states
from ..recording.sampling import Sampler
from ..recording.slot import SlotRecord, slot_start, stretches
from ..recording.spool import Spool, slot_fields
from ..recording.spool_opening import open_spool
from ..recording.timeline import Timeline
from ..report import MAX_GAPS, SCHEMA, Gap, Report, SelfCost, Slot
from ..sending import inventory, wire_json
from ..sending.courier import Courier, DeliveryResult, clock_sentence
from ..sending.message_forms import in_form
from ..sensors.machine import Machine

SAMPLE_S = 2.0
NOBODY = "0" * 32
T = TypeVar("T")
U = TypeVar("U")


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Send, or print. Raises AgentError."""
    clock, sampler = Clock(), Sampler()
    if options.print:
        document = _report(settings, clock, sampler)
        print_line(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    spool = open_spool(settings.data_dir)
    slots, open_slot = measure(clock, sampler)
    spool.put(slots, [], open_slot, clock.now().wall_s)
    spool.close_others(slot_start(clock.now().wall_s))
    delivery = Courier(settings).deliver()
    print_line(_sentence(delivery, settings))
    complaint = clock_sentence(delivery.clock_ahead_s)
    if complaint:
        raise AgentError(complaint)
    return 0


def measure(clock: Clock, sampler: Sampler) -> tuple[list[SlotRecord], SlotRecord | None]:
    """Two samples a moment apart: slots that closed in between, and the open one."""
    before = sampler.sample(clock.now())
    clock.wait(SAMPLE_S)
    after = sampler.sample(clock.now())
    timeline = Timeline()
    interval = states.states_between(before.at, after.at)
    closed = timeline.add(stretches(before, after, interval), interval.stepped)
    return closed.slots, timeline.open_slot()


def _report(settings: Settings, clock: Clock, sampler: Sampler) -> dict[str, Any]:
    """The report as it would be sent now, the inventory with it."""
    fresh, open_slot = measure(clock, sampler)
    spooled, gaps = _spooled(settings)
    records = {slot.start: slot for slot in spooled}
    for record in [*fresh, *([open_slot] if open_slot else [])]:
        slot = wire_json.slot_from(slot_fields(record))
        if slot.start not in records or records[slot.start].covered_s < slot.covered_s:
            records[slot.start] = slot
    who = _known(settings)
    now_s = int(clock.now().wall_s)
    cost = SelfCost(round(self_cost.cpu_s(), 3), round(self_cost.peak_rss_mib(), 1), 0, 0.0)
    report = Report(
        schema=SCHEMA,
        device_id=(who.device_id if who else None) or NOBODY,
        sent_at=now_s,
        agent_version=__version__,
        slots=[records[start] for start in sorted(records)],
        gaps=gaps,
        inventory=inventory.take_inventory(Machine(), now_s, sampler.outcomes, settings.displays),
        self_cost=cost,
    )
    return in_form(wire_json.as_json(report), SCHEMA, who.hash_key if who else None)


def _known(settings: Settings) -> installation.Identity | None:
    try:
        return installation.load_identity(Path(settings.data_dir))
    except OSError:
        return None


def _spooled(settings: Settings) -> tuple[list[Slot], list[Gap]]:
    """What waits in the spool, if it can be read; a damaged one is put aside when sending."""
    spool = Spool(settings.data_dir)
    if not os.access(spool.path, os.R_OK | os.W_OK):
        return [], []
    try:
        slots, gaps = spool.pending(500), spool.pending_gaps(MAX_GAPS)
    except sqlite3.DatabaseError:
        return [], []
    return list(_fitting(wire_json.slot_from, (one.fields for one in slots))), list(
        _fitting(wire_json.gap_from, gaps)
    )


def _fitting(convert: Callable[[T], U], records: Iterable[T]) -> Iterator[U]:
    """Records as the wire format has them; those that do not fit are set aside when sending."""
    for record in records:
        with suppress(TypeError, ValueError):
            yield convert(record)


def _sentence(delivery: DeliveryResult, settings: Settings) -> str:
    text = (
        f"{settings.server} accepted {delivery.accepted} records of device {delivery.device_id}"
        f" ({delivery.duplicates} it knew, {len(delivery.refusals)} refused)"
    )
    return "\n".join([text, *delivery.refusals])
