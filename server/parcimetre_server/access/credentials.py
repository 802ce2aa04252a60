"""Device credentials: signed by this collector, verified without reading the store.

One that is older than 30 days is renewed with the answer to a report, and one that was not renewed for 500
days is not valid any more: an agent that was away for the 400 days of its spool can still send it.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from itsdangerous import BadSignature, HMACAlgorithm, Signer, URLSafeSerializer

from ..base import clock
from ..base.cache import Cache
from ..base.errors import ParcimetreError
from ..organisation import audit
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from .context import Context
from .key_files import KeyFile

CREDENTIAL_KEY = KeyFile("credential.key", "credential_key", "let the agents enrol again")
PREVIOUS_KEY_FILE = "credential.previous.key"
KEY_SETTING = "credential_key"
SALT = "parcimetre/device-credential"
RENEW_S = 30 * 86_400
EXPIRES_S = 500 * 86_400  # later than the oldest slot that an agent's spool may have
REFRESH_S = 3.0
MOST_VERIFIED = 50_000  # credentials, of some 400 bytes each
STALE = "A signature stays valid for its key; whether it was revoked is asked each time."


class BadCredential(ParcimetreError):
    """A credential that this collector did not sign, or that was revoked."""

    status = 401
    kind = "bad-credential"

    @property
    def headers(self) -> dict[str, str]:
        """The authentication scheme to use."""
        return {"WWW-Authenticate": "Bearer"}


class RotationInProgress(ParcimetreError):
    """A rotation was asked for while the previous key is still accepted."""


@dataclass(frozen=True)
class PresentedCredential:
    """A credential that was presented: its device, and whether its agent should get a new one."""

    device_id: DeviceId
    is_due: bool


class Credentials:
    """Signs and verifies. Revocations and keys of other processes are seen within `refresh_s` seconds."""

    def __init__(self, context: Context, refresh_s: float = REFRESH_S) -> None:
        """Read the signing key, made on first use. Raises KeyUnusable."""
        self.refresh_s = refresh_s
        self._store, self._folder = context.store, context.settings.data_dir
        self._present = _Key(CREDENTIAL_KEY.in_force(self._store, self._folder))
        self._previous: _Key | None = None
        self._previous_until = 0
        self._lock = threading.Lock()
        self._revoked_before: dict[str, int] = {}
        self._refreshed_at = -math.inf

    def issue(self, device_id: DeviceId, now: int) -> str:
        """Return a new credential of a device, issued later than any revocation of earlier ones."""
        self._refresh()
        fact = self._store.latest_of("credential", device_id)
        issued_at = now if fact is None else max(now, int(fact.body["revoked_before"]))
        return self._present.sign(device_id, issued_at)

    def verify(self, authorization: str | None) -> DeviceId:
        """Return the device of an Authorization header. Raises BadCredential."""
        return self.presented(authorization, clock.now()).device_id

    def presented(self, authorization: str | None, now: int) -> PresentedCredential:
        """Return the credential of an Authorization header. Raises BadCredential."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise BadCredential(
                "the report has no credential: send 'Authorization: Bearer' with the credential "
                "received at enrolment"
            )
        self._refresh()
        try:
            (device_id, issued_at), is_present = self._read(token.strip(), now)
        except (BadSignature, ValueError, TypeError) as error:
            raise BadCredential("this collector did not sign the credential: enrol again") from error
        if issued_at < self._revoked_before.get(device_id, 0):
            raise BadCredential("the credential was revoked or its device was retired: enrol again")
        if now - issued_at > EXPIRES_S:
            raise BadCredential("the credential has expired, as it was not renewed for 500 days: enrol again")
        return PresentedCredential(DeviceId(device_id), not is_present or now - issued_at > RENEW_S)

    def proven(self, authorization: str | None, now: int) -> DeviceId | None:
        """Return the device whose valid credential an Authorization header shows, if it shows any."""
        try:
            return self.presented(authorization, now).device_id
        except BadCredential:
            return None

    def _read(self, token: str, now: int) -> tuple[tuple[str, int], bool]:
        """Return device and time of issue, and whether the present key signed it. Raises BadSignature."""
        try:
            return self._present.read(token), True
        except BadSignature:
            if self._previous is None or now >= self._previous_until:
                raise
            return self._previous.read(token), False

    def _refresh(self) -> None:
        with self._lock:
            if time.monotonic() - self._refreshed_at < self.refresh_s:
                return
            facts = self._store.latest("credential")
            self._revoked_before = {key: int(fact.body["revoked_before"]) for key, fact in facts.items()}
            rotated = self._store.latest_of("setting", KEY_SETTING)
            before = self._present, self._previous
            self._present = _key(CREDENTIAL_KEY.in_force(self._store, self._folder), before)
            if rotated is not None and (self._folder / PREVIOUS_KEY_FILE).exists():
                self._previous = _key((self._folder / PREVIOUS_KEY_FILE).read_bytes(), before)
                self._previous_until = int(rotated.body["previous_until"])
            self._refreshed_at = time.monotonic()


class _Key:
    """A key that signs credentials and reads them; those that it has verified are cached."""

    def __init__(self, key: bytes) -> None:
        """Derive what signs from the key's bytes."""
        self.bytes = key
        self._serializer = URLSafeSerializer(
            key, salt=SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )
        derived = self._serializer.make_signer(SALT).derive_key()
        self._signer = Signer(derived, key_derivation="none", algorithm=_Sha256())
        self._verified: Cache[str, tuple[str, int]] = Cache("credentials", STALE, MOST_VERIFIED)

    def sign(self, device_id: DeviceId, issued_at: int) -> str:
        """Return a signed credential."""
        return str(self._serializer.dumps([device_id, issued_at]))

    def read(self, token: str) -> tuple[str, int]:
        """Return its device and when it was issued (s UTC). Raises BadSignature, ValueError, TypeError."""
        verified = self._verified.get(token)
        if verified is None:
            device_id, issued_at = self._serializer.load_payload(self._signer.unsign(token))
            verified = device_id, issued_at
            self._verified.put(token, verified)
        return verified


def _key(content: bytes, known: Iterable[_Key | None]) -> _Key:
    """Return the known key with these bytes, or a new one."""
    return next((key for key in known if key is not None and key.bytes == content), None) or _Key(content)


class _Sha256(HMACAlgorithm):
    """HMAC in one step, several times faster than that of the library."""

    def get_signature(self, key: bytes, value: bytes) -> bytes:
        """Return the signature of a value."""
        return hmac.digest(key, value, "sha256")


def rotate(store: Store, data_dir: Path, until: int, now: int, force: bool = False) -> None:
    """Sign with a new key from now on, and accept what the old one signed until then (seconds UTC).

    Agents that report until then get a credential of the new key with the answer. Raises KeyUnusable, and
    RotationInProgress while an earlier key is accepted, unless `force` gives that one up.
    """
    rotated = store.latest_of("setting", KEY_SETTING)
    before = 0 if rotated is None else int(rotated.body["previous_until"])
    if before > now and not force:
        raise RotationInProgress(
            f"the previous key is still accepted until {datetime.fromtimestamp(before, UTC).date()}. "
            "Wait until then, or give --force; agents that have not reported since the last "
            "rotation must then enrol again."
        )
    CREDENTIAL_KEY.in_force(store, data_dir)
    body = {"previous_until": until}
    entry = audit.entry("credential key rotated", KEY_SETTING, now, {"previous_until": before}, body)
    store.append([Fact("setting", KEY_SETTING, now, body), entry])
    CREDENTIAL_KEY.replace(store, data_dir, PREVIOUS_KEY_FILE)


def revocation_fact(device_id: DeviceId, now: int) -> Fact:
    """Return the fact that ends all credentials of a device issued up to now."""
    return Fact("credential", device_id, now, {"revoked_before": now + 1})
