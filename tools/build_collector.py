"""Build the deb of the collector into `dist/`, with the libraries of uv.lock, the same bytes each time.

Not a zipapp, because compiled libraries cannot be loaded from one; not a virtual environment, because that is
tied to the paths it was made in. It is a folder that the system's Python loads, of one minor version, for
numpy and pydantic are compiled for each.
"""

from __future__ import annotations

import argparse
import os
import shutil
import tempfile
from pathlib import Path

import build_packages
from bootstrap import ROOT
from build_packages import install, licences, pack, run_uv, settle

SERVER = ROOT / "deploy" / "server"
PYTHONS = {"3.11": "Debian 12", "3.13": "Debian 13"}
PLATFORM = "x86_64-manylinux_2_28"
PARTS = ("factors/parcimetre_factors", "agent/parcimetre_agent", "server/parcimetre_server")
_NOT_SHIPPED = ("__pycache__", "tests", "*.pyi", "*.pyx", "*.pxd", "*.h", "*.a")


def main() -> None:
    """Build what the command line asks for, and print each file with its size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", default=build_packages.agent_version(), help="version to write on it")
    parser.add_argument("--python", choices=PYTHONS, action="append", help="of the system; all without it")
    parser.add_argument("--out", type=Path, default=ROOT / "dist")
    options = parser.parse_args()
    for python in options.python or PYTHONS:
        file = build(options.out, options.version, python)
        print(f"{file.stat().st_size / 1e6:7.2f} MB  {file}")


def build(out: Path, version: str, python: str) -> Path:
    """Lay the collector out for one Python and pack it; the file made."""
    out.mkdir(parents=True, exist_ok=True)
    major, minor = python.split(".")
    os.environ |= {"PYTHON": python, "NEXT_PYTHON": f"{major}.{int(minor) + 1}"}
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder)
        lay_out(stage, python)
        settle(stage)
        return pack(SERVER / "nfpm.yaml", stage, out, f"{version}+py{python}", "deb")


def lay_out(stage: Path, python: str) -> None:
    """All files of the package, where nfpm.yaml looks for them."""
    shutil.copytree(SERVER, stage, dirs_exist_ok=True, ignore=shutil.ignore_patterns("helm"))
    library = stage / "lib"
    requirements = stage / "requirements.txt"
    # pip is asked for by sqlite-utils, for a command of its own that installs plugins
    wanted = [
        "--package",
        "parcimetre",
        "--no-dev",
        "--no-emit-workspace",
        "--no-emit-package",
        "pip",
        "--frozen",
    ]
    requirements.write_text(run_uv("export", *wanted))
    install(library, requirements, python, PLATFORM)
    strip(library)
    for part in PARTS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, library / Path(part).name, ignore=ignored)
    (stage / "main.py").rename(library / "__main__.py")
    (stage / "copyright").write_text(licences(library), encoding="utf-8")


def strip(library: Path) -> None:
    """Drop what only developers of the libraries need."""
    for pattern in _NOT_SHIPPED:
        for path in sorted(library.rglob(pattern)):
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()


if __name__ == "__main__":
    main()
