"""Energy counters: wraps, nonsense and vanishing zones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.counters import Counter, grown_j, mean_power_w


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
