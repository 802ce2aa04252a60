"""Write metrics in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from .names import shown_lines

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
Sample = tuple[str, Mapping[str, str], float]  # suffix of the name, labels, value


@dataclass(frozen=True)
class Metric:
    """One family: its name carries the unit, as Prometheus asks for."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    samples: Sequence[Sample]

    def lines(self) -> Iterable[str]:
        """HELP, TYPE and the samples."""
        yield f"# HELP {self.name} {self.help}"
        yield f"# TYPE {self.name} {self.kind}"
        for suffix, labels, value in self.samples:
            told = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
            yield (
                f"{self.name}{suffix}{{{told}}} {value:.17g}" if told else f"{self.name}{suffix} {value:.17g}"
            )


class Histogram:
    """Counts of durations by upper bound, in seconds; one thread observes."""

    def __init__(self, bounds_s: Sequence[float]) -> None:
        """Bounds in order, the infinite one left out."""
        self._bounds_s = bounds_s
        self._counts = [0] * (len(bounds_s) + 1)
        self._sum_s = 0.0

    def observe(self, duration_s: float) -> None:
        """Count one."""
        self._counts[bisect_left(self._bounds_s, duration_s)] += 1
        self._sum_s += duration_s

    def samples(self) -> list[Sample]:
        """Return cumulative buckets, as the format requires."""
        totals = list(accumulate(self._counts))
        bounds = [*(f"{bound:g}" for bound in self._bounds_s), "+Inf"]
        buckets: list[Sample] = [
            ("_bucket", {"le": bound}, total) for bound, total in zip(bounds, totals, strict=True)
        ]
        return [*buckets, ("_sum", {}, self._sum_s), ("_count", {}, totals[-1])]


def gauge(name: str, told: str, value: float) -> Metric:
    """A family of one value without labels that may fall."""
    return Metric(name, "gauge", told, [("", {}, value)])


def counter(name: str, told: str, value: float) -> Metric:
    """A family of one value without labels that only grows."""
    return Metric(name, "counter", told, [("", {}, value)])


def text(metrics: Iterable[Metric]) -> str:
    """All families, one after the other."""
    return "".join(f"{line}\n" for metric in metrics for line in metric.lines())


def _escaped(label: str) -> str:
    return shown_lines(label).replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
