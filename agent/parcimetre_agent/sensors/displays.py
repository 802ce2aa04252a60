"""Displays as the report carries them, from their EDID."""

from __future__ import annotations

from ..identification.edid import Edid
from ..identification.hashes import asset_hash, serial_hash
from ..report import Display


def reported_display(seen: Edid, built_in: bool) -> Display:
    """Return the display with its serial number as keyed hashes; a built-in panel has none."""
    facts = seen._asdict()
    stated = facts.pop("serial")
    serial = None if built_in else stated
    return Display(
        built_in=built_in,
        serial_hash=serial_hash(f"{seen.maker} {seen.product}", serial),
        asset_hash=asset_hash(serial),
        **facts,
    )
