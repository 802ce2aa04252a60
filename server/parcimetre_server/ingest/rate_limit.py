"""How often a device may report: a bucket of reports that fills steadily, so that a broken agent waits."""

from __future__ import annotations

import math
import threading

from ..base.errors import ParcimetreError
from ..configuration.settings import Settings
from ..store.records import DeviceId

HOUR_S = 3600
SPARE = 2
MOST_KNOWN = 100_000


class TooOften(ParcimetreError):
    """A device that reports more often than it may; what it has waits in its spool."""

    status = 429
    kind = "too-often"

    def __init__(self, message: str, wait_s: int) -> None:
        super().__init__(message)
        self._wait_s = wait_s

    @property
    def headers(self) -> dict[str, str]:
        """When to come again."""
        return {"Retry-After": str(self._wait_s)}


def rates(settings: Settings) -> Rates:
    """As the settings say; whoever keeps to the upload period is never told to wait."""
    asked_for = SPARE * HOUR_S // settings.upload_period_s
    return Rates(max(settings.reports_per_hour, asked_for), settings.report_burst)


class Rates:
    """A bucket for each device: `burst` reports at once, `per_hour` in the long run."""

    def __init__(self, per_hour: int, burst: int) -> None:
        """All buckets are full."""
        self._per_s, self._burst = per_hour / HOUR_S, burst
        self._lock = threading.Lock()
        self._left: dict[DeviceId, tuple[float, float]] = {}

    def take(self, device_id: DeviceId, now_s: float) -> None:
        """Take a report out of a device's bucket, at a time of any steady clock. Raises TooOften."""
        with self._lock:
            if len(self._left) > MOST_KNOWN:
                self._forget_full(now_s)
            left = self._filled(device_id, now_s)
            if left < 1:
                wait_s = math.ceil((1 - left) / self._per_s)
                raise TooOften(
                    f"rate limit exceeded: device {device_id} may report {self._per_s * HOUR_S:.0f} "
                    f"times an hour. Retry in {wait_s} s; nothing is lost.",
                    wait_s,
                )
            self._left[device_id] = left - 1, now_s

    def _filled(self, device_id: DeviceId, now_s: float) -> float:
        """Reports in a bucket by now."""
        left, at_s = self._left.get(device_id, (self._burst, now_s))
        return min(self._burst, left + (now_s - at_s) * self._per_s)

    def _forget_full(self, now_s: float) -> None:
        """Keep the buckets that are not full: a full one is as good as none."""
        self._left = {key: held for key, held in self._left.items() if self._filled(key, now_s) < self._burst}
