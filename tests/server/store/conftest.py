"""Every engine of the store, empty."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from parcimetre_server.store import Store
from parcimetre_server.store.embedded import open_store


@pytest.fixture(params=["embedded"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each engine."""
    engines = {"embedded": lambda: open_store(tmp_path / "data", create=True)}
    opened = engines[request.param]()
    yield opened
    opened.close()
