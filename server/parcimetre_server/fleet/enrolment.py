"""Enrolment: secrets bound to an org unit and a site, exchanged for a device's identity and credential."""

from __future__ import annotations

import hashlib
import logging
import math
import secrets
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from parcimetre_agent.identification.organisation_key import split_secret, with_key
from parcimetre_agent.report import SLOT_S, EnrolRequest, HardwareIdentity

from ..access.context import Context
from ..access.organisation_key import OrganisationKey, organisation_key
from ..base.cache import Cache
from ..base.errors import ParcimetreError
from ..base.i18n import N_
from ..base.org_path import within
from ..base.periods import HOUR_S
from ..organisation import audit
from ..organisation.left_out import leaving_out
from ..organisation.merges import MergeHistory
from ..organisation.org import DEFAULT_SITE, create_site, create_unit, site
from ..organisation.transfers import Placement, present_place, transfer_facts
from ..store.fact_schema import DeviceBody
from ..store.interface import Store
from ..store.records import Body, DeviceId, Fact
from .device_matching import Candidate, Decision, Identities, KnownDevice, decide
from .joins import Join, unit_of, waiting, waiting_facts
from .organisation_hashes import ORGANISATION, PRODUCT, of_hardware

PREFIX = "ps_"
ID_LENGTH = 10
HIDDEN = ("id", "hash")  # of the audit log
CLOCKS_APART_S = 600
FAR_TOO_MANY = 2
WHO = "enrolment"
STALE = "Identities count until one that is asked for is no longer what the store has."
MEND = "create another with `parcimetre enrolment-secret create`"
LOG = logging.getLogger(__name__)


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
    """An enrolment secret as stored, without its text, which is shown once; times are seconds UTC.

    `planned` is how many devices are expected to enrol with it, `most` how many it admits.
    """

    id: str
    hash: str
    org_unit: str
    site: str
    created_at: int
    expires_at: int | None = None
    revoked_at: int | None = None
    planned: int | None = None
    most: int | None = None

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
    planned: int | None = None,
    most: int | None = None,
) -> tuple[Secret, str]:
    """Create a secret for an org unit and a site, both created if missing; return it with its text.

    The text ends with the organisation's key, so that a machine's first message is keyed too.
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
    secret = Secret(digest[:ID_LENGTH], digest, unit, name, now, expires_at, None, planned, most)
    _store_secret(
        store, secret, now, audit.entry("secret created", secret.id, now, after=vars(secret), hidden=HIDDEN)
    )
    return secret, with_key(text, organisation_key(context))


def all_secrets(store: Store) -> list[Secret]:
    """Return every secret, oldest first."""
    stored = [_secret(fact) for fact in store.latest("secret").values()]
    return sorted(stored, key=lambda secret: secret.created_at)


def find_secret(store: Store, wanted: str) -> Secret:
    """Return the secret with this id, or the only one whose id begins so. Raises UnknownSecret."""
    found = [secret for secret in all_secrets(store) if wanted and secret.id.startswith(wanted)]
    if len(found) != 1:
        raise UnknownSecret(f"no secret {wanted!r}: `parcimetre enrolment-secret list` shows them")
    return found[0]


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
    digest = _hash(split_secret(text)[0])
    fact = store.latest_of("secret", digest[:ID_LENGTH])
    if fact is None or not secrets.compare_digest(_secret(fact).hash, digest):
        raise BadSecret(f"this enrolment secret is unknown: check the secret file, or {MEND}")
    secret = _secret(fact)
    if secret.revoked_at is not None:
        raise BadSecret(f"enrolment secret {secret.id} was revoked on {_day(secret.revoked_at)}: {MEND}")
    if secret.expires_at is not None and secret.expires_at <= now:
        raise BadSecret(f"enrolment secret {secret.id} expired on {_day(secret.expires_at)}: {MEND}")
    return secret


class KnownSecrets:
    """Ids of all secrets, read at most once a second: tells wrong secrets apart without asking the store."""

    def __init__(self, store: Store) -> None:
        """Read nothing yet."""
        self._store, self._lock = store, threading.Lock()
        self._ids: frozenset[str] = frozenset()
        self._read_at = -math.inf

    def has(self, text: str) -> bool:
        """Return whether a secret may have this text; one created within the last second may be missing."""
        with self._lock:
            if time.monotonic() - self._read_at >= 1:
                self._ids = frozenset(self._store.latest("secret"))
                self._read_at = time.monotonic()
            return _hash(split_secret(text)[0])[:ID_LENGTH] in self._ids


class NotItsGateway(ParcimetreError):
    """A device that names a gateway which did not show its credential, or is of another org unit."""

    status = 403
    kind = "not-its-gateway"


class _Known(NamedTuple):
    """All machines that were known at a time, seconds UTC."""

    identities: Identities
    at: int


class _Asking(NamedTuple):
    """An enrolment: the request, its secret, the device whose credential it showed, and the time (s UTC)."""

    request: EnrolRequest
    secret: Secret
    shown: DeviceId | None
    now: int


class Enrolment:
    """Exchanges secrets for devices, with an index in memory of every enrolled machine."""

    def __init__(self, context: Context) -> None:
        """Read no machine yet: the first enrolment does."""
        self.key = OrganisationKey(context)
        self._context = context
        self._lock = threading.Lock()
        self._identities: Cache[None, _Known] = Cache("identities", STALE, 1)

    def enrol(self, request: EnrolRequest, shown: DeviceId | None = None) -> DeviceId:
        """Enrol a machine; return its device, the one it was before or a new one, stored durably.

        `shown` is the device of the credential that came with the request: its own, or its gateway's. Raises
        BadSecret and NotItsGateway with the reason and the fix.
        """
        store, now = self._context.store, self._context.now()
        secret = check_secret(store, request.secret, now)
        if request.hash_form == PRODUCT:
            request = replace(request, hardware=of_hardware(request.hardware, self.key.rekeyed))
        asking = _Asking(request, secret, shown, now)
        with self._lock, audit.acting(WHO):
            known = self._matching(request.hardware, shown)
            merges = MergeHistory.of(store) if known or request.relayed_by else MergeHistory()
            candidates = self._candidates(known, merges)
            self._check_gateway(asking, known, candidates, merges)
            decision = decide(candidates, _proven(asking, known), asking.secret.org_unit)
            if decision.device_id is None:
                return self._enrol_new(asking, decision)
            place = next(one for one in candidates if one.device_id == decision.device_id)
            return self._enrol_again(asking, decision, place.org_unit)

    def is_of_another(self, fingerprint: str | None, device_id: DeviceId) -> bool:
        """Return whether a fingerprint is known of another device than this one."""
        with self._lock:
            return self._known().of_another(fingerprint, device_id)

    def note(self, facts: Iterable[Fact]) -> None:
        """Know the identities of devices that their reports stated and that are stored now."""
        with self._lock:
            for fact in facts:
                self._known().remember(KnownDevice.of(fact))

    def _enrol_new(self, asking: _Asking, decision: Decision) -> DeviceId:
        """Store a new device, which waits to be joined if it may be a known one."""
        secret, now = asking.secret, asking.now
        self._check_planned(secret)
        device_id = DeviceId(secrets.token_hex(16))
        body = _body(asking, {})
        after = {name: body[name] for name in ("org_unit", "hostname", "relayed_by")}
        facts = [audit.entry("device enrolled", device_id, now, {}, {"secret": secret.id, **_stated(after)})]
        if decision.may_be is not None:
            facts += waiting_facts(Join("machine", decision.may_be, device_id, secret.id, now), now)
        self._store([Fact("device", device_id, now, body), *facts])
        return device_id

    def _enrol_again(self, asking: _Asking, decision: Decision, org_unit: str) -> DeviceId:
        """Store what changed of a known device; every take-over is in the audit log, each hour once."""
        store, secret, now = self._context.store, asking.secret, asking.now
        device_id = decision.device_id
        assert device_id is not None, "decided by who calls"
        before = store.latest_of("device", device_id)
        assert before is not None, "a candidate is current"
        _check_retirement(before, secret)
        body = _body(asking, before.body)
        facts: list[Fact] = []
        if self._known().of_another(body["fingerprint"], device_id):
            body["fingerprint"] = before.body.get("fingerprint")
        if not within(secret.org_unit, org_unit) or store.history("transfer", device_id):
            body["org_unit"], body["site"] = before.body["org_unit"], before.body["site"]
            if not within(org_unit, secret.org_unit) and before.body.get("secret") != secret.id:
                facts += _moved(store, device_id, secret, now)
        names = ("org_unit", "hostname", "relayed_by", "install_id")
        was, after = ({name: of.get(name) for name in names} for of in (before.body, body))
        about = {"secret": secret.id, "proof": decision.proof}
        entry = audit.entry("device enrolled again", device_id, now, was, {**after, **about})
        if before.body != body:
            facts.insert(0, Fact("device", device_id, now, body))
        if facts or not _is_repeated(store.latest_of("audit", device_id), entry):
            self._store([*facts, entry])
        return device_id

    def _store(self, facts: Sequence[Fact]) -> None:
        self._context.store.append(facts)
        for fact in facts:
            if fact.kind == "device":
                self._known().remember(KnownDevice.of(fact))

    def _matching(self, hardware: HardwareIdentity, shown: DeviceId | None) -> list[KnownDevice]:
        """Return the devices that a machine may be, as the store has them now."""
        store, found = self._context.store, self._known().matching(hardware, shown)
        for one in found:
            if not self._known().is_current(one.device_id, store.latest_of("device", one.device_id)):
                self._identities.clear()
                return self._known().matching(hardware, shown)
        return found

    def _candidates(self, known: Sequence[KnownDevice], merges: MergeHistory) -> list[Candidate]:
        """Return known devices with the present org unit of each, or of the one that it was merged into."""
        store = self._context.store
        waits = {join.later for join in waiting(store, merges)} if known else set()
        units = ((one.device_id, unit_of(store, one.device_id, merges)) for one in known)
        return [Candidate(key, unit, key in waits) for key, unit in units if unit is not None]

    def _check_gateway(
        self,
        asking: _Asking,
        known: Sequence[KnownDevice],
        candidates: Sequence[Candidate],
        merges: MergeHistory,
    ) -> None:
        """Raise NotItsGateway unless the gateway that a device names showed its credential, and is of the
        secret's org unit or above it. A device that it reported before needs no credential of an older one.
        """
        request, secret = asking.request, asking.secret
        gateway = request.relayed_by
        if gateway is None:
            return
        before = {one.device_id for one in known if one.relayed_by == gateway}
        if any(one.device_id in before and within(one.org_unit, secret.org_unit) for one in candidates):
            return
        if asking.shown != gateway:
            raise NotItsGateway(
                "the gateway that reports this device did not show its own credential: update the agent of "
                "the gateway; what it collects is sent afterwards"
            )
        unit = unit_of(self._context.store, DeviceId(gateway), merges)
        if unit is None or not within(secret.org_unit, unit):
            raise NotItsGateway(
                f"enrolment secret {secret.id} is not of the gateway's org unit or of one below it: enrol "
                "the gateway in an org unit above those of its devices, or give it a secret of its own unit"
            )

    def _check_planned(self, secret: Secret) -> None:
        """Raise BadSecret where a secret admits no more devices; log when it has twice those planned."""
        count = self._known().by_secret[secret.id]
        if secret.most is not None and count >= secret.most:
            raise BadSecret(
                f"enrolment secret {secret.id} has enrolled the {secret.most} devices that it admits: {MEND}"
            )
        if secret.planned is not None and count + 1 == FAR_TOO_MANY * secret.planned:
            LOG.warning(
                "enrolment secret %s has enrolled %d devices, %d were planned: see `parcimetre "
                "enrolment-secret devices %s`, and revoke it if it has leaked",
                secret.id, count + 1, secret.planned, secret.id,
            )  # fmt: skip

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
        for key, fact in store.latest("device", since).items():
            with leaving_out(DeviceId(key), "identity of the device"):
                identities.remember(KnownDevice.of(fact))
        return _Known(identities, now)


def _proven(asking: _Asking, known: Sequence[KnownDevice]) -> DeviceId | None:
    """Return the device whose identity a credential proves: its own, or one that its gateway reported."""
    gateway = asking.request.relayed_by
    if gateway is None:
        return asking.shown
    if asking.shown != gateway:
        return None
    return next((one.device_id for one in known if one.relayed_by == gateway), None)


def _moved(store: Store, device_id: DeviceId, secret: Secret, now: int) -> list[Fact]:
    """Return the facts that assign a device to the org unit of a secret from now on."""
    whole = MergeHistory.of(store).whole(device_id)
    device = store.latest_of("device", whole)
    if device is None:
        return []
    after = Placement(secret.org_unit, secret.site, now // SLOT_S * SLOT_S)
    return transfer_facts(whole, present_place(store, device), after, now)


def _stated(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def _is_repeated(before: Fact | None, entry: Fact) -> bool:
    """Return whether the audit log has the same entry of the last hour as a device's latest."""
    if before is None or before.body != entry.body:
        return False
    return entry.recorded_at - before.recorded_at < HOUR_S


def _check_retirement(device: Fact, secret: Secret) -> None:
    """Raise BadSecret for a retired device unless the secret is newer: its agent enrols again by itself."""
    retired_at = device.body.get("retired_at")
    if retired_at is not None and secret.created_at < retired_at:
        raise BadSecret(
            f"device {device.key} was retired on {_day(retired_at)}: to bring it back, enrol it with "
            "a new secret, created with `parcimetre enrolment-secret create`"
        )


def _body(asking: _Asking, before: Body) -> DeviceBody:
    """Return the body of the device's fact; a second enrolment keeps the date of the first."""
    request, secret, hardware = asking.request, asking.secret, asking.request.hardware
    return {
        "category": request.category,
        "org_unit": secret.org_unit,
        "site": secret.site,
        "hostname": request.hostname,
        "simulated": request.simulated,
        "virtual": hardware.virtual,
        "install_id": hardware.install_id,
        "fingerprint": hardware.fingerprint or before.get("fingerprint"),
        "enrolled_at": before.get("enrolled_at", asking.now),
        "agent_version": request.agent_version,
        "relayed_by": request.relayed_by,
        "retired_at": None,
        "scrapped": False,
        "secret": secret.id,
        "asset_hash": hardware.asset_hash or before.get("asset_hash"),
        "hash_form": ORGANISATION,
    }


def _hash(text: str) -> str:
    return hashlib.sha256(text.strip().encode()).hexdigest()


def _secret(fact: Fact) -> Secret:
    return Secret(**fact.body)


def _store_secret(store: Store, secret: Secret, now: int, entry: Fact) -> None:
    store.append([Fact("secret", secret.id, now, vars(secret)), entry])


def _day(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
