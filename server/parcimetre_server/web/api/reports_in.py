"""`POST /v1/reports`: receive reports of agents; acknowledge once they are on disk."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from parcimetre_agent.report import ReportAnswer
from pydantic import TypeAdapter
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from ...access.context import Context
from ...access.credentials import Credentials
from ...access.last_heard import Contact
from ...base.errors import ParcimetreError
from ...fleet.enrolment import Enrolment
from ...ingest.dead_letters import DeadLetterQuota
from ...ingest.intake import ReportIntake, Versions, accept_report, new_versions
from ...ingest.plausibility import ClockAhead
from ...ingest.rate_limit import RateLimiter
from ...ingest.writer import Writer
from ...store.records import DeviceId
from ..problems import expected, unexpected
from ..request_body import Headers, received

PATH = "/v1/reports"
SHORT = 64 * 1024  # bytes of JSON that are judged quicker than handed to another thread
OF_FEEDS = b'"outlet"'  # each outlet is looked up in the store
OF_HARDWARE = b'"hardware"'  # its fingerprint is compared with those of all devices
ANSWER = TypeAdapter(ReportAnswer)
JSON = (b"content-type", b"application/json")
LOG = logging.getLogger(__name__)
router = APIRouter(tags=["agents"])


@router.post(PATH, response_model=ReportAnswer)
async def reports(request: Request) -> Response:
    """Store a report; all records counted as accepted are on disk, refused records are listed with the
    reason."""
    intake: ReportEndpoint = request.app.state.reports
    answer = await intake.answer(dict(request.scope["headers"]), request.receive)
    return Response(answer, media_type="application/json")


def is_report(scope: Scope) -> bool:
    """Return whether a request contains a report."""
    return bool(scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST")


@dataclass
class ReportEndpoint:
    """ASGI app that accepts reports, separate from the slower routes, since a fleet sends them all day."""

    context: Context
    writer: Writer
    credentials: Credentials
    rates: RateLimiter
    enrolment: Enrolment
    letters: DeadLetterQuota = field(default_factory=DeadLetterQuota)
    versions: Versions = field(default_factory=new_versions)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a report."""
        try:
            answer = await self.answer(dict(scope["headers"]), receive)
        except ClientDisconnect:
            return
        except ParcimetreError as error:
            problem = await self._refusal(Request(scope), error)
        except Exception as error:  # the edge of a server that must survive
            LOG.exception(
                "a report failed because of an internal error of the collector; its agent will send it again"
            )
            problem = await unexpected(Request(scope), error)
        else:
            headers = [JSON, (b"content-length", b"%d" % len(answer))]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": answer})
            return
        await problem(scope, receive, send)

    async def answer(self, headers: Headers, receive: Receive) -> bytes:
        """Store a report; return the answer as JSON. Raises ParcimetreError if nothing of it was stored."""
        now, meters = self.context.now(), self.writer.meters
        meters.reports += 1
        shown = self.credentials.presented(headers.get(b"authorization", b"").decode("latin-1"), now)
        device_id = shown.device_id
        self.rates.admit(device_id, time.monotonic())
        with self.writer.admit():
            taken = await self._judged(await received(headers, receive), device_id, now)
            arrival = self.letters.bounded(taken.arrival, now)
            merged = await self.writer.written(arrival, *taken.fed)
        changed = [fact for fact in arrival.facts if fact.kind == "device"]
        if changed:
            await run_in_threadpool(self.enrolment.note, changed)
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

    async def _judged(self, body: bytes, device_id: DeviceId, now: int) -> ReportIntake:
        judged = (body, device_id, self.context.store, now, self.versions, self.enrolment)
        is_quick = len(body) <= SHORT and OF_FEEDS not in body and OF_HARDWARE not in body
        return accept_report(*judged) if is_quick else await run_in_threadpool(accept_report, *judged)

    async def _refusal(self, request: Request, error: ParcimetreError) -> Response:
        """Return the problem document of a refused report."""
        self.writer.meters.turned_away += 1
        if isinstance(error, ClockAhead):
            LOG.warning(
                "a report is dated in the future by this machine's clock: if there are many such "
                "reports, set the clock with NTP"
            )
        return await expected(request, error)
