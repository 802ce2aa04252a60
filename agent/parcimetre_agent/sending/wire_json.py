"""Dataclasses of the wire format as JSON documents: what is absent is left out, to keep reports small."""

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


def pruned(record: Reading) -> dict[str, Any]:
    """A printer's reading as the report has it."""
    fields = _pruned(asdict(record))
    assert isinstance(fields, dict)
    return fields


def document(message: Report | EnrolRequest | Inventory | Losses) -> dict[str, Any]:
    """The message as the JSON object that is sent."""
    pruned = _pruned(asdict(message))
    assert isinstance(pruned, dict)
    return pruned


def slot(fields: dict[str, Any]) -> Slot:
    """A spooled slot as the wire format has it. Raises TypeError or ValueError when they do not fit."""
    energy = [Energy(**one) for one in fields.get("energy", [])]
    return Slot(**{**fields, "energy": energy})


def reading(fields: dict[str, Any]) -> Reading:
    """A printer's reading that waited, as the wire format has it. Raises TypeError or ValueError."""
    return Reading(**{**fields, "supplies": [Supply(**one) for one in fields.get("supplies", [])]})


def feed(fields: dict[str, Any]) -> Feed:
    """What an outlet gave, as the wire format has it. Raises TypeError or ValueError."""
    return Feed(**fields)


def gap(record: GapRecord) -> Gap:
    """A spooled gap as the wire format has it. Raises ValueError when it does not fit."""
    return Gap(record.start, record.duration_s, cast(GapState, record.state))


def _pruned(value: Any) -> Any:
    if isinstance(value, dict):
        pruned = {key: _pruned(one) for key, one in value.items()}
        return {key: one for key, one in pruned.items() if one is not None and one != []}
    if isinstance(value, list):
        return [_pruned(one) for one in value]
    return value
