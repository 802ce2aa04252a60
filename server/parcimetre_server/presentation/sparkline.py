"""A series as one line of text: eight heights of a block, from zero to its greatest value."""

from __future__ import annotations

from collections.abc import Sequence

BLOCKS = "▁▂▃▄▅▆▇█"
NOTHING = " "


def sparkline(values: Sequence[float | None], width: int) -> str:
    """At most `width` characters; a longer series is cut in equal pieces, each shown by its mean.

    Blank where there is no value. What is below zero is shown as zero.
    """
    if not values:
        return ""
    size = -(-len(values) // max(1, width))
    pieces = [values[at : at + size] for at in range(0, len(values), size)]
    means = [_mean([value for value in piece if value is not None]) for piece in pieces]
    top = max((mean for mean in means if mean is not None), default=0.0)
    return "".join(NOTHING if mean is None else _block(mean, top) for mean in means)


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def _block(value: float, top: float) -> str:
    share = max(0.0, value / top) if top > 0 else 0.0
    return BLOCKS[min(len(BLOCKS) - 1, int(share * len(BLOCKS)))]
