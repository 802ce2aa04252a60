"""The courier: a short-lived process that takes the inventory when due, sends what waits, obeys and ends.

Exit code 0: sent; 1: try later; 2: a person must look (the sentence is on standard error); 3: the spool is
damaged. After a long absence of the collector a run sends so many reports, with pauses, and leaves the rest.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..base.errors import AgentError, Refused, Unreachable
from ..base.outcome import Failed
from ..configuration.settings import Settings, from_json
from ..identity import installation
from ..identity.installation import Identity
from ..machine import self_cost
from ..machine.clock import Clock
from ..machine.waiting import unblock_signals
from ..recording.spool import PendingSlot, Spool
from ..recording.timeline import GapRecord
from ..report import SCHEMA, Gap, HardwareIdentity, Inventory, Losses, Report, SelfCost, SetAside, Slot
from ..sensors.machine import Machine
from . import answers, enrolment, last_sent, wire_json
from .encryption import check_encryption
from .message_forms import Delivered, accepted_schema, deliver
from .own_identity import own_identity
from .schedule import draw
from .transport import open_client

if TYPE_CHECKING:
    import httpx

BATCH = 500
CLOCK_TOLERANCE_S = 120.0
RETAKE_S = 86_400
RESEND_S = 14 * 86_400
REPORTS_A_RUN = 24
REQUESTS_A_RUN = 100
PAUSE_S = (1.0, 5.0)
REPORTED_SET_ASIDE = 20
DAMAGED = 3
_UNREADABLE = (400, 413, 422)


@dataclass(frozen=True)
class DeliveryResult:
    """Result of a run: the collector's counts and refusals, and how far our clock is ahead of its clock."""

    device_id: str
    accepted: int = 0
    duplicates: int = 0
    refusals: tuple[str, ...] = ()
    clock_ahead_s: float = 0.0


@dataclass(frozen=True)
class ReportRecords:
    """The records of one report, as spooled and as sent."""

    pending: list[PendingSlot]
    gaps: list[GapRecord]
    slots: list[Slot]
    wire_gaps: list[Gap]

    @property
    def count(self) -> int:
        """How many records."""
        return len(self.pending) + len(self.gaps)


@dataclass(frozen=True)
class ReportExtras:
    """Inventory, cost, losses and identity, which the first report of a run carries beside the records."""

    inventory: Inventory | None = None
    cost: SelfCost | None = None
    losses: Losses | None = None
    hardware: HardwareIdentity | None = None


class Courier:
    """One run. `machine` and `clock` are arguments for tests."""

    def __init__(
        self, settings: Settings, machine: Machine | None = None, clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._data_dir = Path(settings.data_dir)
        self._spool = Spool(settings.data_dir)
        self._clock = clock or Clock()
        self._machine = machine or Machine(cached=self._cached())
        self._who = own_identity(settings, self._machine.root)
        self._refusals: list[str] = []
        self._sent_bytes = 0

    def deliver(self) -> DeliveryResult:
        """Enrol if needed and send everything that waits. Raises AgentError."""
        check_encryption(self._settings, self._who.http_server)
        try:
            with open_client(self._settings) as client:
                return self._deliver(client)
        except Unreachable as error:
            self._spool.remember(retry_after_s=error.retry_after_s)
            raise

    def enrol(self) -> str:
        """Enrol now; the device id. Raises AgentError."""
        check_encryption(self._settings, self._who.http_server)
        with open_client(self._settings) as client:
            return self._enrolled(client, self._take_inventory()).device_id or ""

    def _deliver(self, client: httpx.Client) -> DeliveryResult:
        due = self._inventory_if_due()
        if self._who.credential is None:
            due = due or self._take_inventory()
            self._enrolled(client, due)
        total = DeliveryResult(self._who.device_id or "")
        extras = ReportExtras(due, self._self_cost(), self._losses(), self._hardware_if_due(due))
        batch, reports = BATCH, 0
        for _ in range(REQUESTS_A_RUN):
            load = self._load(batch)
            try:
                sent = self._send(client, load, extras)
            except Refused as error:
                batch, extras = self._narrowed(client, error, load, batch, extras)
                continue
            total = self._obey(sent, load, extras, total)
            extras, reports = ReportExtras(), reports + 1
            if load.count < batch or reports == REPORTS_A_RUN:
                break
            batch = min(BATCH, 2 * batch)
            self._clock.wait(draw(*PAUSE_S))
        return replace(total, refusals=tuple(self._refusals))

    def _narrowed(
        self, client: httpx.Client, error: Refused, load: ReportRecords, batch: int, extras: ReportExtras
    ) -> tuple[int, ReportExtras]:
        """Narrow down a refused report: send half of it, or no extras, or leave out the one record.

        Raises the refusal when the records are not its reason.
        """
        if error.status == 413 and load.count > 1:
            return load.count // 2, extras
        if error.status not in _UNREADABLE or not error.by_collector:
            raise error
        if extras != ReportExtras():
            self._refusals.append(f"other parts of the report: {error}")
            return batch, ReportExtras()
        if load.count > 1:
            return load.count // 2, extras
        if load.count == 0 or not self._takes_nothing(client):
            raise error
        for start in [slot.start for slot in load.pending] + [gap.start for gap in load.gaps]:
            self._set_aside(start, str(error))
        return batch, extras

    def _takes_nothing(self, client: httpx.Client) -> bool:
        """Whether a report without records is accepted: then the record of the refused report is at fault."""
        try:
            self._post(client, ReportRecords([], [], [], []), ReportExtras())
        except Refused:
            return False
        return True

    def _send(self, client: httpx.Client, load: ReportRecords, extras: ReportExtras) -> Delivered:
        """Send one report; enrol once more when the credential is unknown and a secret is at hand."""
        try:
            return self._post(client, load, extras)
        except Refused as error:
            if error.status != 401 or not error.by_collector or not enrolment.has_secret(self._settings):
                raise
            self._enrolled(client, extras.inventory or self._take_inventory())
            return self._post(client, load, extras)

    def _post(self, client: httpx.Client, load: ReportRecords, extras: ReportExtras) -> Delivered:
        if load.pending:
            self._spool.sending(load.pending)
        now_s = self._clock.now().wall_s
        report = Report(
            schema=SCHEMA,
            device_id=self._who.device_id or "",
            sent_at=int(now_s),
            agent_version=__version__,
            slots=load.slots,
            gaps=load.wire_gaps,
            inventory=extras.inventory,
            self_cost=extras.cost,
            losses=extras.losses,
            waiting=max(0, self._spool.waiting().slots - len(load.pending)),
            hardware=extras.hardware,
        )
        who = self._who
        sent = deliver(client, "/v1/reports", report, who.credential, who.hash_key, self._spool, now_s)
        self._sent_bytes += sent.answer.sent_bytes
        last_sent.store(self._data_dir, sent.document)
        return sent

    def _load(self, batch: int) -> ReportRecords:
        """The oldest records, at most so many; one that contradicts itself is set aside, never sent."""
        load = ReportRecords([], [], [], [])
        for pending in self._spool.pending(batch):
            try:
                load.slots.append(wire_json.slot_from(pending.fields))
                load.pending.append(pending)
            except (TypeError, ValueError) as error:
                self._set_aside(pending.start, str(error))
        for record in self._spool.pending_gaps(batch - len(load.pending)):
            try:
                load.wire_gaps.append(wire_json.gap_from(record))
                load.gaps.append(record)
            except ValueError as error:
                self._set_aside(record.start, str(error))
        return load

    def _obey(
        self, sent: Delivered, load: ReportRecords, extras: ReportExtras, total: DeliveryResult
    ) -> DeliveryResult:
        """Delete accepted records, set aside refused ones, remember when the next upload is due."""
        body = sent.answer.body
        records: dict[str, list[Any]] = {"slots": load.pending, "gaps": load.gaps}
        refused: dict[str, set[int]] = {"slots": set(), "gaps": set()}
        for part, index, reason in answers.refused(body, records):
            if part in refused:
                refused[part].add(index)
                self._set_aside(records[part][index].start, reason)
            else:
                self._refusals.append(f"{part}: {reason}")
        self._spool.acknowledge(
            [slot for i, slot in enumerate(load.pending) if i not in refused["slots"]],
            [gap for i, gap in enumerate(load.gaps) if i not in refused["gaps"]],
        )
        self._store_identity(sent)
        now_s = self._clock.now().wall_s
        self._remember(body, extras, now_s)
        return replace(
            total,
            device_id=self._who.device_id or "",
            accepted=total.accepted + answers.count(body, "accepted"),
            duplicates=total.duplicates + answers.count(body, "duplicates"),
            clock_ahead_s=0.0 if sent.answer.date_s is None else now_s - sent.answer.date_s,
        )

    def _store_identity(self, sent: Delivered) -> None:
        """Store what an answer changed: the credential, the organisation's key, and what it was told."""
        body, who = sent.answer.body, self._who
        changed = replace(
            who,
            credential=answers.credential(body) or who.credential,
            hash_key=answers.hash_key(body) or who.hash_key,
        )
        if "hardware" in sent.document:
            changed = replace(changed, reported=who.fingerprint, reported_form=sent.hash_form)
        if changed != who:
            self._who = changed
            installation.store_identity(self._data_dir, changed)

    def _remember(self, body: dict[str, Any], extras: ReportExtras, now_s: float) -> None:
        """What the next run must know of this report."""
        facts: dict[str, Any] = {"last_sent": now_s, "retry_after_s": 0.0, "bytes_sent": self._sent_bytes}
        facts["upload_period_s"] = answers.next_upload_s(body)
        facts["device_id"] = self._who.device_id
        if extras.cost is not None:
            facts["cost_sent"] = self._spool.get("cost")
            facts["cost_sums"] = [
                extras.cost.sum_cpu_s, extras.cost.sum_bytes_sent, extras.cost.sum_period_s
            ]  # fmt: skip
        if extras.losses is not None:
            facts["losses_sent"] = wire_json.as_json(extras.losses)
        if extras.inventory is not None:
            from .inventory import content_mark

            mark = content_mark(extras.inventory, accepted_schema(self._spool))
            facts.update(inventory_hash=mark, inventory_sent=now_s)
        self._spool.remember(**facts)

    def _set_aside(self, start: int, reason: str) -> None:
        self._spool.set_aside([start], reason)
        self._refusals.append(f"slot {start}: {reason}")

    def _enrolled(self, client: httpx.Client, taken: Inventory) -> Identity:
        now_s = self._clock.now().wall_s
        self._who = enrolment.enrol(client, self._settings, self._spool, self._who, taken, now_s)
        return self._who

    def _hardware_if_due(self, taken: Inventory | None) -> HardwareIdentity | None:
        """Return this machine's identity where the collector has another fingerprint of it, or form."""
        if not self._who.is_hardware_due:
            return None
        return installation.hardware_identity(self._who, taken or self._take_inventory())

    def _inventory_if_due(self) -> Inventory | None:
        """A new inventory once a boot, once a day and when displays were plugged; sent when it changed, or
        after a fortnight.
        """
        from . import inventory

        now = self._clock.now()
        taken_at, boot_id = self._spool.get("inventory_taken") or (0.0, "")
        sent_s = self._spool.get("inventory_sent") or 0.0
        overdue = now.wall_s - sent_s > RESEND_S
        recent = boot_id == now.boot_id and now.wall_s - taken_at < RETAKE_S
        if recent and not overdue and not self._displays_changed():
            return None
        taken = self._take_inventory()
        mark = inventory.content_mark(taken, accepted_schema(self._spool))
        changed = mark != self._spool.get("inventory_hash")
        return taken if changed or overdue else None

    def _displays_changed(self) -> bool:
        """Whether displays were plugged since the inventory; never where displays are not reported."""
        from . import inventory

        if self._settings.displays == "none":
            return False
        known: str | None = self._spool.get("displays_hash")
        return inventory.displays_hash(self._machine) != known

    def _take_inventory(self) -> Inventory:
        now = self._clock.now()
        from ..recording.sampling import Sampler
        from . import inventory

        sampler = Sampler()
        sampler.sample(now)
        doubted = {name: Failed(reason) for name, reason in self._spool.get("doubts") or ()}
        use = {**sampler.outcomes, **doubted}
        taken = inventory.take_inventory(self._machine, int(now.wall_s), use, self._settings.displays)
        self._spool.remember(
            inventory_taken=(now.wall_s, now.boot_id),
            cached=[now.boot_id, self._machine.cached],
            displays_hash=inventory.displays_hash(self._machine),
        )
        return taken

    def _cached(self) -> dict[str, Any]:
        """Costly answers of this boot."""
        boot_id, cached = self._spool.get("cached") or ("", {})
        return dict(cached) if boot_id == self._clock.now().boot_id else {}

    def _losses(self) -> Losses | None:
        """Return what the spool lost; None when it did not change since the last report."""
        waiting = self._spool.waiting()
        refused = self._spool.refusals()[-REPORTED_SET_ASIDE:]
        losses = Losses(
            waiting.dropped,
            waiting.coarsened,
            waiting.refused,
            waiting.damaged,
            [SetAside(start, reason) for start, reason in refused],
        )
        nothing_new = wire_json.as_json(losses) == self._spool.get("losses_sent") or losses == Losses(
            0, 0, 0, 0
        )
        return None if nothing_new else losses

    def _self_cost(self) -> SelfCost:
        """Cost since the previous report: the resident's as it last wrote it down, plus this process."""
        cpu_s, rss_mib, pid = self._spool.get("cost") or (0.0, 0.0, 0)
        cpu_before_s, _, pid_before = self._spool.get("cost_sent") or (0.0, 0.0, 0)
        last_sent_s = self._spool.get("last_sent")
        spent_s = max(0.0, cpu_s - (cpu_before_s if pid == pid_before else 0.0)) + self_cost.cpu_s()
        sent_bytes = self._spool.get("bytes_sent") or 0
        period_s = max(0.0, self._clock.now().wall_s - last_sent_s) if last_sent_s else 0.0
        sum_cpu_s, sum_bytes, sum_period_s = self._spool.get("cost_sums") or (0.0, 0, 0.0)
        return SelfCost(
            cpu_s=round(spent_s, 3),
            peak_rss_mib=round(rss_mib + self_cost.peak_rss_mib(), 1),
            bytes_sent=sent_bytes,
            period_s=round(period_s, 1),
            sum_cpu_s=round(sum_cpu_s + spent_s, 3),
            sum_bytes_sent=sum_bytes + sent_bytes,
            sum_period_s=round(sum_period_s + period_s, 1),
        )


def clock_sentence(ahead_s: float) -> str | None:
    """Return a sentence on a clock that differs from the collector's; None when it agrees."""
    if abs(ahead_s) <= CLOCK_TOLERANCE_S:
        return None
    where = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"this machine's clock is {abs(ahead_s):.0f} s {where} the collector's; "
        "set it, for example with: timedatectl set-ntp true"
    )


def publish_status(settings: Settings) -> None:
    """Write the status where every account may read it; a spool that cannot be read is reported elsewhere."""
    from . import public_status
    from .status import read_status

    with contextlib.suppress(AgentError):
        public_status.write(read_status(settings), os.environ)


def main(settings_json: str) -> int:
    """One run on behalf of the resident."""
    unblock_signals()
    settings = from_json(settings_json)
    try:
        delivery = Courier(settings).deliver()
    except AgentError as error:
        sys.stderr.write(f"parcimetre-agent: {error}\n")
        return error.exit_code
    except sqlite3.DatabaseError as error:
        sys.stderr.write(f"parcimetre-agent: cannot use the spool: {error}\n")
        return DAMAGED if type(error) is sqlite3.DatabaseError else 1
    finally:
        publish_status(settings)
    for sentence in (*delivery.refusals, clock_sentence(delivery.clock_ahead_s)):
        if sentence:
            sys.stderr.write(f"parcimetre-agent: {sentence}\n")
    return 0


if __name__ == "__main__":
    from ..windows import log

    log.follow_log()
    sys.exit(main(sys.argv[1]))
