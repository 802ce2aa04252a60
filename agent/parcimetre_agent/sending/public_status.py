"""The status that every account of the machine may read: a file in the service's run-time folder.

systemd names that folder in RUNTIME_DIRECTORY; where there is none, nothing is written. No open port, no
right needed, and nothing in it but counts and states: what was measured stays in the data folder.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "/run/parcimetre-agent"
FILE_NAME = "status.json"


def write(status: Mapping[str, Any], environ: Mapping[str, str]) -> None:
    """Leave it for everybody; without a folder for it, do nothing."""
    folder = environ.get("RUNTIME_DIRECTORY")
    if not folder:
        return
    path = Path(folder) / FILE_NAME
    fresh = path.with_suffix(".new")
    with contextlib.suppress(OSError):
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(status, file)
        fresh.replace(path)


def read(environ: Mapping[str, str]) -> dict[str, Any] | None:
    """What was left; None when there is nothing."""
    path = Path(environ.get("RUNTIME_DIRECTORY") or FOLDER) / FILE_NAME
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
