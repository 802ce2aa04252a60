"""Device credentials: signed by this collector, verified without reading the store."""

from __future__ import annotations

import hashlib
import os
import secrets
import threading
import time
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

from .collector import Collector
from .errors import ParcimetreError
from .store import DeviceId, Fact, Lease

KEY_FILE = "credential.key"
KEY_BYTES = 32
KEY_CLAIM = "credential_key"
REFRESH_S = 3.0


class BadCredential(ParcimetreError):
    """A credential that this collector did not sign, or that was revoked."""

    status = 401
    kind = "bad-credential"

    @property
    def headers(self) -> dict[str, str]:
        """The scheme that is asked for."""
        return {"WWW-Authenticate": "Bearer"}


class KeyUnusable(ParcimetreError):
    """The file with the signing key cannot be made or read."""

    status = 503
    kind = "key-unusable"


class Credentials:
    """Signs and verifies. Revocations made by other processes are seen within REFRESH_S seconds."""

    def __init__(self, collector: Collector) -> None:
        """Read the signing key, made on first use. Raises KeyUnusable."""
        self._store = collector.store
        self._serializer = URLSafeSerializer(
            shared_key(collector) if collector.store.shared else signing_key(collector.settings.data_dir),
            salt="parcimetre/device-credential",
            signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256},
        )
        self._lock = threading.Lock()
        self._revoked_before: dict[str, int] = {}
        self._refreshed_at = -REFRESH_S

    def issue(self, device_id: DeviceId, now: int) -> str:
        """A credential for a device; later than any revocation of earlier ones."""
        fact = self._store.latest_of("credential", device_id)
        issued_at = now if fact is None else max(now, int(fact.body["revoked_before"]))
        return str(self._serializer.dumps([device_id, issued_at]))

    def verify(self, authorization: str | None) -> DeviceId:
        """The device that an Authorization header speaks for. Raises BadCredential."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise BadCredential(
                "the report has no credential: send 'Authorization: Bearer' with the one from enrolment"
            )
        try:
            device_id, issued_at = self._serializer.loads(token.strip())
        except (BadSignature, ValueError, TypeError) as error:
            raise BadCredential("this collector did not sign the credential: enrol again") from error
        if issued_at < self._revocations().get(device_id, 0):
            raise BadCredential("the credential was revoked when the device was retired: enrol again")
        return DeviceId(device_id)

    def _revocations(self) -> dict[str, int]:
        with self._lock:
            if time.monotonic() - self._refreshed_at >= REFRESH_S:
                facts = self._store.latest("credential")
                self._revoked_before = {key: int(fact.body["revoked_before"]) for key, fact in facts.items()}
                self._refreshed_at = time.monotonic()
            return self._revoked_before


def revocation(device_id: DeviceId, now: int) -> Fact:
    """The fact that ends all credentials of a device issued up to now."""
    return Fact("credential", device_id, now, {"revoked_before": now + 1})


def shared_key(collector: Collector) -> bytes:
    """The key of a data folder, which must be that of all collectors of the store. Raises KeyUnusable.

    The store keeps the hash of the key that the first collector came with, never the key: who reads the
    store cannot sign. Without that check a second collector would sign with a key of its own, and every
    agent would be turned away by the other.
    """
    store, data_dir = collector.store, collector.settings.data_dir
    copy = f"copy {KEY_FILE} from the data folder of a collector that runs into {data_dir}"
    known = store.lease(KEY_CLAIM)
    if known.term and not (data_dir / KEY_FILE).exists():
        raise KeyUnusable(f"{data_dir} has no {KEY_FILE}, and the store's other collectors have one: {copy}")
    key = signing_key(data_dir)
    digest = hashlib.sha256(key).hexdigest()
    if not known.term:
        store.take(KEY_CLAIM, Lease(1, digest))
        known = store.lease(KEY_CLAIM)
    if known.holder != digest:
        raise KeyUnusable(f"{data_dir / KEY_FILE} is not the key of the store's other collectors: {copy}")
    return key


def signing_key(data_dir: Path) -> bytes:
    """The key of a data folder, readable by its owner only; made where there is none. Raises KeyUnusable."""
    file = data_dir / KEY_FILE
    try:
        if not file.exists():
            _make_key(file)
        key = file.read_bytes()
    except OSError as error:
        raise KeyUnusable(
            f"cannot use {file}: {error.strerror}; give this user read and write access to {data_dir}"
        ) from error
    if len(key) != KEY_BYTES:
        raise KeyUnusable(
            f"{file} is damaged: it has {len(key)} bytes instead of {KEY_BYTES}; restore it from a backup, "
            "or remove it and let the agents enrol again"
        )
    return key


def _make_key(file: Path) -> None:
    """Write the key whole or not at all; the first of two processes wins."""
    draft = file.with_name(f"{KEY_FILE}.{os.getpid()}.draft")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(secrets.token_bytes(KEY_BYTES))
        opened.flush()
        os.fsync(opened.fileno())
    try:
        os.link(draft, file)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
