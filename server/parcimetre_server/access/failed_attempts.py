"""Limit of failed attempts by address: a wrong secret, credential or token, never a right one.

A right one is answered whatever its address has failed before: 15,000 agents may share one address, some of
them with a revoked secret. So callers check first, which costs a hash or a signature, and count afterwards.
Behind a proxy that is not declared, all clients have its address and share one bucket.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from ipaddress import ip_address

from ..base.errors import ParcimetreError

BURST = 100
PER_S = 10.0  # 15,000 agents behind one address hear within 25 minutes that they must enrol again
MOST_ADDRESSES = 10_000
OTHERS = "other addresses"
IPV6_BITS = 64  # what one subscriber has
LOG_AGAIN_S = 600.0
LOG = logging.getLogger(__name__)


class TooManyFailures(ParcimetreError):
    """An address with so many failed attempts that the next one is not answered with its reason."""

    status = 429
    kind = "too-many-failures"

    def __init__(self, wait_s: int) -> None:
        super().__init__(
            f"too many failed attempts from this address: retry in {wait_s} s. A valid secret, credential "
            "or token is always accepted; nothing is lost."
        )
        self._wait_s = wait_s

    @property
    def headers(self) -> dict[str, str]:
        """Return the header that says after how many seconds to try again."""
        return {"Retry-After": str(self._wait_s)}


class FailedAttempts:
    """Token buckets by address: `burst` failures at once, `per_s` in the long run. Thread-safe.

    Full buckets are removed once there are `most_addresses`; while none is full, addresses without a bucket
    share one.
    """

    def __init__(
        self, burst: float = BURST, per_s: float = PER_S, most_addresses: int = MOST_ADDRESSES
    ) -> None:
        """Start with full buckets."""
        self._burst, self._per_s, self._most = burst, per_s, most_addresses
        self._lock = threading.Lock()
        self._buckets: dict[str, tuple[float, float]] = {}
        self._swept_at = -math.inf
        self._logged_at = -math.inf
        self.limited = 0

    def count(self, address: str | None) -> None:
        """Count a failed attempt. Raises TooManyFailures instead once its bucket is empty."""
        now_s = time.monotonic()
        with self._lock:
            key = self._bucket(_group(address), now_s)
            left = self._left(key, now_s)
            if left >= 1:
                self._buckets[key] = left - 1, now_s
                return
            self.limited += 1
            is_news, self._logged_at = self._is_news(now_s)
        if is_news:
            LOG.warning(
                "too many failed attempts from %s: answered with 429 until they stop. Look for agents with "
                "a revoked secret, or for an attack",
                key,
            )
        raise TooManyFailures(max(1, math.ceil((1 - left) / self._per_s)))

    def is_spent(self, address: str | None) -> bool:
        """Return whether the next failure of an address would be refused."""
        now_s = time.monotonic()
        with self._lock:
            return self._left(self._bucket(_group(address), now_s), now_s) < 1

    def _is_news(self, now_s: float) -> tuple[bool, float]:
        """Return whether to log now, and when it was logged last."""
        is_news = now_s - self._logged_at >= LOG_AGAIN_S
        return is_news, now_s if is_news else self._logged_at

    def _left(self, key: str, now_s: float) -> float:
        left, at_s = self._buckets.get(key, (self._burst, now_s))
        return min(self._burst, left + (now_s - at_s) * self._per_s)

    def _bucket(self, key: str, now_s: float) -> str:
        """Return the name of an address's bucket; one shared by all new addresses while memory is full."""
        if key in self._buckets or len(self._buckets) < self._most:
            return key
        if now_s - self._swept_at >= 1:
            self._swept_at = now_s
            self._buckets = {
                name: bucket
                for name, bucket in self._buckets.items()
                if self._left(name, now_s) < self._burst
            }
        return key if len(self._buckets) < self._most else OTHERS


def _group(address: str | None) -> str:
    """Return what is limited together: an IPv4 address, or the /64 network of an IPv6 one."""
    try:
        found = ip_address(address or "")
    except ValueError:
        return (address or "unknown")[:64]
    if found.version == 4:
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return f"{ip_address(int(found) >> (128 - IPV6_BITS) << (128 - IPV6_BITS))}/{IPV6_BITS}"
