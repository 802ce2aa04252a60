"""Validation of a report against the wire format; the good records of a partly bad one are used."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from parcimetre_agent.report import SCHEMAS, Refusal, Report
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from ..base.errors import ParcimetreError
from ..fleet.inventories import PART as INVENTORY
from ..fleet.inventories import split_items

LONGEST_NAME = 40
MOST_ERRORS = 20_000  # listing them takes 40 ms; twenty for each record of the largest report
UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
REPORT = TypeAdapter(Report)
Part = Literal["slots", "gaps", "inventory", "self_cost", "losses", "printing", "feeds", "hardware"]
LISTS: tuple[Part, ...] = ("slots", "gaps", "printing", "feeds")
PARTS: tuple[Part, ...] = get_args(Part)
MANY_DIGITS = re.compile(rb"(\d{400})\d+")
"""Digits of a number beyond what any bound of the format has; JSON readers refuse thousands of them."""


class BadReport(ParcimetreError):
    """A report of which no part can be read."""

    status = 422
    kind = "bad-report"


class UnknownSchema(ParcimetreError):
    """A version of the wire format that this collector does not know.

    Not 422: an agent that gets "unprocessable" looks for the bad record and sets it aside, while here all
    records are good and must stay in its spool.
    """

    status = 409
    kind = "unknown-schema"


@dataclass(frozen=True)
class RefusedRecord:
    """A record as it was sent, and why it was refused."""

    refusal: Refusal
    record: Any


def readable_schemas() -> str:
    """Return the versions of the wire format that this collector reads, such as "1, 2"."""
    return ", ".join(map(str, SCHEMAS))


def parse(body: bytes) -> tuple[Report, list[RefusedRecord]]:
    """Return the report without the records that contradict the format, and those records.

    Raises UnknownSchema, and BadReport where the fault is not in a record.
    """
    try:
        return REPORT.validate_json(body), []
    except ValidationError as error:
        return _parse_without_bad_records(body, error)


def _parse_without_bad_records(body: bytes, error: ValidationError) -> tuple[Report, list[RefusedRecord]]:
    try:
        raw = _json(body)
    except ValueError as syntax:
        raise BadReport(f"report refused: it is not JSON ({syntax}); send it again") from None
    if not isinstance(raw, dict):
        raise BadReport("report refused: it is not a JSON object; see docs/en/wire-format.md")
    if raw.get("schema") not in SCHEMAS:
        raise UnknownSchema(
            f"unknown report schema {repr(raw.get('schema'))[:LONGEST_NAME]} (this collector reads "
            f"{readable_schemas()}): update the older of agent and collector; the agent stores its data "
            "until then"
        )
    if error.error_count() > MOST_ERRORS:
        raise BadReport(f"report refused: it has more than {MOST_ERRORS} errors; update the agent")
    refused = list(_bad_items(raw))
    try:
        return REPORT.validate_json(json.dumps(raw)), refused
    except ValidationError as others:
        error = others
    records = list(_bad_records(raw, error))
    for one in sorted(records, key=lambda one: -one.refusal.index):
        _remove(raw, one.refusal)
    refused += records
    try:
        return REPORT.validate_json(json.dumps(raw)), refused
    except ValidationError as still:
        raise BadReport(f"report refused: {_sentence(still.errors(include_url=False))}") from None


def _json(body: bytes) -> Any:
    """Return a report's JSON; thousands of digits are cut to hundreds. Raises ValueError."""
    try:
        return from_json(body)
    except ValueError:
        return from_json(MANY_DIGITS.sub(rb"\1", body))


def _bad_items(raw: dict[str, Any]) -> Iterator[RefusedRecord]:
    """Leave single items that contradict the format out of the inventory; yield each of them."""
    if isinstance(raw.get(INVENTORY), dict):
        raw[INVENTORY], left_out = split_items(raw[INVENTORY])
        for one in left_out:
            reason = f"{one.reason}; the rest of the inventory is stored. Update the agent"
            yield RefusedRecord(Refusal(one.part, one.index, reason), one.item)


def _bad_records(raw: dict[str, Any], error: ValidationError) -> Iterator[RefusedRecord]:
    """Yield each record that has errors, with all of them as its reason."""
    errors: dict[tuple[Part, int], list[ErrorDetails]] = {}
    for details in error.errors(include_url=False):
        place = details["loc"]
        part = next((part for part in PARTS if place and place[0] == part), None)
        if part in LISTS and len(place) > 1 and isinstance(place[1], int):
            errors.setdefault((part, place[1]), []).append(details)
        elif part is not None and part not in LISTS:
            errors.setdefault((part, 0), []).append(details)
    for (part, index), of_record in errors.items():
        record = raw[part][index] if part in LISTS else raw[part]
        yield RefusedRecord(Refusal(part, index, f"{_sentence(of_record)}; update the agent"), record)


def _sentence(errors: Sequence[ErrorDetails]) -> str:
    """Format up to three errors: where, the value given, the value expected.

    The value of an unknown field is left out, as it may be anything, and so is an object that may have one.
    """
    parts = []
    for details in errors[:3]:
        place = "".join(map(_step, details["loc"]))
        what = details["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
        given = repr(details["input"])
        is_one_value = not isinstance(details["input"], dict | list)
        shown = details["type"] not in UNKNOWN_FIELD and is_one_value and len(given) <= 60
        parts.append(f"{place.lstrip('.') or 'report'}{f' = {given}' if shown else ''}: {what}")
    return "; ".join(parts)


def _step(part: int | str) -> str:
    """Format an index or a field name of a path; a name that the sender invented is quoted and cut."""
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part.isidentifier() and len(part) <= LONGEST_NAME else f".{part[:LONGEST_NAME]!r}"


def _remove(raw: dict[str, Any], refusal: Refusal) -> None:
    """Remove a refused record from a report's JSON object."""
    if refusal.part in LISTS:
        del raw[refusal.part][refusal.index]
    else:
        del raw[refusal.part]
