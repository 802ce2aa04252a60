"""`parcimetre report`: reports as files or on standard output."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..collector import open_reading
from ..i18n import LANGUAGES, Language, language_of_environment
from ..reports.html import html
from ..reports.weekly import as_json
from ..reports.weekly import weekly as weekly_report
from . import options
from .footprint import org_unit_option

EPILOG = """\b
Examples:
  parcimetre report weekly 2026-W47 --out week.html
  parcimetre report weekly 2026-W47 --lang fr --org-unit "Métropole/Ville" --out semaine.html
  parcimetre report weekly 2026-W47 --format json
"""


@click.group(epilog=EPILOG)
def command() -> None:
    """Write a report."""


@command.command(epilog=EPILOG)
@click.argument("week", metavar="ISO_WEEK")
@options.data_dir
@org_unit_option
@click.option("--lang", type=click.Choice(LANGUAGES), help="Language; that of the terminal by default.")
@click.option("--format", "format_", type=click.Choice(["html", "json"]), default="html", show_default=True,
              help="For people or for machines.")  # fmt: skip
@click.option("--out", type=click.Path(dir_okay=False, writable=True, path_type=Path),
              help="File to write; standard output by default.")  # fmt: skip
def weekly(
    week: str, data_dir: Path, org_unit: str | None, lang: Language | None, format_: str, out: Path | None
) -> None:
    """Report on an ISO week such as 2026-W47, in the organisation's time zone."""
    collector = open_reading(data_dir)
    report = weekly_report(collector, week, org_unit)
    if format_ == "json":
        text = json.dumps(as_json(report), ensure_ascii=False, indent=2)
    else:
        text = html(report, collector, lang or language_of_environment())
    if out is None:
        click.echo(text)
    else:
        out.write_text(text + "\n", encoding="utf-8")
        click.echo(f"{out}: weekly report {week}")
