"""The courier: a short-lived process that takes the inventory when due, sends what waits, obeys and ends.

Exit code 0: sent; 1: try later; 2: a person must look (the sentence is on standard error).
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__, enrolment, identity, self_cost, wire
from .clock import Clock
from .errors import AgentError, Refused, Unreachable
from .identity import Identity
from .report import MAX_GAPS, Gap, Inventory, Report, SelfCost, Slot
from .sensors.machine import Machine
from .settings import Settings, from_json
from .spool import PendingSlot, Spool
from .timeline import GapRecord
from .transport import Answer, open_client, post
from .waiting import release_signals

if TYPE_CHECKING:
    import httpx

BATCH = 500
CLOCK_TOLERANCE_S = 120.0
RETAKE_S = 86_400
RESEND_S = 14 * 86_400
_UNREADABLE = (400, 422)


@dataclass(frozen=True)
class Delivery:
    """What came of a run: the collector's counts and refusals, and how far our clock is ahead of its."""

    device_id: str
    accepted: int = 0
    duplicates: int = 0
    refusals: tuple[str, ...] = ()
    clock_ahead_s: float = 0.0


@dataclass(frozen=True)
class Load:
    """What one report carries, as spooled and as sent."""

    pending: list[PendingSlot]
    gaps: list[GapRecord]
    slots: list[Slot]
    wire_gaps: list[Gap]


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
        self._who = self._identity()
        self._refusals: list[str] = []
        self._sent_bytes = 0

    def deliver(self) -> Delivery:
        """Enrol if needed and send everything that waits. Raises AgentError."""
        try:
            with open_client(self._settings) as client:
                return self._deliver(client)
        except Unreachable as error:
            self._spool.remember(retry_after_s=error.retry_after_s)
            raise

    def enrol(self) -> str:
        """Enrol now; the device id. Raises AgentError."""
        with open_client(self._settings) as client:
            return self._enrolled(client, self._take_inventory()).device_id or ""

    def _deliver(self, client: httpx.Client) -> Delivery:
        due = self._inventory_if_due()
        if self._who.credential is None:
            due = due or self._take_inventory()
            self._enrolled(client, due)
        total = Delivery(self._who.device_id or "")
        batch = BATCH
        while True:
            load = self._load(batch)
            try:
                answer = self._send(client, load, due)
            except Refused as error:
                if error.status == 413 and batch > 1:
                    batch = max(1, min(batch, len(load.pending)) // 2)
                elif error.status in _UNREADABLE and due is not None and load.pending:
                    self._refusals.append(f"inventory with report: {error}")
                    due = None
                elif error.status in _UNREADABLE and len(load.pending) > 1:
                    batch = len(load.pending) // 2
                elif error.status in _UNREADABLE and load.pending:
                    self._set_aside(load.pending[0].start, str(error))
                else:
                    raise
                continue
            total = self._obey(answer, load, due, total)
            due = None
            if len(load.pending) < batch and len(load.gaps) < MAX_GAPS:
                return replace(total, refusals=tuple(self._refusals))
            batch = BATCH

    def _send(self, client: httpx.Client, load: Load, due: Inventory | None) -> Answer:
        """Send one report; enrol once more when the credential is unknown and a secret is at hand."""
        try:
            return self._post(client, load, due)
        except Refused as error:
            if error.status != 401 or self._settings.secret_file is None:
                raise
            self._who = replace(self._who, device_id=None, credential=None)
            self._enrolled(client, due or self._take_inventory())
            return self._post(client, load, due)

    def _post(self, client: httpx.Client, load: Load, due: Inventory | None) -> Answer:
        report = Report(
            schema=1,
            device_id=self._who.device_id or "",
            sent_at=int(self._clock.now().wall_s),
            agent_version=__version__,
            slots=load.slots,
            gaps=load.wire_gaps,
            inventory=due,
            self_cost=self._self_cost(),
        )
        answer = post(client, "/v1/reports", wire.document(report), self._who.credential)
        self._sent_bytes += answer.sent_bytes
        return answer

    def _load(self, batch: int) -> Load:
        """The next records; one that contradicts itself is set aside, never sent again and again."""
        load = Load([], [], [], [])
        for pending in self._spool.pending(batch):
            try:
                load.slots.append(wire.slot(pending.fields))
                load.pending.append(pending)
            except (TypeError, ValueError) as error:
                self._set_aside(pending.start, str(error))
        for record in self._spool.pending_gaps(MAX_GAPS):
            try:
                load.wire_gaps.append(wire.gap(record))
                load.gaps.append(record)
            except ValueError as error:
                self._set_aside(record.start, str(error))
        return load

    def _obey(self, answer: Answer, load: Load, due: Inventory | None, total: Delivery) -> Delivery:
        """Forget what was taken, set aside what was refused, remember when to come again."""
        body = answer.body
        refused: dict[str, set[int]] = {"slots": set(), "gaps": set()}
        for refusal in body.get("refused", []):
            part, index, reason = refusal["part"], int(refusal["index"]), str(refusal["reason"])
            if part in refused:
                refused[part].add(index)
                records: list[Any] = load.pending if part == "slots" else load.gaps
                self._set_aside(records[index].start, reason)
            else:
                self._refusals.append(f"{part}: {reason}")
        self._spool.acknowledge(
            [slot for i, slot in enumerate(load.pending) if i not in refused["slots"]],
            [gap for i, gap in enumerate(load.gaps) if i not in refused["gaps"]],
        )
        if body.get("credential"):
            self._who = replace(self._who, credential=str(body["credential"]))
            identity.store(self._data_dir, self._who)
        now_s = self._clock.now().wall_s
        self._spool.remember(
            last_sent=now_s,
            retry_after_s=0.0,
            upload_period_s=body.get("next_upload_s"),
            cost_sent=self._spool.get("cost"),
            bytes_sent=self._sent_bytes,
        )
        if due is not None:
            from .inventory import content_hash

            self._spool.remember(inventory_hash=content_hash(due), inventory_sent=now_s)
        return replace(
            total,
            device_id=self._who.device_id or "",
            accepted=total.accepted + int(body.get("accepted", 0)),
            duplicates=total.duplicates + int(body.get("duplicates", 0)),
            clock_ahead_s=0.0 if answer.date_s is None else now_s - answer.date_s,
        )

    def _set_aside(self, start: int, reason: str) -> None:
        self._spool.set_aside([start], reason)
        self._refusals.append(f"slot {start}: {reason}")

    def _identity(self) -> Identity:
        """The identity to use; a clone's spool is another machine's, and goes with the old identity."""
        who, dropped = identity.current(self._data_dir, self._machine.root)
        if dropped:
            self._spool.clear()
        if who != identity.load(self._data_dir):
            identity.store(self._data_dir, who)
        return who

    def _enrolled(self, client: httpx.Client, taken: Inventory) -> Identity:
        self._who = enrolment.enrol(client, self._settings, self._spool, self._who, taken)
        return self._who

    def _inventory_if_due(self) -> Inventory | None:
        """A new inventory once a boot and once a day; sent when it changed, or after a fortnight."""
        from . import inventory

        now = self._clock.now()
        taken_at, boot_id = self._spool.get("inventory_taken") or (0.0, "")
        sent_s = self._spool.get("inventory_sent") or 0.0
        overdue = now.wall_s - sent_s > RESEND_S
        if boot_id == now.boot_id and now.wall_s - taken_at < RETAKE_S and not overdue:
            return None
        taken = self._take_inventory()
        changed = inventory.content_hash(taken) != self._spool.get("inventory_hash")
        return taken if changed or overdue else None

    def _take_inventory(self) -> Inventory:
        now = self._clock.now()
        from . import inventory
        from .sampling import Sampler

        sampler = Sampler()
        sampler.sample(now)
        taken = inventory.take(self._machine, int(now.wall_s), sampler.outcomes)
        self._spool.remember(
            inventory_taken=(now.wall_s, now.boot_id), cached=[now.boot_id, self._machine.cached]
        )
        return taken

    def _cached(self) -> dict[str, Any]:
        """Costly answers of this boot."""
        boot_id, cached = self._spool.get("cached") or ("", {})
        return dict(cached) if boot_id == self._clock.now().boot_id else {}

    def _self_cost(self) -> SelfCost:
        """Cost since the previous report: the resident's as it last wrote it down, plus this process."""
        cpu_s, rss_mib, pid = self._spool.get("cost") or (0.0, 0.0, 0)
        cpu_before_s, _, pid_before = self._spool.get("cost_sent") or (0.0, 0.0, 0)
        last_sent_s = self._spool.get("last_sent")
        now_s = self._clock.now().wall_s
        return SelfCost(
            cpu_s=round(
                max(0.0, cpu_s - (cpu_before_s if pid == pid_before else 0.0)) + self_cost.cpu_s(), 3
            ),
            peak_rss_mib=round(rss_mib + self_cost.peak_rss_mib(), 1),
            bytes_sent=self._spool.get("bytes_sent") or 0,
            period_s=round(max(0.0, now_s - last_sent_s), 1) if last_sent_s else 0.0,
        )


def clock_sentence(ahead_s: float) -> str | None:
    """What to tell the user about a clock that disagrees with the collector's; None when it does not."""
    if abs(ahead_s) <= CLOCK_TOLERANCE_S:
        return None
    where = "ahead of" if ahead_s > 0 else "behind"
    return (
        f"this machine's clock is {abs(ahead_s):.0f} s {where} the collector's; "
        "set it, for example with: timedatectl set-ntp true"
    )


def main(settings_json: str) -> int:
    """One run on behalf of the resident."""
    release_signals()
    try:
        delivery = Courier(from_json(settings_json)).deliver()
    except AgentError as error:
        sys.stderr.write(f"parcimetre-agent: {error}\n")
        return error.exit_code
    for sentence in (*delivery.refusals, clock_sentence(delivery.clock_ahead_s)):
        if sentence:
            sys.stderr.write(f"parcimetre-agent: {sentence}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
