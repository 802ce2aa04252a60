"""What the tests of the MSI share: where its build is, and two installers where `make test-msi` asks."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "deploy" / "msi")]


@pytest.fixture(scope="session")
def asked_for() -> None:
    """Skip where the minutes that building and installing take were not asked for, or cannot be spent."""
    from set_up_wine import ABSENT, READY

    if "PARCIMETRE_MSI" not in os.environ:
        pytest.skip("builds and installs the MSI only in `make test-msi`")
    if not READY.exists():
        pytest.skip(ABSENT.read_text() if ABSENT.exists() else "Wine is not set up: make wine")


@pytest.fixture(scope="session")
def msis(asked_for: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Path]]:
    """Two builds of this checkout, as two versions."""
    import build
    from set_up_wine import PREFIX
    from wine import environment, session

    build.install_programs()
    folder = tmp_path_factory.mktemp("msi")
    made = {version: folder / f"{version}.msi" for version in ("1.0.0", "1.1.0")}
    python = build.chosen_python(None)
    with session(environment(PREFIX)):
        for version, msi in made.items():
            build.build(msi, version, python)
    yield made
    shutil.rmtree(folder)
