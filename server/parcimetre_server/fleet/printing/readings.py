"""What printers printed: their readings as facts, and between readings the impressions of any period.

A counter is read a few times a day; between two readings it is taken to have grown evenly. A reading that
does not go on from the one before (another board, a reset, a leap) adds nothing: what was printed meanwhile
is not known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import Reading

from ...store.interface import Store
from ...store.records import DeviceId, Fact

Array = NDArray[np.float64]
COUNTERS = ("impressions", "mono", "colour", "duplex", "a3", "copies", "prints", "faxes", "scans")
DAY_S = 86_400


@dataclass(frozen=True)
class Printed:
    """Impressions of some periods (p,), by counter; one that the printer lacks is absent.

    `covered_s` (p,) is the time between readings that go on from each other.
    """

    by_counter: Mapping[str, Array]
    covered_s: Array

    def of(self, counter: str) -> Array | None:
        """Impressions by one counter."""
        return self.by_counter.get(counter)


def facts(device: DeviceId, readings: Sequence[Reading], store: Store, now: int) -> Iterator[Fact]:
    """Readings that are news: later than the last one, and with other counters or another day."""
    latest = store.latest_of("printing", device) if readings else None
    before = latest.body if latest else None
    for reading in sorted(readings, key=lambda one: one.at):
        stated = {name: value for name, value in asdict(reading).items() if value not in (None, [], False)}
        if before is None or (reading.at > before["at"] and _is_news(stated, before)):
            yield Fact("printing", device, now, stated)
            before = stated


def _is_news(stated: Mapping[str, object], before: Mapping[str, object]) -> bool:
    changed = any(stated.get(name) != before.get(name) for name in COUNTERS)
    return changed or int(str(stated["at"])) // DAY_S != int(str(before["at"])) // DAY_S


def printed(readings: Iterable[Mapping[str, object]], edges: NDArray[np.int64]) -> Printed:
    """Impressions between the edges of periods (p + 1,), from a printer's readings in order of time."""
    known = list(readings)
    at = np.array([_number(reading["at"]) for reading in known], np.float64)
    goes_on = np.array([not reading.get("restarted", False) for reading in known], bool)
    covered = _grown(at, np.diff(at, prepend=at[:1]), goes_on, edges)
    found = {}
    for name in COUNTERS:
        values = np.array([_number(reading.get(name)) for reading in known], np.float64)
        if np.isfinite(values).any():
            steps = np.nan_to_num(np.diff(values, prepend=values[:1]))
            found[name] = _grown(at, np.maximum(0.0, steps), goes_on, edges)
    return Printed(found, covered)


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else float("nan")


def _grown(at: Array, steps: Array, goes_on: NDArray[np.bool_], edges: NDArray[np.int64]) -> Array:
    """What steps between readings come to in periods; nothing before the first and after the last."""
    if len(at) == 0:
        return np.zeros(len(edges) - 1)
    count = np.cumsum(np.where(goes_on, steps, 0.0))
    grown: Array = np.diff(np.interp(edges.astype(np.float64), at, count))
    return grown
