"""Memory in use, without what the system only keeps as a cache."""

from __future__ import annotations

import psutil

from ...base.outcome import Ok, Outcome


def read() -> Outcome[dict[str, float]]:
    """MiB that are not available to a new program."""
    memory = psutil.virtual_memory()
    return Ok({"memory_used_mib": (memory.total - memory.available) / 1_048_576})
