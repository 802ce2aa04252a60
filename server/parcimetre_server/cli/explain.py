"""`parcimetre explain`: the tree of terms behind a figure."""

from __future__ import annotations

import json
from pathlib import Path

import click
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.errors import BadExplanation
from parcimetre_factors.explanation.term import Term
from parcimetre_factors.explanation.verification import first_difference
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_factors.tables.factor_set import FactorSet
from rich.markup import escape
from rich.tree import Tree

from ..base.i18n import N_, Translator, language_of_environment
from ..base.periods import span
from ..configuration.factor_sets import in_force
from ..fleet.lookup import find
from ..footprint.explanation.as_json import as_json as explanation_json
from ..footprint.explanation.device import Explanation, explain_device
from ..footprint.explanation.org_unit import explain_unit
from ..grid.supply_contracts import Electricity, market_sets
from ..presentation.formats import Formats
from ..presentation.labels import QUALITIES, label
from . import options, terminal
from .footprint import amortisation_option, begin, criterion_option, electricity_option, end, org_unit_option

BESIDE = N_(
    "In the quarter hours covered by both, its outlets measured {outlets}, which is the figure "
    "used; its own counters or its model give {own}."
)
EPILOG = """\b
Examples:
  parcimetre explain --device 5f0c1e...
  parcimetre explain --device 5f0c1e... --from 2026-11-23 --to 2026-11-24 --json
  parcimetre explain --org-unit "Métropole/Ville" --criterion adpe
  parcimetre explain --verify explanation.json
"""
DIFFERS = 1


@click.command(epilog=EPILOG)
@options.data_dir
@click.option(
    "--device", "device_id", metavar="ID", help="Name of a device, or an unambiguous beginning of its id."
)
@org_unit_option
@begin
@end
@criterion_option
@amortisation_option
@electricity_option
@options.as_json
@click.option(
    "--verify",
    "verify",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Recompute a file written with --json, from that file and the factor set alone.",
)
@click.pass_context
def command(
    command_context: click.Context,
    data_dir: Path,
    device_id: str | None,
    org_unit: str | None,
    begin: str | None,
    end: str | None,
    criterion: str,
    amortisation: str | None,
    electricity: Electricity,
    as_json: bool,
    verify: Path | None,
) -> None:
    """Show how a device's footprint is computed, or an org unit's as the sum of its devices.

    With --verify, exit code 0: everything recomputes; 1: something does not.
    """
    if verify is not None:
        command_context.exit(_verify(verify, data_dir))
    if (device_id is None) == (org_unit is None):
        raise click.UsageError("give either --device ID or --org-unit PATH; parcimetre devices lists the ids")
    context = options.asking(data_dir)
    zone = context.zone
    asked = span(begin, end, zone, context.now())
    policy = Policy(amortisation or context.settings.amortisation)
    how = (asked, Criterion(criterion), policy, electricity)
    if device_id is not None:
        device = find(context.store, device_id)
        options.record_look(context, "explain", device.id, device.org_unit)
        found = explain_device(context, device.id, *how)
    else:
        options.record_look(context, "explain", org_unit=org_unit)
        with terminal.naming_left_out(context):
            found = explain_unit(context, org_unit, *how)
    if as_json:
        terminal.echo(json.dumps(explanation_json(found), ensure_ascii=False))
        return
    _print(found, Formats(Translator(language_of_environment()), zone), context.factors.name)


def _set_of(document: dict[str, object], data_dir: Path) -> FactorSet:
    """Return the factor set of a market-based explanation, with its contracts; else the one in force."""
    factors = in_force(data_dir)
    if document.get("electricity") == "market" and document.get("factor_set") != factors.id:
        sets = market_sets(options.reading(data_dir).store, factors)
        return next((found for found in sets if found.id == document.get("factor_set")), factors)
    return factors


def _verify(file: Path, data_dir: Path) -> int:
    """Print whether an explanation recomputes, and return the exit code. Raises BadExplanation."""
    try:
        document = json.loads(file.read_bytes())
    except ValueError as error:
        raise BadExplanation(f"{file} is not JSON: {error}; give a file written with --json") from error
    if not isinstance(document, dict):
        raise BadExplanation(
            f"{file} is not an explanation; give a file written by `parcimetre explain --json`"
        )
    difference = first_difference(document, _set_of(document, data_dir))
    terminal.echo(difference or f"{file} recomputes: {document.get('value')} {document.get('unit')}")
    return DIFFERS if difference else 0


def _print(found: Explanation, formats: Formats, factor_set: str) -> None:
    console, translator = terminal.console(), formats.translator
    if found.term is None:
        console.print(translator("No factor gives this criterion for this device."))
        return
    console.print(_tree(found.term, formats))
    for name, term in found.definitions.items():
        console.print(_tree(term, formats, name))
    if found.grid_tiers:
        tiers = formats.tiers(found.grid_tiers)
        console.print(escape(translator("Intensity of the electricity: {tiers}", tiers=tiers)), style="dim")
    for note in found.notes:
        console.print(translator(note), style="dim")
    if found.self_reported is not None:
        both = (found.self_reported.outlets_kwh, found.self_reported.own_kwh)
        outlets, own = (formats.quantity(kwh, "kWh") for kwh in both)
        console.print(escape(translator(BESIDE, outlets=outlets, own=own)), style="dim")
    if found.absent:
        names = ", ".join(translator(label("stage", stage)) for stage in found.absent)
        console.print(f"{translator('Left out, as no factor knows them:')} {names}", style="dim")
    for factor in found.factors:
        quality = f" ({translator(QUALITIES[factor.quality])})" if factor.quality else ""
        source = f"{factor.source.publisher}, {factor.source.year}, {factor.source.url}"
        console.print(escape(f"{factor.id}{quality}: {source}"), style="dim")
    console.print(f"{translator('Factor set')} {factor_set}", style="dim")


def _tree(term: Term, formats: Formats, name: str = "") -> Tree:
    made = Tree(_line(term, formats, name))
    for child in term.inputs:
        made.add(_tree(child, formats))
    return made


def _line(term: Term, formats: Formats, name: str) -> str:
    sign = {"sum": "Σ ", "product": "× ", "quotient": "÷ "}.get(term.operation, "")
    about = [
        formats.translator(term.label),
        name,
        term.detail,
        term.factor and f"<{term.factor}>",
        term.ref and f"→ {term.ref}",
    ]
    text = escape(sign + " ".join(part for part in about if part))
    return f"{text}  [bold]{escape(formats.quantity(term.value, term.unit))}[/bold]"
