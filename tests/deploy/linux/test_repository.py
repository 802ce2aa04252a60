"""A repository of the packages: APT installs from it, and both refuse what was changed after signing."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from parcimetre_agent import __version__

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

import build_repository


@pytest.fixture(scope="module")
def repository(debs: dict[str, Path], rpm: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of one deb and one rpm, signed with a test key."""
    for command, package in build_repository.COMMANDS.items():
        if shutil.which(command) is None:
            pytest.skip(f"{command} is not installed: apt-get install {package}, or make test-packages")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(build_repository, "TEST_KEYS", tmp_path_factory.mktemp("keys"))
        return build_repository.build(tmp_path_factory.mktemp("web") / "r", [debs["0.1.0"], rpm], None)


def _use(debian: Any, repository: Path) -> None:
    """Name it on the system as docs/en/rollout.md says, by path instead of address."""
    shutil.copytree(repository, debian.root / "srv/repository")
    sources = (repository / "parcimetre.sources").read_text()
    here = sources.replace(build_repository.ADDRESS, "file:/srv/repository")
    debian.write("/etc/apt/sources.list.d/parcimetre.sources", here)
    debian.write("/etc/apt/sources.list", "")
    debian.write("/etc/apt/keyrings/parcimetre.asc", (repository / "parcimetre.asc").read_text())


def test_apt_installs_the_agent_from_it(debian: Any, repository: Path) -> None:
    _use(debian, repository)
    debian.must("apt-get", "update", "-q")
    debian.must("apt-get", "install", "-qy", "parcimetre-agent")
    assert debian.must("parcimetre-agent", "--version") == f"{__version__}\n"


def test_apt_refuses_an_index_that_was_changed_after_signing(debian: Any, repository: Path) -> None:
    _use(debian, repository)
    index = debian.root / "srv/repository/deb/dists/stable/InRelease"
    index.write_text(index.read_text().replace("Origin: Parcimetre", "Origin: Somebody"))
    told = debian.run("apt-get", "update", "-q", "--error-on=any")
    assert told.returncode != 0
    assert "parcimetre-agent" not in debian.must("apt-cache", "pkgnames")


def test_rpm_and_its_index_carry_the_signature_of_the_key(repository: Path, tmp_path: Path) -> None:
    key, rpms = repository / "parcimetre.asc", repository / "rpm"
    rpm = ["rpm", "--dbpath", str(tmp_path)]
    subprocess.run([*rpm, "--import", key], check=True)
    (file,) = rpms.glob("*.rpm")
    told = subprocess.run([*rpm, "--checksig", file], capture_output=True, text=True, check=True).stdout
    assert "signatures OK" in told
    index = rpms / "repodata" / "repomd.xml"
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--batch", "--quiet", "--no-autostart", "--homedir", str(home)]
    subprocess.run([*gpg, "--import", key], check=True, capture_output=True)
    subprocess.run([*gpg, "--verify", f"{index}.asc", index], check=True, capture_output=True)
