"""One sample of the machine: every activity sensor and every power source asked once."""

from __future__ import annotations

from types import ModuleType
from typing import Any

from . import power, states
from .clock import Instant
from .counters import Counter, Watch
from .loading import concept, load
from .outcome import Failed, Ok, Outcome
from .sensors import activity
from .slot import Sample


class Sampler:
    """The sensors and power sources of this system, and what each answered last.

    `outcomes` maps "cpu_load" or "power.rapl" to the last answer; a source whose counters are not
    believed has failed.
    """

    def __init__(self) -> None:
        self._sensors = _named(load(activity), "")
        self._sources = _named(load(power), "power.")
        self._watches = {name: Watch() for name, _ in self._sources}
        self._last_at: Instant | None = None
        self.outcomes: dict[str, Outcome[Any]] = {}

    def sample(self, at: Instant) -> Sample:
        """Ask all of them now."""
        continuous = self._last_at is not None and states.between(self._last_at, at).continuous
        self._last_at = at
        values: dict[str, float] = {}
        counters: list[Counter] = []
        for name, module in self._sensors:
            outcome = self._ask(name, module)
            if isinstance(outcome, Ok):
                values.update(outcome.value)
        doubts: list[tuple[str, str]] = []
        for name, module in self._sources:
            outcome = self._ask(name, module)
            answered = outcome.value if isinstance(outcome, Ok) else []
            believed, reason = self._watches[name].judge(answered, at.monotonic_s, continuous)
            counters.extend(believed)
            if reason is not None:
                outcome = self.outcomes[name] = Failed(reason)
            if isinstance(outcome, Failed):
                doubts.append((name, outcome.reason))
        return Sample(at, values, counters, tuple(doubts))

    def _ask(self, name: str, module: ModuleType) -> Outcome[Any]:
        try:
            outcome: Outcome[Any] = module.read()
        except Exception as error:  # noqa: BLE001 - one broken sensor must not stop the others; it is reported
            outcome = Failed(f"{type(error).__name__}: {error}")
        self.outcomes[name] = outcome
        return outcome


def _named(modules: list[ModuleType], prefix: str) -> list[tuple[str, ModuleType]]:
    return [(prefix + concept(module.__name__.rpartition(".")[2]), module) for module in modules]
