"""A release: twice from one tag it is the same, its checksums and signature hold, its parts are listed."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import build_repository
import build_sbom
from build_packages import agent_version

REQUIREMENTS = """one==1.0 ; sys_platform == "win32" \\
    --hash=sha256:{a}
two==2.0 \\
    --hash=sha256:{b} \\
    --hash=sha256:{a}
    # via three
""".format(a="a" * 64, b="b" * 64)


@pytest.fixture(scope="module")
def parts() -> dict[str, dict[str, object]]:
    """The parts list of each artefact."""
    return {
        artefact: json.loads(build_sbom.document(artefact, "1.2.3", components, 1_700_000_000))
        for artefact, components in build_sbom.parts("1.2.3", build_sbom.pinned_python()).items()
    }


@pytest.mark.slow
def test_parts_lists_are_valid_cyclonedx(parts: dict[str, dict[str, object]]) -> None:
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    for artefact, document in parts.items():
        assert validator.validate_str(json.dumps(document)) is None, artefact


def test_parts_list_of_the_agent_names_what_its_lock_file_names(parts: dict[str, dict[str, object]]) -> None:
    locked = (ROOT / "deploy" / "requirements.txt").read_text()
    listed = parts["parcimetre-agent-linux"]["components"]
    assert {f"{one['name']}=={one['version']}" for one in listed} == {
        line.split(" ")[0] for line in locked.splitlines() if "==" in line and not line.startswith("#")
    }
    assert all(one["externalReferences"][0]["hashes"] for one in listed)


def test_parts_list_of_the_msi_has_each_file_of_python(parts: dict[str, dict[str, object]]) -> None:
    (python,) = [one for one in parts["parcimetre-agent-windows"]["components"] if one["name"] == "python"]
    assert {one["name"] for one in python["components"]} >= {"python.exe", "libcrypto-3.dll", "sqlite3.dll"}


def test_library_of_another_system_is_not_listed_and_every_hash_is() -> None:
    (one,) = build_sbom.locked(REQUIREMENTS, build_sbom.environment("3.11"))
    assert (one.name, one.version, one.sha256) == ("two", "2.0", ("a" * 64, "b" * 64))
    windows = build_sbom.locked(REQUIREMENTS, build_sbom.environment("3.13", build_sbom.WINDOWS))
    assert [one.name for one in windows] == ["one", "two"]


def test_library_without_a_version_stops_the_build() -> None:
    with pytest.raises(SystemExit, match="not locked to one version"):
        list(build_sbom.locked("one>=1 --hash=sha256:00\n", build_sbom.environment("3.11")))


def _git(folder: Path, *arguments: str) -> None:
    who = [
        "-c",
        "user.name=Builder",
        "-c",
        "user.email=builder@parcimetre.example",
        "-c",
        "commit.gpgsign=false",
    ]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


def _clone(folder: Path) -> Path:
    """The files of this checkout, as it stands, in a repository of one commit of a fixed date."""
    folder.mkdir(parents=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists() and not name.startswith("tests/"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    for shared in (".packages", ".venv-uv"):
        if (ROOT / shared).exists():
            (folder / shared).symlink_to(ROOT / shared)
    _git(folder, "init", "--quiet")
    (folder / ".git" / "info" / "exclude").write_text("/.packages\n/.venv-uv\n")
    _git(folder, "add", "--all")
    dated = {"GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z"}
    subprocess.run(
        ["git", "-c", "user.name=B", "-c", "user.email=b@parcimetre.example", "-c", "commit.gpgsign=false",
         "commit", "--quiet", "--message", "release"],
        cwd=folder, check=True, env=os.environ | dated,
    )  # fmt: skip
    return folder


def _release(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "tools/release.py", "--without-msi", "--out", "dist/release", *options]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def key() -> Iterator[str]:
    """A key for tests in a key ring of its own."""
    if shutil.which("gpg") is None:
        pytest.skip("gpg is not installed")
    with build_repository.test_key() as made:
        yield made


@pytest.mark.slow
def test_release_needs_a_commit_with_the_tag_of_its_version(tmp_path: Path) -> None:
    folder = _clone(tmp_path / "checkout")
    refused = _release(folder)
    assert refused.returncode == 1
    assert f"does not have the tag v{agent_version()}" in refused.stderr
    (folder / "README.md").write_text("changed")
    refused = _release(folder)
    assert (refused.returncode, "changes that are in no commit" in refused.stderr) == (1, True)


@pytest.mark.slow
def test_release_built_twice_is_the_same_and_its_signature_holds(tmp_path: Path, key: str) -> None:
    built = []
    for name in ("one", "another/place"):
        folder = _clone(tmp_path / name)
        _git(folder, "tag", f"v{agent_version()}")
        done = _release(folder, "--key", key)
        assert done.returncode == 0, done.stderr
        built.append(folder / "dist" / "release")
    sums = [(folder / "SHA256SUMS").read_text() for folder in built]
    assert sums[0] == sums[1]
    names = " ".join(line.split()[1] for line in sums[0].splitlines())
    for kind in (".whl", ".tar.gz", ".deb", ".rpm", ".cdx.json"):
        assert kind in names
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=built[0], check=True)
    verify = ["gpg", "--verify", "SHA256SUMS.asc", "SHA256SUMS"]
    subprocess.run(verify, cwd=built[0], check=True, capture_output=True)
    (built[0] / "SHA256SUMS").write_text(sums[0].replace("a", "b", 1))
    assert subprocess.run(verify, cwd=built[0], capture_output=True, check=False).returncode == 1
