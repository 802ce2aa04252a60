"""`POST /v1/reports`: receive reports of agents; acknowledge once they are on disk."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from parcimetre_agent.report import ReportAnswer
from pydantic import TypeAdapter
from starlette.responses import Response
from starlette.types import Receive, Scope

from ...access.context import Context
from ...access.credentials import BadCredential, Credentials, PresentedCredential
from ...access.failed_attempts import FailedAttempts
from ...access.last_heard import Contact
from ...base.errors import ParcimetreError
from ...fleet.enrolment import Enrolment
from ...ingest.dead_letters import DeadLetterQuota
from ...ingest.device_limits import LimitsCache, new_limits
from ...ingest.intake import ReportIntake, Versions, accept_report, new_versions
from ...ingest.json_structure import check_structure
from ...ingest.plausibility import ClockAhead
from ...ingest.rate_limit import RateLimiter
from ...ingest.writer import Writer
from ...store.records import DeviceId
from ..agent_endpoint import AgentEndpoint
from ..client_address import client_address
from ..problems import expected
from ..request_body import Headers, PackedBody, packed_body

PATH = "/v1/reports"
LONG_AT_ONCE = 2  # long reports unpacked and validated at a time; the others wait packed
OF_FEEDS = b'"outlet"'  # each outlet is looked up in the store
OF_HARDWARE = b'"hardware"'  # its fingerprint is compared with those of all devices
ANSWER = TypeAdapter(ReportAnswer)
LOG = logging.getLogger(__name__)
router = APIRouter(tags=["agents"])


@router.post(PATH, response_model=ReportAnswer)
async def reports(request: Request) -> Response:
    """Store a report; all records counted as accepted are on disk, refused records are listed with the
    reason."""
    intake: ReportEndpoint = request.app.state.reports
    answer = await intake.answer(request.scope, request.receive)
    return Response(answer, media_type="application/json")


def is_report(scope: Scope) -> bool:
    """Return whether a request contains a report."""
    return bool(scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST")


@dataclass
class ReportEndpoint(AgentEndpoint):
    """ASGI app that accepts reports, separate from the slower routes, since a fleet sends them all day."""

    context: Context
    writer: Writer
    credentials: Credentials
    rates: RateLimiter
    failures: FailedAttempts
    enrolment: Enrolment
    letters: DeadLetterQuota = field(default_factory=DeadLetterQuota)
    versions: Versions = field(default_factory=new_versions)
    limits: LimitsCache = field(default_factory=new_limits)
    long: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(LONG_AT_ONCE))

    async def answer(self, scope: Scope, receive: Receive) -> bytes:
        """Store a report; return the answer as JSON. Raises ParcimetreError if nothing of it was stored."""
        now, meters, headers = self.context.now(), self.writer.meters, dict(scope["headers"])
        meters.reports += 1
        shown = self._presented(scope, headers, now)
        device_id = shown.device_id
        self.rates.admit(device_id, time.monotonic())
        with self.writer.admit():
            taken = await self._judged(await packed_body(headers, receive), device_id, now)
            arrival = self.letters.bounded(taken.arrival, now)
            merged = await self.writer.written(arrival, *taken.fed)
        changed = [fact for fact in arrival.facts if fact.kind == "device"]
        if changed:
            await to_thread.run_sync(self.enrolment.note, changed)
        self.context.last_heard.put(device_id, Contact(now, taken.waiting))
        if taken.refused:
            meters.refused += len(taken.refused)
            LOG.warning(
                "device %s: %d records refused, first: %s[%d]; its dead letters give the reason",
                device_id, len(taken.refused), taken.refused[0].part, taken.refused[0].index,
            )  # fmt: skip
        meters.accepted += merged.accepted
        meters.duplicates += merged.duplicates
        return ANSWER.dump_json(
            ReportAnswer(
                merged.accepted,
                merged.duplicates,
                list(taken.refused),
                self.context.settings.upload_period_s,
                self.credentials.issue(device_id, now) if shown.is_due else None,
                self.enrolment.key.text if taken.wants_key else None,
            ),
            exclude_none=True,
        )

    def _presented(self, scope: Scope, headers: Headers, now: int) -> PresentedCredential:
        """Return the credential of a report. Raises BadCredential, and TooManyFailures after many of them."""
        try:
            return self.credentials.presented(headers.get(b"authorization", b"").decode("latin-1"), now)
        except BadCredential:
            self.failures.count(client_address(scope, self.context.settings.trusted_proxies))
            raise

    async def _judged(self, body: PackedBody, device_id: DeviceId, now: int) -> ReportIntake:
        """Return what a report comes to; a long one is unpacked and validated off the event loop."""
        short = body.short()
        if short is not None and OF_FEEDS not in short and OF_HARDWARE not in short:
            return self._accept(short, device_id, now)
        return await to_thread.run_sync(self._accept_long, body, device_id, now, limiter=self.long)

    def _accept_long(self, body: PackedBody, device_id: DeviceId, now: int) -> ReportIntake:
        text = body.unpacked()
        check_structure(text)
        return self._accept(text, device_id, now)

    def _accept(self, text: bytes, device_id: DeviceId, now: int) -> ReportIntake:
        return accept_report(
            text, device_id, self.context.store, now, self.versions, self.limits, self.enrolment
        )

    async def refusal(self, request: Request, error: ParcimetreError) -> Response:
        """Return the problem document of a refused report."""
        self.writer.meters.turned_away += 1
        if isinstance(error, ClockAhead):
            LOG.warning(
                "a report is dated in the future by this machine's clock: if there are many such "
                "reports, set the clock with NTP"
            )
        return await expected(request, error)
