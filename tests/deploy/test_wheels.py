"""Each distribution installs alone and starts: only that shows a missing dependency."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from bootstrap import SETTINGS, find_uv


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Wheels of the three distributions, as they would be published."""
    folder = tmp_path_factory.mktemp("wheels")
    _uv("build", "--wheel", "--all-packages", "--out-dir", str(folder))
    return folder


def _uv(*arguments: str) -> None:
    env = SETTINGS | os.environ
    done = subprocess.run(
        [find_uv(), *arguments], cwd=ROOT, env=env, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr


def _install(wheels: Path, name: str, folder: Path) -> Path:
    _uv("venv", "--quiet", "--python", sys.executable, str(folder))
    _uv("pip", "install", "--quiet", "--python", str(folder), "--find-links", str(wheels), name)
    return folder


def _run(venv: Path, *command: str) -> str:
    done = subprocess.run(
        [venv / "bin" / command[0], *command[1:]], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _packages(venv: Path) -> set[str]:
    found = venv.glob("lib/python*/site-packages/*.dist-info")
    return {path.name.split("-")[0].lower() for path in found}


def test_agent_alone_starts_and_brings_no_validation_or_array_library(wheels: Path, tmp_path: Path) -> None:
    venv = _install(wheels, "parcimetre-agent", tmp_path / "venv")
    assert '"schema"' in _run(venv, "parcimetre-agent", "once", "--print")
    assert _packages(venv).isdisjoint(
        {"pydantic", "numpy", "parcimetre", "parcimetre_factors", "apscheduler"}
    )


def test_factors_alone_loads_its_tables(wheels: Path, tmp_path: Path) -> None:
    venv = _install(wheels, "parcimetre-factors", tmp_path / "venv")
    load = "import parcimetre_factors as f; assert f.load_factor_set().factors"
    _run(venv, "python", "-c", load)
    assert _packages(venv).isdisjoint({"parcimetre", "parcimetre_agent", "fastapi"})


def test_collector_alone_knows_its_commands_templates_and_languages(wheels: Path, tmp_path: Path) -> None:
    venv = _install(wheels, "parcimetre", tmp_path / "venv")
    assert "serve" in _run(venv, "parcimetre", "--help")
    shipped = {path.suffix for path in venv.glob("lib/python*/site-packages/parcimetre_server/**/*")}
    assert {".html", ".css", ".po", ".sql"} <= shipped
