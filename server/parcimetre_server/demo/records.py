"""What the agent of a simulated device would record: slots while awake, gaps while off or asleep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from parcimetre_agent.report import SLOT_S, Energy, Gap, GapState, Scope, Slot

from .behaviour import ASLEEP, DISPLAY_ON, MIDDLES, OFF, Array, DemoDay, Seconds, days
from .fleet import DemoDevice

DRAM_W_PER_GIB = 0.12
PANEL_W = 3.0
Means = tuple[float, float, float, float, float]
GAP_STATES: tuple[tuple[int, GapState], ...] = ((ASLEEP, "asleep"), (OFF, "off"))


@dataclass(frozen=True)
class Counter:
    """One energy counter over a day: joules and seconds of each slot."""

    source: str
    scope: Scope
    energy_j: list[float]
    duration_s: list[int]

    def read(self, i: int) -> Energy:
        """What it counted in slot number `i` of the day."""
        return Energy(self.source, self.scope, "measured", self.energy_j[i], self.duration_s[i])


def activity(device: DemoDevice, first: int, last: int) -> Iterator[Slot | Gap]:
    """Records of the slots with first <= start < last, in order of time, each slot in one record.

    Whole slots off or asleep are gaps, as an agent finds them when the machine comes back.
    """
    pending: Gap | None = None
    for day in days(device, first, last):
        for record in _records(device, day, first, last):
            joined = _joined(pending, record)
            if joined is None and pending is not None:
                yield pending
            pending = joined or (record if isinstance(record, Gap) else None)
            if isinstance(record, Slot):
                yield record
    if pending is not None:
        yield pending


def _joined(pending: Gap | None, record: Slot | Gap) -> Gap | None:
    """One gap in place of two that follow each other in the same state."""
    if pending is None or isinstance(record, Slot) or record.state != pending.state:
        return None
    return Gap(pending.start, pending.duration_s + record.duration_s, record.state)


def slots(device: DemoDevice, first: int, last: int) -> Iterator[Slot]:
    """The slots among `activity`: those in which the device was awake."""
    return (record for record in activity(device, first, last) if isinstance(record, Slot))


def _records(device: DemoDevice, day: DemoDay, first: int, last: int) -> Iterator[Slot | Gap]:
    """One day's records; a run of whole slots off or asleep is one gap."""
    states = day.states_s.T.tolist()
    deciles = day.deciles_s.tolist()
    means = _means(device, day)
    counters = _counters(device, day)
    first_i = max(0, (first - day.start) // SLOT_S)
    last_i = min(len(states), (last - day.start) // SLOT_S)
    whole = _whole(day)
    i = first_i
    while i < last_i:
        start = day.start + i * SLOT_S
        state = whole[i]
        if state is not None:
            begin = i
            while i < last_i and whole[i] == state:
                i += 1
            yield Gap(start, (i - begin) * SLOT_S, state)
            continue
        on_s, display_off_s, asleep_s, off_s = states[i]
        energy = [counter.read(i) for counter in counters if counter.duration_s[i]]
        yield Slot(start, on_s, display_off_s, asleep_s, off_s, 0, deciles[i], *means[i], energy)
        i += 1


def _whole(day: DemoDay) -> list[GapState | None]:
    """For each slot, the state that a gap would have, or None where a slot is due."""
    whole: list[GapState | None] = [None] * day.states_s.shape[1]
    for row, state in GAP_STATES:
        for i in np.flatnonzero(day.states_s[row] == SLOT_S).tolist():
            whole[i] = state
    return whole


def _means(device: DemoDevice, day: DemoDay) -> list[Means]:
    """Memory used (MiB), disk reads and writes, network in and out (KiB/s) of each slot."""
    memory = device.memory_mib * (0.25 + 0.4 * day.load + 0.1 * day.noise[1])
    traffic = 20 + 2000 * day.load * day.noise[2:5] ** 2
    columns = np.stack((memory, traffic[0], traffic[1], traffic[2], traffic[2] * 0.3))
    return [(m, r, w, i, o) for m, r, w, i, o in np.round(columns.T, 1).tolist()]


def _counters(device: DemoDevice, day: DemoDay) -> list[Counter]:
    """RAPL where the agent may read it; the battery while a laptop runs on it."""
    model = device.model
    package_j = processors_j(device, day)
    counters = []
    if device.rapl:
        counters.append(_counter("rapl", "package", package_j, day.awake_s))
        counters.append(_counter("rapl", "dram", memory_j(device, day), day.awake_s))
    if model.battery_mwh is not None and day.battery_s.any():
        awake_s = np.maximum(day.awake_s, 1)
        device_w = package_j / awake_s + model.rest_w + PANEL_W * day.states_s[DISPLAY_ON] / awake_s
        counters.append(_counter("battery", "battery", device_w * day.battery_s, day.battery_s))
    return counters


def processors_j(device: DemoDevice, day: DemoDay) -> Array:
    """Joules of all processors in each slot, by their load."""
    model = device.model
    span_w = model.cpu_max_w - model.cpu_idle_w
    energy_j: Array = day.deciles_s @ (model.cpu_idle_w + span_w * MIDDLES**0.9)
    return energy_j


def memory_j(device: DemoDevice, day: DemoDay) -> Array:
    """Joules of the memory in each slot."""
    energy_j: Array = day.awake_s.astype(np.float64) * (DRAM_W_PER_GIB * device.memory_mib / 1024)
    return energy_j


def _counter(source: str, scope: Scope, energy_j: NDArray[np.floating], duration_s: Seconds) -> Counter:
    return Counter(source, scope, np.round(energy_j, 1).tolist(), duration_s.tolist())
