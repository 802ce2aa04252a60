"""`status`: what waits, what was sent, what was lost, what counts energy, and what measuring costs.

Who may not read the data folder sees what the courier left for everybody when it last ran.
"""

from __future__ import annotations

import argparse
import json
import os
from datetime import datetime, timezone
from typing import Any

from ..base.console import print_line
from ..base.errors import BadDataDir
from ..configuration.settings import Settings
from ..sending import public_status
from ..sending.status import read_status


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Show it. Raises BadDataDir when there is nothing to read, or not for this account."""
    try:
        found = read_status(settings)
    except BadDataDir:
        left = public_status.read(os.environ)
        if left is None:
            raise
        found = left
    if options.json:
        print_line(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        for name, value in found.items():
            print_line(f"{name}: {_readable(name, value)}")
    return 0


def _readable(name: str, value: Any) -> str:
    if value is None:
        return "none"
    if name in ("last_sample", "last_sent"):
        return datetime.fromtimestamp(value, timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
    if name == "refusals":
        return "; ".join(f"{one['start']}: {one['reason']}" for one in value) or "none"
    if name == "power":
        return ", ".join(f"{source} {state}" for source, state in value.items()) or "none"
    return str(value)
