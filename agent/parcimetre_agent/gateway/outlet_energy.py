"""Joules that each outlet of a feeder gave in each quarter hour, from its readings at each poll.

An energy counter wins: its difference, exact, is spread evenly over the time between two answers. Else power
that was sampled holds as a state does: the earlier sample for the first half, the later one for the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from ..report import SLOT_S, FeedScope, Quality
from .taps import CEILING_W, OutletReading
from .time_in_state import LastAnswer, StatedPower, StatePeriod, by_slot, state_periods

LONGEST_S = 86_400.0
PROBLEM_SHOWN_S = 86_400.0
LOST_S = 7 * 86_400.0
NEW_S = 86_400.0
UNUSED_S = 28 * 86_400.0
WRAP = 2**32
STANDING_STEPS = 5
J_PER_WH = 3600.0
MOST_NAMED = 4


@dataclass(frozen=True)
class LastOutletReading:
    """The last reading of an outlet, known since `since_s`; it gave last at `gave_s`, None for never."""

    at_s: float
    power_w: float | None
    steps: int | None
    since_s: float
    gave_s: float | None = None

    def is_in_use(self, now_s: float) -> bool:
        """Whether it is new, or gave anything of late: then its zero is a figure, else it is nothing."""
        known = now_s - self.since_s <= NEW_S
        return known or (self.gave_s is not None and now_s - self.gave_s <= UNUSED_S)


@dataclass
class OutletEnergy:
    """Energy that an outlet gave in a part of a slot."""

    source: str
    scope: FeedScope
    quality: Quality
    energy_j: float = 0.0
    seconds: float = 0.0


@dataclass
class FeederState:
    """The outlets of one feeder: last readings, open slots, and doubts."""

    given: dict[str, LastOutletReading] = field(default_factory=dict)
    open: dict[int, dict[str, OutletEnergy]] = field(default_factory=dict)
    doubts: dict[str, tuple[float, str]] = field(default_factory=dict)

    def add_readings(self, said: Mapping[str, OutletReading], wrong: Mapping[str, str], now_s: float) -> None:
        """Add the readings of a poll, and what is wrong with some outlets."""
        for outlet, fresh in said.items():
            before = self.given.get(outlet)
            if before is not None and 0 < now_s - before.at_s <= LONGEST_S:
                self._add(outlet, before, fresh, now_s)
            gives = fresh.power_w is None or fresh.power_w > 0
            gave_s = now_s if gives else before.gave_s if before else None
            since_s = before.since_s if before else now_s
            self.given[outlet] = LastOutletReading(now_s, fresh.power_w, fresh.steps, since_s, gave_s)
        for outlet, sentence in wrong.items():
            self._doubt(outlet, sentence, now_s)
        self._look_for_lost(said, wrong, now_s)
        self.doubts = {one: doubt for one, doubt in self.doubts.items() if now_s - doubt[0] < PROBLEM_SHOWN_S}

    def close(self, now_s: float) -> list[tuple[int, list[list[Any]]]]:
        """The slots that ended: start, and a row of `feed_fields` for each outlet that is in use."""
        ended = [start for start in sorted(self.open) if start + SLOT_S <= now_s]
        found = [(start, list(self._rows(self.open.pop(start), now_s))) for start in ended]
        return [(start, rows) for start, rows in found if rows]

    def problems_sentence(self) -> str:
        """Return what is wrong with outlets as one sentence, empty for nothing."""
        named = [f"{outlet} {sentence}" for outlet, (_, sentence) in sorted(self.doubts.items())]
        more = f"; {len(named) - MOST_NAMED} more outlets" if len(named) > MOST_NAMED else ""
        return "; ".join(named[:MOST_NAMED]) + more

    def _add(self, outlet: str, before: LastOutletReading, fresh: OutletReading, now_s: float) -> None:
        counted_w, doubt = _counted_w(before, fresh, now_s - before.at_s)
        if doubt:
            self._doubt(outlet, doubt, now_s)
        for start, power_w, seconds in _spread(before, fresh, counted_w, now_s):
            slot = self.open.setdefault(start, {})
            part = slot.get(outlet)
            if part is None or (part.source, part.scope) != (fresh.source, fresh.scope):
                part = slot[outlet] = OutletEnergy(fresh.source, fresh.scope, fresh.quality)
            part.energy_j += power_w * seconds
            part.seconds += seconds
            if fresh.quality != "measured":
                part.quality = fresh.quality

    def _rows(self, slot: Mapping[str, OutletEnergy], now_s: float) -> Iterator[list[Any]]:
        """What each outlet gave; one that is not in use is left out until it gives again."""
        for outlet, part in sorted(slot.items()):
            known = self.given.get(outlet)
            in_use = part.energy_j > 0 or (known is not None and known.is_in_use(now_s))
            duration_s = min(SLOT_S, round(part.seconds))
            if duration_s > 0 and in_use:
                energy_j = round(part.energy_j, 1)
                yield [outlet, part.scope, part.source, part.quality, energy_j, duration_s]

    def _look_for_lost(
        self, said: Mapping[str, OutletReading], wrong: Mapping[str, str], now_s: float
    ) -> None:
        """Outlets of which nothing is heard any more: reported for a week, then forgotten."""
        for outlet in self.given.keys() - said.keys() - wrong.keys():
            since_s = self.given[outlet].at_s
            if now_s - since_s > LOST_S:
                del self.given[outlet]
            else:
                self.doubts[outlet] = (now_s, f"is missing since {_moment(since_s)}")

    def _doubt(self, outlet: str, sentence: str, now_s: float) -> None:
        """Note it with when it began; the same said again goes on."""
        before = self.doubts.get(outlet, (0.0, ""))[1]
        goes_on = before.startswith(f"{sentence} (")
        self.doubts[outlet] = (now_s, before if goes_on else f"{sentence} ({_moment(now_s)})")


def feed_fields(start: int, row: Sequence[Any]) -> dict[str, Any]:
    """A row of a slot as a feed of the report."""
    outlet, scope, source, quality, energy_j, duration_s = row
    return {
        "start": start, "outlet": outlet, "scope": scope, "source": source, "quality": quality,
        "energy_j": energy_j, "duration_s": duration_s,
    }  # fmt: skip


def feeder_state(body: Mapping[str, Any]) -> FeederState:
    """What `asdict` and JSON made of it, as it was."""
    return FeederState(
        given={outlet: LastOutletReading(**one) for outlet, one in body["given"].items()},
        open={
            int(start): {outlet: OutletEnergy(**one) for outlet, one in slot.items()}
            for start, slot in body["open"].items()
        },
        doubts={outlet: (doubt[0], doubt[1]) for outlet, doubt in body["doubts"].items()},
    )


def _counted_w(before: LastOutletReading, fresh: OutletReading, elapsed_s: float) -> tuple[float | None, str]:
    """The mean power by the energy counter, or None with why it is not believed.

    A counter of 32 bits that is full goes on from 0; one that is reset does so before.
    """
    if before.steps is None or fresh.steps is None:
        return None, ""
    steps = fresh.steps - before.steps
    if steps < 0 and before.steps < WRAP and fresh.steps + WRAP - before.steps < WRAP // 16:
        steps += WRAP
    if steps < 0:
        return None, f"counted back from {before.steps} to {fresh.steps}: its counter was reset"
    power_w = steps * fresh.wh * J_PER_WH / elapsed_s
    if power_w > CEILING_W[fresh.scope]:
        return None, f"jumped from {before.steps} to {fresh.steps} in {elapsed_s:.0f} s, which is impossible"
    drawn_w = min(before.power_w or 0.0, fresh.power_w or 0.0)
    if steps == 0 and drawn_w * elapsed_s > STANDING_STEPS * fresh.wh * J_PER_WH:
        return None, f"does not count its energy, although it supplies {drawn_w:g} W"
    return power_w, ""


def _spread(
    before: LastOutletReading, fresh: OutletReading, counted_w: float | None, now_s: float
) -> Iterator[tuple[int, float, float]]:
    """Slot, watts and seconds of what is known of the time between two answers."""
    if counted_w is not None:
        known = [StatePeriod(before.at_s, now_s, "awake", _as_metered(fresh, counted_w))]
    else:
        earlier = LastAnswer(before.at_s, "awake", metered=_as_metered(fresh, before.power_w))
        known = state_periods(earlier, LastAnswer(now_s, "awake", metered=_as_metered(fresh, fresh.power_w)))
    for start, piece, seconds in by_slot(known):
        if piece.metered is not None:
            yield start, piece.metered.power_w, seconds


def _as_metered(said: OutletReading, power_w: float | None) -> StatedPower | None:
    quality: Literal["measured", "vendor_estimate"]
    quality = "measured" if said.quality == "measured" else "vendor_estimate"
    return None if power_w is None else StatedPower(said.source, quality, power_w)


def _moment(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, timezone.utc):%Y-%m-%d %H:%M} UTC"
