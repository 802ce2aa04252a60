"""Who this installation is: a random install id, tied to the hardware by a keyed hash of what it states.

Never the network address, never the host name. Clear serial numbers do not leave this module's callers.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from ..base.errors import BadDataDir
from ..report import HardwareIdentity
from .fingerprint import fingerprint, with_fewer_rights

FILE_NAME = "identity.json"


@dataclass(frozen=True)
class Identity:
    """What is kept in identity.json; `device_id` and `credential` are the collector's, after enrolment."""

    install_id: str
    fingerprint: str | None = None
    device_id: str | None = None
    credential: str | None = None


def load_identity(data_dir: Path) -> Identity | None:
    """The stored identity; None before the first start or when the file is damaged."""
    try:
        return Identity(**json.loads((data_dir / FILE_NAME).read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        return None


def store_identity(data_dir: Path, identity: Identity) -> None:
    """Write the identity, for this account's eyes only, whole or not at all. Raises BadDataDir."""
    path = data_dir / FILE_NAME
    fresh = path.with_suffix(".new")
    try:
        with contextlib.suppress(FileNotFoundError):
            fresh.unlink()
        handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(asdict(identity), file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise BadDataDir(f"cannot write {path}: {error.strerror}; give the folder to this account") from None


def current_identity(data_dir: Path, root: Path = Path("/")) -> tuple[Identity, bool]:
    """The identity to use on this hardware, and whether an earlier one was dropped.

    A stored fingerprint that differs from this machine's means a cloned disk: the clone starts anew. It may
    differ because the account was since allowed to read more; then it is the same machine.
    """
    stored, seen = load_identity(data_dir), fingerprint(root)
    if stored is None:
        return Identity(secrets.token_hex(16), seen), False
    if stored.fingerprint is not None and seen is not None and stored.fingerprint != seen:
        if stored.fingerprint in with_fewer_rights(root):
            return replace(stored, fingerprint=seen), False
        return Identity(secrets.token_hex(16), seen), True
    return replace(stored, fingerprint=stored.fingerprint or seen), False


def hardware_identity(identity: Identity, virtual: str) -> HardwareIdentity:
    """Return the identity as the enrolment request carries it."""
    return HardwareIdentity(identity.install_id, virtual, identity.fingerprint)
