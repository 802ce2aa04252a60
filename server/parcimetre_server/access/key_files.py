"""Key files of the data folder: readable by their owner only, the same for all collectors of a store."""

from __future__ import annotations

import hashlib
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from ..base.errors import ParcimetreError
from ..store.interface import Lease, Store

KEY_BYTES = 32


class KeyUnusable(ParcimetreError):
    """The file with a key cannot be made or read, or differs from that of the store's other collectors."""

    status = 503
    kind = "key-unusable"


@dataclass(frozen=True)
class KeyFile:
    """A key in the file `name` of every collector's data folder.

    A shared store keeps the key's hash in the lease `claim`, never the key: who reads the store cannot sign.
    `restart` says what to do where the file is lost or damaged and there is no backup.
    """

    name: str
    claim: str
    restart: str

    def in_force(self, store: Store, data_dir: Path) -> bytes:
        """Return the key of a data folder, which all collectors of a shared store must have.

        Raises KeyUnusable. Without that check a second collector would sign with a key of its own, and what
        one of them signed would be refused by the other.
        """
        if not store.shared:
            return self.of_folder(data_dir)
        copy = f"copy {self.name} from the data folder of a collector that has it into {data_dir}"
        known = store.lease(self.claim)
        if known.term and not (data_dir / self.name).exists():
            raise KeyUnusable(
                f"{data_dir} has no {self.name}, but the store's other collectors have one: {copy}"
            )
        key = self.of_folder(data_dir)
        if not known.term:
            store.take_lease(self.claim, Lease(1, _digest(key)))
            known = store.lease(self.claim)
        if known.holder != _digest(key):
            raise KeyUnusable(
                f"{data_dir / self.name} differs from the key of the store's other collectors: {copy}"
            )
        return key

    def of_folder(self, data_dir: Path) -> bytes:
        """Return the key of a data folder, created for its owner only if missing. Raises KeyUnusable."""
        file = data_dir / self.name
        try:
            if not file.exists():
                _create(file)
            key = file.read_bytes()
        except OSError as error:
            raise KeyUnusable(
                f"cannot use {file}: {error.strerror}; give this user read and write access to {data_dir}"
            ) from error
        if len(key) != KEY_BYTES:
            raise KeyUnusable(
                f"{file} is damaged: it has {len(key)} bytes instead of {KEY_BYTES}; restore it from a "
                f"backup, or remove it and {self.restart}"
            )
        return key

    def restore(self, data_dir: Path, key: bytes) -> None:
        """Write a key that was lost into a data folder. Raises KeyUnusable."""
        try:
            _draft(data_dir / self.name, key).replace(data_dir / self.name)
        except OSError as error:
            raise KeyUnusable(
                f"cannot write a key in {data_dir}: {error.strerror}; free disk space there"
            ) from error

    def replace(self, store: Store, data_dir: Path, previous: str | None = None) -> None:
        """Put a new key in force; keep the present one in the file `previous`. Raises KeyUnusable.

        Other collectors of a shared store are refused their key until the new one is copied to them.
        """
        new = secrets.token_bytes(KEY_BYTES)
        try:
            if previous is not None:
                _draft(data_dir / previous, self.of_folder(data_dir)).replace(data_dir / previous)
            _draft(data_dir / self.name, new).replace(data_dir / self.name)
        except OSError as error:
            raise KeyUnusable(
                f"cannot write a key in {data_dir}: {error.strerror}; free disk space there"
            ) from error
        if store.shared:
            store.take_lease(self.claim, Lease(store.lease(self.claim).term + 1, _digest(new)))


def _digest(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()


def _create(file: Path) -> None:
    """Write a new key completely or not at all; the first of two processes wins."""
    draft = _draft(file, secrets.token_bytes(KEY_BYTES))
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(file: Path, key: bytes) -> Path:
    """Return a file beside the key's, with another key on disk, readable by its owner only."""
    draft = file.with_name(f"{file.name}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(key)
        opened.flush()
        os.fsync(opened.fileno())
    return draft
