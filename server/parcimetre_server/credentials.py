"""Signed device credentials: verified without reading the store, and refused once the device is retired."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

from itsdangerous import BadSignature, URLSafeSerializer

from .collector import Collector
from .errors import ParcimetreError
from .store import DeviceId

KEY_FILE = "credential.key"
SALT = "device-credential"
REFRESH_S = 5.0


class BadCredential(ParcimetreError):
    """A credential that was not issued here, or no longer holds."""

    status = 401
    kind = "bad-credential"

    @property
    def headers(self) -> dict[str, str]:
        """The scheme to use."""
        return {"WWW-Authenticate": "Bearer"}


class Credentials:
    """Issues and verifies credentials; knows the retired devices of a few seconds ago."""

    def __init__(self, collector: Collector) -> None:
        """Read the signing key of the data folder, made on first use."""
        self._store = collector.store
        self._serializer = URLSafeSerializer(_key(collector.settings.data_dir / KEY_FILE), salt=SALT)
        self._retired: frozenset[str] = frozenset()
        self._refreshed_at = float("-inf")

    def issue(self, device_id: DeviceId) -> str:
        """A credential for a device."""
        return str(self._serializer.dumps(device_id))

    def verify(self, authorization: str | None) -> DeviceId:
        """The device that an Authorization header speaks for. Raises BadCredential."""
        scheme, _, credential = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not credential:
            raise BadCredential("no credential: send `Authorization: Bearer ...` with the one from enrolment")
        try:
            device_id = DeviceId(str(self._serializer.loads(credential.strip())))
        except BadSignature:
            raise BadCredential("this credential was not issued by this collector: enrol again") from None
        if device_id in self._retired_devices():
            raise BadCredential("this device was retired: enrol it again to bring it back")
        return device_id

    def _retired_devices(self) -> frozenset[str]:
        if time.monotonic() - self._refreshed_at > REFRESH_S:
            self._retired = frozenset(
                key for key, fact in self._store.latest("device").items() if fact.body.get("retired_at")
            )
            self._refreshed_at = time.monotonic()
        return self._retired


def _key(file: Path) -> bytes:
    """The signing key, readable by its owner only."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        key = secrets.token_hex(32).encode()
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(key)
            opened.flush()
            os.fsync(opened.fileno())
        return key
