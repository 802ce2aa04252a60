"""Of the package for macOS, what can be known without a Mac: its files, its plists, its launcher."""

import os
import plistlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MACOS = ROOT / "deploy" / "macos"
sys.path.insert(0, str(ROOT / "tools"))

import build_macos


@pytest.fixture(scope="module")
def laid_out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of the package, without Python."""
    root = tmp_path_factory.mktemp("macos")
    build_macos.lay_out(root, "arm64")
    return root


def test_daemon_starts_what_the_package_brings_under_its_own_account(laid_out: Path) -> None:
    daemon = plistlib.loads((laid_out / "Library/LaunchDaemons/org.parcimetre.agent.plist").read_bytes())
    program = laid_out / daemon["ProgramArguments"][0].lstrip("/")
    assert os.access(program, os.X_OK)
    assert daemon["Label"] == build_macos.IDENTIFIER
    assert daemon["UserName"] == "_parcimetre"
    assert daemon["UserName"] in (MACOS / "scripts" / "postinstall").read_text()


def test_what_is_compiled_is_for_apple_processors(laid_out: Path) -> None:
    libraries = list(laid_out.rglob("*.so"))
    assert "_psutil_osx.abi3.so" in {library.name for library in libraries}
    for library in libraries:
        assert library.read_bytes()[:8] == bytes.fromhex("cffaedfe0c000001"), "64-bit Mach-O of arm64"


def test_profile_gives_the_launcher_settings_and_no_secret(tmp_path: Path) -> None:
    profile = plistlib.loads((MACOS / "parcimetre.mobileconfig").read_bytes())
    parts = [profile, *profile["PayloadContent"]]
    assert (
        len({part["PayloadUUID"] for part in parts})
        == len({part["PayloadIdentifier"] for part in parts})
        == 3
    )
    settings, service = profile["PayloadContent"]
    names = {name for name in settings if name.isupper()}
    assert names == {"SERVER", "SECRET_FILE"}
    assert service["Rules"][0]["RuleValue"] == build_macos.IDENTIFIER
    told = _launched(tmp_path, {name: settings[name] for name in names})
    assert f"PARCIMETRE_AGENT_SERVER={settings['SERVER']}" in told
    assert "PARCIMETRE_AGENT_CA_FILE" not in told


def _launched(folder: Path, managed: dict[str, str]) -> str:
    """The environment that the launcher hands to Python, with a `defaults` that knows these values."""
    answers = "\n".join(f"'{name}') echo '{value}' ;;" for name, value in managed.items())
    _script(folder / "bin" / "defaults", f'case "$3" in {answers}\n*) exit 1 ;; esac')
    _script(folder / "python" / "bin" / "python3", "env")
    launcher = folder / "parcimetre-agent"
    launcher.write_text((MACOS / "parcimetre-agent.sh").read_text())
    path = f"{folder / 'bin'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", launcher, "run"], env={"PATH": path}, capture_output=True, text=True, check=True
    )
    return done.stdout


def _script(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def test_uninstall_removes_what_the_package_brings(laid_out: Path) -> None:
    removed = (MACOS / "uninstall.sh").read_text()
    for place in build_macos.FILES.values():
        whole = build_macos.HOME if place.is_relative_to(build_macos.HOME) else place
        assert f"/{whole}" in removed.split()
