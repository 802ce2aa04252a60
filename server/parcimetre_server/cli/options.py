"""Options that several commands share."""

from __future__ import annotations

import os
from pathlib import Path

import click


def default_data_dir() -> Path:
    """Where the collector keeps its data when nobody says otherwise."""
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/parcimetre")
    return Path.home() / ".local" / "share" / "parcimetre"


data_dir = click.option(
    "--data-dir",
    envvar="PARCIMETRE_DATA_DIR",
    type=click.Path(file_okay=False, path_type=Path),
    default=default_data_dir,
    show_default="/var/lib/parcimetre for root, else ~/.local/share/parcimetre",
    help="Folder that holds the collector's data.",
)
as_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for machines.")
