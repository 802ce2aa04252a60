"""`parcimetre grid`: grid feeds, supply contracts, and the impact of a kilowatt-hour."""

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
    """Import grid feeds, manage supply contracts, and show the impact of a kilowatt-hour."""


@command.command("import", epilog=EPILOG)
@options.data_dir
@click.argument("file", type=click.File("rb"))
@click.option("--zone", required=True, help="Grid zone of the file, like FR.")
@options.as_json
def import_feed(data_dir: Path, file: Any, zone: str, as_json: bool) -> None:
    """Import a feed's file: eCO2mix, Electricity Maps, ENTSO-E, NESO, or a CSV of your own.

    A file may be imported again: its values replace the stored ones, and figures are recomputed.
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
    """Decode UTF-8, or the Latin-1 of RTE's files."""
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
    """Show the impact of a kilowatt-hour, by day of UTC; with --json, every slot."""
    from parcimetre_factors.criteria import Criterion

    from ..analysis.grid_slots import grid_slots
    from ..base.periods import span

    context = options.reading(data_dir)
    asked = span(begin, end, context.zone, context.now(), days=1, from_midnight=False)
    found = grid_slots(context, zone, asked, Criterion.GWP)
    if as_json:
        terminal.echo(json.dumps(found, ensure_ascii=False))
        return
    terminal.show(list(_days(found, Formats(terminal.translator()))), False, N_("There is no slot."))


def _days(found: dict[str, Any], formats: Formats) -> Iterator[dict[str, object]]:
    """Return the mean, lowest and highest of each day in grams, and the observed share."""
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
              help="Folder of your own factor tables; created if missing.")  # fmt: skip
@options.as_json
def profile(data_dir: Path, zone: str, folder: Path, as_json: bool) -> None:
    """Compute a typical day per month, by quarter hour, from the imported data, as factors of your own.

    They are used after `parcimetre factors import FOLDER` and `parcimetre factors adopt`, for slots without a
    feed value. A month needs 20 days.
    """
    from ..grid.monthly_profiles import write_month_profiles

    reader = options.reading(data_dir)
    months = write_month_profiles(reader.store, reader.factors, zone, reader.now(), folder)
    rows = [{"month": m.name, "days": m.days, "profile": "yes" if m.rows else "no"} for m in months]
    terminal.show(rows, as_json, "")


@command.group(epilog=EPILOG)
@options.data_dir
def contract(data_dir: Path) -> None:
    """Manage the supply contracts used for market-based figures."""


@contract.command("add", epilog=EPILOG)
@options.data_dir
@click.option("--supplier", help="Who delivers.")
@click.option("--product", help="Name of the contract or offer.")
@click.option("--kg-per-kwh", help="kg CO2 eq per kWh, as the supplier states it.")
@click.option("--low", help="Lower bound of the 95 % range, if the supplier states one.")
@click.option("--high", help="Upper bound of the 95 % range, if the supplier states one.")
@click.option("--at-meter", help="yes if the figure includes grid losses, else no.")
@click.option("--evidence", help="Guarantee of origin, statement, address or file that gives the figure.")
@click.option("--from", "first", help="First day, in the organisation's time zone.")
@click.option("--until", help="Last day, included; default: no end.")
@click.option("--site", help="Site of the contract.")
@click.option(
    "--org-unit", help="Org unit of the contract, with its sub-units; default: the whole organisation."
)
@click.option(
    "--file", type=click.File("rb"), help="CSV with these columns, or TOML with [[contract]] tables."
)
@options.as_json
def add_contract(data_dir: Path, file: Any, first: str | None, as_json: bool, **said: str | None) -> None:
    """Add a contract, or all contracts of a file; adding the same again changes nothing."""
    from ..grid import supply_contracts

    context = options.reading(data_dir, create=True)
    stated: list[Any] = [{name: text for name, text in {**said, "from": first}.items() if text is not None}]
    if file is not None:
        if stated[0]:
            raise click.UsageError("give either --file or the options of one contract")
        stated = supply_contracts.parse_contracts(file.read().decode("utf-8-sig"))
    kept = supply_contracts.add_contracts(context.store, stated, context.zone, context.now())
    _show_contracts(context, kept, as_json)


@contract.command("list", epilog=EPILOG)
@options.data_dir
@options.as_json
def list_contracts(data_dir: Path, as_json: bool) -> None:
    """List the supply contracts."""
    from ..grid import supply_contracts

    context = options.reading(data_dir)
    _show_contracts(context, supply_contracts.contracts(context.store), as_json)


@contract.command("end", epilog=EPILOG)
@options.data_dir
@click.argument("contract_id", metavar="ID")
@click.option("--last-day", required=True, help="Last day; a day before the first withdraws the contract.")
@options.as_json
def end_contract(data_dir: Path, contract_id: str, last_day: str, as_json: bool) -> None:
    """End a contract on a day."""
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
    terminal.show(rows, as_json, N_("There is no contract yet: add one."))
