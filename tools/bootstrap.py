"""Set up `.venv` with nothing but Python 3.11: fetch uv, then install exactly what uv.lock says.

Neither pip nor ensurepip is needed, because Debian ships Python without them. Standard library only.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
UV_VERSION = "0.13.9"
INDEX = os.environ.get("UV_DEFAULT_INDEX") or os.environ.get("PIP_INDEX_URL") or "https://pypi.org/simple"
SETTINGS = {"UV_SYSTEM_CERTS": "true", "UV_PYTHON_DOWNLOADS": "never"}


def main() -> None:
    """Create or update the environment; `--dev` adds what tests and checks need."""
    if sys.version_info < (3, 11):  # noqa: UP036  run by whatever python3 there is
        raise SystemExit(f"parcimetre needs Python 3.11 or newer, and this is {platform.python_version()}")
    uv = find_uv()
    groups = [] if "--dev" in sys.argv else ["--no-dev", "--inexact"]
    done = subprocess.run(
        [uv, "sync", "--quiet", "--frozen", "--compile-bytecode", "--python", sys.executable, *groups],
        cwd=ROOT,
        env=SETTINGS | os.environ | {"VIRTUAL_ENV": str(VENV)},
        check=False,
    )
    if done.returncode:
        raise SystemExit(
            "setting up .venv failed; behind a proxy, set https_proxy (and SSL_CERT_FILE for its CA)"
        )
    compile_own()


def compile_own() -> None:
    """Compile our packages once, where the environment forbids Python to: else every command does it anew."""
    packages = ("factors/parcimetre_factors", "agent/parcimetre_agent", "server/parcimetre_server")
    line = [VENV / "bin" / "python", "-m", "compileall", "-q", *(str(ROOT / one) for one in packages)]
    subprocess.run(line, check=False)


def find_uv() -> str:
    """The uv on the path, the one fetched earlier, or one from pip or straight from the package index."""
    kept = ROOT / ".venv-uv" / "bin" / "uv"
    for known in (shutil.which("uv"), shutil.which(kept)):
        if known and subprocess.run([known, "--version"], capture_output=True, check=False).returncode == 0:
            return known
    print("setting up: fetching uv", flush=True)
    if not by_pip(kept):
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(uv_binary(wheel()))
        kept.chmod(0o755)
    return str(kept)


def by_pip(kept: Path) -> bool:
    """Let pip fetch uv where there is a pip: it knows the site's mirrors and proxies."""
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True, check=False).returncode:
        return False
    target = kept.parent.parent
    install = [*pip, "install", "--quiet", "--no-deps", "--target", str(target), f"uv=={UV_VERSION}"]
    return subprocess.run(install, capture_output=True, check=False).returncode == 0 and kept.exists()


def wheel() -> bytes:
    """The wheel of uv for this machine from the package index, its hash checked (PEP 691)."""
    request = urllib.request.Request(
        f"{INDEX.rstrip('/')}/uv/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    files = json.loads(fetch(request))["files"]
    machine = platform.machine().lower()
    for file in files:
        name = file["filename"]
        if name.startswith(f"uv-{UV_VERSION}-") and "manylinux" in name and f"_{machine}." in name:
            content = fetch(urllib.request.Request(file["url"]))
            if hashlib.sha256(content).hexdigest() != file["hashes"]["sha256"]:
                raise SystemExit(f"{name} does not have the hash its index states: not installed")
            return content
    raise SystemExit(f"no uv {UV_VERSION} for {machine} at {INDEX}: install uv by hand, then run make again")


def fetch(request: urllib.request.Request) -> bytes:
    """The body of an answer; a failure says what to mend."""
    try:
        with urllib.request.urlopen(request, timeout=120) as answer:
            body: bytes = answer.read()
            return body
    except urllib.error.URLError as error:
        raise SystemExit(
            f"cannot reach {INDEX} ({error.reason}): install ca-certificates,"
            " or set https_proxy or UV_DEFAULT_INDEX"
        ) from error


def uv_binary(content: bytes) -> bytes:
    """The executable inside the wheel."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".data/scripts/uv"))
        return archive.read(name)


if __name__ == "__main__":
    main()
