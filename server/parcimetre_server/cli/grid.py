"""`parcimetre grid`: what feeds state of single quarter hours, and what a kilowatt-hour costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

import click

from ..formats import Formats
from ..i18n import mark
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre grid import eco2mix-national-tr.csv --zone FR
  curl -s "$FEED" | parcimetre grid import - --zone GB
  parcimetre grid show FR --from 2026-11-16 --to 2026-11-23
"""
G_PER_KG = 1000


@click.group(epilog=EPILOG)
@options.data_dir
def command(data_dir: Path) -> None:
    """Take in feeds of the grid, and show what a kilowatt-hour costs in each slot."""


@command.command("import", epilog=EPILOG)
@options.data_dir
@click.argument("file", type=click.File("rb"))
@click.option("--zone", required=True, help="Grid zone that the file is of, like FR.")
@options.as_json
def import_feed(data_dir: Path, file: Any, zone: str, as_json: bool) -> None:
    """Keep what a feed's file states: eCO2mix, Electricity Maps, ENTSO-E, NESO, or a CSV of your own.

    A file may be imported again: what it states anew replaces what was kept, and figures follow.
    """
    from parcimetre_factors.grid import check_zone

    from ..feeds import read
    from ..observations import keep

    collector = options.reading(data_dir, create=True)
    check_zone(zone, collector.factors)
    kept = keep(collector.store, zone, read(_text(file.read()), zone), collector.now())
    sentence = mark("{zone}: {added} slots added, {corrected} corrected, {known} known; {gaps} are gaps.")
    terminal.done(sentence, {"zone": zone, **vars(kept)}, as_json)


def _text(body: bytes) -> str:
    """UTF-8, or the Latin-1 of RTE's own files."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body.decode("latin-1")


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("zone")
@click.option("--from", "begin", help="First day or time; by default yesterday's.")
@click.option("--to", "end", help="Day or time after the last.")
@options.as_json
def show(data_dir: Path, zone: str, begin: str | None, end: str | None, as_json: bool) -> None:
    """Show what a kilowatt-hour costs, by day of UTC; with --json, every slot."""
    from parcimetre_factors.criteria import Criterion

    from ..api.grid import grid_slots
    from ..periods import span

    collector = options.reading(data_dir)
    asked = span(begin, end, collector.zone, collector.now(), days=1)
    found = grid_slots(collector, zone, asked, Criterion.GWP)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    terminal.show(list(_days(found, Formats(terminal.tongue()))), False, mark("There is no slot."))


def _days(found: dict[str, Any], formats: Formats) -> Iterator[dict[str, object]]:
    """Mean, lowest and highest of each day in grams, and how much of it is observed."""
    for day, of_day in groupby(found["slots"], key=lambda slot: _utc(slot).date()):
        slots = list(of_day)
        ends = [choose(slots, key=lambda slot: slot["value"]) for choose in (min, max)]
        low, high = (f"{formats.number(slot['value'] * G_PER_KG)} ({_utc(slot):%H:%M})" for slot in ends)
        yield {
            "day": str(day),
            "g/kWh": formats.number(sum(slot["value"] for slot in slots) / len(slots) * G_PER_KG),
            "lowest (UTC)": low,
            "highest (UTC)": high,
            "observed": formats.percent(sum(slot["tier"] == "slot" for slot in slots) / len(slots)),
        }


def _utc(slot: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(slot["start"], UTC)
