"""Store the last report and the last inventory that were sent, for `show`.

Two files in the data folder, each overwritten by the next, so bounded by what one report may hold.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

REPORT, INVENTORY = "last-report.json", "last-inventory.json"


def store(data_dir: Path, document: Mapping[str, Any]) -> None:
    """Store a report that the collector accepted; a full disk does not stop the sending."""
    with contextlib.suppress(OSError):
        _write(data_dir / REPORT, document)
        if document.get("inventory") is not None:
            _write(data_dir / INVENTORY, document["inventory"])


def load(data_dir: Path, name: str) -> Any:
    """One of the two; None when nothing was sent yet. Raises OSError when it may not be read."""
    try:
        return json.loads((data_dir / name).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return None


def forget(data_dir: Path) -> None:
    """Delete both files: another machine sent them."""
    for name in (REPORT, INVENTORY):
        with contextlib.suppress(OSError):
            (data_dir / name).unlink()


def _write(path: Path, document: Any) -> None:
    fresh = path.with_suffix(".new")
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(document, file, ensure_ascii=False)
    fresh.replace(path)
