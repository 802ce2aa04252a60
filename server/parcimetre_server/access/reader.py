"""Reader of a request: name, scope, and how they were recognised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.requests import HTTPConnection

from ..base.scope import Scope

AccessWay = Literal["machine", "token", "login"]


@dataclass(frozen=True)
class Reader:
    """A person or program that was recognised; `name` is empty where this machine is trusted."""

    scope: Scope
    name: str = ""
    door: AccessWay = "machine"


LOCAL_READER = Reader(Scope())


def reader_of(connection: HTTPConnection) -> Reader:
    """Return the reader of a request, who was recognised before any route saw it."""
    reader: Reader = connection.state.reader
    return reader
