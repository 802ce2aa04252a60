"""`parcimetre backup`: the collector's data in one file, checked, and back again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from ..base.i18n import N_
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre backup create /var/backups/
  parcimetre backup verify /var/backups/parcimetre-2026-11-24T100707Z.tar.gz
  parcimetre backup restore parcimetre-2026-11-24T100707Z.tar.gz --data-dir /var/lib/parcimetre
"""
FILE = click.Path(path_type=Path)


@click.group(epilog=EPILOG)
def command() -> None:
    """Back the collector's data up while it serves, check backups, restore them."""


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("target", metavar="FILE|DIR", type=FILE)
@options.as_json
def create(data_dir: Path, target: Path, as_json: bool) -> None:
    """Write store, signing keys, own factors and reports into one file; the collector may keep running.

    The file lets its owner issue credentials and read everything: protect it like the data folder.
    """
    from ..base import clock
    from ..configuration.settings import STORE
    from ..operations import backups

    if STORE.get().url:
        raise backups.CannotBackUp(
            "the store is in ClickHouse: back it up with ClickHouse's own tools, or copy it into a "
            "folder with `parcimetre store migrate` and back up that folder"
        )
    file = backups.create(data_dir, target, clock.now())
    facts = {"file": str(file), "bytes": file.stat().st_size}
    terminal.done(N_("Backup written to {file} ({bytes} bytes)."), facts, as_json)


@command.command(epilog=EPILOG)
@click.argument("file", type=FILE)
@options.as_json
def verify(file: Path, as_json: bool) -> None:
    """Compare every file of a backup with its checksum, and read its store completely."""
    from ..operations import backups

    found = backups.verify(file)
    terminal.done(N_("{file} of {at} is intact: {count} files."), _told(file, found), as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("file", type=FILE)
@click.option(
    "--force", is_flag=True, help="Restore even if the folder is not empty; its files are moved aside."
)
@options.as_json
def restore(data_dir: Path, file: Path, force: bool, as_json: bool) -> None:
    """Restore a backup into the data folder, after checking all its files. Stop the collector first."""
    from ..operations import backups

    found = backups.restore(file, data_dir, force)
    told = _told(file, found) | {"data_dir": str(data_dir)}
    terminal.done(N_("{file} of {at} is restored to {data_dir}; start the collector."), told, as_json)


def _told(file: Path, found: object) -> dict[str, object]:
    from ..operations.backups import Backup

    assert isinstance(found, Backup)
    at = datetime.fromtimestamp(found.made_at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return {
        "file": str(file),
        "at": at,
        "count": len(found.files),
        "bytes": found.bytes,
        "version": found.version,
    }
