"""Paths of org units: names from the top joined by "/", like Métropole/Commune/Direction."""

from __future__ import annotations

from .errors import ParcimetreError

MOST_CHARACTERS = 300


class BadOrgUnit(ParcimetreError):
    """A name that cannot be an org unit's or a site's."""


def clean_path(path: str) -> str:
    """The path with blanks trimmed. Raises BadOrgUnit when a name in it is empty or it is too long."""
    names = [name.strip() for name in path.split("/")]
    if not all(names) or len(path) > MOST_CHARACTERS:
        raise BadOrgUnit(
            f"{path!r} is not a valid org unit: give names joined by '/', like 'Métropole/Commune'"
        )
    return "/".join(names)


def within(path: str, root: str) -> bool:
    """Whether a unit is `root` or below it."""
    return path == root or path.startswith(f"{root}/")


SMALL = "small_groups"
