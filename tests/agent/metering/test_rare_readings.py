"""Sources asked rarely: what they say belongs to the time it covers, and to no second more."""

from types import ModuleType

import pytest
from parcimetre_agent import power
from parcimetre_agent.base import loading
from parcimetre_agent.base.outcome import NoData, Ok, Outcome
from parcimetre_agent.metering import rare_readings
from parcimetre_agent.metering.counters import Counter
from parcimetre_agent.metering.rare_readings import ChannelPower, MeanPower
from parcimetre_agent.recording import sampling, states
from parcimetre_agent.recording.slot import Sample, SlotRecord, stretches
from parcimetre_agent.recording.timeline import Timeline
from parcimetre_agent.sensors import activity

CHANNEL = ("meter", "wall_ac", "measured")


class Meter(ModuleType):
    """A power source of which the test sets the answer, and that counts how often it is asked."""

    EVERY_S = 900

    def __init__(self) -> None:
        super().__init__("parcimetre_agent.power.meter")
        self.asked, self.answer = 0, Ok([])

    def read(self) -> Outcome[list[object]]:
        self.asked += 1
        return self.answer


@pytest.fixture
def meter(monkeypatch: pytest.MonkeyPatch) -> Meter:
    meter = Meter()
    monkeypatch.setattr(sampling, "load", lambda package: {power: [meter], activity: []}[package])
    return meter


def _counter(energy_j: float) -> Ok[list[Counter]]:
    return Ok([Counter("meter", "wall_ac", "measured", "chassis", energy_j, 0.0, 5000.0)])


def _mean(mean_w: float, window_s: float) -> Ok[list[MeanPower]]:
    return Ok([MeanPower("meter", "wall_ac", "measured", mean_w, window_s, 5000.0)])


def _slots(clock, meter: Meter, answers: dict[int, Outcome[list[object]]], until_s: int) -> list[SlotRecord]:
    """Sample every 30 s, the meter's answer changing at the seconds given; the slots that closed."""
    sampler, timeline, closed = sampling.Sampler(), Timeline(), []
    before = None
    for second in range(0, until_s + 1, 30):
        meter.answer = answers.get(second, meter.answer)
        sample = sampler.sample(clock.now())
        if before is not None:
            interval = states.states_between(before.at, sample.at)
            timeline.fill(sample.late)
            closed += timeline.add(stretches(before, sample, interval), interval.stepped).slots
        before = sample
        clock.run(30)
    return closed


def test_counter_asked_once_a_slot_covers_the_whole_slot(clock, meter: Meter) -> None:
    slots = _slots(clock, meter, {0: _counter(1e6), 900: _counter(1e6 + 180_000)}, 900)
    assert meter.asked == 2
    (energy,) = slots[0].energy
    assert (energy.energy_j, energy.duration_s) == (pytest.approx(180_000), 900)


def test_mean_over_five_minutes_covers_five_minutes_and_the_rest_stays_open(clock, meter: Meter) -> None:
    (energy,) = _slots(clock, meter, {0: _mean(200.0, 300.0)}, 900)[0].energy
    assert (energy.energy_j, energy.duration_s) == (pytest.approx(60_000), 300)


@pytest.mark.parametrize(
    "answer", [_mean(200.0, 1.0), _mean(200.0, 9e5), _mean(1e5, 900.0), _mean(-5.0, 900.0)]
)
def test_sample_of_watts_another_times_mean_and_nonsense_are_refused(clock, meter: Meter, answer) -> None:
    assert _slots(clock, meter, {0: answer}, 900)[0].energy == []


@pytest.mark.parametrize("energy_j", [1e6 - 1, 1e6 + 900 * 5001.0])
def test_counter_that_falls_or_leaps_is_refused(clock, meter: Meter, energy_j: float) -> None:
    slots = _slots(clock, meter, {0: _counter(1e6), 900: _counter(energy_j)}, 900)
    assert slots[0].energy == []


def test_what_is_not_believed_is_reported(clock, meter: Meter) -> None:
    sampler = sampling.Sampler()
    for energy_j in (1e6, 1e6 - 1):
        meter.answer = _counter(energy_j)
        sampler.sample(clock.now())
        for _ in range(30):
            clock.run(30)
            sampler.sample(clock.now())
    assert sampler.power_states() == {"meter": "failed"}


def test_what_is_not_there_is_asked_for_once_an_hour(clock, meter: Meter) -> None:
    meter.EVERY_S = 60
    _slots(clock, meter, {0: NoData("none")}, 3 * 3600 - 30)
    assert meter.asked <= 4


def test_after_sleep_a_rare_source_begins_anew(clock, meter: Meter) -> None:
    sampler = sampling.Sampler()
    meter.answer = _counter(1e6)
    sampler.sample(clock.now())
    clock.sleep(5000)
    clock.run(30)
    meter.answer = _counter(1e6 + 1000)
    assert list(sampler.sample(clock.now()).late) == []
    assert meter.asked == 2


def test_late_figure_reaches_back_to_when_it_was_asked_before_not_further(clock) -> None:
    timeline, start = Timeline(), clock.now()
    clock.run(300)
    middle = clock.now()
    timeline.add(
        stretches(Sample(start, {}, []), Sample(middle, {}, []), states.states_between(start, middle))
    )
    clock.run(300)
    end = Sample(clock.now(), {}, [], [ChannelPower(middle.wall_s, CHANNEL, 10.0)])
    timeline.fill(end.late)
    timeline.add(stretches(Sample(middle, {}, []), end, states.states_between(middle, end.at)))
    record = timeline.open_slot()
    assert record is not None
    assert [(one.energy_j, one.duration_s) for one in record.energy] == [(3000.0, 300)]


def test_every_rare_source_is_asked_at_the_end_of_each_slot() -> None:
    for system in ("linux", "windows", "macos"):
        for module in sampling.load(power, system):
            assert 900 % getattr(module, "EVERY_S", 900) == 0
            assert loading.concept(module.__name__.rpartition(".")[2]) == module.SOURCE
    assert rare_readings.window_fits(900)


def test_costly_sensors_answer_holds_until_it_is_asked_again(clock, monkeypatch: pytest.MonkeyPatch) -> None:
    sensor = Meter()
    sensor.EVERY_S, sensor.answer = 60, Ok({"display_on": 1.0})
    monkeypatch.setattr(sampling, "load", lambda package: {power: [], activity: [sensor]}[package])
    sampler = sampling.Sampler()
    for _ in range(4):
        assert sampler.sample(clock.now()).values == {"display_on": 1.0}
        clock.run(30)
    assert sensor.asked == 2
