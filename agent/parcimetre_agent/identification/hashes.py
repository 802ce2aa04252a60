"""Keyed hashes of serial numbers: the only form in which they leave a machine."""

from __future__ import annotations

import hashlib
import hmac

from .fillers import is_filler_serial

_KEY = b"parcimetre/hardware/1"


def serial_hash(maker: str | None, serial: str | None) -> str | None:
    """Return the keyed hash of maker and serial number; None for a placeholder."""
    return None if is_filler_serial(serial) else keyed_hash("serial", maker or "", (serial or "").strip())


def keyed_hash(purpose: str, *facts: str) -> str:
    """Return HMAC-SHA-256 of the facts under the key of the product, as 64 hexadecimal digits."""
    message = "\0".join((purpose, *facts)).encode()
    return hmac.new(_KEY, message, hashlib.sha256).hexdigest()
