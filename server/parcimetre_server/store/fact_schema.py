"""Stored bodies of facts: one typed shape per kind, its version, and the upgrades from older versions.

A body is stored as a JSON object with its `version` and read without it: `encode_body` writes the present
version, `decode_body` upgrades an older one and refuses a newer one. Both engines call these two, and nothing
else reads or writes the text of a body, so that all readers see the shapes below whatever wrote them.

Bodies without a `version` are version 0: Parcimètre wrote them so up to commit bb8efdf. In version 1 every
field is present unless the shape marks it NotRequired.

To change a shape, append a function to the `upgrades` of its kind, which takes the present version to the
next one. Never change one that is there: stores that it upgrades exist.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NotRequired, TypedDict, TypeVar, cast

from .electricity_schema import ContractBody, GridBody, HourlyEnergyBody
from .errors import NewerVersion, StoreUnusable
from .published_schema import PublishedReport, upgrade_report_0
from .records import Body, Fact, FactKind

VERSION = "version"
Shape = TypeVar("Shape")
Upgrade = Callable[[dict[str, Any]], dict[str, Any]]


class OrgUnitBody(TypedDict):
    """An org unit, whose path is the key."""


class SiteBody(TypedDict):
    """A site, whose name is the key, and its grid zone (ISO 3166 or a bidding zone)."""

    zone: str


class SecretBody(TypedDict):
    """An enrolment secret, by its id; `hash` is the SHA-256 of its text, times are seconds UTC.

    `planned` is how many devices are expected, `most` how many it admits.
    """

    id: str
    hash: str
    org_unit: str
    site: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    planned: int | None
    most: int | None


class DeviceBody(TypedDict):
    """An enrolled device, by its id, at the org unit and site of its secret; times are seconds UTC.

    `secret` is the id of the secret of its latest enrolment, None where it enrolled before version 2.
    `hash_form` is that of its hashes, organisation or product (up to version 1).
    """

    category: str
    org_unit: str
    site: str
    hostname: str | None
    simulated: bool
    virtual: str
    install_id: str
    fingerprint: str | None
    enrolled_at: int
    agent_version: str
    relayed_by: str | None
    retired_at: int | None
    scrapped: bool
    secret: str | None
    asset_hash: str | None
    hash_form: str


class PurchaseBody(TypedDict):
    """The purchase of a device, by the device's id; `at` is seconds UTC."""

    at: int
    reconditioned: bool


class InventoryBody(TypedDict):
    """The inventory of a device as the wire format has it (`report.Inventory`), without what is None, and
    the form of its hashes.
    """

    taken_at: int
    category: str
    virtual: str
    system: Mapping[str, Any]
    os: Mapping[str, Any]
    cpus: NotRequired[list[Mapping[str, Any]]]
    memory: NotRequired[list[Mapping[str, Any]]]
    disks: NotRequired[list[Mapping[str, Any]]]
    gpus: NotRequired[list[Mapping[str, Any]]]
    displays: NotRequired[list[Mapping[str, Any]]]
    batteries: NotRequired[list[Mapping[str, Any]]]
    printer: NotRequired[Mapping[str, Any]]
    outcomes: NotRequired[list[Mapping[str, Any]]]
    guests: NotRequired[list[Mapping[str, Any]]]
    power_supplies: NotRequired[list[Mapping[str, Any]]]
    hash_form: str


class AttachedBody(TypedDict):
    """The ids of the monitors that a computer drives since `at` (seconds UTC), by the computer's id."""

    at: int
    monitors: list[str]


class MonitorBody(TypedDict):
    """A monitor, by its id: its EDID (`report.Display` without what is None), and the ids of the computers
    that ever drove it, the latest last. `settled` is stated once it is known not to be at somebody's home.
    """

    display: Mapping[str, Any]
    since: int
    machines: list[str]
    retired_at: int | None
    scrapped: bool
    settled: NotRequired[bool]
    hash_form: str


class FormerMonitorBody(TypedDict):
    """The id of a monitor that was known before its hashes were keyed anew, by the id that it would have."""

    monitor: str


class SelfCostBody(TypedDict):
    """What an agent took of its machine in `period_s`, and in all since it was installed, by device."""

    cpu_s: float
    peak_rss_mib: float
    bytes_sent: int
    period_s: float
    sum_cpu_s: float | None
    sum_bytes_sent: int | None
    sum_period_s: float | None
    agent: str


class LossesBody(TypedDict):
    """Numbers of slots that an agent could not deliver, by device (`report.Losses`)."""

    dropped: int
    coarsened: int
    refused: int
    damaged: int
    set_aside: list[Mapping[str, Any]]


class ChannelsBody(TypedDict):
    """Channels (source, scope, quality) of a device, by its id; they count from the day `since` 1970 on."""

    since: int
    channels: list[tuple[str, str, str]]


class PrintingBody(TypedDict):
    """Counters of a printer at a time (seconds UTC), by the printer's id (`report.Reading`)."""

    at: int
    impressions: int
    mono: NotRequired[int]
    colour: NotRequired[int]
    duplex: NotRequired[int]
    a3: NotRequired[int]
    copies: NotRequired[int]
    prints: NotRequired[int]
    faxes: NotRequired[int]
    scans: NotRequired[int]
    supplies: NotRequired[list[Mapping[str, Any]]]
    restarted: NotRequired[bool]


class OutletBody(TypedDict):
    """An outlet of a feeder, by the id of its slots; `since` is when it was first reported (seconds UTC)."""

    feeder: str
    outlet: str
    scope: str
    source: str
    since: int


FeedingBody = TypedDict("FeedingBody", {"device": str | None, "from": int})
"""The device on an outlet from a second UTC on, by the outlet's id; None for no known device."""


class CredentialBody(TypedDict):
    """Credentials of a device issued before a second UTC are revoked, by the device's id."""

    revoked_before: int


class DeadLetterBody(TypedDict):
    """A refused record of a report, the part and index where it was, the reason, and its hashes' form."""

    device: str
    part: str
    index: int
    reason: str
    record: Any
    hash_form: str


class ServedSettings(TypedDict):
    """Settings of the last `serve` that figures depend on, under the key `served`."""

    time_zone: str
    organisation: str
    amortisation: str
    eur_per_kwh: float


class DisplaysSetting(TypedDict):
    """Which monitors count, under the key `displays`."""

    displays: str


class CredentialKeySetting(TypedDict):
    """Second UTC until when the key before the last rotation is accepted, under the key `credential_key`."""

    previous_until: int


class PresenceSetting(TypedDict):
    """Whether the role presence sees presence data, under the key `presence`."""

    presence: bool


class HashKeySetting(TypedDict):
    """SHA-256 of the key of all hashes, under the key `hash_key`, and when what was stored was keyed anew."""

    digest: str
    rekeyed_at: int | None


class TokenBody(TypedDict):
    """A token of an API user, by its id; `hash` is the SHA-256 of its text, times are seconds UTC."""

    id: str
    hash: str
    name: str
    role: str
    org_unit: str | None
    created_at: int
    expires_at: int | None
    revoked_at: int | None


class TokenUseBody(TypedDict):
    """The day (its first second UTC) on which a token was last used, by the token's id."""

    day: int


class EndedSessionBody(TypedDict):
    """A session that ended before its expiry `until` (seconds UTC), by its id.

    `holder` is a pseudonym of the token or person. With `opened_until`, all sessions are meant that this
    holder opened up to that second.
    """

    holder: str
    until: int
    opened_until: int | None


class AuditBody(TypedDict):
    """An act, by what it was done to: who did it, and the fields that it changed."""

    act: str
    who: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    reason: str | None


class LookBody(TypedDict):
    """A look at a device, or at a list of them where it is empty: by whom, and in how much detail."""

    who: str
    way: str
    detail: str
    device: str
    org_unit: str | None
    what: str


class LineageBody(TypedDict):
    """The records of a device as (id, first, last) in seconds UTC, and the device it was merged into."""

    pieces: list[tuple[str, int, int]]
    into: str | None


class TransferBody(TypedDict):
    """The org unit and site of a device from `at` (seconds UTC) on, by the device's id."""

    org_unit: str
    site: str
    at: int


class JoinBody(TypedDict):
    """A device that may be one known before, by the id of the `later` one; of a monitor that a computer of
    another org unit shows, `earlier` is the monitor, `later` the computer, and the key `MONITOR.COMPUTER`.

    `what` is machine, server or monitor, `state` waiting, approved or refused; `secret` is the id of the
    secret that the later one came by. Once approved, a machine was `transferred_at`. Times are seconds UTC.
    """

    what: str
    earlier: str
    later: str
    secret: str | None
    since: int
    state: str
    decided_at: int | None
    transferred_at: int | None


class ReportBody(TypedDict):
    """An edition of a published report, by `WEEK|ROLE|ORG UNIT`, and the settings it was computed with.

    `disclosure_rule` is the version of the rule by which small groups were hidden from viewers.

    `recorded_s` (seconds with a record) and `stated` (facts on whose records are whose) are what the store
    had then: more of either may restate the report.
    """

    org_unit: str | None
    role: str
    edition: int
    published_at: int
    recorded_s: int
    served: ServedSettings
    stated: int
    disclosure_rule: int
    report: PublishedReport


class ScheduleBody(TypedDict):
    """A recipient of weekly reports, by its id; times are seconds UTC."""

    id: str
    org_unit: str | None
    role: str
    way: str
    to: str
    language: str
    formats: list[str]
    created_at: int
    ended_at: int | None


class DeliveryBody(TypedDict):
    """The state of an edition's delivery to a recipient, after its attempts; times are seconds UTC."""

    key: str
    week: str
    org_unit: str | None
    role: str
    edition: int
    schedule: str
    way: str
    to: str
    state: str
    attempts: int
    at: int
    next_at: int | None
    reason: str


@dataclass(frozen=True)
class FactSchema:
    """The shapes of a kind's present version; `upgrades[v]` takes a body of version v to version v + 1.

    There are several shapes where each key has its own.
    """

    shapes: tuple[type, ...]
    upgrades: tuple[Upgrade, ...]

    @property
    def version(self) -> int:
        """The present version."""
        return len(self.upgrades)


def _same(body: dict[str, Any]) -> dict[str, Any]:
    """Return the body of an older version that has the shape of the next one already."""
    return body


def _with_defaults(**defaults: Any) -> Upgrade:
    """Return the upgrade that adds fields which the older version could leave out."""
    return lambda body: {**defaults, **body}


SCHEMAS: Mapping[FactKind, FactSchema] = {
    "org_unit": FactSchema((OrgUnitBody,), (_same,)),
    "site": FactSchema((SiteBody,), (_same,)),
    "secret": FactSchema(
        (SecretBody,),
        (_with_defaults(expires_at=None, revoked_at=None), _with_defaults(planned=None, most=None)),
    ),
    "device": FactSchema(
        (DeviceBody,),
        (
            _with_defaults(hostname=None, fingerprint=None, relayed_by=None, retired_at=None, scrapped=False),
            _with_defaults(secret=None, asset_hash=None, hash_form="product"),
        ),
    ),
    "purchase": FactSchema((PurchaseBody,), (_with_defaults(reconditioned=False),)),
    "inventory": FactSchema((InventoryBody,), (_same, _with_defaults(hash_form="product"))),
    "attached": FactSchema((AttachedBody,), (_same,)),
    "monitor": FactSchema(
        (MonitorBody,),
        (_with_defaults(retired_at=None, scrapped=False), _with_defaults(hash_form="product")),
    ),
    "former_monitor": FactSchema((FormerMonitorBody,), (_same,)),
    "self_cost": FactSchema(
        (SelfCostBody,), (_with_defaults(sum_cpu_s=None, sum_bytes_sent=None, sum_period_s=None),)
    ),
    "losses": FactSchema((LossesBody,), (_with_defaults(set_aside=[]),)),
    "channels": FactSchema((ChannelsBody,), (_same,)),
    "printing": FactSchema((PrintingBody,), (_same,)),
    "outlet": FactSchema((OutletBody,), (_same,)),
    "feeding": FactSchema((FeedingBody,), (_same,)),
    "credential": FactSchema((CredentialBody,), (_same,)),
    "dead_letter": FactSchema((DeadLetterBody,), (_same, _with_defaults(hash_form="product"))),
    "setting": FactSchema(
        (ServedSettings, DisplaysSetting, CredentialKeySetting, HashKeySetting, PresenceSetting), (_same,)
    ),
    "grid": FactSchema((GridBody,), (_same,)),
    "hourly_energy": FactSchema((HourlyEnergyBody,), (_same,)),
    "contract": FactSchema((ContractBody,), (_same,)),
    "token": FactSchema((TokenBody,), (_with_defaults(expires_at=None, revoked_at=None),)),
    "token_use": FactSchema((TokenUseBody,), (_same,)),
    "ended_session": FactSchema((EndedSessionBody,), (_same,)),
    "audit": FactSchema((AuditBody,), (_with_defaults(reason=None),)),
    "look": FactSchema((LookBody,), (_same,)),
    "lineage": FactSchema((LineageBody,), (_same,)),
    "transfer": FactSchema((TransferBody,), (_same,)),
    "join": FactSchema((JoinBody,), (_same,)),
    "report": FactSchema((ReportBody,), (upgrade_report_0, _with_defaults(disclosure_rule=1))),
    "schedule": FactSchema((ScheduleBody,), (_with_defaults(ended_at=None),)),
    "delivery": FactSchema((DeliveryBody,), (_with_defaults(next_at=None, reason=""),)),
}
VERSIONS: Mapping[str, int] = {kind: schema.version for kind, schema in SCHEMAS.items()}


def encode_body(kind: FactKind, body: Body) -> str:
    """Return the JSON text of a body of the present version. Raises TypeError for what is not JSON."""
    return json.dumps({VERSION: VERSIONS[kind], **body}, ensure_ascii=False)


def decode_body(kind: FactKind, key: str, text: str) -> Body:
    """Return a body in the present version from its JSON text.

    Raises NewerVersion for one that a newer Parcimètre wrote, StoreUnusable for one without a usable version.
    """
    body: dict[str, Any] = json.loads(text)
    version = body.pop(VERSION, 0)
    return body if version == VERSIONS[kind] else _upgraded(kind, key, body, version)


def _upgraded(kind: FactKind, key: str, body: dict[str, Any], version: Any) -> dict[str, Any]:
    newest = VERSIONS[kind]
    if not isinstance(version, int) or version < 0:
        raise StoreUnusable(
            f"the {kind} fact {key!r} is damaged: {version!r} is not a version; restore a backup"
        )
    if version > newest:
        raise NewerVersion(kind, key, version, newest)
    for upgrade in SCHEMAS[kind].upgrades[version:]:
        body = upgrade(body)
    return body


def body_of(fact: Fact, shape: type[Shape]) -> Shape:
    """Return the body of a fact that a store returned, as the typed shape of its kind."""
    assert shape in SCHEMAS[fact.kind].shapes, f"{shape.__name__} is not a shape of {fact.kind}"
    return cast(Shape, fact.body)
