"""What commands print: tables of one look, and whole lines where nobody reads them on a terminal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from textwrap import fill
from typing import TYPE_CHECKING

import click

from ..base.i18n import Tongue, language_of_environment, mark

if TYPE_CHECKING:
    from rich.console import Console

UNBROKEN = 10_000
HEADING_WIDTH = 11
HEADINGS = (
    mark("id"), mark("name"), mark("category"), mark("org unit"), mark("site"), mark("zone"), mark("state"),
    mark("expires at"), mark("last slot"), mark("value"), mark("unit"), mark("source"),
    mark("before"), mark("after"), mark("day"), mark("g/kWh"), mark("lowest (UTC)"), mark("highest (UTC)"),
    mark("observed"), mark("quality"), mark("supplier"), mark("product"), mark("kg per kwh"), mark("from"),
    mark("until"), mark("evidence"), mark("month"), mark("days"), mark("profile"),
    mark("low"), mark("high"), mark("devices"), mark("hours"), mark("role"), mark("last used"),
    mark("at"), mark("who"), mark("act"), mark("subject"), mark("change"), mark("device"), mark("part"),
    mark("reason"), mark("file"), mark("bytes"), mark("week"), mark("edition"), mark("way"), mark("to"),
    mark("language"), mark("formats"), mark("since"), mark("feeder"), mark("outlet"), mark("kwh"),
    mark("not attributed kwh"),
)  # fmt: skip


def tongue() -> Tongue:
    """The language of the terminal."""
    return Tongue(language_of_environment(os.environ))


def console() -> Console:
    """As wide as the terminal; lines are not broken where the output is a file or a pipe."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else UNBROKEN, highlight=False)


def print_table(words: Sequence[str], numbers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings: columns of words may fold, those of numbers stay whole."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in words:
        table.add_column(Text(heading), overflow="fold")
    narrow = sys.stdout.isatty()
    for heading in numbers:
        shown = fill(heading, HEADING_WIDTH) if narrow else heading
        table.add_column(Text(shown), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*map(Text, row))
    console().print(table)


def show(rows: Sequence[Mapping[str, object]], as_json: bool, empty: str) -> None:
    """Print rows as a table, or as JSON; `empty` is what to say where there are none.

    Keys are HEADINGS with underscores; where a person reads, they and `empty` are in the terminal's language.
    """
    say = tongue()
    if as_json:
        click.echo(json.dumps(rows, ensure_ascii=False))
    elif not rows:
        click.echo(say(empty), err=True)
    else:
        headings = [say(name.replace("_", " ")) for name in rows[0]]
        told = [["" if value is None else str(value) for value in row.values()] for row in rows]
        print_table(headings, (), told)


def done(sentence: str, facts: Mapping[str, object], as_json: bool) -> None:
    """Say what was done, to a person, with the facts in the places of the sentence, or to a machine."""
    click.echo(json.dumps(facts, ensure_ascii=False) if as_json else tongue()(sentence, **facts))
