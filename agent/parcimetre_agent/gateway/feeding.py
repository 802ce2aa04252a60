"""Pure: from what the outlets of a feeder said at each poll, the joules that each gave in each quarter hour.

An energy counter wins: its difference, exact, is spread evenly over the time between two answers. Else power
that was sampled holds as a state does: the earlier sample for the first half, the later one for the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import Any, Literal

from ..report import SLOT_S, FeedScope, Quality
from .taps import CEILING_W, Said
from .time_in_state import Metered, Piece, Seen, by_slot, pieces

LONGEST_S = 86_400.0
TOLD_S = 86_400.0
LOST_S = 7 * 86_400.0
NEW_S = 86_400.0
UNUSED_S = 28 * 86_400.0
WRAP = 2**32
STANDING_STEPS = 5
J_PER_WH = 3600.0
MOST_NAMED = 4


@dataclass(frozen=True)
class Given:
    """What an outlet said last; it is known since `since_s`, and gave last at `gave_s`, None for never."""

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
class Part:
    """What an outlet gave in a part of a slot."""

    source: str
    scope: FeedScope
    quality: Quality
    energy_j: float = 0.0
    seconds: float = 0.0


@dataclass
class Feeding:
    """What is known of the outlets of one feeder: their last words, slots that are open, and doubts."""

    given: dict[str, Given] = field(default_factory=dict)
    open: dict[int, dict[str, Part]] = field(default_factory=dict)
    doubts: dict[str, tuple[float, str]] = field(default_factory=dict)

    def take(self, said: Mapping[str, Said], wrong: Mapping[str, str], now_s: float) -> None:
        """Go on to what the outlets say now, and with what is wrong with some."""
        for outlet, fresh in said.items():
            before = self.given.get(outlet)
            if before is not None and 0 < now_s - before.at_s <= LONGEST_S:
                self._add(outlet, before, fresh, now_s)
            gives = fresh.power_w is None or fresh.power_w > 0
            gave_s = now_s if gives else before.gave_s if before else None
            since_s = before.since_s if before else now_s
            self.given[outlet] = Given(now_s, fresh.power_w, fresh.steps, since_s, gave_s)
        for outlet, sentence in wrong.items():
            self._doubt(outlet, sentence, now_s)
        self._look_for_lost(said, wrong, now_s)
        self.doubts = {one: told for one, told in self.doubts.items() if now_s - told[0] < TOLD_S}

    def close(self, now_s: float) -> list[tuple[int, list[list[Any]]]]:
        """The slots that ended: start, and a row of `feed_fields` for each outlet that is in use."""
        ended = [start for start in sorted(self.open) if start + SLOT_S <= now_s]
        found = [(start, list(self._rows(self.open.pop(start), now_s))) for start in ended]
        return [(start, rows) for start, rows in found if rows]

    def told(self) -> str:
        """What is wrong with outlets in a sentence, or an empty one."""
        named = [f"{outlet} {sentence}" for outlet, (_, sentence) in sorted(self.doubts.items())]
        more = f"; {len(named) - MOST_NAMED} more outlets" if len(named) > MOST_NAMED else ""
        return "; ".join(named[:MOST_NAMED]) + more

    def _add(self, outlet: str, before: Given, fresh: Said, now_s: float) -> None:
        counted_w, doubt = _counted_w(before, fresh, now_s - before.at_s)
        if doubt:
            self._doubt(outlet, doubt, now_s)
        for start, power_w, seconds in _spread(before, fresh, counted_w, now_s):
            slot = self.open.setdefault(start, {})
            part = slot.get(outlet)
            if part is None or (part.source, part.scope) != (fresh.source, fresh.scope):
                part = slot[outlet] = Part(fresh.source, fresh.scope, fresh.quality)
            part.energy_j += power_w * seconds
            part.seconds += seconds
            if fresh.quality != "measured":
                part.quality = fresh.quality

    def _rows(self, slot: Mapping[str, Part], now_s: float) -> Iterator[list[Any]]:
        """What each outlet gave; one that is not in use is left out until it gives again."""
        for outlet, part in sorted(slot.items()):
            known = self.given.get(outlet)
            in_use = part.energy_j > 0 or (known is not None and known.is_in_use(now_s))
            duration_s = min(SLOT_S, round(part.seconds))
            if duration_s > 0 and in_use:
                energy_j = round(part.energy_j, 1)
                yield [outlet, part.scope, part.source, part.quality, energy_j, duration_s]

    def _look_for_lost(self, said: Mapping[str, Said], wrong: Mapping[str, str], now_s: float) -> None:
        """Outlets of which nothing is heard any more: told for a week, then forgotten."""
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


def feeding(body: Mapping[str, Any]) -> Feeding:
    """What `asdict` and JSON made of it, as it was."""
    return Feeding(
        given={outlet: Given(**one) for outlet, one in body["given"].items()},
        open={
            int(start): {outlet: Part(**one) for outlet, one in slot.items()}
            for start, slot in body["open"].items()
        },
        doubts={outlet: (told[0], told[1]) for outlet, told in body["doubts"].items()},
    )


def _counted_w(before: Given, fresh: Said, elapsed_s: float) -> tuple[float | None, str]:
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
    before: Given, fresh: Said, counted_w: float | None, now_s: float
) -> Iterator[tuple[int, float, float]]:
    """Slot, watts and seconds of what is known of the time between two answers."""
    if counted_w is not None:
        known = [Piece(before.at_s, now_s, "awake", _as_metered(fresh, counted_w))]
    else:
        earlier = Seen(before.at_s, "awake", metered=_as_metered(fresh, before.power_w))
        known = pieces(earlier, Seen(now_s, "awake", metered=_as_metered(fresh, fresh.power_w)))
    for start, piece, seconds in by_slot(known):
        if piece.metered is not None:
            yield start, piece.metered.power_w, seconds


def _as_metered(said: Said, power_w: float | None) -> Metered | None:
    quality: Literal["measured", "vendor_estimate"]
    quality = "measured" if said.quality == "measured" else "vendor_estimate"
    return None if power_w is None else Metered(said.source, quality, power_w)


def _moment(at_s: float) -> str:
    return f"{datetime.fromtimestamp(at_s, timezone.utc):%Y-%m-%d %H:%M} UTC"
