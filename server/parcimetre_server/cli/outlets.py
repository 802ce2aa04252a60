"""`parcimetre outlets`: devices assigned to outlets of PDUs, UPSs and PoE switches, and their energy."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from ..base.i18n import N_
from . import options, terminal

if TYPE_CHECKING:
    from ..fleet.outlets.mapping import OutletRow

EPILOG = """\b
Examples:
  parcimetre outlets
  parcimetre outlets list --from 2026-11-01 --to 2026-12-01 --json
  parcimetre outlets import map.csv --dry-run
  parcimetre outlets import map.csv
"""
begin = click.option(
    "--from", "begin", metavar="TIME", help="Date, time or seconds UTC; default: midnight 7 days before --to."
)
end = click.option("--to", "end", metavar="TIME", help="End of the period, not included; default: now.")


@click.group(epilog=EPILOG, invoke_without_command=True)
@options.data_dir
@click.pass_context
def command(ctx: click.Context, data_dir: Path) -> None:
    """List outlets with their devices and energy, or assign devices to outlets."""
    if ctx.invoked_subcommand is None:
        _list(data_dir, None, None, False)


@command.command("list", epilog=EPILOG)
@options.data_dir
@begin
@end
@options.as_json
def list_outlets(data_dir: Path, begin: str | None, end: str | None, as_json: bool) -> None:
    """List all outlets; energy of an outlet with no assigned device is not included in any total."""
    _list(data_dir, begin, end, as_json)


def _list(data_dir: Path, begin: str | None, end: str | None, as_json: bool) -> None:
    from ..base.periods import span
    from ..fleet.outlets.mapping import listed

    context = options.asking(data_dir)
    rows = listed(context, span(begin, end, context.zone, context.now()))
    shown = [asdict(row) if as_json else _row(row) for row in rows]
    terminal.show(shown, as_json, N_("No PDU, UPS or PoE switch has reported an outlet yet."))


def _row(row: OutletRow) -> dict[str, object]:
    return {
        "feeder": row.feeder_name,
        "outlet": row.outlet,
        "device": row.device_name or "–",
        "since": row.since and datetime.fromtimestamp(row.since, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "kwh": f"{row.energy_kwh:.3f}",
        "not_attributed_kwh": f"{row.unattributed_kwh:.3f}",
        "source": row.source,
    }


@command.command("import", epilog=EPILOG)
@options.data_dir
@click.argument("file", type=click.File(encoding="utf-8-sig"))
@click.option("--dry-run", is_flag=True, help="Check the file, store nothing.")
@options.as_json
def import_map(data_dir: Path, file: TextIO, dry_run: bool, as_json: bool) -> None:
    """Import the assignment of devices to outlets: a CSV with the columns feeder, outlet, device and, if
    needed, from.

    Feeder and device by id, the beginning of an id, or name; an empty device unassigns the outlet. `from` is
    the first day of the assignment; without it, it is valid for all time. An outlet that is already assigned
    needs it. A file may be imported again. A file with a fault is not imported at all.
    """
    from ..fleet.outlets.mapping import statements, store_mapping

    context = options.reading(data_dir)
    kept = store_mapping(context.store, statements(file), context.zone, context.now(), dry_run=dry_run)
    sentence = (
        N_("Outlets: {changed} would be imported, {known} already known; nothing was stored.")
        if dry_run
        else N_("Outlets: {changed} imported, {known} already known.")
    )
    terminal.done(sentence, vars(kept), as_json)
