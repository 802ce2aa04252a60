"""Read the agent's state from its data folder: what waits, what was sent, what was lost."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

from ..base.errors import BadDataDir
from ..configuration.settings import Settings
from ..identity import installation
from ..recording.spool import Spool


def read_status(settings: Settings) -> dict[str, Any]:
    """Return the agent's state. Raises BadDataDir."""
    spool = Spool(settings.data_dir)
    try:
        is_there = Path(spool.path).is_file()
    except PermissionError as error:
        raise _unreadable(settings, error) from None
    if not is_there:
        raise BadDataDir(
            f"{settings.data_dir} contains no spool: the agent has never run there; give its --data-dir"
        )
    try:
        who = installation.load_identity(Path(settings.data_dir))
        waiting = spool.waiting()
        heartbeat = spool.get("heartbeat")
        cpu_s, rss_mib, _ = spool.get("cost") or (None, None, 0)
        return {
            "server": settings.server,
            "device_id": who.device_id if who else None,
            "hash_form": who.hash_form if who else None,
            "last_sample": heartbeat[0] if heartbeat else None,
            "last_sent": spool.get("last_sent"),
            **waiting._asdict(),
            "refusals": [{"start": start, "reason": reason} for start, reason in spool.refusals()],
            "power": spool.get("power") or {},
            "cpu_s": cpu_s,
            "peak_rss_mib": rss_mib,
            "bytes_sent": spool.get("bytes_sent"),
        }
    except (OSError, sqlite3.Error) as error:
        if type(error) is sqlite3.DatabaseError:
            raise BadDataDir(
                f"{spool.path} is damaged: {error}; start the agent, which creates a new one"
            ) from None
        raise _unreadable(settings, error) from None


def _unreadable(settings: Settings, error: Exception) -> BadDataDir:
    return BadDataDir(f"cannot read {settings.data_dir}: {error}; run this as the agent's account")
