"""Every engine of the store, empty: SQLite, one ClickHouse server, two of them, chdb where there is one."""

import itertools
import sys
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from parcimetre_server.access.context import Context
from parcimetre_server.access.served_settings import open_as_served
from parcimetre_server.store.clickhouse import open_store as open_clickhouse
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.interface import Store

from .recorded_store import NOW, RECORDED

sys.path.insert(0, str(Path(__file__).parent))
from chdb_server import chdb_store
from clickhouse_server import BINARY, PASSWORD, USER, ClickHouse

sys.path.pop(0)
DATABASES = (f"test_{n}" for n in itertools.count())
NEEDED = pytest.mark.skipif(BINARY is None, reason="clickhouse-server is not installed: apt-get install it")


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[ClickHouse]]:
    """Two servers, started once and shared by the tests, each of which has databases of its own."""
    if BINARY is None:
        pytest.skip("clickhouse-server is not installed: apt-get install it")
    folder = tmp_path_factory.mktemp("clickhouse")
    made = [ClickHouse(folder / name) for name in ("one", "two")]
    try:
        for server in made:
            server.start()
        yield made
    finally:
        for server in made:
            server.stop(kill=True)


def address(servers: list[ClickHouse], user: str = USER) -> str:
    """The address of a new store on these servers."""
    first = f"clickhouse+http://{user}@127.0.0.1:{servers[0].port}/{next(DATABASES)}"
    return ",".join([first, *(server.base for server in servers[1:])])


@pytest.fixture
def urls(servers: list[ClickHouse]) -> str:
    """The address of a new store with two shards."""
    return address(servers)


@pytest.fixture(
    params=[
        "embedded",
        pytest.param("clickhouse", marks=(NEEDED, pytest.mark.slow)),
        pytest.param("shards", marks=(NEEDED, pytest.mark.slow)),
        pytest.param("chdb", marks=pytest.mark.slow),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each engine."""

    def clickhouse(shards: int) -> Store:
        return open_clickhouse(address(request.getfixturevalue("servers")[:shards]), PASSWORD, create=True)

    engines = {
        "embedded": lambda: open_store(tmp_path / "data", create=True),
        "clickhouse": lambda: clickhouse(1),
        "shards": lambda: clickhouse(2),
        "chdb": chdb_store,
    }
    opened = engines[request.param]()
    yield opened
    opened.close()


@pytest.fixture
def recorded(tmp_path: Path, clock_at: Callable[[int], None]) -> Iterator[Context]:
    """The collector of a copy, as it was served last, at the time at which it was."""
    with tarfile.open(RECORDED / "store.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    clock_at(NOW)
    collector = open_as_served(tmp_path)
    yield replace(collector, settings=replace(collector.settings, trust_this_machine=True))
    collector.store.close()
