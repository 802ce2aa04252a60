"""Monitors as devices of their own, made from the displays of computers and recognised on another computer.

A display is identified by what its EDID states: maker, product, serial number, week and year. One without a
serial number is identified by its machine too, and is retired when the machine no longer shows it.

A hash does not prove that a machine has a monitor. One of another org unit stays there, and what the machine
shows on it is not counted, until an admin of both units approves (`joins`). A machine of the monitor's unit
or of one above it needs no approval.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from parcimetre_agent.report import Display, Inventory, OperatingSystem, System

from ..base.org_path import within
from ..organisation import audit
from ..organisation.merges import MergeHistory
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from .joins import Join, unit_of, waiting_facts
from .makers import PNP_NAMES
from .organisation_hashes import FORM, ORGANISATION

WHO = "collector"
MOST_ALIKE = 16  # displays of a machine
PHYSICAL = "none"
SENSOR = "inventory.displays"


def external(category: str, displays: Sequence[Display]) -> list[Display]:
    """Return the displays that are devices of their own: all but the built-in panel.

    Of an all-in-one that marks none as built in, the first is considered its panel, whatever its connector.
    """
    outside = [display for display in displays if not display.built_in]
    hidden = category == "all_in_one" and len(outside) == len(displays)
    return outside[1:] if hidden else outside


def monitors(machine: DeviceId, inventory: Inventory) -> dict[DeviceId, Display]:
    """Return the monitors of a machine by id; none of a virtual machine, whose displays do not exist.

    Equal ones on one machine are distinguished by their position.
    """
    by_id: dict[DeviceId, Display] = {}
    seen: Counter[tuple[str, ...]] = Counter()
    for display in external(inventory.category, inventory.displays) if inventory.virtual == PHYSICAL else ():
        stated = tuple(str(part) for part in _stated(display))
        place = seen[stated]
        seen[stated] += 1
        alone = () if display.serial_hash and not place else (machine, str(place))
        by_id[monitor_id(display, alone)] = display
    return by_id


def monitor_id(display: Display, alone: Sequence[str] = ()) -> DeviceId:
    """Return the id of a monitor; `alone` are machine and position of one that its EDID does not identify."""
    return _id(*(str(part) for part in _stated(display)), *alone)


def _stated(display: Display) -> tuple[object, ...]:
    return display.maker, display.product, display.serial_hash, display.week, display.year


def _id(*parts: str) -> DeviceId:
    return DeviceId(hashlib.sha256("\0".join(("monitor", *parts)).encode()).hexdigest()[:32])


def facts(machine: DeviceId, inventory: Inventory, store: Store, now: int) -> Iterator[Fact]:
    """Yield what an inventory states of monitors: which ones the machine has since the inventory was taken.

    Nothing where the displays could not be read. Where two machines show a new monitor at the same instant,
    one of them is lost, and added by its next inventory.
    """
    if any(one.sensor == SENSOR and one.state in ("denied", "failed") for one in inventory.outcomes):
        return
    at = min(inventory.taken_at, now)
    latest = store.latest_of("attached", machine)
    before = [DeviceId(key) for key in latest.body["monitors"]] if latest else []
    seen = {_known_as(store, key, one): one for key, one in monitors(machine, inventory).items()}
    if list(seen) != before:
        yield Fact("attached", machine, now, {"at": at, "monitors": list(seen)})
    for key, display in seen.items():
        known = store.latest_of("monitor", key)
        if known is None:
            yield from _claimed(machine, key, _seen(machine, display, at, None), store, now)
        elif machine not in known.body["machines"]:
            yield from _shown_elsewhere(machine, display, known, store, now)
        elif key not in before:
            yield Fact("monitor", key, now, _seen(machine, display, at, known.body))
    for key in before:
        known = store.latest_of("monitor", key)
        if key not in seen and known and known.body["display"].get("serial_hash") is None:
            yield Fact("monitor", key, now, {**known.body, "retired_at": at})


def _known_as(store: Store, monitor: DeviceId, display: Display) -> DeviceId:
    """Return the id of a monitor: the former one, if it was known before its hashes were keyed anew."""
    former = None if display.serial_hash is None else store.latest_of("former_monitor", monitor)
    return monitor if former is None else DeviceId(former.body["monitor"])


def _shown_elsewhere(
    machine: DeviceId, display: Display, known: Fact, store: Store, now: int
) -> Iterator[Fact]:
    """Yield that a machine shows a monitor which others showed before: a claim, or a join that waits."""
    monitor, merges = DeviceId(known.key), MergeHistory.of(store)
    at, of_machine = unit_of(store, monitor, merges), unit_of(store, machine, merges)
    if at is None or of_machine is None or within(at, of_machine):
        yield from _claimed(machine, monitor, _seen(machine, display, now, known.body), store, now)
        return
    join = Join("monitor", monitor, machine, _secret_of(store, machine), now)
    if store.latest_of("join", join.id) is None:
        yield from waiting_facts(join, now)


def _claimed(
    machine: DeviceId, monitor: DeviceId, body: Mapping[str, Any], store: Store, now: int
) -> Iterator[Fact]:
    """Yield that a machine shows a monitor for the first time, and the entry in the audit log."""
    after = {"machine": machine, "secret": _secret_of(store, machine)}
    with audit.acting(WHO):
        entry = audit.entry("monitor claimed", monitor, now, {}, after)
    yield Fact("monitor", monitor, now, body)
    yield entry


def _secret_of(store: Store, machine: DeviceId) -> str | None:
    """Return the id of the enrolment secret that a machine came by."""
    fact = store.latest_of("device", machine)
    return None if fact is None else fact.body.get("secret")


def _seen(machine: DeviceId, display: Display, at: int, known: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """Return a monitor's body as this machine shows it: what was stated first stays, and it is in service.

    `machines` are all that ever showed it, the latest last.
    """
    stated = {name: value for name, value in asdict(display).items() if value is not None}
    first = known or {"display": stated, "since": at, "machines": [], FORM: ORGANISATION}
    machines = [*(one for one in first["machines"] if one != machine), machine]
    return {**first, "machines": machines, "retired_at": None, "scrapped": False}


def inventory_of(display: Display, taken_at: int) -> Inventory:
    """Return a monitor's inventory: the maker's name, the model that it states, and its panel."""
    maker = PNP_NAMES.get(display.maker, display.maker)
    name = display.name or display.product
    model = name[len(maker) :].strip() if name.upper().startswith(f"{maker.upper()} ") else name
    return Inventory(
        taken_at=taken_at,
        category="monitor",
        virtual=PHYSICAL,
        system=System(maker=maker, model=model),
        os=OperatingSystem("none"),
        displays=[display],
    )
