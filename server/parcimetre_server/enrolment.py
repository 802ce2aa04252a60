"""Enrolment: secrets bound to an org unit and a site, exchanged for a device's identity and credential."""

from __future__ import annotations

import hashlib
import secrets
import threading
from dataclasses import dataclass, replace
from typing import Any

from parcimetre_agent.report import EnrolRequest

from .collector import Collector
from .errors import ParcimetreError
from .identity import Known, same_machine
from .org import DEFAULT_SITE, create_site, create_unit, site
from .store import DeviceId, Fact, Store

PREFIX = "ps_"


class BadSecret(ParcimetreError):
    """A secret that does not let anyone in."""

    status = 403
    kind = "bad-secret"


class UnknownSecret(ParcimetreError):
    """No secret of that id."""

    status = 404
    kind = "unknown-secret"


@dataclass(frozen=True)
class Secret:
    """What is kept of an enrolment secret; times are seconds UTC. The secret itself is shown once."""

    id: str
    hash: str
    org_unit: str
    site: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None


def create_secret(
    collector: Collector,
    org_unit: str,
    site_name: str = DEFAULT_SITE,
    zone: str | None = None,
    expires_at: int | None = None,
) -> tuple[Secret, str]:
    """A new secret for an org unit and a site, both created where they are missing, and its clear text.

    `zone` is the site's grid zone; without it an existing site keeps its own and a new one is in FR.
    """
    now, store = collector.now(), collector.store
    unit = create_unit(store, org_unit, now)
    if zone is not None or store.latest_of("site", site_name) is None:
        create_site(store, site_name, zone or "FR", now, collector.factors)
    text = PREFIX + secrets.token_urlsafe(24)
    secret = Secret(secrets.token_hex(4), _hash(text), unit, site(store, site_name).name, now, expires_at)
    _keep(store, secret, now)
    return secret, text


def all_secrets(store: Store) -> list[Secret]:
    """Every secret, oldest first."""
    found = [_secret(fact) for fact in store.latest("secret").values()]
    return sorted(found, key=lambda secret: secret.created_at)


def revoke_secret(collector: Collector, secret_id: str) -> Secret:
    """Let nobody enrol with it any more; devices already enrolled stay. Raises UnknownSecret."""
    fact = collector.store.latest_of("secret", secret_id)
    if fact is None:
        raise UnknownSecret(f"no secret {secret_id!r}: `parcimetre enrolment-secret list` shows them")
    secret = replace(_secret(fact), revoked_at=collector.now())
    _keep(collector.store, secret, collector.now())
    return secret


class Enrolment:
    """Exchanges secrets for devices; keeps an index of known machines, so that a large fleet enrols fast."""

    def __init__(self, collector: Collector) -> None:
        """Read the machines known so far."""
        self._collector = collector
        self._lock = threading.Lock()
        self._known = Known()
        for device_id, fact in collector.store.latest("device").items():
            self._known.add(DeviceId(device_id), fact.body)

    def enrol(self, request: EnrolRequest) -> DeviceId:
        """The device of this machine: the one it was before, or a new one.

        Raises BadSecret with the reason and the mend.
        """
        secret = self._accepted(request.secret)
        with self._lock:
            found = same_machine(self._known, request.hardware)
            device_id = found or DeviceId(secrets.token_hex(16))
            body = self._body(request, secret, found)
            self._collector.store.append([Fact("device", device_id, self._collector.now(), body)])
            self._known.add(device_id, body)
        return device_id

    def _accepted(self, text: str) -> Secret:
        digest = _hash(text)
        found = [s for s in all_secrets(self._collector.store) if secrets.compare_digest(s.hash, digest)]
        if not found:
            raise BadSecret("this enrolment secret is not known here: check it, or create another one")
        secret = found[0]
        if secret.revoked_at is not None:
            raise BadSecret(f"enrolment secret {secret.id} was revoked: ask for another one")
        if secret.expires_at is not None and secret.expires_at <= self._collector.now():
            raise BadSecret(f"enrolment secret {secret.id} has expired: ask for another one")
        return secret

    def _body(self, request: EnrolRequest, secret: Secret, found: DeviceId | None) -> dict[str, Any]:
        """What is kept of the device; org unit and date of first enrolment outlive a second one."""
        before = self._collector.store.latest_of("device", found) if found else None
        return {
            "category": request.category,
            "org_unit": before.body["org_unit"] if before else secret.org_unit,
            "site": before.body["site"] if before else secret.site,
            "hostname": request.hostname,
            "simulated": request.simulated,
            "virtual": request.hardware.virtual,
            "install_id": request.hardware.install_id,
            "fingerprint": request.hardware.fingerprint,
            "enrolled_at": before.body["enrolled_at"] if before else self._collector.now(),
            "agent_version": request.agent_version,
            "retired_at": None,
        }


def _hash(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()


def _secret(fact: Fact) -> Secret:
    return Secret(**fact.body)


def _keep(store: Store, secret: Secret, now: int) -> None:
    store.append([Fact("secret", secret.id, now, vars(secret))])
