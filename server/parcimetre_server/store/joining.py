"""Activities of one device that were read apart, as one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from parcimetre_factors.activity import Activity, MeasuredEnergy

SECONDS = ("display_on_s", "display_off_s", "asleep_s", "off_s", "load_deciles_s")


def join(parts: Sequence[Activity]) -> Activity:
    """One activity of several: where two have a slot, the record that covers more time counts."""
    if len(parts) == 1:
        return parts[0]
    start = np.concatenate([part.start for part in parts])
    covered_s = np.concatenate([part.covered_s for part in parts])
    order = np.lexsort((-covered_s, start))
    kept = order[np.unique(start[order], return_index=True)[1]]
    columns = {name: np.concatenate([getattr(part, name) for part in parts])[kept] for name in SECONDS}
    return Activity(start[kept], **columns, measured=tuple(_measured(parts, kept)))


def combine(parts: Sequence[Activity]) -> Activity:
    """One activity of what was recorded of one machine under several ids.

    Where two have a slot, states and load are those of the record that covers more time; of a counter that
    several have, so is its energy, and one that only another has is kept beside it.
    """
    if len(parts) == 1:
        return parts[0]
    whole = join(parts)
    channels = {(m.source, m.scope, m.quality): m for m in whole.measured}
    for part in parts:
        at = np.searchsorted(whole.start, part.start)
        for counter in part.measured:
            into = channels[counter.source, counter.scope, counter.quality]
            more = (counter.duration_s > 0) & (into.duration_s[at] == 0)
            into.energy_j[at[more]] = counter.energy_j[more]
            into.duration_s[at[more]] = counter.duration_s[more]
    return whole


def _measured(parts: Sequence[Activity], kept: NDArray[np.intp]) -> Iterator[MeasuredEnergy]:
    """Each energy counter over all parts, silent in those that do not have it."""
    by_part = [{(m.source, m.scope, m.quality): m for m in part.measured} for part in parts]
    for channel in dict.fromkeys(channel for part in by_part for channel in part):
        energy_j, duration_s = (
            np.concatenate(
                [
                    getattr(having[channel], name) if channel in having else np.zeros(len(part.start))
                    for part, having in zip(parts, by_part, strict=True)
                ]
            )[kept]
            for name in ("energy_j", "duration_s")
        )
        yield MeasuredEnergy(*channel, energy_j, duration_s)
