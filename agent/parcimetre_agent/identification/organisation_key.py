"""Text forms of the organisation's key, which keys hashes: alone, and behind an enrolment secret."""

from __future__ import annotations

import base64
import binascii

KEY_BYTES = 32
_SEPARATOR = "."


def key_text(key: bytes) -> str:
    """Return a key as base64url without padding, 43 characters."""
    return base64.urlsafe_b64encode(key).decode().rstrip("=")


def parsed_key(text: str) -> bytes | None:
    """Return the key of a text form; None where it is not one."""
    try:
        key = base64.b64decode(text.encode("ascii") + b"=", b"-_", validate=True)
    except (ValueError, binascii.Error):
        return None
    return key if len(key) == KEY_BYTES and key_text(key) == text else None


def with_key(secret: str, key: bytes) -> str:
    """Return an enrolment secret with the key behind it."""
    return secret + _SEPARATOR + key_text(key)


def split_secret(text: str) -> tuple[str, bytes | None]:
    """Return an enrolment secret without the key behind it, and that key; None where there is none.

    A text whose part behind the dot is not a key is returned whole.
    """
    secret, separator, behind = text.strip().partition(_SEPARATOR)
    key = parsed_key(behind) if separator else None
    return (text.strip(), None) if key is None else (secret, key)
