"""Displays as the report carries them, from their EDID."""

from __future__ import annotations

from ..identification.edid import Edid
from ..identification.hashes import serial_hash
from ..report import Display


def reported_display(seen: Edid, built_in: bool) -> Display:
    """Return the display with its serial number as a keyed hash; a built-in panel has none."""
    facts = seen._asdict()
    serial = facts.pop("serial")
    hashed = None if built_in else serial_hash(f"{seen.maker} {seen.product}", serial)
    return Display(built_in=built_in, serial_hash=hashed, **facts)
