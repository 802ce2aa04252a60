"""Readings of printers: stored as facts, and interpolated to the impressions of any period.

A counter is read a few times a day and assumed to grow evenly between two readings. A reading that does not
continue the one before (another board, a reset, a leap) adds nothing: what was printed in between is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import Reading

from ...base.periods import DAY_S
from ...store.interface import Store
from ...store.records import DeviceId, Fact

Array = NDArray[np.float64]
COUNTERS = ("impressions", "mono", "colour", "duplex", "a3", "copies", "prints", "faxes", "scans")


@dataclass(frozen=True)
class Printed:
    """Impressions of periods (p,), by counter; a counter that the printer lacks is absent.

    `covered_s` (p,) is the time between readings that continue each other.
    """

    by_counter: Mapping[str, Array]
    covered_s: Array

    def of(self, counter: str) -> Array | None:
        """Return the impressions by one counter (p,), None if the printer lacks it."""
        return self.by_counter.get(counter)


def facts(device: DeviceId, readings: Sequence[Reading], store: Store, now: int) -> Iterator[Fact]:
    """Yield the readings to store: later than the last one, with other counters or on another day."""
    latest = store.latest_of("printing", device) if readings else None
    before = latest.body if latest else None
    for reading in sorted(readings, key=lambda one: one.at):
        stated = {name: value for name, value in asdict(reading).items() if value not in (None, [], False)}
        if before is None or (reading.at > before["at"] and _is_new(stated, before)):
            yield Fact("printing", device, now, stated)
            before = stated


def _is_new(stated: Mapping[str, object], before: Mapping[str, object]) -> bool:
    changed = any(stated.get(name) != before.get(name) for name in COUNTERS)
    return changed or int(str(stated["at"])) // DAY_S != int(str(before["at"])) // DAY_S


def printed(readings: Iterable[Mapping[str, object]], edges: NDArray[np.int64]) -> Printed:
    """Return impressions between the edges of periods (p + 1,), from readings in order of time."""
    ordered = list(readings)
    at = np.array([_number(reading["at"]) for reading in ordered], np.float64)
    goes_on = np.array([not reading.get("restarted", False) for reading in ordered], bool)
    covered = _growth(at, np.diff(at, prepend=at[:1]), goes_on, edges)
    by_counter = {}
    for name in COUNTERS:
        values = np.array([_number(reading.get(name)) for reading in ordered], np.float64)
        if np.isfinite(values).any():
            steps = np.nan_to_num(np.diff(values, prepend=values[:1]))
            by_counter[name] = _growth(at, np.maximum(0.0, steps), goes_on, edges)
    return Printed(by_counter, covered)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")


def _growth(at: Array, steps: Array, goes_on: NDArray[np.bool_], edges: NDArray[np.int64]) -> Array:
    """Return the sum of the steps between readings in each period; 0 before the first and after the last."""
    if len(at) == 0:
        return np.zeros(len(edges) - 1)
    count = np.cumsum(np.where(goes_on, steps, 0.0))
    grown: Array = np.diff(np.interp(edges.astype(np.float64), at, count))
    return grown
