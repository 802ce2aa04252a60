"""A whole day through recorder and spool: sleep, reboot and clock steps, moved by hand."""

import json
import random
from pathlib import Path

import pytest
from parcimetre_agent.clock import Instant
from parcimetre_agent.report import Slot
from parcimetre_agent.resident import Recorder
from parcimetre_agent.slot import Sample
from parcimetre_agent.spool import Spool
from parcimetre_agent.wire import gap as wire_gap
from pydantic import TypeAdapter

DAY_S = 86_400
STATES = ("display_on_s", "display_off_s", "asleep_s", "off_s", "unknown_s")


class Machine:
    """A sampler of a machine that works at half load."""

    def __init__(self, clock) -> None:
        self._clock = clock

    def sample(self, at: Instant) -> Sample:
        busy_s = self._clock.monotonic_s
        return Sample(at, {"busy_s": busy_s, "total_s": busy_s * 2, "display_on": 1.0}, [])


def _agent(clock, spool: Spool) -> Recorder:
    recorder = Recorder(clock, Machine(clock), spool)
    recorder.sample()
    return recorder


def _work(clock, recorder: Recorder, seconds: float) -> None:
    end_s = clock.wall_s + seconds
    while clock.wall_s < end_s:
        clock.run(min(30.0, end_s - clock.wall_s))
        recorder.sample()


def _totals(spool: Spool) -> dict[str, int]:
    totals = dict.fromkeys(STATES, 0)
    slots = spool.pending(1000)
    for pending in slots:
        TypeAdapter(Slot).validate_json(json.dumps(pending.fields))
        for state in STATES:
            totals[state] += pending.fields[state]
    for record in spool.pending_gaps(1000):
        totals[wire_gap(record).state + "_s"] += record.duration_s
    return totals


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(str(tmp_path))


def test_day_of_work_sleep_and_reboot_is_covered_to_the_second(clock, spool: Spool) -> None:
    recorder = _agent(clock, spool)
    _work(clock, recorder, 6 * 3600)
    clock.sleep(8 * 3600 + 100)
    _work(clock, recorder, 2 * 3600)
    recorder.write()
    clock.reboot(off_s=5 * 3600 + 200, boot_s=40)
    recorder = _agent(clock, spool)
    _work(clock, recorder, clock_left(clock))
    totals = _totals(spool)
    assert sum(totals.values()) == DAY_S
    assert totals["asleep_s"] == pytest.approx(8 * 3600 + 100, abs=4)
    assert totals["off_s"] == pytest.approx(5 * 3600 + 200, abs=4)
    assert totals["unknown_s"] == pytest.approx(40, abs=4)
    starts = [pending.start for pending in spool.pending(1000)]
    covered = len(starts) + sum(gap.duration_s for gap in spool.pending_gaps(100)) // 900
    assert covered == 96
    assert len(set(starts)) == len(starts)


def clock_left(clock) -> float:
    """Seconds until the simulated day, which began at 1 800 000 000, is over."""
    return 1_800_000_000 + DAY_S - clock.wall_s


def test_clock_set_forward_leaves_what_it_jumped_over_unknown(clock, spool: Spool) -> None:
    recorder = _agent(clock, spool)
    _work(clock, recorder, 450)
    clock.step(3600)
    _work(clock, recorder, 2250)
    assert [p.fields["unknown_s"] for p in spool.pending(10)] == [450, 480, 0, 0]


def test_clock_set_back_never_makes_a_slot_longer_than_a_slot(clock, spool: Spool) -> None:
    recorder = _agent(clock, spool)
    _work(clock, recorder, 2000)
    clock.step(-1500)
    _work(clock, recorder, 3000)
    recorder.write()
    slots = spool.pending(100)
    assert all(sum(p.fields[state] for state in STATES) == 900 for p in slots)
    assert len({p.start for p in slots}) == len(slots)


@pytest.mark.parametrize("seed", range(5))
def test_whatever_happens_every_slot_is_valid_and_no_time_is_told_twice(
    clock, spool: Spool, seed: int
) -> None:
    rng = random.Random(seed)
    recorder = _agent(clock, spool)
    for _ in range(40):
        event = rng.choice(("work", "work", "sleep", "reboot", "crash"))
        if event == "work":
            _work(clock, recorder, rng.uniform(10, 4000))
        elif event == "sleep":
            clock.sleep(rng.uniform(1, 30_000))
            recorder.sample()
        else:
            if event == "reboot":
                recorder.write()
            clock.reboot(rng.uniform(5, 20_000), rng.uniform(5, 100))
            recorder = _agent(clock, spool)
    recorder.write()
    assert sum(_totals(spool).values()) % 900 == 0
    gaps = spool.pending_gaps(1000)
    in_gaps = {start for gap in gaps for start in range(gap.start, gap.start + gap.duration_s, 900)}
    assert not in_gaps & {pending.start for pending in spool.pending(1000)}


def test_full_disk_loses_no_slot_that_memory_can_hold(clock, spool: Spool, monkeypatch, capsys) -> None:
    recorder = _agent(clock, spool)
    with monkeypatch.context() as full:
        full.setattr(spool, "path", "/proc/no/spool.sqlite")
        _work(clock, recorder, 1800)
    _work(clock, recorder, 900)
    assert len(spool.pending(10)) == 3
    assert capsys.readouterr().err.count("make room") == 1
