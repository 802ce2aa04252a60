"""The present ClickHouse within the process, where chdb is installed: the statements of today's dialect."""

import itertools
import re
import tempfile
from pathlib import Path

import pytest
from parcimetre_server.store.clickhouse.engine import ClickHouseStore
from parcimetre_server.store.clickhouse.open import identify, make, version
from parcimetre_server.store.clickhouse.server import CODE, Refused
from parcimetre_server.store.interface import Store

DATABASES = (f"test_{n}" for n in itertools.count())
INSERT = re.compile(r"INSERT INTO (\w+) \((.*)\) FORMAT Native")
SESSIONS: list = []


class ChdbServer:
    """Takes the same statements as a server; rows to insert go by a file."""

    name = "chdb (shard 1 of 1)"

    def __init__(self, session) -> None:
        """Speak to a session, in a database of one's own."""
        self._session, self.database = session, next(DATABASES)

    def ask(self, sql: str, data: bytes | None = None, in_database: bool = True) -> bytes:
        """See Server.ask."""
        if in_database:
            self._run(f"USE {self.database}")
        if data is None:
            return self._run(sql)
        with tempfile.NamedTemporaryFile(suffix=".native") as file:
            Path(file.name).write_bytes(data)
            return self._run(
                INSERT.sub(rf"INSERT INTO \1 (\2) SELECT \2 FROM file('{file.name}', Native)", sql)
            )

    def _run(self, sql: str) -> bytes:
        try:
            return self._session.query(sql, "TabSeparated").bytes()
        except RuntimeError as error:
            raise Refused(str(error), int(CODE.search(str(error))[1])) from error

    def close(self) -> None:
        """The session is kept for the next."""


def chdb_store() -> Store:
    """A store in chdb; the test is skipped where there is none."""
    chdb = pytest.importorskip("chdb.session", reason="chdb is not installed: 173 MB, see docs/en/store.md")
    if not SESSIONS:
        SESSIONS.append(chdb.Session())
    server = ChdbServer(SESSIONS[0])
    make(server, version(server))
    identify([server], create=True)
    return ClickHouseStore([server])
