"""`make msi`: the installer of the agent for Windows, built on Linux in `dist/`.

Signed last, where a certificate is given: nothing may be written to a signed MSI.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import embeddable
import payload
import product
import signing
import tables
import wxs
from set_up_wine import ABSENT, PREFIX, READY
from windows_python import install_libraries, listed

CACHE = ROOT / ".wine" / "msi"
PROGRAMS = {"wixl": "wixl", "msibuild": "msitools", "msiinfo": "msitools", "osslsigncode": "osslsigncode"}
FILES_DATE_S = 315_532_800
"""1980: what the cabinet says of every file, so that two builds are the same."""


def main() -> None:
    """Build it, and say where it is."""
    options = _options()
    install_programs()
    if not READY.exists():
        raise SystemExit(
            f"Python is compiled under Wine: {ABSENT.read_text() if ABSENT.exists() else 'make wine'}"
        )
    version = options.version or agent_version()
    msi: Path = options.out or ROOT / "dist" / f"parcimetre-agent-{version}-x64.msi"
    msi.parent.mkdir(parents=True, exist_ok=True)
    python = chosen_python(options.python)
    build(msi, version, python)
    if options.sign:
        signing.sign(msi, options.sign, options.password_file, options.timestamp)
    print(f"{msi}: {msi.stat().st_size / 1e6:.2f} MB, {'signed' if options.sign else 'not signed'}")
    print(embeddable.age(python, datetime.now(UTC).date()))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", help="three numbers (default: the agent's)")
    parser.add_argument("--out", type=Path, help="the file to write")
    parser.add_argument("--python", type=Path, help="python-3.X.Y-embed-amd64.zip of python.org to bring")
    parser.add_argument("--sign", type=Path, help="certificate and key: PEM, or PKCS #12 (.p12, .pfx)")
    parser.add_argument("--password-file", type=Path, help="file with the password of the key")
    parser.add_argument("--timestamp", help="address of a time-stamping service")
    return parser.parse_args()


def agent_version() -> str:
    """The version that the agent's distribution has."""
    project = tomllib.loads((ROOT / "agent" / "pyproject.toml").read_text())["project"]
    return str(project["version"])


def install_programs() -> None:
    """What the build needs beside Python, from Debian. Ends the program when it cannot be had."""
    missing = sorted({package for program, package in PROGRAMS.items() if shutil.which(program) is None})
    if not missing:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise SystemExit(
            f"absent: {' '.join(missing)}; as root on Debian: apt-get install {' '.join(missing)}"
        )
    quietly = ["-qq", "-o", "DPkg::Lock::Timeout=300", "--yes", "--no-install-recommends"]
    command = ["apt-get", *quietly, "install", *missing]
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"apt-get install {' '.join(missing)} failed: {done.stderr.strip()[-300:]}")


def chosen_python(archive: Path | None) -> embeddable.Embeddable:
    """Return the Python that was supplied, else the pinned one. Ends the program if it cannot be verified."""
    if archive is not None:
        return embeddable.supplied(archive, embeddable.pins()["version"])
    newer = embeddable.newer_archives(
        embeddable.pins()["archive"], list(listed(embeddable.pins()["package"]))
    )
    if newer:
        print(f"the package index has a newer Python than {embeddable.PINS.name} pins: {newer[-1]}")
    return embeddable.pinned(CACHE)


def build(msi: Path, version: str, python: embeddable.Embeddable) -> None:
    """Write the MSI of this version, unsigned."""
    with tempfile.TemporaryDirectory() as folder:
        work, files = Path(folder), Path(folder, "files")
        install_libraries(work / "libraries", python.minor)
        payload.lay_out(files, python.files, work / "libraries", PREFIX, work)
        assemble(msi, version, files)


def assemble(msi: Path, version: str, files: Path) -> None:
    """Make the MSI of files that are laid out."""
    for path in sorted(files.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
        os.utime(path, (FILES_DATE_S, FILES_DATE_S))
    source = files.with_name("agent.wxs")
    source.write_bytes(wxs.document(files, version))
    fresh = files.with_name("agent.msi")
    _run(["wixl", "-a", "x64", "-o", fresh, source.name], files.parent)
    secure = rows(fresh, "Property")["SecureCustomProperties"]
    statements = "\n".join(tables.statements(files, secure)).splitlines()
    _run(["msibuild", fresh, "-q", *statements], files.parent)
    _date(fresh, version)
    shutil.move(fresh, msi)


def _date(msi: Path, version: str) -> None:
    """Give it the same identifier and date in every build of the same files."""
    cabinet = subprocess.run(["msiinfo", "extract", msi, wxs.CABINET], capture_output=True, check=True).stdout
    package_code = product.guid(f"package {version} {hashlib.sha256(cabinet).hexdigest()}")
    date = time.strftime("%Y/%m/%d %H:%M:%S", time.gmtime(FILES_DATE_S))
    said = rows(msi, "_SummaryInformation") | {"9": package_code, "12": date, "13": date}
    table = msi.with_name("summary.idt")
    lines = ["PropertyId\tValue", "i2\tl255", "_SummaryInformation\tPropertyId"]
    lines += [f"{number}\t{said[number]}" for number in sorted(said, key=int)]
    table.write_text("".join(line + "\r\n" for line in lines), newline="")
    _run(["msibuild", msi, "-i", table], msi.parent)


def rows(msi: Path, table: str) -> dict[str, str]:
    """The rows of a table: first column, and the others with tabs between them."""
    exported = _run(["msiinfo", "export", msi, table], msi.parent)
    return dict(line.split("\t", 1) for line in exported.splitlines()[3:])


def _run(command: list[str | Path], folder: Path) -> str:
    env = os.environ | {"TZ": "UTC"}
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode or done.stderr.strip():
        raise SystemExit(f"{' '.join(map(str, command))[:300]} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


if __name__ == "__main__":
    main()
