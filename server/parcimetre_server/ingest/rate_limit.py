"""Rate limit of reports: a token bucket for each device, so that a broken agent waits."""

from __future__ import annotations

import math
import threading

from ..base.errors import ParcimetreError
from ..base.periods import HOUR_S
from ..configuration.settings import Settings
from ..store.records import DeviceId

SPARE = 2
MOST_BUCKETS = 100_000


class TooOften(ParcimetreError):
    """A device that reports more often than it may; its records wait in its spool."""

    status = 429
    kind = "too-often"

    def __init__(self, message: str, wait_s: int) -> None:
        super().__init__(message)
        self._wait_s = wait_s

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that says after how many seconds to send again."""
        return {"Retry-After": str(self._wait_s)}


def rate_limiter(settings: Settings) -> RateLimiter:
    """Return the limiter that the settings ask for; a device that follows the upload period never waits."""
    by_upload_period = SPARE * HOUR_S // settings.upload_period_s
    return RateLimiter(max(settings.reports_per_hour, by_upload_period), settings.report_burst)


class RateLimiter:
    """Token buckets by device: `burst` reports at once, `per_hour` in the long run. Thread-safe.

    Full buckets are removed once there are more than `most_buckets`.
    """

    def __init__(self, per_hour: int, burst: int, most_buckets: int = MOST_BUCKETS) -> None:
        """Start with full buckets."""
        self._per_s, self._burst, self._most_buckets = per_hour / HOUR_S, burst, most_buckets
        self._lock = threading.Lock()
        self._reports: dict[DeviceId, tuple[float, float]] = {}

    def admit(self, device_id: DeviceId, now_s: float) -> None:
        """Take one report from a device's bucket at `now_s`, seconds of any steady clock. Raises TooOften."""
        with self._lock:
            if len(self._reports) > self._most_buckets:
                self._remove_full(now_s)
            left = self._left(device_id, now_s)
            if left < 1:
                wait_s = math.ceil((1 - left) / self._per_s)
                raise TooOften(
                    f"rate limit exceeded: device {device_id} may report {self._per_s * HOUR_S:.0f} "
                    f"times an hour. Retry in {wait_s} s; nothing is lost.",
                    wait_s,
                )
            self._reports[device_id] = left - 1, now_s

    def _left(self, device_id: DeviceId, now_s: float) -> float:
        """Return the reports that a bucket allows at `now_s`."""
        left, at_s = self._reports.get(device_id, (self._burst, now_s))
        return min(self._burst, left + (now_s - at_s) * self._per_s)

    def _remove_full(self, now_s: float) -> None:
        """Remove full buckets: a device without a bucket starts with a full one."""
        self._reports = {
            key: bucket for key, bucket in self._reports.items() if self._left(key, now_s) < self._burst
        }
