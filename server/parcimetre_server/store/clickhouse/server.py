"""One ClickHouse server over HTTP: a statement in, columns out; what goes wrong becomes a sentence."""

from __future__ import annotations

import re
import weakref
from collections.abc import Mapping
from typing import Protocol

import httpx

from ..errors import StoreUnusable
from .address import Address
from .native import Columns, NotNative, Values, decode, encode

CONNECT_S, ANSWER_S = 5.0, 120.0
KEPT_ALIVE_S = 2.0  # below the server's own 3 s, so that it does not hang up on a statement
CODE = re.compile(r"Code: (\d+)")
MOST_TOLD = 300
START_ONCE = "start `parcimetre serve` with this store once"
UNKNOWN_TABLE, EXISTS, UNKNOWN_DATABASE = 60, 57, 81
NOT_KNOWN = (192, 193, 194, 516)
NOT_ALLOWED = (164, 291, 497)


class Refused(StoreUnusable):
    """ClickHouse's own error, with its code."""

    def __init__(self, sentence: str, code: int) -> None:
        """Keep the code beside the sentence."""
        super().__init__(sentence)
        self.code = code


class Server(Protocol):
    """Takes statements; `name` says which server and shard it is."""

    name: str
    database: str

    def ask(self, sql: str, data: bytes | None = None, in_database: bool = True) -> bytes:
        """The whole answer to a statement, whose rows to insert are `data`. Raises StoreUnusable."""

    def close(self) -> None:
        """Hang up."""


class HttpServer:
    """A server at an address. A statement that found a dead connection is sent once more.

    That is safe, because what it inserts has its version or sequence in it: rows that arrive twice are one.
    """

    def __init__(self, address: Address, password: str, shard: int, shards: int) -> None:
        """Connect at the first statement."""
        self.database = address.database
        self.name = f"{address.base} (shard {shard} of {shards})"
        self.settings: dict[str, str] = {}
        self._user = address.user
        self._client = httpx.Client(
            base_url=address.base,
            auth=(address.user, password),
            timeout=httpx.Timeout(ANSWER_S, connect=CONNECT_S),
            limits=httpx.Limits(keepalive_expiry=KEPT_ALIVE_S),
            transport=httpx.HTTPTransport(retries=1),
        )
        weakref.finalize(self, self._client.close)

    def ask(self, sql: str, data: bytes | None = None, in_database: bool = True) -> bytes:
        """See Server.ask. The server holds the answer back until it is whole."""
        parameters = {"wait_end_of_query": "1", "max_query_size": "16777216", **self.settings}
        if in_database:
            parameters["database"] = self.database
        if data is not None:
            parameters["query"] = sql
        answer = self._post(parameters, sql.encode() if data is None else data)
        if answer.status_code != httpx.codes.OK:
            raise self._refusal(answer.text)
        return answer.content

    def close(self) -> None:
        """See Server.close."""
        self._client.close()

    def _post(self, parameters: dict[str, str], body: bytes) -> httpx.Response:
        try:
            try:
                return self._client.post("/", params=parameters, content=body)
            except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
                return self._client.post("/", params=parameters, content=body)
        except (httpx.HTTPError, OSError) as error:
            raise StoreUnusable(
                f"the ClickHouse server {self.name} does not answer ({error}): start it, or correct "
                "the address; nothing is read or written while a server is missing"
            ) from error

    def _refusal(self, text: str) -> Refused:
        found = CODE.search(text)
        code = int(found[1]) if found else 0
        if code in NOT_KNOWN:
            told = (
                f"{self.name} refuses the login of {self._user!r}: correct the user in the store's "
                "address, or the password in the file given with --store-password-file"
            )
        elif code in NOT_ALLOWED:
            told = (
                f"{self.name} does not let {self._user!r} do that ({_short(text)}): grant it SELECT, INSERT, "
                f"CREATE TABLE, DROP TABLE, ALTER ADD COLUMN and ALTER DELETE on {self.database}"
            )
        elif code == UNKNOWN_DATABASE:
            told = f"{self.name} has no database {self.database}: {START_ONCE}"
        elif code == UNKNOWN_TABLE:
            told = f"{self.name} has no store in {self.database}: {START_ONCE}"
        else:
            told = f"{self.name} failed ({_short(text)}): fix this and try again"
        return Refused(told, code)


def select(server: Server, sql: str) -> Columns:
    """Columns of a query."""
    try:
        return decode(server.ask(f"{sql} FORMAT Native"))
    except NotNative as error:
        raise StoreUnusable(f"{server.name} sent an invalid answer: {error}") from error


def insert(
    server: Server, table: str, types: Mapping[str, str], values: Mapping[str, Values], n: int
) -> None:
    """Add n rows to a table, in one block."""
    server.ask(f"INSERT INTO {table} ({', '.join(types)}) FORMAT Native", encode(types, values, n))


def quoted(text: str) -> str:
    """A text as a literal of a statement."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0")
    return f"'{escaped}'"


def _short(text: str) -> str:
    first = text.strip().splitlines()[0] if text.strip() else "no reason given"
    return first.replace(", e.what() = DB::Exception", "")[:MOST_TOLD]
