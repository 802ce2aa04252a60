"""Convert dataclasses of the wire format to JSON and back; absent fields are left out."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, cast

from ..recording.timeline import GapRecord
from ..report import (
    Energy,
    EnrolRequest,
    Feed,
    Gap,
    GapState,
    Inventory,
    Losses,
    Reading,
    Report,
    Slot,
    Supply,
)


def reading_fields(record: Reading) -> dict[str, Any]:
    """Return a printer's reading as JSON, without absent fields."""
    fields = _pruned(asdict(record))
    assert isinstance(fields, dict)
    return fields


def as_json(message: Report | EnrolRequest | Inventory | Losses) -> dict[str, Any]:
    """Return the message as the JSON object that is sent."""
    pruned = _pruned(asdict(message))
    assert isinstance(pruned, dict)
    return pruned


def slot_from(fields: dict[str, Any]) -> Slot:
    """Build a slot from spooled fields. Raises TypeError or ValueError when they do not fit."""
    energy = [Energy(**one) for one in fields.get("energy", [])]
    return Slot(**{**fields, "energy": energy})


def reading_from(fields: dict[str, Any]) -> Reading:
    """Build a printer's reading from stored fields. Raises TypeError or ValueError."""
    return Reading(**{**fields, "supplies": [Supply(**one) for one in fields.get("supplies", [])]})


def feed_from(fields: dict[str, Any]) -> Feed:
    """Build an outlet's feed from stored fields. Raises TypeError or ValueError."""
    return Feed(**fields)


def gap_from(record: GapRecord) -> Gap:
    """Build a gap from a spooled one. Raises ValueError when it does not fit."""
    return Gap(record.start, record.duration_s, cast(GapState, record.state))


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        pruned = {key: _pruned(one) for key, one in value.items()}
        return {key: one for key, one in pruned.items() if one is not None and one != []}
    if isinstance(value, list):
        return [_pruned(one) for one in value]
    return value
