"""Validate a report against the wire format; salvage good records of a bad one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from parcimetre_agent.report import SCHEMA, Refusal, Report
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails, from_json

from ..base.errors import ParcimetreError

LONGEST_NAME = 40
UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
REPORT = TypeAdapter(Report)
Part = Literal["slots", "gaps", "inventory", "self_cost", "losses", "printing", "feeds"]
LISTS: tuple[Part, ...] = ("slots", "gaps", "printing", "feeds")
PARTS: tuple[Part, ...] = get_args(Part)


class BadReport(ParcimetreError):
    """A report that is not understood as a whole."""

    status = 422
    kind = "bad-report"


class UnknownSchema(ParcimetreError):
    """A version of the wire format that is not known here.

    Not 422: an agent that reads "unprocessable" looks for the bad record and sets it aside, while here all
    of them are good and must stay in its spool.
    """

    status = 409
    kind = "unknown-schema"


@dataclass(frozen=True)
class _Dead:
    refusal: Refusal
    record: Any


def parse(body: bytes) -> tuple[Report, list[_Dead]]:
    """The report, without the records that contradict the format, and those records.

    Raises UnknownSchema and BadReport.
    """
    try:
        return REPORT.validate_json(body), []
    except ValidationError as error:
        return _salvaged(body, error)


def _salvaged(body: bytes, error: ValidationError) -> tuple[Report, list[_Dead]]:
    try:
        raw = from_json(body)
    except ValueError as syntax:
        raise BadReport(f"report refused: it is not JSON ({syntax}); send it again") from None
    if not isinstance(raw, dict):
        raise BadReport("report refused: it is not a JSON object; see docs/en/wire-format.md")
    if raw.get("schema") != SCHEMA:
        raise UnknownSchema(
            f"unknown report schema {raw.get('schema')!r} (this collector reads {SCHEMA}): update "
            "the older of agent and collector; the agent stores its data until then"
        )
    dead = list(_bad_records(raw, error))
    for letter in sorted(dead, key=lambda letter: -letter.refusal.index):
        _take_out(raw, letter.refusal)
    try:
        return REPORT.validate_json(json.dumps(raw)), dead
    except ValidationError as still:
        raise BadReport(f"report refused: {_sentence(still.errors(include_url=False))}") from None


def _bad_records(raw: dict[str, Any], error: ValidationError) -> Iterator[_Dead]:
    """One dead letter for each record that has errors."""
    found: dict[tuple[Part, int], list[ErrorDetails]] = {}
    for finding in error.errors(include_url=False):
        place = finding["loc"]
        part = next((part for part in PARTS if place and place[0] == part), None)
        if part in LISTS and len(place) > 1 and isinstance(place[1], int):
            found.setdefault((part, place[1]), []).append(finding)
        elif part is not None and part not in LISTS:
            found.setdefault((part, 0), []).append(finding)
    for (part, index), findings in found.items():
        record = raw[part][index] if part in LISTS else raw[part]
        yield _Dead(Refusal(part, index, f"{_sentence(findings)}; update the agent"), record)


def _sentence(findings: Sequence[ErrorDetails]) -> str:
    """Where, what was given and what is due; the value of an unknown field is not repeated."""
    told = []
    for finding in findings[:3]:
        place = "".join(map(_step, finding["loc"]))
        what = finding["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
        given = repr(finding["input"])
        shown = finding["type"] not in UNKNOWN_FIELD and len(given) <= 60
        told.append(f"{place.lstrip('.') or 'report'}{f' = {given}' if shown else ''}: {what}")
    return "; ".join(told)


def _step(part: int | str) -> str:
    """An index or a name on the way to a value; a made-up name in a form that can be printed."""
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if part.isidentifier() and len(part) <= LONGEST_NAME else f".{part[:LONGEST_NAME]!r}"


def _take_out(raw: dict[str, Any], refusal: Refusal) -> None:
    if refusal.part in LISTS:
        del raw[refusal.part][refusal.index]
    else:
        del raw[refusal.part]
