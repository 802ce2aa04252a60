"""Output of commands: tables on a terminal, unwrapped lines in a pipe, or JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from textwrap import fill
from typing import TYPE_CHECKING, cast

import click

from ..base.i18n import N_, Translator, language_of_environment
from ..base.names import shown, shown_lines

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, ConsoleRenderable, RenderHook
    from rich.segment import Segment

    from ..access.context import Context
    from ..organisation.left_out import LeftOut
    from ..store.records import DeviceId

UNBROKEN = 10_000
HEADING_WIDTH = 11
HEADINGS = (
    N_("id"), N_("name"), N_("category"), N_("org unit"), N_("site"), N_("zone"), N_("state"),
    N_("expires at"), N_("last slot"), N_("value"), N_("unit"), N_("source"),
    N_("before"), N_("after"), N_("day"), N_("g/kWh"), N_("lowest (UTC)"), N_("highest (UTC)"),
    N_("observed"), N_("quality"), N_("supplier"), N_("product"), N_("kg per kwh"), N_("from"),
    N_("until"), N_("evidence"), N_("month"), N_("days"), N_("profile"),
    N_("low"), N_("high"), N_("devices"), N_("hours"), N_("role"), N_("last used"),
    N_("at"), N_("who"), N_("act"), N_("subject"), N_("change"), N_("device"), N_("part"),
    N_("reason"), N_("file"), N_("bytes"), N_("week"), N_("edition"), N_("way"), N_("to"),
    N_("language"), N_("formats"), N_("since"), N_("feeder"), N_("outlet"), N_("kwh"),
    N_("not attributed kwh"), N_("planned"), N_("most"), N_("warning"), N_("enrolled"), N_("kind"),
    N_("earlier"), N_("new org unit"), N_("secret"),
)  # fmt: skip


def translator() -> Translator:
    """Return the translator of the terminal's language."""
    return Translator(language_of_environment(os.environ))


def echo(text: object, err: bool = False) -> None:
    """Print lines with invisible characters of names escaped, so that no name steers the terminal."""
    click.echo(shown_lines(str(text)), err=err)


def cell(value: object) -> object:
    """Return a value for CSV on the standard output, with the invisible characters of a text escaped."""
    return shown_lines(value) if isinstance(value, str) else value


def console() -> Console:
    """Return a console as wide as the terminal; lines are not broken in a file or a pipe.

    Whatever is printed on it has its invisible characters escaped.
    """
    from rich.console import Console

    made = Console(width=None if sys.stdout.isatty() else UNBROKEN, highlight=False)
    made.push_render_hook(cast("RenderHook", Visible()))
    return made


class Visible:
    """Render hook of a console that escapes invisible characters in what is printed."""

    def process_renderables(self, renderables: list[ConsoleRenderable]) -> list[ConsoleRenderable]:
        """Return what prints the same, escaped."""
        return [_Escaped(one) for one in renderables]


@dataclass(frozen=True)
class _Escaped:
    """Something printable whose text is escaped once it is laid out."""

    inner: ConsoleRenderable

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Yield its segments; those that steer the terminal are the console's own."""
        for segment in console.render(self.inner, options):
            yield segment if segment.control else segment._replace(text=shown_lines(segment.text))


def print_table(words: Sequence[str], numbers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows under headings: columns of words may fold, those of numbers stay whole."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in words:
        table.add_column(Text(shown(heading)), overflow="fold")
    narrow = sys.stdout.isatty()
    for heading in numbers:
        folded = fill(heading, HEADING_WIDTH) if narrow else heading
        table.add_column(Text(folded), justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*(Text(shown(cell)) for cell in row))
    console().print(table)


def show(rows: Sequence[Mapping[str, object]], as_json: bool, empty: str) -> None:
    """Print rows as a table, or as JSON; `empty` is what to say where there are none.

    Keys are HEADINGS with underscores; where a person reads, they and `empty` are in the terminal's language.
    """
    say = translator()
    if as_json:
        echo(json.dumps(rows, ensure_ascii=False))
    elif not rows:
        echo(say(empty), err=True)
    else:
        headings = [say(name.replace("_", " ")) for name in rows[0]]
        told = [["" if value is None else str(value) for value in row.values()] for row in rows]
        print_table(headings, (), told)


def done(sentence: str, facts: Mapping[str, object], as_json: bool) -> None:
    """Print the outcome: as a sentence filled with the facts, or the facts as JSON."""
    echo(json.dumps(facts, ensure_ascii=False) if as_json else translator()(sentence, **facts))


@contextmanager
def naming_left_out(context: Context) -> Iterator[dict[DeviceId, LeftOut]]:
    """Warn on standard error of the devices that an answer computed within the context leaves out."""
    from ..analysis.left_out import visible_left_out
    from ..organisation.left_out import collect_left_out
    from ..presentation.labels import LEFT_OUT, LEFT_OUT_MANY, MOST_NAMED

    with collect_left_out() as collected:
        yield collected
    left_out = visible_left_out(context, collected)
    if left_out:
        echo(translator().plural(LEFT_OUT, LEFT_OUT_MANY, len(left_out)), err=True)
        for one in left_out[:MOST_NAMED]:
            echo(f"  {one.device}: {one.reason}", err=True)
