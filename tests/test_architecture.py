"""The architecture pages name the wings, files and caches that there are."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "parcimetre_server": ROOT / "server/parcimetre_server",
    "parcimetre_agent": ROOT / "agent/parcimetre_agent",
    "parcimetre_factors": ROOT / "factors/parcimetre_factors",
}
MOST_FILES = {"parcimetre_server": 0, "parcimetre_agent": 6, "parcimetre_factors": 6}  # outside wings
MOST_FLOORS = 12


@pytest.fixture(params=["en", "fr"])
def page(request):
    return (ROOT / "docs" / request.param / "architecture.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def floors():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    return {
        contract["containers"][0]: contract["layers"] for contract in contracts if "containers" in contract
    }


def test_every_file_that_answers_a_question_exists(page):
    answers = re.findall(r"^\| [^|]+\? \| `([^`]+)`", page, re.MULTILINE)
    assert len(answers) >= 11
    assert [answer for answer in answers if not (ROOT / answer).exists()] == []


def test_every_file_of_the_paths_through_the_collector_exists(page):
    named = set(re.findall(r"`((?:web|access|ingest|footprint|presentation)/[\w/]+\.py)`", page))
    assert len(named) > 10
    assert [name for name in named if not (PACKAGES["parcimetre_server"] / name).exists()] == []


def test_every_wing_of_the_server_and_the_agent_is_described(page, floors):
    described = set(re.findall(r"`([\w.]+)`", page))
    wings = {wing.strip() for package in ("parcimetre_server", "parcimetre_agent")
             for floor in floors[package] for wing in floor.split("|")}  # fmt: skip
    assert {wing for wing in wings if wing not in described and f"{wing}.py" not in described} == set()


@pytest.mark.parametrize("package", PACKAGES)
def test_the_files_outside_wings_are_few(package, floors):
    files = {file.stem for file in PACKAGES[package].glob("*.py")} - {"__init__", "__main__"}
    assert len(files) <= MOST_FILES[package], files
    assert len(floors[package]) <= MOST_FLOORS


def test_every_cache_is_in_the_table(page):
    sources = (file.read_text(encoding="utf-8") for file in PACKAGES["parcimetre_server"].rglob("*.py"))
    names = {name for text in sources for name in re.findall(r'\bCache(?:PerOwner)?\(\s*"([^"]+)"', text)}
    assert len(names) > 5
    assert {name for name in names if f"`{name}`" not in page} == set()
