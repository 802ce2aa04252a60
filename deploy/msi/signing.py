"""Sign an MSI by Authenticode, with a certificate of one's own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import product

_PKCS12 = (".p12", ".pfx")


def sign(msi: Path, certificate: Path, password_file: Path | None, timestamp: str | None) -> None:
    """Replace the MSI by its signed self. A time stamp keeps the signature good when the certificate expires.

    Ends the program when it cannot be signed, and leaves no MSI that could be taken for a signed one.
    """
    if certificate.suffix in _PKCS12:
        key = ["-pkcs12", str(certificate)]
    else:
        key = ["-certs", str(certificate), "-key", str(certificate)]
    password = ["-readpass", str(password_file)] if password_file else []
    stamp = ["-ts", timestamp] if timestamp else []
    signed = msi.with_suffix(".signed")
    signed.unlink(missing_ok=True)
    command = ["osslsigncode", "sign", *key, *password, *stamp, "-h", "sha256", "-n", product.NAME]
    done = subprocess.run(
        [*command, "-in", str(msi), "-out", str(signed)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        msi.unlink()
        reason = done.stderr.partition("\n")[0]
        raise SystemExit(f"{msi.name} could not be signed with {certificate}: {reason}; nothing was kept")
    signed.replace(msi)
