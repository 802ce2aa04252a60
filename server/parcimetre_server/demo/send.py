"""Enrol simulated devices and report for them, as agents do: through the public API only."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx
from parcimetre_agent.report import (
    MAX_FEEDS,
    MAX_GAPS,
    MAX_READINGS,
    MAX_SLOTS,
    EnrolAnswer,
    EnrolRequest,
    Feed,
    Gap,
    HardwareIdentity,
    HexId,
    Inventory,
    Reading,
    Report,
    ReportAnswer,
    Slot,
)
from pydantic import TypeAdapter

from .. import __version__
from ..base.errors import ParcimetreError
from .fleet import DemoDevice
from .records import activity
from .relayed import Record, Relayed

AGENT_VERSION = f"{__version__}+demo"
WORKERS = 4
WAITING_PER_WORKER = 4
PATIENCE_S = 300
TIMEOUT_S = 60
REPORT = TypeAdapter(Report)
ENROL_REQUEST = TypeAdapter(EnrolRequest)
ENROL_ANSWER = TypeAdapter(EnrolAnswer)
REPORT_ANSWER = TypeAdapter(ReportAnswer)

MOST: Mapping[type[Record], int] = {
    Slot: MAX_SLOTS, Gap: MAX_GAPS, Reading: MAX_READINGS, Feed: MAX_FEEDS
}  # fmt: skip
"""How many records of each kind a report may hold."""

Simulated = DemoDevice | Relayed
SecretOf = Callable[[Simulated], str]
GatewayOf = Callable[[Simulated], EnrolAnswer | None]


class CollectorUnreachable(ParcimetreError):
    """No collector answers at the address."""

    status = 503
    kind = "collector-unreachable"


class CollectorRefused(ParcimetreError):
    """The collector answered with an error."""

    kind = "collector-refused"


class SecretRefused(CollectorRefused):
    """The collector does not know the enrolment secrets of the data folder."""

    status = 403


@dataclass(frozen=True)
class Sent:
    """What became of what was sent: devices, slots new, slots known already, records refused and why."""

    devices: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    reason: str | None = None

    def __add__(self, other: Sent) -> Sent:
        """The sum of both, with the earlier reason."""
        return Sent(
            self.devices + other.devices,
            self.accepted + other.accepted,
            self.duplicates + other.duplicates,
            self.refused + other.refused,
            self.reason or other.reason,
        )


@dataclass(frozen=True)
class CollectorClient:
    """A collector as its agents see it: an address; `client` is shared by all workers."""

    url: str
    client: httpx.Client = field(repr=False)

    def check(self) -> None:
        """Raise CollectorUnreachable when nobody answers at the address."""
        self._request("GET", "/readyz", b"", {})

    def enrol(self, device: Simulated, secret: str, gateway: EnrolAnswer | None = None) -> EnrolAnswer:
        """Exchange the secret for a device id and a credential; the device says that it is simulated.

        `gateway` is the device that speaks for one which cannot speak for itself; it shows its credential.
        """
        request = EnrolRequest(
            schema=1,
            secret=secret,
            hardware=HardwareIdentity(device.install_id, device.virtual, device.fingerprint),
            category=device.category,
            agent_version=AGENT_VERSION,
            hostname=device.hostname,
            simulated=True,
            relayed_by=gateway.device_id if gateway else None,
        )
        shown = {"Authorization": f"Bearer {gateway.credential}"} if gateway else {}
        answer = self._post("/v1/enrol", ENROL_REQUEST.dump_json(request, exclude_none=True), shown)
        return ENROL_ANSWER.validate_json(answer.content)

    def report(self, report: Report, credential: str) -> ReportAnswer:
        """Send one report."""
        body = gzip.compress(REPORT.dump_json(report, exclude_none=True), compresslevel=1)
        headers = {"Authorization": f"Bearer {credential}", "Content-Encoding": "gzip"}
        return REPORT_ANSWER.validate_json(self._post("/v1/reports", body, headers).content)

    def _post(self, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        """Post until the collector has room; raises CollectorRefused on any other error."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self._request("POST", path, body, {"Content-Type": "application/json"} | headers)
            if answer.status_code not in (429, 503) or time.monotonic() > deadline:
                break
            time.sleep(_seconds(answer.headers.get("Retry-After")))
        if answer.status_code == 403:
            raise SecretRefused(
                f"the collector at {self.url} refused an enrolment secret of the data folder "
                f"({_detail(answer)}); give the folder it runs on with --data-dir"
            )
        if answer.is_error:
            raise CollectorRefused(f"the collector at {self.url} refused {path}: {_detail(answer)}")
        return answer

    def _request(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> httpx.Response:
        try:
            return self.client.request(method, self.url + path, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise CollectorUnreachable(
                f"no collector answers at {self.url} ({error}); start one with `parcimetre serve` or "
                "`make run`, or give its address with --server"
            ) from error
        except httpx.InvalidURL as error:
            raise CollectorUnreachable(
                f"{self.url} is not a valid address ({error}): give one like http://127.0.0.1:8787 "
                "with --server"
            ) from error


@contextmanager
def connect(url: str) -> Iterator[CollectorClient]:
    """The collector at `url`; raises CollectorUnreachable when nobody answers there."""
    limits = httpx.Limits(max_connections=WORKERS)
    with httpx.Client(timeout=TIMEOUT_S, limits=limits) as client:
        context = CollectorClient(url.rstrip("/"), client)
        context.check()
        yield context


def send(
    context: CollectorClient, devices: Iterable[Simulated], secret_of: SecretOf, first: int, last: int,
    gateway_of: GatewayOf = lambda _: None,
) -> Iterator[Sent]:  # fmt: skip
    """Enrol each device and report its records of first <= time < last; one answer per device, as done.

    `gateway_of` gives the device that reports another, where it does not report itself. Holds a few
    devices at a time, however many there are. Raises the first error of any device.
    """
    waiting: set[Future[Sent]] = set()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            for device in devices:
                secret = secret_of(device)
                gateway = gateway_of(device)
                waiting.add(pool.submit(_send_one, context, device, secret, first, last, gateway))
                if len(waiting) >= WORKERS * WAITING_PER_WORKER:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (future.result() for future in done)
            yield from (future.result() for future in waiting)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _send_one(
    context: CollectorClient, device: Simulated, secret: str, first: int, last: int,
    gateway: EnrolAnswer | None,
) -> Sent:  # fmt: skip
    answer = context.enrol(device, secret, gateway)
    sent = Sent(devices=1)
    for report in reports(device, answer.device_id, first, last):
        told = context.report(report, answer.credential)
        reason = told.refused[0].reason if told.refused else None
        sent += Sent(0, told.accepted, told.duplicates, len(told.refused), reason)
    return sent


def reports(device: Simulated, device_id: HexId, first: int, last: int) -> Iterator[Report]:
    """The reports that carry the device's period, the first one with its inventory."""
    inventory: Inventory | None = device.inventory(first)
    records = activity(device, first, last) if isinstance(device, DemoDevice) else device.records(first, last)
    for batch in _batches(records):
        yield _report(device_id, batch, inventory)
        inventory = None
    if inventory is not None:
        yield _report(device_id, [], inventory)


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    """Records in order, as many at a time as a report may hold."""
    batch: list[Record] = []
    count = dict.fromkeys(MOST, 0)
    for record in records:
        batch.append(record)
        count[type(record)] += 1
        if count[type(record)] == MOST[type(record)]:
            yield batch
            batch, count = [], dict.fromkeys(MOST, 0)
    if batch:
        yield batch


def _report(device_id: HexId, records: Iterable[Record], inventory: Inventory | None) -> Report:
    return Report(
        schema=1,
        device_id=device_id,
        sent_at=int(time.time()),
        agent_version=AGENT_VERSION,
        slots=[one for one in records if isinstance(one, Slot)],
        gaps=[one for one in records if isinstance(one, Gap)],
        printing=[one for one in records if isinstance(one, Reading)],
        feeds=[one for one in records if isinstance(one, Feed)],
        inventory=inventory,
    )


def _seconds(retry_after: str | None) -> float:
    """Seconds to wait; a second where the header is absent or holds a date."""
    return min(float(retry_after), 30.0) if retry_after is not None and retry_after.isdigit() else 1.0


def _detail(answer: httpx.Response) -> str:
    """The problem document's sentence, or the status where there is none."""
    try:
        return str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP status {answer.status_code}"
