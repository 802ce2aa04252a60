"""`parcimetre estimate`: impact and power of described hardware, such as offers to compare."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

import click
from parcimetre_factors.estimate import Answer

from ..analysis.estimates import answer_lines
from ..base.i18n import N_
from ..configuration.factor_sets import in_force
from ..presentation.formats import Formats
from ..presentation.labels import EVIDENCE
from . import options, terminal

WORDS = (N_("line"), N_("evidence"))
NUMBERS = (N_("embodied"), N_("95 % interval"), N_("idle"), N_("full load"))
EPILOG = """\b
Examples:
  echo '{"class": "laptop", "maker": "Dell Inc.", "model": "Latitude 5420"}' | parcimetre estimate
  parcimetre estimate --table offers.jsonl
  parcimetre estimate offers.jsonl > answers.jsonl
"""


@click.command(epilog=EPILOG)
@options.data_dir
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--table", is_flag=True, help="Show a table to compare by eye, instead of JSON Lines.")
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON Lines, which is the default.")
def command(data_dir: Path, file: BinaryIO, table: bool, as_json: bool) -> None:
    """Answer each line of FILE (or standard input), a JSON object that describes hardware, with one line.

    Only "class" is required. A line that cannot be answered gives {"error": ...}; the other lines are
    answered.
    """
    if table and as_json:
        raise click.UsageError("give either --table or --json")
    answers = answer_lines(file, in_force(data_dir))
    if table:
        _table(answers)
        return
    for answer in answers:
        terminal.echo(json.dumps(answer, ensure_ascii=False))


def _table(answers: Iterable[Answer]) -> None:
    """Print answers as rows, and errors below, so that sentences do not widen the table."""
    formats = Formats(terminal.translator())
    numbered = list(enumerate(answers, start=1))
    rows = [[str(number), *_row(answer, formats)] for number, answer in numbered if "error" not in answer]
    headings = [formats.translator(name) for name in (*WORDS, *NUMBERS)]
    terminal.print_table(headings[: len(WORDS)], headings[len(WORDS) :], rows)
    for number, answer in numbered:
        if "error" in answer:
            told = formats.translator("line {number}: {error}", number=number, error=answer["error"])
            terminal.echo(told, err=True)


def _row(answer: Answer, formats: Formats) -> list[str]:
    gwp, watts = answer["embodied"]["gwp"], answer["power_w"]
    evidence = EVIDENCE[answer["evidence"]["embodied"]]
    return [
        formats.translator(evidence),
        formats.quantity(gwp["value"], gwp["unit"]),
        formats.interval(gwp["value"], gwp["low"], gwp["high"], gwp["unit"]),
        formats.quantity(watts["0"]["value"], "W"),
        formats.quantity(watts["100"]["value"], "W"),
    ]
