"""Reading of inventories: single items that contradict the wire format are left out, the rest is used.

The same rule applies to an inventory that arrives and to one that was stored under wider bounds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import Any, get_type_hints

from annotated_types import MaxLen
from parcimetre_agent.report import Inventory, OperatingSystem, Printer, System
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from .organisation_hashes import FORM

INVENTORY = TypeAdapter(Inventory)
PART = "inventory"
LONGEST_NAME, LONGEST_VALUE = 40, 60  # characters that are shown
MOST_ROUNDS = 3
UNKNOWN_FIELD = ("extra_forbidden", "unexpected_keyword_argument")
Json = dict[str, Any]
Check = Callable[[Json], Inventory]


def _required(shape: type) -> frozenset[str]:
    """Return the fields that a dataclass of the wire format cannot do without."""
    return frozenset(
        one.name for one in fields(shape) if one.default is MISSING and one.default_factory is MISSING
    )


def _lists() -> dict[str, int]:
    """Return the fields of an inventory that are lists, each with the greatest number of items."""
    hints = get_type_hints(Inventory, include_extras=True)
    return {
        name: bound.max_length
        for name, hint in hints.items()
        for bound in getattr(hint, "__metadata__", ())
        if isinstance(bound, MaxLen)
    }


LISTS: Mapping[str, int] = _lists()
REQUIRED = _required(Inventory)
REQUIRED_IN = {
    name: _required(one) for name, one in (("system", System), ("os", OperatingSystem), ("printer", Printer))
}


@dataclass(frozen=True)
class LeftOutItem:
    """An item that an inventory does without: `part` is like `inventory.memory`, `index` the item's place."""

    part: str
    index: int
    item: Any
    reason: str


def as_sent(raw: Json) -> Inventory:
    """Return an inventory from JSON as an agent sends it, strictly. Raises ValidationError."""
    return INVENTORY.validate_json(json.dumps(raw))


def as_stored(raw: Json) -> Inventory:
    """Return an inventory from a stored body. Raises ValidationError."""
    return INVENTORY.validate_python(raw, strict=False)


def split_items(raw: Json, check: Check = as_sent) -> tuple[Json, list[LeftOutItem]]:
    """Return an inventory without the items that contradict the wire format, and those items.

    What contradicts it elsewhere, such as in the time or the category, stays in it: without that, nothing of
    an inventory can be used.
    """
    kept = dict(raw)
    left_out = list(_cut_surplus(kept))
    for _ in range(MOST_ROUNDS):
        try:
            check(kept)
        except ValidationError as error:
            found = _remove_items(kept, error.errors(include_url=False, include_context=False))
            left_out += found
            if not found:
                break
        else:
            break
    return kept, left_out


def read_inventory(body: Mapping[str, Any]) -> tuple[Inventory, tuple[str, ...]]:
    """Return a stored inventory, and why items of it are left out. Raises ValidationError."""
    stated = {name: value for name, value in body.items() if name != FORM}
    try:
        return as_stored(stated), ()
    except ValidationError:
        kept, left_out = split_items(stated, as_stored)
        return as_stored(kept), tuple(item.reason for item in left_out)


def _cut_surplus(raw: Json) -> Iterator[LeftOutItem]:
    """Shorten lists that have too many items; yield what is cut off, once for each list."""
    for name, most in LISTS.items():
        items = raw.get(name)
        if isinstance(items, list) and len(items) > most:
            raw[name] = items[:most]
            reason = f"{PART}.{name} has {len(items)} items; the first {most} are used"
            yield LeftOutItem(f"{PART}.{name}", most, f"{len(items) - most} items", reason)


def _remove_items(raw: Json, errors: Sequence[ErrorDetails]) -> list[LeftOutItem]:
    """Remove the items that have errors; return them with the first error of each."""
    found: dict[tuple[str, int | str], ErrorDetails] = {}
    for details in errors:
        key = _item_of(raw, details["loc"])
        if key is not None:
            found.setdefault(key, details)
    left_out = [_left_out(raw, *key, details) for key, details in found.items()]
    for name in {name for name, _ in found}:
        gone = {at for which, at in found if which == name}
        if "" in gone:
            del raw[name]
        elif isinstance(raw[name], list):
            raw[name] = [item for at, item in enumerate(raw[name]) if at not in gone]
        else:
            raw[name] = {field: value for field, value in raw[name].items() if field not in gone}
    return left_out


def _item_of(raw: Json, loc: Sequence[int | str]) -> tuple[str, int | str] | None:
    """Return the smallest part with an error that may be left out: a list's item, or an object's field.

    Its second name is empty where all of the list or object goes; None where the inventory needs it.
    """
    name, at, *_ = (*loc, "", "")
    if not isinstance(name, str) or name not in raw:
        return None
    if isinstance(at, int) and name in LISTS:
        return name, at
    if name in REQUIRED_IN and isinstance(raw[name], dict) and at in raw[name].keys() - REQUIRED_IN[name]:
        return name, at
    return None if name in REQUIRED else (name, "")


def _left_out(raw: Json, name: str, at: int | str, details: ErrorDetails) -> LeftOutItem:
    """Return an item with its error; of an unknown field, which may be anything, no value is shown."""
    unknown = details["type"] in UNKNOWN_FIELD
    item = None if unknown else raw[name] if at == "" else raw[name][at]
    given = "" if unknown else _short(details["input"])
    what = details["msg"].removeprefix("Value error, ").replace("Input should be", "it should be")
    reason = f"{PART}{''.join(map(_step, details['loc']))}{given}: {what}"
    return LeftOutItem(f"{PART}.{name[:LONGEST_NAME]}", at if isinstance(at, int) else 0, item, reason)


def _short(value: Any) -> str:
    text = repr(value)
    return f" = {text}" if len(text) <= LONGEST_VALUE else ""


def _step(step: int | str) -> str:
    """Format an index or a field name of a path; a name that the sender invented is quoted and cut."""
    if isinstance(step, int):
        return f"[{step}]"
    return f".{step}" if step.isidentifier() and len(step) <= LONGEST_NAME else f".{step[:LONGEST_NAME]!r}"
