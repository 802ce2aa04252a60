"""Paths of org units: names from the top joined by "/", like Métropole/Commune/Direction."""

from __future__ import annotations

from .errors import ParcimetreError
from .names import MOST_CHARACTERS as MOST_OF_NAME
from .names import name_fault

MOST_CHARACTERS = 300


class BadOrgUnit(ParcimetreError):
    """A name that cannot be an org unit's or a site's."""


def clean_path(path: str) -> str:
    """The path with blanks trimmed. Raises BadOrgUnit when a name in it is empty or it is too long.

    For a unit that exists already; a new one needs `new_path`.
    """
    names = [name.strip() for name in path.split("/")]
    if not all(names) or len(path) > MOST_CHARACTERS:
        raise BadOrgUnit(
            f"{path[:MOST_OF_NAME]!r} is not a valid org unit: give names joined by '/', like "
            "'Métropole/Commune'"
        )
    return "/".join(names)


def new_path(path: str) -> str:
    """The path of a new unit with blanks trimmed. Raises BadOrgUnit also where a name is not valid."""
    path = clean_path(path)
    for name in path.split("/"):
        fault = name_fault(name)
        if fault:
            raise BadOrgUnit(f"{name[:MOST_OF_NAME]!r} is not a valid name: {fault}. Choose another name.")
    return path


def within(path: str, root: str) -> bool:
    """Whether a unit is `root` or below it."""
    return path == root or path.startswith(f"{root}/")


SMALL = "small_groups"
