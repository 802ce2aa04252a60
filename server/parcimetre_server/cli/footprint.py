"""`parcimetre footprint`: figures by group and period, in a table or as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import get_args

import click
from parcimetre_factors.amortisation import Policy
from parcimetre_factors.criteria import Criterion

from ..collector import Collector, open_reading
from ..contracts import ELECTRICITY, Electricity
from ..devices import devices
from ..explanations import MARKET
from ..footprints import ALL, GROUPINGS, GroupBy, Query, Row, figures
from ..formats import Formats
from ..i18n import Tongue, language_of_environment, mark
from ..periods import Interval, span
from ..titles import GROUPS, title
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre footprint
  parcimetre footprint --from 2026-11-16 --to 2026-11-23 --group-by org_unit
  parcimetre footprint --org-unit "Métropole/Ville" --group-by category --interval day --json
  parcimetre footprint --electricity market
"""
NUMBERS = (
    mark("Electricity"),
    mark("Footprint"),
    mark("95 % interval"),
    mark("Coverage"),
    mark("Measured share"),
)
begin = click.option("--from", "begin", metavar="TIME", help="Date, time or seconds UTC; 7 days before --to.")
end = click.option("--to", "end", metavar="TIME", help="The same, itself not included; now by default.")
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
    default="service_life",
    show_default=True,
    envvar="PARCIMETRE_AMORTISATION",
    help="What carries embodied impact: the service life, the year of purchase, or active hours.",
)
electricity_option = click.option(
    "--electricity",
    type=click.Choice(ELECTRICITY),
    default="location",
    show_default=True,
    help="What the electricity is based on: the grid at the location, or the suppliers' contracts.",
)
org_unit_option = click.option("--org-unit", metavar="PATH", help="An org unit and all below it.")


@click.command(epilog=EPILOG)
@options.data_dir
@begin
@end
@click.option("--group-by", type=click.Choice(GROUPINGS), help="What each row stands for.")
@click.option("--interval", type=click.Choice(get_args(Interval)), default="total", show_default=True,
              help="Length of each row's period.")  # fmt: skip
@criterion_option
@org_unit_option
@amortisation_option
@electricity_option
@options.as_json
def command(
    data_dir: Path,
    begin: str | None,
    end: str | None,
    group_by: GroupBy | None,
    interval: Interval,
    criterion: str,
    org_unit: str | None,
    amortisation: str,
    electricity: Electricity,
    as_json: bool,
) -> None:
    """Show the footprint of the fleet, with its interval, coverage and measured share."""
    collector = open_reading(data_dir)
    asked = span(begin, end, collector.zone, collector.now())
    policy = Policy(amortisation)
    query = Query(asked, Criterion(criterion), interval, org_unit, None, policy, electricity)
    found = figures(collector, query)
    rows = found.rows(group_by)
    if as_json:
        told = {
            "from": asked.first,
            "to": asked.last,
            "criterion": criterion,
            "amortisation": policy,
            "rows": [asdict(row) for row in rows],
        }
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    formats = Formats(Tongue(language_of_environment()), collector.zone)
    shown = [*rows, found.total()] if group_by and interval == "total" and rows else rows
    _print(shown, collector, formats, group_by, interval)
    if found.electricity == "market":
        click.echo(formats.tongue(MARKET))
    if tiers := found.total().grid_tiers:
        click.echo(formats.tongue("Intensity of the electricity: {tiers}", tiers=formats.tiers(tiers)))
    if (whole := found.total()).incomplete and whole.extrapolated and interval == "total":
        about = formats.about(
            whole.extrapolated.value, whole.extrapolated.low, whole.extrapolated.high, whole.unit
        )
        click.echo(formats.tongue("With the time that has no record: about {whole}", whole=about))


def _print(
    rows: Sequence[Row], collector: Collector, formats: Formats, group_by: GroupBy | None, interval: Interval
) -> None:
    tongue = formats.tongue
    if not rows:
        click.echo(tongue("No device has reported in this period."))
        return
    names = {str(key): found.name for key, found in devices(collector.store).items()}
    words = [tongue(GROUPS[group_by])] if group_by else []
    periods = [tongue("Period")] if interval != "total" else []
    terminal.print_table(
        words,
        [*periods, *(tongue(heading) for heading in NUMBERS)],
        [
            [
                *([_name(row, group_by, names, tongue)] if words else []),
                *([row.period] if periods else []),
                *_numbers(row, formats),
            ]
            for row in rows
        ],
    )


def _name(row: Row, group_by: GroupBy | None, names: Mapping[str, str], tongue: Tongue) -> str:
    if row.group == ALL:
        return tongue("Total")
    name = tongue(title(group_by, names.get(row.group, row.group)))
    return f"{name} [{tongue('simulated')}]" if row.simulated is True else name


def _numbers(row: Row, formats: Formats) -> list[str]:
    """The cells under NUMBERS."""
    return [
        formats.quantity(row.energy_kwh, "kWh"),
        formats.quantity(row.value, row.unit),
        formats.limits(row.value or 0.0, row.low, row.high, row.unit),
        formats.percent(row.coverage),
        formats.percent(row.measured_share),
    ]
