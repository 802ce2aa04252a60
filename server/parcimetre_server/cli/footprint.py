"""`parcimetre footprint`: figures by group and period, in a table or as JSON."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import get_args

import click
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.service_life.amortisation import Policy

from ..analysis.left_out import visible_left_out
from ..base.i18n import N_, Translator, language_of_environment
from ..base.periods import Interval, span
from ..fleet.devices import devices
from ..footprint.compute import compute_footprint, shown_days
from ..footprint.contributions import ALL, GROUPINGS, GroupBy
from ..footprint.explanation.notes import MARKET
from ..footprint.query import FootprintQuery, FootprintRow
from ..grid.supply_contracts import ELECTRICITY, Electricity
from ..presentation.formats import Formats
from ..presentation.labels import GROUPS, label
from ..presentation.sparkline import sparkline
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre footprint
  parcimetre footprint --from 2026-11-16 --to 2026-11-23 --group-by org_unit
  parcimetre footprint --org-unit "Métropole/Ville" --group-by category --interval day --json
  parcimetre footprint --electricity market
  parcimetre footprint --interval day --from 2026-10-01 --csv
"""
CSV_COLUMNS = (
    "group", "period", "energy_kwh", "value", "low", "high", "unit", "coverage", "measured_share",
    "factor_set",
)  # fmt: skip
SPARK_WIDTH = 100
NUMBERS = (
    N_("Electricity"),
    N_("Footprint"),
    N_("95 % interval"),
    N_("Coverage"),
    N_("Measured share"),
)
begin = click.option(
    "--from", "begin", metavar="TIME", help="Date, time or seconds UTC; default: midnight 7 days before --to."
)
end = click.option("--to", "end", metavar="TIME", help="End of the period, not included; default: now.")
criterion_option = click.option(
    "--criterion",
    type=click.Choice([str(c) for c in Criterion]),
    default="gwp",
    show_default=True,
    help="Climate, metals and minerals, or primary energy.",
)
amortisation_option = click.option(
    "--amortisation",
    type=click.Choice([str(policy) for policy in Policy]),
    envvar="PARCIMETRE_AMORTISATION",
    help="How embodied impact is spread: over the service life, in the year of purchase, or by "
    "active hours; default: the collector's setting.",
)
electricity_option = click.option(
    "--electricity",
    type=click.Choice(ELECTRICITY),
    default="location",
    show_default=True,
    help="Basis of the electricity: the grid at the location, or the supply contracts.",
)
org_unit_option = click.option("--org-unit", metavar="PATH", help="An org unit and all below it.")


@click.command(epilog=EPILOG)
@options.data_dir
@begin
@end
@click.option("--group-by", type=click.Choice(GROUPINGS), help="What each row groups by.")
@click.option("--interval", type=click.Choice(get_args(Interval)), default="total", show_default=True,
              help="Length of each row's period.")  # fmt: skip
@criterion_option
@org_unit_option
@amortisation_option
@electricity_option
@click.option(
    "--spark", is_flag=True, help="Draw a chart for each group, even if the output is not a terminal."
)
@click.option("--csv", "as_csv", is_flag=True, help="Answer in CSV, with a line of headings.")
@options.as_json
def command(
    data_dir: Path,
    begin: str | None,
    end: str | None,
    group_by: GroupBy | None,
    interval: Interval,
    criterion: str,
    org_unit: str | None,
    amortisation: str | None,
    electricity: Electricity,
    spark: bool,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show the footprint of the fleet, with its interval, coverage and measured share."""
    context = options.asking(data_dir)
    asked = span(begin, end, context.zone, context.now())
    policy = Policy(amortisation or context.settings.amortisation)
    query = FootprintQuery(asked, Criterion(criterion), interval, org_unit, None, policy, electricity)
    query = shown_days(context, query) or query
    asked = query.span
    if group_by == "device":
        options.record_look(context, "footprint", org_unit=org_unit)
    with terminal.naming_left_out(context) as left_out:
        found = compute_footprint(context, query)
        rows = found.rows(group_by)
    if as_json:
        told = {
            "from": asked.first,
            "to": asked.last,
            "criterion": criterion,
            "amortisation": policy,
            "rows": [asdict(row) for row in rows],
            "left_out": [asdict(one) for one in visible_left_out(context, left_out)],
        }
        terminal.echo(json.dumps(told, ensure_ascii=False))
        return
    if as_csv:
        _print_csv(rows)
        return
    formats = Formats(Translator(language_of_environment()), context.zone)
    shown = [*rows, found.total()] if group_by and interval == "total" and rows else rows
    names = {str(key): one.name for key, one in devices(context.store).items()}
    _print(shown, names, formats, group_by, interval)
    if interval != "total" and (spark or sys.stdout.isatty()):
        _draw(found.periods.names, rows, lambda row: _name(row, group_by, names, formats.translator), formats)
    if found.electricity == "market":
        terminal.echo(formats.translator(MARKET))
    if tiers := found.total().grid_tiers:
        terminal.echo(formats.translator("Intensity of the electricity: {tiers}", tiers=formats.tiers(tiers)))
    if (whole := found.total()).incomplete and whole.extrapolated and interval == "total":
        about = formats.about(
            whole.extrapolated.value, whole.extrapolated.low, whole.extrapolated.high, whole.unit
        )
        terminal.echo(formats.translator("Including the time without a record: about {whole}", whole=about))


def _print(
    rows: Sequence[FootprintRow],
    names: Mapping[str, str],
    formats: Formats,
    group_by: GroupBy | None,
    interval: Interval,
) -> None:
    translator = formats.translator
    if not rows:
        terminal.echo(translator("No device has reported in this period."))
        return
    words = [translator(GROUPS[group_by])] if group_by else []
    periods = [translator("Period")] if interval != "total" else []
    terminal.print_table(
        words,
        [*periods, *(translator(heading) for heading in NUMBERS)],
        [
            [
                *([_name(row, group_by, names, translator)] if words else []),
                *([row.period] if periods else []),
                *_numbers(row, formats),
            ]
            for row in rows
        ],
    )


def _print_csv(rows: Sequence[FootprintRow]) -> None:
    writer = csv.DictWriter(sys.stdout, CSV_COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: terminal.cell(value) for name, value in asdict(row).items()} for row in rows)


def _draw(
    periods: Sequence[str],
    rows: Sequence[FootprintRow],
    name: Callable[[FootprintRow], str],
    formats: Formats,
) -> None:
    """Print a line of blocks for each group, with its lowest and highest value of a period."""
    console = terminal.console()
    for _, of_group in groupby(rows, key=lambda row: row.group):
        known = {row.period: row for row in of_group}
        values = {period: row.value for period, row in known.items() if row.value is not None}
        if not values:
            continue
        one = next(iter(known.values()))
        ends = (formats.quantity(end(values.values()), one.unit) for end in (min, max))
        line = sparkline([values.get(period) for period in periods], min(SPARK_WIDTH, console.width - 1))
        console.print(f"{name(one)}: {' – '.join(ends)}\n{line}", markup=False)


def _name(
    row: FootprintRow, group_by: GroupBy | None, names: Mapping[str, str], translator: Translator
) -> str:
    if row.group == ALL:
        return translator("Total")
    name = translator(label(group_by, names.get(row.group, row.group)))
    return f"{name} [{translator('simulated')}]" if row.simulated is True else name


def _numbers(row: FootprintRow, formats: Formats) -> list[str]:
    """Return the cells under NUMBERS."""
    return [
        formats.quantity(row.energy_kwh, "kWh"),
        formats.quantity(row.value, row.unit),
        formats.limits(row.value or 0.0, row.low, row.high, row.unit),
        formats.percent(row.coverage),
        formats.percent(row.measured_share),
    ]
