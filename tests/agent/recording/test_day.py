"""A whole day through recorder and spool: sleep, reboot and clock steps, moved by hand."""

import json
import random
import time
from datetime import datetime
from pathlib import Path

import pytest
from parcimetre_agent.machine.clock import Instant
from parcimetre_agent.recording.recorder import Recorder
from parcimetre_agent.recording.slot import Sample
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.report import Slot
from parcimetre_agent.sending.wire_json import gap_from as wire_gap
from pydantic import TypeAdapter

DAY_S = 86_400
DEAD_CLOCK_S = 946_684_800
STATES = ("display_on_s", "display_off_s", "asleep_s", "off_s", "unknown_s")


class Machine:
    """A sampler of a machine that works at half load."""

    def __init__(self, clock) -> None:
        self._clock = clock
        self.display_on = True

    def sample(self, at: Instant) -> Sample:
        busy_s = self._clock.monotonic_s
        return Sample(at, {"busy_s": busy_s, "total_s": busy_s * 2, "display_on": float(self.display_on)}, [])


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


def _clock_dies(clock, off_s: float) -> float:
    """Off, then a boot in the year 2000; by how much the clock is wrong."""
    clock.reboot(off_s=off_s, boot_s=40)
    wrong_s = clock.wall_s - DEAD_CLOCK_S
    clock.step(-wrong_s)
    return wrong_s


def test_boot_in_the_year_2000_is_told_at_its_real_time_once_the_clock_is_set(clock, spool: Spool) -> None:
    recorder = _agent(clock, spool)
    _work(clock, recorder, 3600)
    recorder.write()
    wrong_s = _clock_dies(clock, off_s=7 * 3600 + 100)
    recorder = _agent(clock, spool)
    _work(clock, recorder, 1700)
    recorder.write()
    assert [p.start for p in spool.pending(100) if p.start < DEAD_CLOCK_S + DAY_S] == []
    clock.step(wrong_s)
    recorder.sample()
    _work(clock, recorder, clock_left(clock))
    totals = _totals(spool)
    assert sum(totals.values()) == DAY_S
    assert totals["off_s"] == pytest.approx(7 * 3600 + 100, abs=4)
    assert totals["unknown_s"] == pytest.approx(40, abs=4)


def test_first_start_ever_in_the_year_2000_waits_for_the_clock_and_loses_nothing(clock, spool: Spool) -> None:
    wrong_s = clock.wall_s - DEAD_CLOCK_S
    clock.step(-wrong_s)
    recorder = _agent(clock, spool)
    _work(clock, recorder, 900)
    clock.step(wrong_s / 2)
    _work(clock, recorder, 900)
    clock.step(wrong_s / 2)
    _work(clock, recorder, 900)
    assert [p.fields["display_on_s"] for p in spool.pending(10)] == [900, 900, 900]


def test_clock_that_dies_while_the_machine_runs_costs_no_second(clock, spool: Spool) -> None:
    recorder = _agent(clock, spool)
    _work(clock, recorder, 3600)
    clock.step(DEAD_CLOCK_S - clock.wall_s)
    _work(clock, recorder, 1800)
    clock.step(1_800_000_000 + 5400 - clock.wall_s)
    _work(clock, recorder, 1800)
    assert [p.fields["display_on_s"] for p in spool.pending(10)] == [900] * 8


def test_clock_that_was_once_in_the_future_is_believed_after_two_hours(clock, spool: Spool) -> None:
    clock.step(30 * DAY_S)
    recorder = _agent(clock, spool)
    _work(clock, recorder, 1800)
    recorder.write()
    clock.reboot(off_s=60, boot_s=40)
    clock.step(-30 * DAY_S)
    recorder = _agent(clock, spool)
    _work(clock, recorder, 3 * 3600)
    starts = {p.start for p in spool.pending(100)}
    assert {1_800_000_000 + 3600 + 900 * i for i in range(4, 10)} <= starts


@pytest.mark.parametrize("change", ["2027-03-28T00:00", "2027-10-31T00:00"], ids=["spring", "autumn"])
def test_day_of_a_change_of_summer_time_has_96_slots_with_sleep_hibernation_power_cut_and_shutdown(
    clock, spool: Spool, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Europe/Paris")
    time.tzset()
    begun_s = datetime.fromisoformat(change + "+00:00").timestamp()
    clock.step(begun_s - clock.wall_s)
    recorder = _agent(clock, spool)
    _work(clock, recorder, 5 * 3600 + 17)
    clock.sleep(2 * 3600 + 1)
    _work(clock, recorder, 3 * 3600)
    clock.sleep(4 * 3600)
    recorder.sample()
    _work(clock, recorder, 1000)
    clock.reboot(off_s=1801, boot_s=33)
    recorder = _agent(clock, spool)
    _work(clock, recorder, 2 * 3600)
    recorder.write()
    clock.reboot(off_s=3599, boot_s=25)
    recorder = _agent(clock, spool)
    _work(clock, recorder, begun_s + DAY_S - clock.wall_s)
    starts = {p.start for p in spool.pending(200)}
    for gap in spool.pending_gaps(100):
        starts.update(range(gap.start, gap.start + gap.duration_s, 900))
    assert starts == set(range(int(begun_s), int(begun_s) + DAY_S, 900))
    assert sum(_totals(spool).values()) == DAY_S
    monkeypatch.undo()
    time.tzset()


@pytest.mark.slow
def test_slow_samples_on_battery_miss_no_sleep_and_no_change_of_the_display_on_average(
    clock, spool: Spool
) -> None:
    machine = Machine(clock)
    recorder = Recorder(clock, machine, spool)
    recorder.sample()
    rng = random.Random(4)
    on_s = slept_s = 0.0
    for _ in range(400):
        machine.display_on = not machine.display_on
        lasting_s = rng.uniform(60, 900)
        on_s += lasting_s if machine.display_on else 0.0
        end_s = clock.wall_s + lasting_s
        while clock.wall_s < end_s:
            clock.run(min(60.0 - clock.wall_s % 60.0, end_s - clock.wall_s))
            if clock.wall_s % 60.0 == 0:
                recorder.sample()
        if rng.random() < 0.1:
            clock.sleep(500.0)
            slept_s += 500.0
    recorder.sample()
    recorder.write()
    totals = _totals(spool)
    assert totals["asleep_s"] == pytest.approx(slept_s, abs=spool.waiting().slots)
    assert totals["display_on_s"] == pytest.approx(on_s, rel=0.02)


def test_damaged_spool_is_put_beside_and_what_memory_holds_is_kept(clock, spool: Spool, capsys) -> None:
    recorder = _agent(clock, spool)
    _work(clock, recorder, 900)
    Path(spool.path).write_bytes(b"\xff" * 9000)
    _work(clock, recorder, 1800)
    assert [p.start for p in spool.pending(10)] == [1_800_000_900, 1_800_001_800]
    assert spool.waiting().damaged == 1
    assert "renamed to .damaged" in capsys.readouterr().err


def test_full_disk_loses_no_slot_that_memory_can_hold(clock, spool: Spool, monkeypatch, capsys) -> None:
    recorder = _agent(clock, spool)
    with monkeypatch.context() as full:
        full.setattr(spool, "path", "/proc/no/spool.sqlite")
        _work(clock, recorder, 1800)
    _work(clock, recorder, 900)
    assert len(spool.pending(10)) == 3
    assert capsys.readouterr().err.count("free disk space") == 1
