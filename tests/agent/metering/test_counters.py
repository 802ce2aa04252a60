"""Energy counters: wraps, nonsense and vanishing zones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.metering.counters import (
    FROZEN_S,
    Counter,
    CounterWatch,
    gauge_ceiling_w,
    grown_j,
    implausibility,
    mean_power_w,
)


def _counter(
    energy_j: float, zone: str = "package-0", wrap_j: float = 1000.0, scope: str = "package"
) -> Counter:
    return Counter("rapl", scope, "measured", zone, energy_j, wrap_j, 100.0)


@given(st.floats(0, 999.9), st.floats(0, 900))
def test_counter_that_wrapped_once_gives_the_true_energy(start_j: float, used_j: float) -> None:
    end = _counter((start_j + used_j) % 1000.0)
    assert grown_j(_counter(start_j), end, 30.0) == pytest.approx(used_j, abs=1e-6)


def test_counter_that_fell_without_a_range_is_refused_not_guessed() -> None:
    assert grown_j(_counter(500.0, wrap_j=0.0), _counter(100.0, wrap_j=0.0), 30.0) is None


def test_rise_beyond_the_ceiling_is_refused() -> None:
    assert grown_j(_counter(0.0), _counter(999.0), 5.0) is None


def test_wrap_uses_the_range_of_its_own_zone() -> None:
    before = [_counter(90.0, "a", 100.0), _counter(10.0, "b", 5000.0)]
    after = [_counter(20.0, "a", 100.0), _counter(40.0, "b", 5000.0)]
    assert mean_power_w(before, after, 10.0) == {("rapl", "package", "measured"): pytest.approx(6.0)}


def test_vanished_socket_leaves_its_channel_without_figure_and_others_untouched() -> None:
    before = [_counter(0.0, "package-0"), _counter(0.0, "package-1"), _counter(0.0, "dram", scope="dram")]
    after = [_counter(100.0, "package-0"), _counter(50.0, "dram", scope="dram")]
    assert mean_power_w(before, after, 10.0) == {("rapl", "dram", "measured"): 5.0}


def test_zone_that_appears_waits_for_its_second_reading() -> None:
    assert mean_power_w([], [_counter(100.0)], 10.0) == {}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (_counter(500.0, wrap_j=0.0), _counter(499.0, wrap_j=0.0), "ran backwards"),
        (_counter(0.0), _counter(30_001.0, wrap_j=0.0), "jumped"),
        (
            _counter(0.0)._replace(at_s=0.0),
            _counter(60.0)._replace(at_s=0.0),
            "the clock of package-0 is wrong",
        ),
        (
            _counter(0.0)._replace(at_s=0.0),
            _counter(60.0)._replace(at_s=3e8),
            "the clock of package-0 is wrong",
        ),
    ],
    ids=["backwards", "jump", "clock stands", "clock in other units"],
)
def test_doubt_says_what_is_wrong_and_gives_no_figure(before: Counter, after: Counter, said: str) -> None:
    assert said in (implausibility(before, after, 30.0) or "")
    assert mean_power_w([before], [after], 30.0) == {}


def test_meter_that_refreshes_once_a_second_is_believed_between_samples_a_second_apart() -> None:
    before = _counter(0.0)._replace(at_s=10.0)
    assert implausibility(before, _counter(0.0)._replace(at_s=10.0), 1.0) is None
    assert implausibility(before, _counter(90.0)._replace(at_s=12.0), 1.0) is None


@given(st.floats(0, 1e12), st.floats(-1e12, 1e12), st.floats(0.1, 1e5))
def test_no_figure_is_negative_or_beyond_the_ceiling(start_j: float, step_j: float, elapsed_s: float) -> None:
    grown = grown_j(_counter(start_j), _counter(start_j + step_j), elapsed_s)
    assert grown is None or 0 <= grown <= 100.0 * elapsed_s


def test_battery_may_fall_four_times_as_fast_as_it_states_but_never_like_a_heater() -> None:
    assert gauge_ceiling_w(-8.4) == pytest.approx(53.6)
    assert gauge_ceiling_w(5000.0) == 300.0


def test_counter_that_stands_still_is_left_out_until_it_moves() -> None:
    watch, at_s = CounterWatch(), 0.0
    while at_s < FROZEN_S:
        assert watch.judge([_counter(5.0)], at_s, True) == ([_counter(5.0)], None)
        at_s += 30.0
    assert watch.judge([_counter(5.0)], at_s, True) == ([], "package-0 did not change")
    assert watch.judge([_counter(6.0)], at_s + 30.0, True) == ([_counter(6.0)], None)


def test_one_frozen_zone_does_not_condemn_its_source() -> None:
    watch = CounterWatch()
    for at_s in (0.0, 150.0, 300.0):
        counters = [_counter(at_s), _counter(0.0, "dram", scope="dram")]
        kept, reason = watch.judge(counters, at_s, True)
    assert [counter.zone for counter in kept] == ["package-0"]
    assert reason is None


def test_source_that_runs_backwards_has_failed_but_a_sleep_excuses_it() -> None:
    watch = CounterWatch()
    watch.judge([_counter(500.0, wrap_j=0.0)], 0.0, False)
    assert watch.judge([_counter(1.0, wrap_j=0.0)], 30.0, True)[1] == "package-0 ran backwards"
    assert watch.judge([_counter(0.5, wrap_j=0.0)], 60.0, False)[1] is None


def test_source_that_was_away_begins_anew() -> None:
    watch = CounterWatch()
    watch.judge([_counter(500.0, wrap_j=0.0)], 0.0, False)
    assert watch.judge([], 30.0, True) == ([], None)
    assert watch.judge([_counter(1.0, wrap_j=0.0)], 60.0, True)[1] is None
