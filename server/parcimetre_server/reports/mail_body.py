"""Body of the report's mail: HTML for mail programs, and plain text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import get_args

from ..base.i18n import N_, Translator
from ..presentation.jinja_environment import environment
from ..presentation.palette import colours
from .wording import Colour, Line, ReportText, Table

WIDTH = 76
TO_PAGE = N_("Open this report on the web")


def mail_html(letter: ReportText, page: str = "") -> str:
    """Return the report as HTML for mail programs, in light and dark, with a link to its page if any."""
    values = {"letter": letter, "shown": get_args(Colour), "light": colours("light"), "dark": colours("dark")}
    values |= {"page": page, "to_page": Translator(letter.language)(TO_PAGE)}
    return environment("reports").get_template("mail.html").render(values).lstrip()


def mail_text(letter: ReportText, page: str = "") -> str:
    """Return the report as plain text, with the address of its page if any."""
    parts = [letter.whose, letter.title, "=" * len(letter.title), letter.subtitle, letter.badge, ""]
    parts += [fill(warning, WIDTH) + "\n" for warning in letter.warnings]
    if letter.value:
        parts += [f"{letter.value} {letter.unit}", letter.interval, ""]
        parts += [*_aligned([(name, (value,)) for name, value in letter.facts]), ""]
    parts += [fill(paragraph, WIDTH) + "\n" for paragraph in letter.lead]
    for table in letter.tables:
        parts += [*_table(table), ""]
    for heading, text in letter.closing:
        parts += [heading, "-" * len(heading), fill(text, WIDTH), ""]
    parts += [Translator(letter.language)(TO_PAGE), page] if page else []
    text = "\n".join(part for i, part in enumerate(parts) if part or i > 4)
    return text.replace("\u00a0", " ") + "\n"


def _table(table: Table) -> Iterator[str]:
    yield table.title
    yield "-" * len(table.title)
    if table.note:
        yield fill(table.note, WIDTH) + "\n"
    heading, *numbers = table.columns
    yield from _aligned([(heading, numbers), *((_words(line), line.numbers) for line in table.lines)])


def _words(line: Line) -> str:
    return f"{line.words} ({line.small})" if line.small else line.words


def _aligned(rows: Sequence[tuple[str, Sequence[str]]]) -> Iterator[str]:
    """Lines with words to the left and numbers to the right; long words have lines of their own."""
    widths = [max(map(len, column)) for column in zip(*(numbers for _, numbers in rows), strict=True)]
    room = WIDTH - sum(widths) - 2 * len(widths)
    for words, numbers in rows:
        cells = "".join(f"  {number:>{width}}" for number, width in zip(numbers, widths, strict=True))
        *above, last = fill(words, max(room, 20)).split("\n")
        yield from above
        yield f"{last:<{room}}{cells}"
