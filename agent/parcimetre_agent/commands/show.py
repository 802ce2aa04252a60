"""`show`: what was sent from this machine last, word for word."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ..base.console import print_line
from ..base.errors import BadDataDir
from ..configuration.settings import Settings
from ..sending import last_sent


def run(settings: Settings, options: argparse.Namespace) -> int:
    """Print the report, or the inventory that went with an earlier one. Raises BadDataDir."""
    name = last_sent.INVENTORY if options.last_inventory else last_sent.REPORT
    folder = Path(settings.data_dir)
    try:
        document = last_sent.load(folder, name)
    except OSError as error:
        raise BadDataDir(
            f"cannot read {folder / name}: {error.strerror}; run this as the agent's account"
        ) from None
    if document is None:
        raise BadDataDir(
            f"{folder} contains no sent report; to see what would be sent, run: parcimetre-agent once --print"
        )
    print_line(json.dumps(document, indent=2, ensure_ascii=False))
    return 0
