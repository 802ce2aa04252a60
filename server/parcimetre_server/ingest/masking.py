"""Masking of refused records: values of fields that the wire format does not have, which may be anything."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Mapping
from typing import Any

from parcimetre_agent import report

LONGEST_NAME = 40
MASKED = "(unknown field)"
KNOWN = frozenset(
    field.name
    for _, shape in inspect.getmembers(report, dataclasses.is_dataclass)
    for field in dataclasses.fields(shape)
)


def masked(record: Any) -> Any:
    """Return a record with MASKED for the values of unknown fields, and their names cut."""
    if isinstance(record, Mapping):
        return {
            str(name)[:LONGEST_NAME]: masked(value) if name in KNOWN else MASKED
            for name, value in record.items()
        }
    return [masked(value) for value in record] if isinstance(record, list) else record
