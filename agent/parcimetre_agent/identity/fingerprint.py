"""Fingerprint of the hardware: a keyed hash of what its firmware states, by numbered rules."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ..identification.fillers import RULES, is_filler_serial
from ..identification.hashes import keyed_hash
from .firmware_facts import fact

_UNIQUE = ("product_serial", "product_uuid", "board_serial")
_MODEL = ("sys_vendor", "product_name", "board_name")


class Identifiers(NamedTuple):
    """What the firmware states, as it states it; None where it does not, or not to this account.

    `unique` are serial number, UUID and board's serial number, `model` are maker, product and board.
    """

    unique: Sequence[str | None]
    model: Sequence[str | None]


def identifiers(root: Path = Path("/")) -> Identifiers:
    """Read what the firmware states of this machine."""
    return Identifiers([fact(root, name) for name in _UNIQUE], [fact(root, name) for name in _MODEL])


def fingerprint(root: Path = Path("/")) -> str | None:
    """Return the keyed hash of what the firmware states of this machine.

    None where it states nothing usable, or only to root and this is not root.
    """
    return fingerprint_of(identifiers(root))


def fingerprint_of(stated: Identifiers, rules: int = RULES) -> str | None:
    """Return the fingerprint of a machine whose firmware states this, by these rules."""
    return _fingerprint(_usable(stated, rules), stated.model)


def with_fewer_rights(stated: Identifiers, rules: int = RULES) -> set[str | None]:
    """Return the fingerprints of this machine with only some of its facts readable."""
    usable = _usable(stated, rules)
    return {
        _fingerprint([one if seen else "" for one, seen in zip(usable, which)], stated.model)
        for which in itertools.product((True, False), repeat=len(usable))
    } - {None}


def _usable(stated: Identifiers, rules: int) -> list[str]:
    """Serial number, UUID and board's serial number; a placeholder or what may not be read is empty."""
    return ["" if is_filler_serial(one, rules) else (one or "").strip().lower() for one in stated.unique]


def _fingerprint(usable: Sequence[str], model: Sequence[str | None]) -> str | None:
    """A UUID that no serial number stands beside is known to be shared; the model narrows it."""
    if not any(usable):
        return None
    serial, _, board = usable
    narrowed = [] if serial or board else [one or "" for one in model]
    return keyed_hash("machine", *usable, *narrowed)
