"""Python for Windows from the package index: an embeddable archive as pinned, libraries as locked."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import tarfile
import urllib.request
import zipfile
from dataclasses import dataclass
from pathlib import Path

from bootstrap import INDEX, ROOT, SETTINGS, fetch, find_uv


@dataclass(frozen=True)
class Pin:
    """One archive of the index: whose, its name and hash, and where in it the embeddable Python is."""

    package: str
    archive: str
    sha256: str
    inner_archive: str
    folder: str


def embeddable(pin: Pin) -> dict[str, bytes]:
    """The files of the embeddable Python by name. Ends the program when the archive is not the pinned one."""
    with tarfile.open(fileobj=io.BytesIO(fetched(pin))) as outer:
        packed = outer.extractfile(pin.inner_archive)
        if packed is None:
            raise SystemExit(f"{pin.archive} holds no {pin.inner_archive}")
        inner = zipfile.ZipFile(io.BytesIO(packed.read()))
    names = [name for name in inner.namelist() if name.startswith(pin.folder) and not name.endswith("/")]
    return {name.removeprefix(pin.folder): inner.read(name) for name in names}


def fetched(pin: Pin) -> bytes:
    """The archive from the package index, its hash checked."""
    urls = [url for name, url in listed(pin.package).items() if name == pin.archive]
    if not urls:
        raise SystemExit(f"{INDEX} has no {pin.archive}: pin another version")
    content = fetch(urllib.request.Request(urls[0]))
    if hashlib.sha256(content).hexdigest() != pin.sha256:
        raise SystemExit(f"{pin.archive} does not have the pinned hash: not used")
    return content


def listed(package: str) -> dict[str, str]:
    """The archives of a package that the index has, with their addresses."""
    request = urllib.request.Request(
        f"{INDEX.rstrip('/')}/{package}/", headers={"Accept": "application/vnd.pypi.simple.v1+json"}
    )
    return {one["filename"]: one["url"] for one in json.loads(fetch(request))["files"]}


def install_libraries(target: Path, python_version: str) -> None:
    """The agent's libraries for Windows in a folder, with the hashes of uv.lock."""
    uv, env = find_uv(), SETTINGS | os.environ
    wanted = ["--package", "parcimetre-agent", "--no-dev", "--no-emit-workspace", "--frozen"]
    listed = subprocess.run(
        [uv, "export", "--quiet", *wanted], cwd=ROOT, env=env, check=True, capture_output=True, text=True
    ).stdout
    shutil.rmtree(target, ignore_errors=True)
    requirements = target.with_name("requirements.txt")
    requirements.parent.mkdir(parents=True, exist_ok=True)
    requirements.write_text(listed)
    windows = ["--python-platform", "x86_64-pc-windows-msvc", "--python-version", python_version]
    install = ["--target", str(target), "--only-binary", ":all:", "--require-hashes", "-r", str(requirements)]
    subprocess.run([uv, "pip", "install", "--quiet", *windows, *install], cwd=ROOT, env=env, check=True)
