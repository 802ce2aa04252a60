"""Rows of a CSV table, with the line that each stands on, as a spreadsheet writes them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ..errors import BadFactorRow

NUMBERS = ("value", "low", "high", "rel_sd")


def numbered(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Each row by the names of its columns, with its line; a last cell that is left off is empty.

    A spreadsheet that writes decimal commas puts semicolons between columns: both are taken together.
    Raises BadFactorRow for a file that is not UTF-8, and a row with more cells than there are columns.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadFactorRow(f"{file.name} is not UTF-8; save it as CSV in UTF-8") from error
    header = text.split("\n", 1)[0]
    semicolons = ";" in header and "," not in header
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=";" if semicolons else ",")
    for row in reader:
        if None in row:
            raise BadFactorRow(
                f"{file.name} line {reader.line_num}: more cells than columns; "
                'put text that holds the separator into "quotes"'
            )
        yield reader.line_num, _with_points(row) if semicolons else row


def _with_points(row: dict[str, str]) -> dict[str, str]:
    return {name: text.replace(",", ".") if name in NUMBERS and text else text for name, text in row.items()}
