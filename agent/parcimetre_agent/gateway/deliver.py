"""Send waiting records: each device is enrolled and reports under its own id and credential.

So a device is known again whichever gateway asks it, belongs to the org unit of the secret it was enrolled
with, and can be retired like any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import __version__
from ..base.errors import AgentError, Refused, Unreachable
from ..configuration.settings import Settings
from ..identity import installation
from ..report import MAX_FEEDS, MAX_READINGS, EnrolRequest, HardwareIdentity, Inventory, Report, SensorOutcome
from ..sending import wire_json
from ..sending.enrolment import read_secret
from ..sending.inventory import content_hash
from ..sending.transport import CollectorAnswer, open_client, post
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
        gateway = installation.load_identity(Path(settings.data_dir))
        self._gateway_id = gateway.device_id if gateway else None
        self.done = GatewayDeliveryResult()

    def run(self) -> GatewayDeliveryResult:
        """Send everything that waits. Raises AgentError when no device can be sent for now."""
        devices = self._book.devices()
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

    def _device(self, client: httpx.Client, key: str, watched: WatchedDevice) -> None:
        inventory = _inventory(watched, self._now_s)
        changed = content_hash(inventory) != watched.inventory_sent
        for _ in range(REPORTS_A_DEVICE):
            batch = self._batch(key)
            if not batch.all and not changed:
                return
            answer = self._send(client, watched, batch, inventory if changed else None)
            if answer is not None:
                self._take(answer, watched)
                if changed:
                    watched.inventory_sent = content_hash(inventory)
            self._book.forget(batch.all)
            changed = False

    def _batch(self, key: str) -> ReportBatch:
        """The oldest records of a device, as many as a report may hold."""
        return ReportBatch(
            self._book.waiting(key, "slot", SLOTS_A_REPORT),
            self._book.waiting(key, "reading", MAX_READINGS),
            _first(self._book.waiting(key, "feeds", SLOTS_A_REPORT)),
        )

    def _send(
        self, client: httpx.Client, watched: WatchedDevice, batch: ReportBatch, inventory: Inventory | None
    ) -> CollectorAnswer | None:
        """Post a report, enrolling first where needed and once more where the credential is not known.

        None when the collector does not understand the report: its records are given up.
        """
        if watched.credential is None:
            self._enrol(client, watched)
        try:
            return self._post(client, watched, batch, inventory)
        except Refused as error:
            if error.status == 401 and error.by_collector:
                self._enrol(client, watched)
                return self._post(client, watched, batch, inventory)
            if error.status in GIVE_UP and error.by_collector:
                self._note(f"{_title(watched)}: {error}")
                return None
            raise

    def _post(
        self, client: httpx.Client, watched: WatchedDevice, batch: ReportBatch, inventory: Inventory | None
    ) -> CollectorAnswer:
        report = Report(
            schema=1,
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
        )
        return post(client, "/v1/reports", wire_json.as_json(report), watched.credential)

    def _enrol(self, client: httpx.Client, watched: WatchedDevice) -> None:
        """Exchange the secret of the printer's group for a device of its own. Raises AgentError."""
        settings = replace(
            self._settings, secret_file=watched.secret_file or self._settings.secret_file, origins={}
        )
        known = watched.known
        request = EnrolRequest(
            schema=1,
            secret=read_secret(settings),
            hardware=HardwareIdentity(watched.install_id, "none", known.serial_hash),
            category=known.category,
            agent_version=__version__,
            hostname=known.name if settings.send_hostname else None,
            relayed_by=self._gateway_id,
        )
        answer = post(client, "/v1/enrol", wire_json.as_json(request)).body
        if not {"device_id", "credential"} <= set(answer):
            raise Unreachable(f"{settings.server} answers, but is not a Parcimètre collector; check --server")
        watched.device_id, watched.credential = str(answer["device_id"]), str(answer["credential"])

    def _take(self, answer: CollectorAnswer, watched: WatchedDevice) -> None:
        self.done.reports += 1
        self.done.accepted += int(answer.body.get("accepted", 0))
        refused: list[dict[str, Any]] = answer.body.get("refused", [])
        for refusal in refused:
            self._note(f"{_title(watched)}: {refusal['reason']}")

    def _note(self, sentence: str) -> None:
        self.done.refusals = (*self.done.refusals, sentence)


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
