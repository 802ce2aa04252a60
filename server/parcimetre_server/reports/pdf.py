"""PDF of the weekly report, set by typst with its own fonts."""

from __future__ import annotations

import json
from dataclasses import asdict
from importlib.resources import as_file, files

from ..presentation.palette import colours
from .wording import ReportText

TEMPLATE = "letter.typ"


def pdf(letter: ReportText) -> bytes:
    """Return the report on A4 pages as PDF, tagged for screen readers."""
    import typst

    with as_file(files(__package__) / TEMPLATE) as template:
        content = typst.compile(
            str(template),
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs={
                "letter": json.dumps(asdict(letter), ensure_ascii=False),
                "colours": json.dumps(dict(colours("light"))),
            },
        )
    assert isinstance(content, bytes)
    return content
