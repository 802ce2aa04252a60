"""`parcimetre grid`: what feeds state of single quarter hours, contracts, and what a kilowatt-hour costs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..base.i18n import N_
from ..presentation.formats import Formats
from . import options, terminal

if TYPE_CHECKING:
    from ..access.context import Context
    from ..grid.supply_contracts import PlacedContract

EPILOG = """\b
Examples:
  parcimetre grid import eco2mix-national-tr.csv --zone FR
  curl -s "$FEED" | parcimetre grid import - --zone GB
  parcimetre grid show FR --from 2026-11-16 --to 2026-11-23
  parcimetre grid profile FR --into our-factors
  parcimetre grid contract add --supplier "Énergies Sud" --product Vert --kg-per-kwh 0.012 --at-meter no \\
      --evidence statement-2026.pdf --from 2026-01-01 --site "Hôtel de ville"
  parcimetre grid contract list
"""
G_PER_KG = 1000


@click.group(epilog=EPILOG)
@options.data_dir
def command(data_dir: Path) -> None:
    """Take in feeds of the grid and suppliers' contracts, and show what a kilowatt-hour costs."""


@command.command("import", epilog=EPILOG)
@options.data_dir
@click.argument("file", type=click.File("rb"))
@click.option("--zone", required=True, help="Grid zone that the file is of, like FR.")
@options.as_json
def import_feed(data_dir: Path, file: Any, zone: str, as_json: bool) -> None:
    """Keep what a feed's file states: eCO2mix, Electricity Maps, ENTSO-E, NESO, or a CSV of your own.

    A file may be imported again: what it states anew replaces what was kept, and figures follow.
    """
    from parcimetre_factors.grid.intensity import check_zone

    from ..grid.feeds import parse_feed
    from ..grid.observations import store_observations

    context = options.reading(data_dir, create=True)
    check_zone(zone, context.factors)
    kept = store_observations(context.store, zone, parse_feed(_text(file.read()), zone), context.now())
    sentence = N_("{zone}: {added} slots added, {corrected} corrected, {known} known; {gaps} are gaps.")
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

    from ..analysis.grid_slots import grid_slots
    from ..base.periods import span

    context = options.reading(data_dir)
    asked = span(begin, end, context.zone, context.now(), days=1)
    found = grid_slots(context, zone, asked, Criterion.GWP)
    if as_json:
        click.echo(json.dumps(found, ensure_ascii=False))
        return
    terminal.show(list(_days(found, Formats(terminal.translator()))), False, N_("There is no slot."))


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


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("zone")
@click.option("--into", "folder", type=click.Path(path_type=Path, file_okay=False), required=True,
              help="Folder of your own factor tables, made where it is missing.")  # fmt: skip
@options.as_json
def profile(data_dir: Path, zone: str, folder: Path, as_json: bool) -> None:
    """Make the usual quarter hours of each month from what was imported, as factors of your own.

    They count after `parcimetre factors import FOLDER` and `parcimetre factors adopt`, for slots that no feed
    gives. A month needs 20 days.
    """
    from ..grid.monthly_profiles import write_month_profiles

    reader = options.reading(data_dir)
    months = write_month_profiles(reader.store, reader.factors, zone, reader.now(), folder)
    rows = [{"month": m.name, "days": m.days, "profile": "yes" if m.rows else "no"} for m in months]
    terminal.show(rows, as_json, "")


@command.group(epilog=EPILOG)
@options.data_dir
def contract(data_dir: Path) -> None:
    """State the suppliers' contracts that market-based figures rest on."""


@contract.command("add", epilog=EPILOG)
@options.data_dir
@click.option("--supplier", help="Who delivers.")
@click.option("--product", help="What the contract or offer is called.")
@click.option("--kg-per-kwh", help="kg CO2 eq per kWh, as the supplier states it.")
@click.option("--low", help="Lower bound of its 95 % range, where the supplier states one.")
@click.option("--high", help="Upper bound of the same.")
@click.option("--at-meter", help="yes if the figure counts the losses of the grid, else no.")
@click.option("--evidence", help="Guarantee of origin, statement, address or file that gives the figure.")
@click.option("--from", "first", help="First day, in the organisation's time zone.")
@click.option("--until", help="Last day, itself included; open-ended where it is absent.")
@click.option("--site", help="The site that the contract is for.")
@click.option("--org-unit", help="Or the org unit, with all below it; everything where neither is given.")
@click.option("--file", type=click.File("rb"), help="CSV, or TOML with [[contract]], of these as columns.")
@options.as_json
def add_contract(data_dir: Path, file: Any, first: str | None, as_json: bool, **said: str | None) -> None:
    """Keep a contract, or all of a file; the same again changes nothing."""
    from ..grid import supply_contracts

    context = options.reading(data_dir, create=True)
    stated: list[Any] = [{name: text for name, text in {**said, "from": first}.items() if text is not None}]
    if file is not None:
        if stated[0]:
            raise click.UsageError("give either --file or the contract itself")
        stated = supply_contracts.parse_contracts(file.read().decode("utf-8-sig"))
    kept = supply_contracts.add_contracts(context.store, stated, context.zone, context.now())
    _show_contracts(context, kept, as_json)


@contract.command("list", epilog=EPILOG)
@options.data_dir
@options.as_json
def list_contracts(data_dir: Path, as_json: bool) -> None:
    """List the contracts that were stated."""
    from ..grid import supply_contracts

    context = options.reading(data_dir)
    _show_contracts(context, supply_contracts.contracts(context.store), as_json)


@contract.command("end", epilog=EPILOG)
@options.data_dir
@click.argument("contract_id", metavar="ID")
@click.option("--last-day", required=True, help="Last day; one before the first withdraws the contract.")
@options.as_json
def end_contract(data_dir: Path, contract_id: str, last_day: str, as_json: bool) -> None:
    """Let a contract end with a day."""
    from ..grid import supply_contracts

    context = options.reading(data_dir)
    ended = supply_contracts.end_contract(context.store, contract_id, last_day, context.zone, context.now())
    _show_contracts(context, [ended], as_json)


def _show_contracts(context: Context, held: list[PlacedContract], as_json: bool) -> None:
    from ..grid.supply_contracts import contract_as_json as told

    rows = [told(each, context.zone) for each in held]
    if not as_json:
        shown = ("id", "supplier", "product", "kg_per_kwh", "from", "until", "site", "org_unit", "evidence")
        rows = [{name: row[name] for name in shown} for row in rows]
    terminal.show(rows, as_json, N_("There is no contract yet: state one."))
