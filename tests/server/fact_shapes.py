"""Compare the body of a fact with the typed shape of its kind."""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, NotRequired, get_args, get_origin, get_type_hints, is_typeddict

from parcimetre_server.store.fact_schema import SCHEMAS
from parcimetre_server.store.records import Fact


def faults(fact: Fact) -> list[str]:
    """What of a fact's body is not as its kind's shape says; of several shapes, as the nearest says."""
    found = [list(_faults(fact.body, shape, "body")) for shape in SCHEMAS[fact.kind].shapes]
    return [f"{fact.kind} {fact.key}: {fault}" for fault in min(found, key=len)]


def _faults(value: Any, hint: Any, where: str) -> Iterator[str]:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is NotRequired:
        yield from _faults(value, parts[0], where)
    elif is_typeddict(hint) and isinstance(value, dict):
        yield from _of_fields(value, hint, where)
    elif isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, dict):
        for name, item in value.items():
            yield from _faults(item, parts[1], f"{where}.{name}")
    elif origin in (list, tuple) and isinstance(value, list):
        for i, item in enumerate(value):
            yield from _faults(item, parts[i if origin is tuple else 0], f"{where}[{i}]")
    elif not _is_of(value, hint, where):
        yield f"{where} is {value!r}"


def _is_of(value: Any, hint: Any, where: str) -> bool:
    """Whether a value is one of a Literal, of a union, or of a plain type; a whole number is a float too."""
    parts = get_args(hint)
    if get_origin(hint) is Literal:
        return value in parts
    if parts:
        return any(not list(_faults(value, part, where)) for part in parts)
    return hint is Any or type(value) is hint or (hint is float and type(value) is int)


def _of_fields(value: Mapping[str, Any], shape: Any, where: str) -> Iterator[str]:
    hints = get_type_hints(shape, include_extras=True)
    optional = {name for name, hint in hints.items() if get_origin(hint) is NotRequired}
    yield from (f"{where}.{name} is missing" for name in hints.keys() - value.keys() - optional)
    yield from (f"{where}.{name} is not in the shape" for name in value.keys() - hints.keys())
    for name in hints.keys() & value.keys():
        yield from _faults(value[name], hints[name], f"{where}.{name}")
