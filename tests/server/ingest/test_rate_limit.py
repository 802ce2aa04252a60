"""A device that reports without end is told to wait; one that was away for weeks still gets through."""

import pytest
from parcimetre_agent.sending.courier import BATCH
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.ingest.rate_limit import RateLimiter, TooOften, rate_limiter
from parcimetre_server.store.records import DeviceId

A, B = DeviceId("a" * 32), DeviceId("b" * 32)
SLOTS_PER_DAY = 96


def test_beyond_the_burst_a_device_waits_until_its_bucket_fills():
    rates = RateLimiter(60, 3)
    for _ in range(3):
        rates.admit(A, 0.0)
    with pytest.raises(TooOften) as told:
        rates.admit(A, 0.0)
    assert (told.value.status, told.value.headers["Retry-After"]) == (429, "60")
    with pytest.raises(TooOften):
        rates.admit(A, 59.0)
    rates.admit(A, 60.0)
    rates.admit(B, 60.0)


def test_who_comes_when_told_is_served():
    rates, now_s, served = RateLimiter(7, 1), 0.0, 0
    while served < 20:
        try:
            rates.admit(A, now_s)
            served += 1
        except TooOften as told:
            now_s += int(told.headers["Retry-After"])
    assert now_s <= 20 * 3600 / 7 + 20


def test_a_bucket_never_holds_more_than_the_burst():
    rates = RateLimiter(60, 2)
    for _ in range(2):
        rates.admit(A, 1e6)
    with pytest.raises(TooOften):
        rates.admit(A, 1e6)


def test_full_buckets_take_no_memory():
    rates = RateLimiter(60, 2, most_buckets=10)
    for i in range(100):
        rates.admit(DeviceId(f"{i:032x}"), i * 3600.0)
    assert len(rates._reports) <= 12


def test_the_backlog_of_forty_days_fits_in_one_burst(tmp_path):
    by_default = rate_limiter(Settings(tmp_path))
    for _ in range(-(-40 * SLOTS_PER_DAY // BATCH)):
        by_default.admit(A, 0.0)


@pytest.mark.parametrize("period_s", [60, 3600, 86_400])
def test_who_keeps_to_the_upload_period_never_waits(tmp_path, period_s):
    by_period = rate_limiter(Settings(tmp_path, upload_period_s=period_s, report_burst=1))
    for i in range(200):
        by_period.admit(A, i * period_s * 0.8)
