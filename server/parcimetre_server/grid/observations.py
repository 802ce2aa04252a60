"""Observed slots of grid zones from feeds: stored by zone and day of UTC, corrected when imported again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.grid.observations import GridObservation, ObservedSlots, collect_observations

from ..base.periods import DAY_S
from ..store.interface import Store
from ..store.records import Fact


@dataclass(frozen=True)
class ObservationsStored:
    """Result of an import: numbers of slots; `gaps` are those missing between the first and the last."""

    added: int
    corrected: int
    known: int
    gaps: int
    first: int
    last: int


def store_observations(
    store: Store, zone: str, readings: Iterable[GridObservation], now: int
) -> ObservationsStored:
    """Store observations; the same ones again change nothing, others replace the stored ones."""
    by_slot = {reading.start // SLOT_S * SLOT_S: reading for reading in readings}
    days: dict[int, dict[str, Any]] = {}
    for start, reading in by_slot.items():
        days.setdefault(start // DAY_S, {})[str(start)] = _stored_observation(reading)
    before = {day: _stored_slots(store, zone, day) for day in days}
    merged = {day: {**before[day], **slots} for day, slots in days.items()}
    changed = [day for day in sorted(days) if merged[day] != before[day]]
    store.append([Fact("grid", _key(zone, day), now, {"slots": merged[day]}) for day in changed])
    added = sum(len(merged[day]) - len(before[day]) for day in days)
    known = sum(before[day].get(at) == body for day, slots in days.items() for at, body in slots.items())
    first, last = min(by_slot), max(by_slot) + SLOT_S
    gaps = (last - first) // SLOT_S - len(by_slot)
    return ObservationsStored(added, len(by_slot) - added - known, known, gaps, first, last)


def observations(store: Store, zone: str, first: int, last: int) -> ObservedSlots | None:
    """Return the stored slots of a zone from `first` to `last` (seconds UTC), None if there are none."""
    return collect_observations(_readings(store, zone, first, last))


def all_observations(store: Store, zone: str) -> ObservedSlots | None:
    """Return all stored slots of a zone, None if there are none."""
    keys = (key.rpartition("/") for key in store.latest("grid"))
    days = sorted(int(day) for of_zone, _, day in keys if of_zone == zone)
    return observations(store, zone, days[0] * DAY_S, (days[-1] + 1) * DAY_S) if days else None


def _readings(store: Store, zone: str, first: int, last: int) -> Iterator[GridObservation]:
    for day in range(first // DAY_S, (last - 1) // DAY_S + 1):
        for start, body in _stored_slots(store, zone, day).items():
            if first <= int(start) < last:
                yield GridObservation(int(start), **body)


def _stored_slots(store: Store, zone: str, day: int) -> Mapping[str, Any]:
    fact = store.latest_of("grid", _key(zone, day))
    slots: Mapping[str, Any] = {} if fact is None else fact.body["slots"]
    return slots


def _key(zone: str, day: int) -> str:
    return f"{zone}/{day}"


def _stored_observation(reading: GridObservation) -> dict[str, Any]:
    """Return an observation as it is stored: without its start and without empty fields."""
    filled = {name: value for name, value in asdict(reading).items() if value is not None and value != {}}
    return {name: value for name, value in filled.items() if name != "start" and value is not False}
