"""Colours of figures, for pages, mails and the PDF: the style sheet of the pages has them, and nothing else.

A change is less or more by one rule. Its colour says nothing that its sign and its side of the middle do not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Literal

Look = Literal["light", "dark"]
Direction = Literal["less", "more"]
NAMED = re.compile(r"--([\w-]+): (#[0-9a-f]{3,6});")
DARK = "@media (prefers-color-scheme: dark)"


def direction(change: float) -> Direction:
    """The name of the colour of a change."""
    return "less" if change < 0 else "more"


@lru_cache(maxsize=1)
def style() -> str:
    """The style sheet of the pages."""
    return (files(__package__) / "static" / "parcimetre.css").read_text("utf-8")


@lru_cache(maxsize=2)
def colours(look: Look) -> Mapping[str, str]:
    """The colours by name, as `#rrggbb`; the plain one is the accent."""
    light, _, rest = style().partition(DARK)
    dark = rest.partition("\n}")[0]
    found = dict(NAMED.findall(light)) | (dict(NAMED.findall(dark)) if look == "dark" else {})
    whole = {name: _six_digits(colour) for name, colour in found.items()}
    return whole | {"plain": whole["accent"]}


def _six_digits(colour: str) -> str:
    return colour if len(colour) > len("#fff") else "#" + "".join(2 * digit for digit in colour[1:])
