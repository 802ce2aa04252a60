"""When the next upload is due."""

import random

from hypothesis import given
from hypothesis import strategies as st
from parcimetre_agent.schedule import backoff_s, first_delay_s, regular_delay_s

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
    assert retry_after_s <= delay_s <= max(3600.0, retry_after_s)
