"""`parcimetre store`: move the store between engines, and roll up older data."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..base.i18n import N_
from . import options, terminal

if TYPE_CHECKING:
    from ..store.interface import Store
    from ..store.migration import Compared

EPILOG = """\b
Examples:
  parcimetre store migrate --from /var/lib/parcimetre --to clickhouse+http://parcimetre@db1:8123/parcimetre
  parcimetre store migrate --from clickhouse+http://parcimetre@db1:8123/parcimetre --to /srv/parcimetre
  parcimetre store retain --dry-run
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Move the store between the data folder and ClickHouse, or roll up its older time."""


@command.command(epilog=EPILOG)
@click.option("--from", "source", required=True, help="Data folder or address to copy from.")
@click.option("--to", "target", required=True, help="Data folder or address to copy to; made if missing.")
@options.password_file
@options.as_json
def migrate(source: str, target: str, store_password_file: Path | None, as_json: bool) -> None:
    """Copy all slots and facts, then compare counts and checksums of both sides.

    Stop the collectors first. It may be repeated: data that is already there is not copied again. Exit code
    1, with each difference, if the two sides differ.
    """
    from ..store.migration import migrate as move
    from ..store.migration import steps

    origin = _open(source, store_password_file, create=False)
    goal = _open(target, store_password_file, create=True)
    found = list(_watched(move(origin, goal), steps(origin)))
    different = [one for one in found if not one.equal]
    told = {
        "devices": sum(one.what.startswith("device ") for one in found),
        "slots": sum(one.source.count for one in found if one.what.startswith("device ")),
        "different": [
            {"what": one.what, "source": str(one.source), "target": str(one.target)} for one in different
        ],
    }
    sentence = N_("{devices} devices with {slots} slots, and all facts, are the same on both sides.")
    if as_json or not different:
        terminal.done(sentence, told, as_json)
    else:
        for one in different:
            line = N_("{what}: {source} in the source, {target} in the target")
            terminal.echo(terminal.translator()(line, **vars(one)), err=True)
    origin.close()
    goal.close()
    sys.exit(1 if different else 0)


@command.command(epilog=EPILOG)
@options.data_dir
@options.keep_slots_days
@options.keep_hours_days
@click.option("--dry-run", is_flag=True, help="Only show what would be rolled up.")
@options.as_json
def retain(data_dir: Path, keep_slots_days: int, keep_hours_days: int, dry_run: bool, as_json: bool) -> None:
    """Replace quarter hours of older days by hours, and hours of the oldest days by days.

    The collector does this by itself once a day; it may run while the collector runs. Give the same days as
    the collector's settings.
    """
    from ..configuration.settings import check_kept
    from ..operations.retention import roll_up_older

    check_kept(keep_slots_days, keep_hours_days)
    context = options.reading(data_dir)
    done = roll_up_older(context, keep_slots_days, keep_hours_days, dry_run)
    sentence = N_("{to_hours} days of devices were rolled up to hours, {to_days} to days.")
    if dry_run:
        sentence = N_("{to_hours} days of devices would be rolled up to hours, {to_days} to days.")
    terminal.done(sentence, asdict(done), as_json)
    context.store.close()


def _watched(found: Iterator[Compared], total: int) -> Iterator[Compared]:
    """Yield the same steps, with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task("", total=total)
        for one in found:
            progress.advance(task)
            yield one


def _open(where: str, password_file: Path | None, create: bool) -> Store:
    from ..access.opening import open_store_of
    from ..configuration.settings import Settings, StoreAddress

    if where.startswith("clickhouse+"):
        return open_store_of(Settings(Path(), store=StoreAddress(where, password_file)), create)
    return open_store_of(Settings(Path(where), store=StoreAddress()), create)
