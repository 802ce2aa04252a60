"""Normal forms of the names that devices state: printable, of bounded length, without the maker."""

from __future__ import annotations


def printable(value: object) -> str | None:
    """Return a text without unprintable characters, at most 200 long; None for an empty one."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    return "".join(one for one in value if one.isprintable()).strip()[:200] or None


def first_word(text: str | None) -> str | None:
    """Return the first word of a description, where the maker often stands."""
    return text.split()[0][:40] if text else None


def clipped(text: str | None, longest: int = 200) -> str | None:
    """Return a text cut to the length that the report allows; None for an empty one."""
    return text[:longest] if text else None


def without_maker(model: str | None, maker: str) -> str | None:
    """Return a model without its maker's name before it."""
    if model is None or not model.upper().startswith(f"{maker.upper()} "):
        return model
    return model[len(maker) :].strip()
