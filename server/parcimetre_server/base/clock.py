"""Clock: the only module that reads the time."""

from __future__ import annotations

import time


def now() -> int:
    """Seconds since 1970-01-01 UTC."""
    return int(time.time())
