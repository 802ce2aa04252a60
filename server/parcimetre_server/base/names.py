"""Names that people and devices give: which characters they may have, and how stored ones are shown.

A line feed in a name ends a mail's header, an escape sequence steers a terminal, a right-to-left override
lets a name read as another one. So new names are refused with such characters, and whatever is stored
already is shown with them escaped: on pages, in reports and mails, on terminals.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 100
UNSEEN = (
    "\x00-\x1f\x7f-\x9f"  # control characters, line feeds and escapes among them
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # format, bidi, lines
    "\ud800-\udfff"  # halves of characters
    "\U0001d173-\U0001d17a\U000e0000-\U000e007f"  # format characters beyond 16 bits
)
JOINERS = "\u200c\u200d"  # needed within words of some scripts, and shown; names are spelt without
SPACED = "\n\t"
IN_NAMES = re.compile(f"[{UNSEEN}{JOINERS}]")
IN_TEXTS = re.compile(f"[{UNSEEN}]")
IN_LINES = re.compile(f"(?![{SPACED}])[{UNSEEN}]")
OF_PATHS = re.compile(r"[/\\]")
IN_DEVICE_NAMES = re.compile(f"[{UNSEEN}{JOINERS}/\\\\]+")


def text_fault(text: str, most: int) -> str | None:
    """Return what keeps a text of one line from being stored, None if nothing does."""
    if len(text) > most:
        return f"it has {len(text)} characters, more than {most}"
    found = IN_NAMES.search(text)
    if found:
        return f"it contains the control or invisible character U+{ord(found[0]):04X}"
    return None


def name_fault(name: str, most: int = MOST_CHARACTERS) -> str | None:
    """Return what keeps a name from being valid, None if nothing does."""
    if not name.strip():
        return "it is empty"
    found = OF_PATHS.search(name)
    if found:
        return f"it contains {found[0]}"
    if not name.strip(". "):
        return "it consists of dots"
    return text_fault(name, most)


def device_name(name: str, most: int) -> str:
    """Return the name that a device states with _ for what no name may have, cut to `most` characters."""
    return IN_DEVICE_NAMES.sub("_", name.strip())[:most]


def shown(text: str) -> str:
    """Return a text on one line, with invisible characters as in JSON: \\u000a, \\u202e."""
    return IN_TEXTS.sub(_escape, text) if IN_TEXTS.search(text) else text


def shown_lines(text: str) -> str:
    """Return a text that may have several lines and tabs, with other invisible characters as in JSON."""
    return IN_LINES.sub(_escape, text) if IN_LINES.search(text) else text


def _escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))
