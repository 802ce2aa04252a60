"""`parcimetre factors`: factor sets, shipped and of the organisation: search, check, compare, adopt."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.tables.factor_set import Factor, FactorSet, load_factor_set
from parcimetre_factors.tables.overlay import Change, changes

from ..analysis.factor_sets.adoption import adopt as adopt_candidate
from ..analysis.factor_sets.search import find_factors
from ..base.i18n import N_
from ..configuration.factor_sets import candidate, checked, import_tables, in_force, sound
from ..presentation.formats import Formats
from ..presentation.labels import QUALITIES
from . import options, terminal

EPILOG = """\b
Examples:
  parcimetre factors list electricity FR
  parcimetre factors show grid.fr.2024.gwp
  parcimetre factors check
  parcimetre factors check our-factors/
  parcimetre factors import our-factors/
  parcimetre factors diff
  parcimetre factors adopt
  parcimetre factors calibrate --days 180
"""
MOST_SHOWN = 50
YEAR_DAYS, DAY_S = 365, 86_400
FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)


@click.group(epilog=EPILOG)
@options.data_dir
def command(data_dir: Path) -> None:
    """List, check and compare factors; adopt an organisation's own tables over the shipped ones."""


@command.command("list", epilog=EPILOG)
@options.data_dir
@click.argument("words", nargs=-1)
@options.as_json
def list_factors(data_dir: Path, words: tuple[str, ...], as_json: bool) -> None:
    """List the factors in force in which every word occurs."""
    factors = in_force(data_dir)
    found = list(find_factors(factors, " ".join(words)))
    if as_json:
        terminal.echo(json.dumps([asdict(factor) for factor in found], ensure_ascii=False))
        return
    formats = Formats(terminal.translator())
    rows = [_line(factor, formats) for factor in found[:MOST_SHOWN]]
    terminal.show(rows, False, N_("No factor contains all these words."))
    if len(found) > MOST_SHOWN:
        terminal.echo(formats.translator("{more} more: add words.", more=len(found) - MOST_SHOWN), err=True)
    terminal.echo(f"{formats.translator('Factor set')} {factors.name}", err=True)


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("factor_id")
@options.as_json
def show(data_dir: Path, factor_id: str, as_json: bool) -> None:
    """Show one factor with its range, source and licence. Raises UnknownFactor."""
    factors = in_force(data_dir)
    found = asdict(factors.get(factor_id))
    if as_json:
        terminal.echo(json.dumps(found, ensure_ascii=False))
        return
    source = found.pop("source")
    facts = found | {f"source {name}": value for name, value in source.items()} | {"set": factors.name}
    terminal.print_table(("", ""), (), [(name, _format(value)) for name, value in facts.items() if value])


def _format(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else f"{value}"


@command.command(epilog=EPILOG)
@options.data_dir
@click.argument("folder", type=FOLDER, required=False)
def check(data_dir: Path, folder: Path | None) -> None:
    """Check tables of your own before they are imported, or without FOLDER the set in force.

    Lists every row with a fault, with its file, its line and the fix.
    """
    if folder is None:
        found = sound(in_force(data_dir), {})
        terminal.done(N_("The factor set in force is valid: {set}."), {"set": found.name}, False)
        return
    found = checked(folder)
    _show_changes(found)
    terminal.done(N_("The tables are valid; with them, the factor set is {set}."), {"set": found.name}, False)


def _show_changes(found: FactorSet) -> None:
    """Print what a folder's tables replace, add to and remove from the shipped set."""
    formats = Formats(terminal.translator())
    rows = list(_rows(list(changes(load_factor_set(), found)), formats))
    terminal.show(rows[:MOST_SHOWN], False, N_("The tables are those of the shipped set."))
    if len(rows) > MOST_SHOWN:
        terminal.echo(formats.translator("{more} more.", more=len(rows) - MOST_SHOWN), err=True)


@command.command("import", epilog=EPILOG)
@options.data_dir
@click.argument("folder", type=FOLDER)
@options.as_json
def import_folder(data_dir: Path, folder: Path, as_json: bool) -> None:
    """Import your own tables as the candidate; nothing changes until it is adopted."""
    found = import_tables(data_dir, folder)
    sentence = N_("Set {set} can be compared with `parcimetre factors diff` and adopted.")
    if not as_json:
        _show_changes(found)
    terminal.done(sentence, {"set": found.id if as_json else found.name}, as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@options.as_json
def adopt(data_dir: Path, as_json: bool) -> None:
    """Put the candidate in force: immediately for commands, after a restart for a running collector."""
    candidate(data_dir)  # before a store is made for the audit log
    found = adopt_candidate(options.reading(data_dir, create=True))
    sentence = N_("Factor set {set} is in force. Restart the collector so that its pages use it.")
    terminal.done(sentence, {"set": found.id if as_json else found.name}, as_json)


@command.command(epilog=EPILOG)
@options.data_dir
@click.option(
    "--days", default=YEAR_DAYS, show_default=True, type=click.IntRange(1, 3660), help="How far back to look."
)
@options.as_json
def calibrate(data_dir: Path, days: int, as_json: bool) -> None:
    """Compare power models with the measured battery use of laptops; creates a candidate to adopt."""
    from ..analysis.factor_sets.calibrations import calibrate_models, save_as_candidate
    from ..base.periods import Span

    context = options.reading(data_dir)
    now = context.now() // SLOT_S * SLOT_S
    span = Span(now - days * DAY_S, now)
    found = calibrate_models(context, span)
    if found:
        save_as_candidate(context, found, span)
    formats = Formats(terminal.translator())
    rows = [
        {
            "name": f"{one.hardware.maker} {one.hardware.model}",
            "value": one.calibration.ratio if as_json else formats.number(one.calibration.ratio),
            "low": one.calibration.low if as_json else formats.number(one.calibration.low),
            "high": one.calibration.high if as_json else formats.number(one.calibration.high),
            "devices": one.calibration.devices,
            "hours": round(one.calibration.hours),
        }
        for one in found
    ]
    terminal.show(rows, as_json, N_("No model has 3 devices with 20 hours on battery: nothing to calibrate."))


@command.command(epilog=EPILOG)
@options.data_dir
@options.as_json
def diff(data_dir: Path, as_json: bool) -> None:
    """Compare the candidate with the set in force: each factor, and the fleet's total of the last 28 days."""
    from ..analysis.factor_sets.effects import SPAN_DAYS

    before, after = in_force(data_dir), candidate(data_dir)
    totals = [_total(data_dir, factors) for factors in (before, after)]
    found = list(changes(before, after))
    if as_json:
        told = {"before": before.id, "after": after.id, "gwp_kgco2e": totals, "days": SPAN_DAYS,
                "changes": [asdict(change) for change in found]}  # fmt: skip
        terminal.echo(json.dumps(told, ensure_ascii=False))
        return
    formats = Formats(terminal.translator())
    terminal.show(list(_rows(found, formats)), False, N_("The two sets have the same factors."))
    old, new = (formats.quantity(total, "kg CO2 eq") for total in totals)
    moved = formats.change(totals[1] / totals[0] - 1 if totals[0] and totals[1] is not None else None)
    sentence = N_("Footprint of the last {days} days: {old} with {before}, {new} with {after} ({moved}).")
    told = {"days": SPAN_DAYS, "old": old, "new": new, "before": before.id, "after": after.id, "moved": moved}
    terminal.done(sentence, told, False)


def _total(data_dir: Path, factors: FactorSet) -> float | None:
    """Return the climate impact of the whole fleet over the last days, kg CO2 eq."""
    from ..analysis.factor_sets.effects import recent_total

    return recent_total(options.reading(data_dir), factors).value


def _line(factor: Factor, formats: Formats) -> dict[str, str]:
    quality = {"quality": formats.translator(QUALITIES[factor.quality])}
    return {"id": factor.id, **_value(factor, formats), **quality, "source": factor.source.publisher}


def _value(factor: Factor, formats: Formats) -> dict[str, str]:
    return {"value": formats.number(factor.value), "unit": f"{factor.unit}/{factor.per}"}


def _rows(found: list[Change], formats: Formats) -> Iterator[dict[str, str]]:
    for change in found:
        known = change.after or change.before
        assert known is not None
        old, new = (formats.number(f.value) if f else "–" for f in (change.before, change.after))
        yield {"id": change.id, "before": old, "after": new, "unit": f"{known.unit}/{known.per}"}
