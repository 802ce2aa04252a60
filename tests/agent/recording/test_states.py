"""Clock and boot facts become states."""

from parcimetre_agent.machine.clock import Instant
from parcimetre_agent.recording.states import states_between

T = 1_800_000_000.0
START = Instant(T, 100.0, 100.0, "a")


def _spans(after: Instant, watched: bool = True) -> list[tuple[float, float, str]]:
    return [(s.start_s - T, s.end_s - T, s.state) for s in states_between(START, after, watched).spans]


def test_time_between_samples_is_awake_and_continuous() -> None:
    after = Instant(T + 30, 130.0, 130.0, "a")
    assert _spans(after) == [(0, 30, "awake")]
    assert states_between(START, after).continuous


def test_boottime_growing_over_monotonic_is_sleep_and_forbids_comparing_counters() -> None:
    after = Instant(T + 3630, 130.0, 3730.0, "a")
    assert _spans(after) == [(0, 15, "awake"), (15, 3615, "asleep"), (3615, 3630, "awake")]
    assert not states_between(START, after).continuous


def test_new_boot_id_means_off_until_the_boot_and_unknown_until_the_agent() -> None:
    after = Instant(T + 7200, 40.0, 40.0, "b")
    assert _spans(after) == [(0, 7160, "off"), (7160, 7200, "unknown")]


def test_boot_before_the_last_heartbeat_is_not_counted_as_off() -> None:
    assert _spans(Instant(T + 60, 300.0, 300.0, "b")) == [(0, 60, "unknown")]


def test_clock_step_is_unknown_and_said_so() -> None:
    interval = states_between(START, Instant(T + 630, 130.0, 130.0, "a"))
    assert interval.stepped
    assert {span.state for span in interval.spans} == {"unknown"}


def test_clock_set_back_leaves_no_negative_time() -> None:
    interval = states_between(START, Instant(T - 600, 130.0, 130.0, "a"))
    assert interval.stepped
    assert interval.spans == []


def test_time_without_agent_is_unknown_however_short() -> None:
    assert _spans(Instant(T + 30, 130.0, 130.0, "a"), watched=False) == [(0, 30, "unknown")]


def test_long_hole_between_samples_is_unknown() -> None:
    assert _spans(Instant(T + 400, 500.0, 500.0, "a")) == [(0, 400, "unknown")]


def test_time_since_boot_that_shrank_is_a_boot_even_under_the_same_number() -> None:
    after = Instant(T + 660, 60.0, 60.0, "a")
    assert _spans(after, watched=False) == [(0, 600, "off"), (600, 660, "unknown")]
