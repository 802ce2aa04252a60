"""Fingerprint of the hardware: a keyed hash of what its firmware states."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path

from ..identification.fillers import is_filler_serial
from ..identification.hashes import keyed_hash
from .firmware_facts import fact

_UNIQUE = ("product_serial", "product_uuid", "board_serial")
_MODEL = ("sys_vendor", "product_name", "board_name")


def fingerprint(root: Path = Path("/")) -> str | None:
    """Return the keyed hash of what the firmware states of this machine.

    None where it states nothing usable, or only to root and this is not root.
    """
    return _fingerprint(root, _stated(root))


def _stated(root: Path) -> list[str]:
    """Serial number, UUID and board's serial number; a placeholder or what may not be read is empty."""
    facts = [fact(root, name) for name in _UNIQUE]
    return ["" if is_filler_serial(one) else (one or "").strip().lower() for one in facts]


def _fingerprint(root: Path, stated: Sequence[str]) -> str | None:
    """A UUID that no serial number stands beside is known to be shared; the model narrows it."""
    if not any(stated):
        return None
    serial, _, board = stated
    model = [] if serial or board else [fact(root, name) or "" for name in _MODEL]
    return keyed_hash("machine", *stated, *model)


def with_fewer_rights(root: Path) -> set[str | None]:
    """Return the fingerprints of this machine with only some of its facts readable."""
    stated = _stated(root)
    return {
        _fingerprint(root, [one if seen else "" for one, seen in zip(stated, which)])
        for which in itertools.product((True, False), repeat=len(stated))
    } - {None}
