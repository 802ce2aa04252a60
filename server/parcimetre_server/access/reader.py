"""Who is asking: a name, what they may see, and by which door they came."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from starlette.requests import HTTPConnection

from ..base.scope import WHOLE, Scope

AccessWay = Literal["machine", "token", "login"]


@dataclass(frozen=True)
class Reader:
    """Somebody who was recognised; `name` is empty for who sits at the collector's own machine."""

    scope: Scope
    name: str = ""
    door: AccessWay = "machine"


LOCAL_READER = Reader(WHOLE)


def reader_of(connection: HTTPConnection) -> Reader:
    """The reader of a request, whom `access` recognised before any route saw it."""
    reader: Reader = connection.state.reader
    return reader
