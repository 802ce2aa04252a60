"""Where inventory sensors read: the roots of /sys, /proc, /run and /etc, and what is cached for one boot."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Machine:
    """The machine under `root`; `cached` holds answers that are costly and cannot change before a reboot."""

    root: Path = Path("/")
    cached: dict[str, Any] = field(default_factory=dict)

    def path(self, *parts: str) -> str:
        """A path on that machine, given without the leading slash."""
        return str(self.root.joinpath(*parts))
