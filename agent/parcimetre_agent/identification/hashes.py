"""Keyed hashes of serial numbers: the only form in which they leave a machine.

Their product form is HMAC under a published key, their organisation form is that one under the key of the
organisation, which only its agents and collectors have.
"""

from __future__ import annotations

import hashlib
import hmac

from .fillers import is_filler_serial

_KEY = b"parcimetre/hardware/1"


def serial_hash(maker: str | None, serial: str | None) -> str | None:
    """Return the keyed hash of maker and serial number; None for a placeholder."""
    return None if is_filler_serial(serial) else keyed_hash("serial", maker or "", (serial or "").strip())


def asset_hash(serial: str | None) -> str | None:
    """Return the keyed hash of a serial number's normal form, without the maker; None for a placeholder."""
    return None if is_filler_serial(serial) else keyed_hash("asset", normal_serial(serial or ""))


def normal_serial(serial: str) -> str:
    """Return a serial number in capitals and without blanks, as asset registers and labels differ in both."""
    return "".join(serial.split()).upper()


def rekeyed(hash_hex: str, key: bytes) -> str:
    """Return a hash of the product's form in the organisation's form, as 64 hexadecimal digits.

    It is HMAC-SHA-256 of the digits under the organisation's key: agent and collector get the same one.
    """
    return hmac.new(key, hash_hex.encode(), hashlib.sha256).hexdigest()


def keyed_hash(purpose: str, *facts: str) -> str:
    """Return HMAC-SHA-256 of the facts under the key of the product, as 64 hexadecimal digits."""
    message = "\0".join((purpose, *facts)).encode()
    return hmac.new(_KEY, message, hashlib.sha256).hexdigest()
