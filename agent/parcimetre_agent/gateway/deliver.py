"""Send waiting records: each device is enrolled and reports under its own id and credential.

So a device is known again whichever gateway asks it, belongs to the org unit of the secret it was enrolled
with, and can be retired like any other.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .. import __version__
from ..base.errors import AgentError, Refused, Unreachable
from ..configuration.settings import Settings
from ..identification.fillers import RULES
from ..identification.organisation_key import key_text, split_secret
from ..identity import installation
from ..identity.installation import is_hardware_due
from ..report import (
    MAX_FEEDS,
    MAX_READINGS,
    SCHEMA,
    EnrolRequest,
    HardwareIdentity,
    Inventory,
    Report,
    SensorOutcome,
)
from ..sending import answers, wire_json
from ..sending.encryption import check_encryption, is_plain
from ..sending.enrolment import exchange, read_secret
from ..sending.inventory import content_mark
from ..sending.message_forms import Delivered, accepted_schema, deliver
from ..sending.transport import open_client
from . import device_identity, network, power_units
from .book import Book, WaitingRecord, WatchedDevice
from .outlet_energy import feed_fields

if TYPE_CHECKING:
    import httpx

SLOTS_A_REPORT = 500
REPORTS_A_DEVICE = 24
GIVE_UP = (400, 413, 422)


@dataclass
class GatewayDeliveryResult:
    """Result of a run: accepted reports, records in them, and refusals in the collector's words."""

    reports: int = 0
    accepted: int = 0
    refusals: tuple[str, ...] = ()


class ReportBatch(NamedTuple):
    """Records of one report; one of `feeds` holds all outlets of a slot."""

    slots: Sequence[WaitingRecord]
    readings: Sequence[WaitingRecord]
    feeds: Sequence[WaitingRecord]

    @property
    def all(self) -> list[WaitingRecord]:
        """Every record of it."""
        return [*self.slots, *self.readings, *self.feeds]


class GatewayDelivery:
    """One run over all devices. `now_s` is seconds UTC."""

    def __init__(self, settings: Settings, book: Book, now_s: float) -> None:
        """Nothing is sent yet."""
        self._settings = settings
        self._book = book
        self._now_s = int(now_s)
        self._gateway = installation.load_identity(Path(settings.data_dir))
        self.done = GatewayDeliveryResult()

    def run(self) -> GatewayDeliveryResult:
        """Send everything that waits. Raises AgentError when no device can be sent for now."""
        devices = self._book.devices()
        self._check_encryption(devices.values())
        with open_client(self._settings) as client:
            for key, watched in devices.items():
                try:
                    self._device(client, key, watched)
                except Unreachable:
                    raise
                except AgentError as error:
                    self._note(f"{_title(watched)}: {error}")
                finally:
                    self._book.save((), {key: watched})
        return self.done

    def _check_encryption(self, devices: Collection[WatchedDevice]) -> None:
        """Raise BadSettings for an address without TLS that nothing allows; one used before goes on."""
        if self._book.get("rules") is None:
            is_used = is_plain(self._settings.server) and any(one.credential for one in devices)
            self._book.remember(rules=RULES, http_server=self._settings.server if is_used else None)
        earlier = self._book.get("http_server") or (self._gateway.http_server if self._gateway else None)
        check_encryption(self._settings, earlier)

    def _device(self, client: httpx.Client, key: str, watched: WatchedDevice) -> None:
        inventory = _inventory(watched, self._now_s)
        changed = content_mark(inventory, accepted_schema(self._book)) != watched.inventory_sent
        is_due = watched.credential is not None and _is_hardware_due(watched)
        for _ in range(REPORTS_A_DEVICE):
            batch = self._batch(key)
            if not batch.all and not changed and not is_due:
                return
            hardware = _hardware(watched) if is_due else None
            sent = self._send(client, watched, batch, inventory if changed else None, hardware)
            if sent is not None:
                self._take(sent, watched)
                if changed:
                    watched.inventory_sent = content_mark(inventory, accepted_schema(self._book))
            self._book.forget(batch.all)
            changed = is_due = False

    def _batch(self, key: str) -> ReportBatch:
        """The oldest records of a device, as many as a report may hold."""
        return ReportBatch(
            self._book.waiting(key, "slot", SLOTS_A_REPORT),
            self._book.waiting(key, "reading", MAX_READINGS),
            _first(self._book.waiting(key, "feeds", SLOTS_A_REPORT)),
        )

    def _send(
        self,
        client: httpx.Client,
        watched: WatchedDevice,
        batch: ReportBatch,
        inventory: Inventory | None,
        hardware: HardwareIdentity | None,
    ) -> Delivered | None:
        """Post a report, enrolling first where needed and once more where the credential is not known.

        None when the collector does not understand the report: its records are given up.
        """
        if watched.credential is None:
            self._enrol(client, watched)
        try:
            return self._post(client, watched, batch, inventory, hardware)
        except Refused as error:
            if error.status == 401 and error.by_collector:
                self._enrol(client, watched)
                return self._post(client, watched, batch, inventory, hardware)
            if error.status in GIVE_UP and error.by_collector:
                self._note(f"{_title(watched)}: {error}")
                return None
            raise

    def _post(
        self,
        client: httpx.Client,
        watched: WatchedDevice,
        batch: ReportBatch,
        inventory: Inventory | None,
        hardware: HardwareIdentity | None,
    ) -> Delivered:
        report = Report(
            schema=SCHEMA,
            device_id=watched.device_id or "",
            sent_at=self._now_s,
            agent_version=__version__,
            slots=[wire_json.slot_from(one.body) for one in batch.slots],
            inventory=inventory,
            printing=[wire_json.reading_from(one.body) for one in batch.readings],
            feeds=[
                wire_json.feed_from(feed_fields(one.start, row))
                for one in batch.feeds
                for row in one.body["rows"]
            ],
            hardware=hardware,
        )
        shown, key = watched.credential, watched.hash_key
        return deliver(client, "/v1/reports", report, shown, key, self._book, self._now_s)

    def _enrol(self, client: httpx.Client, watched: WatchedDevice) -> None:
        """Exchange the secret of the device's group for a device of its own. Raises AgentError.

        The gateway's own credential proves that it speaks for the device.
        """
        settings = replace(
            self._settings, secret_file=watched.secret_file or self._settings.secret_file, origins={}
        )
        known, gateway = watched.known, self._gateway
        is_known = gateway is not None and gateway.credential is not None
        secret, key = split_secret(read_secret(settings))
        request = EnrolRequest(
            schema=SCHEMA,
            secret=secret,
            hardware=_hardware(watched),
            category=known.category,
            agent_version=__version__,
            hostname=known.name if settings.send_hostname else None,
            relayed_by=gateway.device_id if gateway is not None and is_known else None,
        )
        shown = gateway.credential if gateway is not None and is_known else watched.credential
        sent = exchange(client, request, shown, key, self._book, self._now_s)
        answer = answers.enrolled(sent.answer.body, settings.server)
        watched.device_id, watched.credential = answer.device_id, answer.credential
        watched.hash_key = answer.hash_key if key is None else key_text(key)
        watched.reported, watched.reported_form = known.serial_hash, sent.hash_form

    def _take(self, sent: Delivered, watched: WatchedDevice) -> None:
        """Count what was stored, and take over what the answer changes."""
        body = sent.answer.body
        self.done.reports += 1
        self.done.accepted += answers.count(body, "accepted")
        for refusal in answers.refused(body, {}):
            self._note(f"{_title(watched)}: {refusal.reason}")
        watched.credential = answers.credential(body) or watched.credential
        watched.hash_key = answers.hash_key(body) or watched.hash_key
        if "hardware" in sent.document:
            watched.reported, watched.reported_form = watched.known.serial_hash, sent.hash_form

    def _note(self, sentence: str) -> None:
        self.done.refusals = (*self.done.refusals, sentence)


def _is_hardware_due(watched: WatchedDevice) -> bool:
    seen = watched.known.serial_hash, watched.hash_form
    return is_hardware_due(seen, (watched.reported, watched.reported_form))


def _hardware(watched: WatchedDevice) -> HardwareIdentity:
    """Who a device is; its hash before goes along where another serial number is read since."""
    known = watched.known
    is_changed = watched.reported not in (None, known.serial_hash)
    return HardwareIdentity(
        watched.install_id,
        "none",
        known.serial_hash,
        asset_hash=known.asset_hash,
        maker=known.maker,
        model=known.model,
        earlier_fingerprint=watched.reported if is_changed else None,
    )


def _inventory(watched: WatchedDevice, now_s: int) -> Inventory:
    """The device with what is wrong with it; the date is not part of whether it changed."""
    outcomes = [SensorOutcome(what, "failed", sentence) for what, sentence in watched.problems.items()]
    category = watched.known.category
    if category == "server":
        from . import bmc

        return bmc.inventory(watched.known, now_s, outcomes)
    if category in power_units.KINDS:
        return power_units.inventory(watched.known, now_s, outcomes)
    describe = network.inventory if category == "network" else device_identity.base_inventory
    return describe(watched.known, now_s, outcomes)


def _first(waiting: Sequence[WaitingRecord]) -> list[WaitingRecord]:
    """As many records as hold no more feeds than a report may."""
    upto = accumulate(len(one.body["rows"]) for one in waiting)
    return [one for one, feeds in zip(waiting, upto) if feeds <= MAX_FEEDS]


def _title(watched: WatchedDevice) -> str:
    known = watched.known
    return " ".join(filter(None, (known.maker, known.model, known.key[:6])))
