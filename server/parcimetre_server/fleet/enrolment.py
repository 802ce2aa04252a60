"""Enrolment: secrets bound to an org unit and a site, exchanged for a device's identity and credential."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import NamedTuple

from parcimetre_agent.report import EnrolRequest, HardwareIdentity

from ..access.context import Context
from ..base.cache import Cache
from ..base.errors import ParcimetreError
from ..base.i18n import N_
from ..organisation import audit
from ..organisation.org import DEFAULT_SITE, create_site, create_unit, site
from ..store.fact_schema import DeviceBody
from ..store.interface import Store
from ..store.records import Body, DeviceId, Fact
from .device_matching import Identities, KnownDevice

PREFIX = "ps_"
ID_LENGTH = 10
HIDDEN = ("id", "hash")  # of the audit log
CLOCKS_APART_S = 600
STALE = "Identities count until one that is asked for is no longer what the store has."
MEND = "create another with `parcimetre enrolment-secret create`"


class BadSecret(ParcimetreError):
    """An enrolment secret that is unknown, revoked or expired."""

    status = 403
    kind = "bad-secret"


class UnknownSecret(ParcimetreError):
    """An id that no enrolment secret has."""

    status = 404
    kind = "unknown-secret"


@dataclass(frozen=True)
class Secret:
    """An enrolment secret as stored, without its text, which is shown once; times are seconds UTC."""

    id: str
    hash: str
    org_unit: str
    site: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None

    def state(self, now: int) -> str:
        """Return its state at `now`: valid, revoked or expired."""
        if self.revoked_at is not None:
            return N_("revoked")
        expired = self.expires_at is not None and self.expires_at <= now
        return N_("expired") if expired else N_("valid")


def create_secret(
    context: Context,
    org_unit: str,
    site_name: str = DEFAULT_SITE,
    zone: str | None = None,
    expires_at: int | None = None,
) -> tuple[Secret, str]:
    """Create a secret for an org unit and a site, both created if missing; return it with its text.

    `zone` is the site's grid zone; without it an existing site keeps its own and a new one is in FR.
    """
    now, store = context.now(), context.store
    site_name = site_name.strip()
    unit = create_unit(store, org_unit, now)
    if zone is not None or store.latest_of("site", site_name) is None:
        create_site(store, site_name, zone or "FR", now, context.factors)
    text = PREFIX + secrets.token_urlsafe(24)
    digest = _hash(text)
    name = site(store, site_name).name
    secret = Secret(digest[:ID_LENGTH], digest, unit, name, now, expires_at)
    _store_secret(
        store, secret, now, audit.entry("secret created", secret.id, now, after=vars(secret), hidden=HIDDEN)
    )
    return secret, text


def all_secrets(store: Store) -> list[Secret]:
    """Return every secret, oldest first."""
    stored = [_secret(fact) for fact in store.latest("secret").values()]
    return sorted(stored, key=lambda secret: secret.created_at)


def revoke_secret(context: Context, secret_id: str) -> Secret:
    """Revoke a secret; devices that enrolled with it stay enrolled. Raises UnknownSecret."""
    fact = context.store.latest_of("secret", secret_id)
    if fact is None:
        raise UnknownSecret(f"no secret {secret_id!r}: `parcimetre enrolment-secret list` shows them")
    secret = _secret(fact)
    if secret.revoked_at is None:
        before, now = secret, context.now()
        secret = replace(secret, revoked_at=now)
        entry = audit.entry("secret revoked", secret.id, now, vars(before), vars(secret), hidden=HIDDEN)
        _store_secret(context.store, secret, now, entry)
    return secret


def check_secret(store: Store, text: str, now: int) -> Secret:
    """Return the secret with this text if it is valid. Raises BadSecret with the reason and the fix."""
    digest = _hash(text)
    fact = store.latest_of("secret", digest[:ID_LENGTH])
    if fact is None or not secrets.compare_digest(_secret(fact).hash, digest):
        raise BadSecret(f"this enrolment secret is unknown: check the secret file, or {MEND}")
    secret = _secret(fact)
    if secret.revoked_at is not None:
        raise BadSecret(f"enrolment secret {secret.id} was revoked on {_day(secret.revoked_at)}: {MEND}")
    if secret.expires_at is not None and secret.expires_at <= now:
        raise BadSecret(f"enrolment secret {secret.id} expired on {_day(secret.expires_at)}: {MEND}")
    return secret


class _Known(NamedTuple):
    """All machines that were known at a time, seconds UTC."""

    identities: Identities
    at: int


class Enrolment:
    """Exchanges secrets for devices, with an index in memory of every enrolled machine."""

    def __init__(self, context: Context) -> None:
        """Read no machine yet: the first enrolment does."""
        self._context = context
        self._lock = threading.Lock()
        self._identities: Cache[None, _Known] = Cache("identities", STALE, 1)

    def enrol(self, request: EnrolRequest) -> DeviceId:
        """Enrol a machine; return its device, the one it was before or a new one, stored durably.

        Raises BadSecret with the reason and the fix.
        """
        store, now = self._context.store, self._context.now()
        secret = check_secret(store, request.secret, now)
        with self._lock:
            found, before = self._found(request.hardware)
            device_id = found or DeviceId(secrets.token_hex(16))
            if before is not None:
                _check_retirement(before, secret)
            body = _body(request, secret, now, before.body if before else {})
            if before is not None and store.history("transfer", device_id):
                body["org_unit"], body["site"] = before.body["org_unit"], before.body["site"]
            if before is None or before.body != body:
                fact = Fact("device", device_id, now, body)
                store.append([fact])
                self._known().remember(KnownDevice.of(fact))
        return device_id

    def _found(self, hardware: HardwareIdentity) -> tuple[DeviceId | None, Fact | None]:
        """Return the device that a machine is and its stored fact, both None for a new machine."""
        known = self._known()
        found = known.find(hardware)
        before = self._context.store.latest_of("device", found) if found else None
        if found is not None and not known.is_current(found, before):
            self._identities.clear()
            found = self._known().find(hardware)
            before = self._context.store.latest_of("device", found) if found else None
        return found, before

    def _known(self) -> Identities:
        """Return all machines."""
        return self._identities.update(None, self._read).identities

    def _read(self, before: _Known | None) -> _Known:
        """Return all machines, read once; of a shared store, with those that others have enrolled since."""
        store, now = self._context.store, self._context.now()
        if before is not None and not store.shared:
            return before
        identities = Identities() if before is None else before.identities
        since = 0 if before is None else before.at - CLOCKS_APART_S
        for fact in store.latest("device", since).values():
            identities.remember(KnownDevice.of(fact))
        return _Known(identities, now)


def _check_retirement(device: Fact, secret: Secret) -> None:
    """Raise BadSecret for a retired device unless the secret is newer: its agent enrols again by itself."""
    retired_at = device.body.get("retired_at")
    if retired_at is not None and secret.created_at < retired_at:
        raise BadSecret(
            f"device {device.key} was retired on {_day(retired_at)}: to bring it back, enrol it with "
            "a new secret, created with `parcimetre enrolment-secret create`"
        )


def _body(request: EnrolRequest, secret: Secret, now: int, before: Body) -> DeviceBody:
    """Return the body of the device's fact; a second enrolment keeps the date of the first."""
    hardware = request.hardware
    return {
        "category": request.category,
        "org_unit": secret.org_unit,
        "site": secret.site,
        "hostname": request.hostname,
        "simulated": request.simulated,
        "virtual": hardware.virtual,
        "install_id": hardware.install_id,
        "fingerprint": hardware.fingerprint or before.get("fingerprint"),
        "enrolled_at": before.get("enrolled_at", now),
        "agent_version": request.agent_version,
        "relayed_by": request.relayed_by,
        "retired_at": None,
        "scrapped": False,
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()


def _secret(fact: Fact) -> Secret:
    return Secret(**fact.body)


def _store_secret(store: Store, secret: Secret, now: int, entry: Fact) -> None:
    store.append([Fact("secret", secret.id, now, vars(secret)), entry])


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
