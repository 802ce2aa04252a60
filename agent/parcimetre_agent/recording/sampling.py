"""One sample of the machine: every activity sensor and every power source asked, the costly ones rarely.

What states EVERY_S is asked once in so many seconds of the wall clock, so at the end of each slot. A power
source that then has nothing for this machine is left alone for an hour; a sensor's answer holds meanwhile.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any, NamedTuple

from .. import power
from ..base.loading import concept, load
from ..base.outcome import Denied, Failed, NoData, Ok, Outcome
from ..machine.clock import Instant
from ..metering import rare_readings
from ..metering.counters import Counter, CounterWatch
from ..sensors import activity
from . import states
from .slot import Sample

ABSENT_S = 3600
_POWER = "power."


class _LastAnswer(NamedTuple):
    """What a source that is asked rarely answered last, and when."""

    at: Instant
    outcome: Outcome[Any]


class Sampler:
    """The sensors and power sources of this system, and what each answered last.

    `outcomes` maps "cpu_load" or "power.rapl" to the last answer; a source whose counters are not
    believed has failed.
    """

    def __init__(self) -> None:
        self._sensors = _named(load(activity), "")
        sources = _named(load(power), _POWER)
        self._sources = [one for one in sources if not hasattr(one[1], "EVERY_S")]
        self._rare = [one for one in sources if hasattr(one[1], "EVERY_S")]
        self._watches = {name: CounterWatch() for name, _ in self._sources}
        self._readings: dict[str, _LastAnswer] = {}
        self._last: Instant | None = None
        self.outcomes: dict[str, Outcome[Any]] = {}

    def sample(self, at: Instant) -> Sample:
        """Ask all that is due now; after sleep or a set clock everything is."""
        before, self._last = self._last, at
        continuous = before is not None and states.states_between(before, at).continuous
        if not continuous:
            self._readings.clear()
        values: dict[str, float] = {}
        counters: list[Counter] = []
        for name, module in self._sensors:
            outcome = self._sensed(name, module, at)
            if isinstance(outcome, Ok):
                values.update(outcome.value)
        for name, module in self._sources:
            outcome = self._ask(name, module)
            answered = outcome.value if isinstance(outcome, Ok) else []
            believed, reason = self._watches[name].judge(answered, at.monotonic_s, continuous)
            counters.extend(believed)
            if reason is not None:
                self.outcomes[name] = Failed(reason)
        return Sample(at, values, counters, self._late(at), self._doubts())

    def _doubts(self) -> tuple[tuple[str, str], ...]:
        """Power sources that are not believed, each with the reason."""
        return tuple(
            (name, outcome.reason)
            for name, outcome in self.outcomes.items()
            if name.startswith(_POWER) and isinstance(outcome, Failed)
        )

    def power_states(self) -> dict[str, str]:
        """What each power source answered last: ok, no_data, denied or failed."""
        return {
            name[len(_POWER) :]: outcome.state
            for name, outcome in self.outcomes.items()
            if name.startswith(_POWER)
        }

    def _sensed(self, name: str, module: ModuleType, at: Instant) -> Outcome[Any]:
        """A sensor's answer, or its last one while that holds."""
        if not hasattr(module, "EVERY_S"):
            return self._ask(name, module)
        last = self._readings.get(name)
        if last is None or _is_due(module, last, at):
            last = self._readings[name] = _LastAnswer(at, self._ask(name, module))
        return last.outcome

    def _late(self, at: Instant) -> list[rare_readings.ChannelPower]:
        """What the rarely asked sources say now."""
        found: list[rare_readings.ChannelPower] = []
        for name, module in self._rare:
            last = self._readings.get(name)
            if last is not None and not _is_due(module, last, at):
                continue
            outcome = self._ask(name, module)
            self._readings[name] = _LastAnswer(at, outcome)
            if last is not None and isinstance(last.outcome, Ok) and isinstance(outcome, Ok):
                said = rare_readings.power_since(last.at, last.outcome.value, at, outcome.value)
                if last.outcome.value and outcome.value and not said:
                    self.outcomes[name] = Failed("it decreased, jumped or changed its parts: not used")
                found += said
        return found

    def _ask(self, name: str, module: ModuleType) -> Outcome[Any]:
        try:
            outcome: Outcome[Any] = module.read()
        except Exception as error:  # noqa: BLE001 - one broken sensor must not stop the others; it is reported
            outcome = Failed(f"{type(error).__name__}: {error}")
        self.outcomes[name] = outcome
        return outcome


def _is_due(module: ModuleType, last: _LastAnswer, at: Instant) -> bool:
    """Whether a multiple of the source's period has begun since it was asked."""
    period_s = int(module.EVERY_S)
    if isinstance(last.outcome, (NoData, Denied)):
        period_s = max(period_s, ABSENT_S)
    return at.wall_s // period_s != last.at.wall_s // period_s


def _named(modules: list[ModuleType], prefix: str) -> list[tuple[str, ModuleType]]:
    return [(prefix + concept(module.__name__.rpartition(".")[2]), module) for module in modules]
