"""`/docs`: the HTTP API for people; for machines, see /openapi.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from fastapi.responses import HTMLResponse

from ...access.context import Context
from ..dependencies import aggregated
from .rendering import respond

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class Parameter:
    """A parameter of a call: where it goes, what it may be, and what it means."""

    name: str
    place: str
    choices: tuple[str, ...]
    default: str
    description: str


@dataclass(frozen=True)
class Call:
    """One method of one path."""

    method: str
    path: str
    paragraphs: tuple[str, ...]
    parameters: tuple[Parameter, ...]


@router.get("/docs", response_class=HTMLResponse)
def api(request: Request, context: Annotated[Context, Depends(aggregated)]) -> HTMLResponse:
    """Every call with its parameters."""
    values = {"calls": list(calls(request.app.openapi())), "public_url": context.settings.public_url}
    return respond(request, context, "api.html", values)


def calls(schema: Mapping[str, Any]) -> Iterator[Call]:
    """The calls of an OpenAPI schema."""
    for path, methods in schema["paths"].items():
        for method, about in methods.items():
            paragraphs = tuple(about.get("description", "").split("\n\n"))
            parameters = tuple(_parameter(found, schema) for found in about.get("parameters", ()))
            yield Call(method.upper(), path, paragraphs, parameters)


def _parameter(found: Mapping[str, Any], schema: Mapping[str, Any]) -> Parameter:
    kinds = [_resolved(kind, schema) for kind in found["schema"].get("anyOf", [found["schema"]])]
    choices = tuple(str(choice) for kind in kinds for choice in kind.get("enum", ()))
    default = found["schema"].get("default")
    return Parameter(
        found["name"],
        found["in"],
        choices,
        "" if default is None else str(default),
        found.get("description", ""),
    )


def _resolved(kind: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    if "$ref" not in kind:
        return kind
    resolved: Mapping[str, Any] = schema["components"]["schemas"][kind["$ref"].rsplit("/", 1)[-1]]
    return resolved
