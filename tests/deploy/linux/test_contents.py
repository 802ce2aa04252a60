"""What is in the agent's packages: the same bytes each time, at most a megabyte, no more rights than said."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))

import build_packages

LINUX = ROOT / "deploy" / "linux"
LIBRARY = "/usr/lib/parcimetre-agent/"


def _said(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def listed(debs: dict[str, Path]) -> dict[str, str]:
    """Path to permissions and owner, as the deb holds them."""
    lines = [line.split(maxsplit=5) for line in _said("dpkg-deb", "-c", debs["0.1.0"]).splitlines()]
    return {path.lstrip(".").rstrip("/"): f"{mode} {owner}" for mode, owner, *_, path in lines}


def test_second_build_gives_the_same_bytes(debs: dict[str, Path], rpm: Path, tmp_path: Path) -> None:
    again = {file.name: file.read_bytes() for file in build_packages.build(tmp_path, "0.1.0")}
    for file in (debs["0.1.0"], rpm):
        assert again[file.name] == file.read_bytes()


def test_each_is_a_megabyte_at_most(debs: dict[str, Path], rpm: Path) -> None:
    assert max(debs["0.1.0"].stat().st_size, rpm.stat().st_size) <= 1_000_000


def test_nothing_belongs_to_others_than_root_or_may_be_written_by_others(listed: dict[str, str]) -> None:
    assert set(listed.values()) == {"drwxr-xr-x root/root", "-rw-r--r-- root/root", "-rwxr-xr-x root/root"}
    run = {path for path, mode in listed.items() if mode.startswith("-rwx")}
    assert run == {"/usr/bin/parcimetre-agent", LIBRARY + "python"}


def test_only_psutil_is_compiled_and_for_every_python(listed: dict[str, str]) -> None:
    compiled = [path for path in listed if path.endswith((".so", ".pyc"))]
    assert compiled == [LIBRARY + "psutil/_psutil_linux.abi3.so"]


def test_every_library_brings_its_licence(listed: dict[str, str]) -> None:
    folders = {path.split("/")[4] for path in listed if ".dist-info/" in path}
    assert len(folders) >= 10
    for folder in folders:
        told = [path for path in listed if path.startswith(LIBRARY + folder)]
        assert any(
            re.search("licen[cs]e|copying", path.removeprefix(LIBRARY + folder), re.I) for path in told
        )


def test_rpm_holds_what_the_deb_holds(listed: dict[str, str], rpm: Path) -> None:
    if shutil.which("rpm") is None:
        pytest.skip("rpm is not installed; make test-packages installs it")
    files = {path for path, mode in listed.items() if mode.startswith("-")}
    folders = {path for path, mode in listed.items() if mode.startswith("d")}
    held = set(_said("rpm", "-qp", "--list", rpm).split())
    assert files <= held <= files | folders


def test_requirements_name_every_library_of_the_agent() -> None:
    with (ROOT / "agent" / "pyproject.toml").open("rb") as file:
        wanted = tomllib.load(file)["project"]["dependencies"]
    pinned = set(re.findall(r"^([\w-]+)==", (ROOT / "deploy" / "requirements.txt").read_text(), re.M))
    assert {re.match(r"[\w-]+", one)[0] for one in wanted} <= pinned  # type: ignore[index]


def test_unit_is_known_to_systemd_and_exposes_little(tmp_path: Path) -> None:
    command = shutil.which("systemd-analyze")
    if command is None:
        pytest.skip("systemd-analyze is not installed")
    unit = LINUX / "parcimetre-agent.service"
    judged = _said(command, "security", "--offline=yes", "--no-pager", unit)
    assert float(re.findall(r"exposure level for \S+: ([\d.]+)", judged)[0]) <= 2.0
    here = tmp_path / unit.name
    here.write_text(unit.read_text().replace("/usr/bin/parcimetre-agent", "/bin/true"))
    done = subprocess.run([command, "verify", here], capture_output=True, text=True, check=False)
    assert unit.name not in done.stderr, done.stderr
