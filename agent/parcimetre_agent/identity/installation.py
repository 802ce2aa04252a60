"""Who this installation is: a random install id, tied to the hardware by a keyed hash of what it states.

Never the network address, never the host name. Clear serial numbers do not leave this module's callers.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from ..base.errors import BadDataDir
from ..identification.fillers import FIRST_RULES, RULES
from ..report import HardwareIdentity, HashForm, Inventory
from .fingerprint import fingerprint_of, identifiers, with_fewer_rights

FILE_NAME = "identity.json"


@dataclass(frozen=True)
class Identity:
    """What is stored in identity.json; `device_id` and `credential` are the collector's, after enrolment.

    `fingerprint` is in the product's form, by the numbered `rules` (None: an agent wrote it that numbered
    none), and `reported` is the one that the collector has, sent in `reported_form`. `hash_key` is the text
    of the organisation's key. `http_server` is the address that was used without TLS before that needed a
    setting.
    """

    install_id: str
    fingerprint: str | None = None
    device_id: str | None = None
    credential: str | None = None
    rules: int | None = None
    hash_key: str | None = None
    reported: str | None = None
    reported_form: HashForm = "product"
    http_server: str | None = None

    @property
    def hash_form(self) -> HashForm:
        """The form in which this machine's hashes are sent."""
        return "product" if self.hash_key is None else "organisation"

    @property
    def is_hardware_due(self) -> bool:
        """Whether the collector has another fingerprint of this machine, or its other form."""
        seen, reported = (self.fingerprint, self.hash_form), (self.reported, self.reported_form)
        return self.credential is not None and is_hardware_due(seen, reported)


def is_hardware_due(seen: tuple[str | None, HashForm], reported: tuple[str | None, HashForm]) -> bool:
    """Return whether fingerprint and form differ from what was reported; never for one without both."""
    return (seen[0] is not None or reported[0] is not None) and seen != reported


_FIELDS = frozenset(one.name for one in fields(Identity))


def load_identity(data_dir: Path) -> Identity | None:
    """Return the stored identity; None before the first start or when the file is damaged.

    Fields that a newer agent added are ignored.
    """
    try:
        stored = json.loads((data_dir / FILE_NAME).read_text(encoding="utf-8"))
        return Identity(**{name: value for name, value in stored.items() if name in _FIELDS})
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
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
    """Return the identity to use on this hardware, and whether an earlier one was dropped.

    A stored fingerprint that differs from this machine's means a cloned disk: the clone starts anew. It may
    differ because the account was since allowed to read more, or because the rules changed; then it is the
    same machine.
    """
    stored, stated = load_identity(data_dir), identifiers(root)
    seen = fingerprint_of(stated)
    if stored is None:
        return _new_identity(seen), False
    known = _with_rules(stored)
    if known.fingerprint is None:
        return replace(known, fingerprint=seen, rules=RULES), False
    rules = known.rules or FIRST_RULES
    then = fingerprint_of(stated, rules)
    if known.fingerprint == then or known.fingerprint in with_fewer_rights(stated, rules):
        return replace(known, fingerprint=seen, rules=RULES), False
    if then is None or rules > RULES:
        return known, False
    return _new_identity(seen), True


def _new_identity(seen: str | None) -> Identity:
    return Identity(secrets.token_hex(16), seen, rules=RULES)


def _with_rules(stored: Identity) -> Identity:
    """Return an identity with its rules named; before, the collector was sent what was stored."""
    if stored.rules is not None:
        return stored
    reported = stored.fingerprint if stored.credential is not None else None
    return replace(stored, rules=FIRST_RULES, reported=reported)


def hardware_identity(identity: Identity, inventory: Inventory) -> HardwareIdentity:
    """Return the identity as enrolment and reports carry it, its hashes in the product's form."""
    is_changed = identity.reported not in (None, identity.fingerprint)
    return HardwareIdentity(
        identity.install_id,
        inventory.virtual,
        identity.fingerprint,
        asset_hash=inventory.system.asset_hash,
        maker=inventory.system.maker,
        model=inventory.system.model,
        earlier_fingerprint=identity.reported if is_changed else None,
    )
