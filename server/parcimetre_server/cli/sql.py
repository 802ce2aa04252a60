"""`parcimetre sql`: read-only SQL over the store."""

from __future__ import annotations

import csv
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from . import options, terminal
from .footprint import begin, end

if TYPE_CHECKING:
    from ..operations.sql_views import Answer

EPILOG = """\b
Examples:
  parcimetre sql "select category, count(*) from devices where retired_at is null group by 1"
  parcimetre sql --from 2026-11-01 --csv "select * from footprint_days where criterion = 'gwp'"
  parcimetre sql --json - < query.sql
"""


@click.command(epilog=EPILOG)
@click.argument("query")
@options.data_dir
@begin
@end
@options.as_json
@click.option("--csv", "as_csv", is_flag=True, help="Answer in CSV, with a line of headings.")
def command(
    query: str, data_dir: Path, begin: str | None, end: str | None, as_json: bool, as_csv: bool
) -> None:
    """Query the store in SQL, read-only. QUERY is one SELECT, or - for standard input.

    Tables: devices, org_units, sites, device_days, dead_letters; for the time from --from to --to: slots,
    slot_energy, footprint_days. docs/en/sql.md names their columns.
    """
    from ..base.periods import span
    from ..operations.sql_views import ask

    context = options.asking(data_dir)
    options.record_look(context, "sql")
    text = sys.stdin.read() if query == "-" else query
    found = ask(context, text, span(begin, end, context.zone, context.now()))
    if as_json:
        told = [dict(zip(found.columns, row, strict=True)) for row in found.rows]
        terminal.echo(json.dumps(told, ensure_ascii=False, default=repr))
    elif as_csv:
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(found.columns)
        writer.writerows([terminal.cell(value) for value in row] for row in found.rows)
    else:
        _print(found)


def _print(found: Answer) -> None:
    """Print a table with right-aligned columns of numbers."""
    told = [["" if value is None else str(value) for value in row] for row in found.rows]
    numeric = [
        bool(found.rows) and all(isinstance(row[i], int | float | None) for row in found.rows)
        for i in range(len(found.columns))
    ]
    words = next((len(numeric) - i for i, one in enumerate(reversed(numeric)) if not one), 0)
    terminal.print_table(found.columns[:words], found.columns[words:], told)
