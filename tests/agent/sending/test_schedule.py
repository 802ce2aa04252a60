"""When the next upload is due."""

import random

from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.sending.schedule import backoff_s, first_delay_s, regular_delay_s

PERIOD_S = 3600.0
DEVICE = "0123456789abcdef0123456789abcdef"


def test_agent_that_never_sent_sends_within_seconds() -> None:
    assert first_delay_s(1_800_000_000.0, DEVICE, PERIOD_S, None, random.uniform) <= 10


@given(st.floats(1e9, 2e9), st.floats(0, 1e5), st.floats(60, 86_400))
def test_restarted_agent_waits_for_its_place_and_never_over_a_period_and_two_jitters(
    wall_s: float, since_s: float, period_s: float
) -> None:
    delay_s = first_delay_s(wall_s, DEVICE, period_s, wall_s - since_s, random.uniform)
    assert 5.0 <= delay_s <= 1.2 * period_s
    if since_s > period_s:
        assert delay_s <= 600


def test_devices_spread_over_the_hour() -> None:
    rng = random.Random(1)
    delays = [
        regular_delay_s(1.8e9, f"{rng.getrandbits(128):032x}", PERIOD_S, rng.uniform) for _ in range(2000)
    ]
    per_minute = [sum(m * 60 <= d % PERIOD_S < (m + 1) * 60 for d in delays) for m in range(60)]
    assert max(per_minute) < 4 * 2000 / 60


@given(st.integers(0, 1000), st.floats(0, 7200))
def test_backoff_is_bounded_and_never_before_the_collector_said(failures: int, retry_after_s: float) -> None:
    delay_s = backoff_s(failures, retry_after_s, random.uniform)
    assert retry_after_s <= delay_s <= retry_after_s + 3600.0


def test_fleet_that_hears_one_retry_after_does_not_come_back_at_once() -> None:
    rng = random.Random(1)
    delays = [backoff_s(6, 240.0, rng.uniform) for _ in range(2000)]
    per_minute = [sum(m * 60 <= delay - 240 < (m + 1) * 60 for delay in delays) for m in range(30)]
    assert max(per_minute) < 2 * 2000 / 30


def test_fleet_that_boots_together_with_something_to_send_spreads_over_ten_minutes() -> None:
    rng = random.Random(1)
    night_s = 14 * 3600.0
    delays = [
        first_delay_s(1.8e9, f"{rng.getrandbits(128):032x}", PERIOD_S, 1.8e9 - night_s, rng.uniform)
        for _ in range(2000)
    ]
    per_minute = [sum(m * 60 <= delay < (m + 1) * 60 for delay in delays) for m in range(10)]
    assert max(delays) <= 600
    assert max(per_minute) < 2 * 2000 / 10


def test_device_keeps_its_place_in_the_hour() -> None:
    places = {
        (1.8e9 + day * 86_400 + regular_delay_s(1.8e9 + day * 86_400, DEVICE, PERIOD_S, lambda low, _: low))
        % PERIOD_S
        for day in range(9)
    }
    assert places == {0x01234567 % PERIOD_S}
