"""`POST /v1/enrol`: an enrolment secret becomes a device."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import Any

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Request
from parcimetre_agent.report import SCHEMAS, AgentConfig, EnrolAnswer, EnrolRequest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json
from starlette.responses import Response
from starlette.types import Receive, Scope

from ...access.context import Context
from ...access.credentials import Credentials
from ...access.failed_attempts import FailedAttempts
from ...base.errors import ParcimetreError
from ...base.names import device_name
from ...fleet.enrolment import BadSecret, Enrolment, KnownSecrets, check_secret
from ...fleet.organisation_hashes import gets_key
from ...ingest.validation import UnknownSchema, readable_schemas
from ..agent_endpoint import AgentEndpoint
from ..client_address import client_address
from ..problems import sentence
from ..request_body import SMALL, packed_body

PATH = "/v1/enrol"
MOST_ERRORS = 100
AT_ONCE = 8  # threads of its own, so that slow questions of readers keep no machine out
MOST_OF_HOSTNAME = 255
LOG = logging.getLogger(__name__)
router = APIRouter(tags=["agents"])
REQUEST = TypeAdapter(EnrolRequest)
ANSWER = TypeAdapter(EnrolAnswer)


class BadEnrolment(ParcimetreError):
    """An invalid enrolment."""

    status = 422
    kind = "bad-enrolment"


@router.post(PATH, response_model=EnrolAnswer)
async def enrol(request: Request) -> Response:
    """Exchange a secret and a hardware identity for a device id and a credential.

    A device that still has a credential, or the gateway that reports it, shows that in the Authorization
    header: it proves which device it is. One that is not valid proves nothing, and is not refused for that.
    """
    endpoint: EnrolEndpoint = request.app.state.enrol
    return Response(await endpoint.answer(request.scope, request.receive), media_type="application/json")


@dataclass
class EnrolEndpoint(AgentEndpoint):
    """ASGI app that enrols: anyone may send to it, so it costs next to nothing until the secret is valid."""

    context: Context
    enrolment: Enrolment
    credentials: Credentials
    failures: FailedAttempts
    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(AT_ONCE))
    known: KnownSecrets = field(init=False)

    def __post_init__(self) -> None:
        """Know the store's secrets."""
        self.known = KnownSecrets(self.context.store)

    async def answer(self, scope: Scope, receive: Receive) -> bytes:
        """Enrol a machine; return the answer as JSON. Raises ParcimetreError."""
        body = await packed_body(dict(scope["headers"]), receive, SMALL)
        address = client_address(scope, self.context.settings.trusted_proxies)
        try:
            raw = first_look(body.unpacked())
            await to_thread.run_sync(self._check_secret, raw["secret"], address, limiter=self.threads)
        except (BadSecret, BadEnrolment):
            self.failures.count(address)
            raise
        shown = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        return await to_thread.run_sync(self._enrolled, raw, shown, limiter=self.threads)

    def _check_secret(self, text: str, address: str | None) -> None:
        """Raise BadSecret; a shared store is not asked for each wrong secret of an address with many."""
        store = self.context.store
        if store.shared and self.failures.is_spent(address) and not self.known.has(text):
            raise BadSecret("this enrolment secret is unknown")
        check_secret(store, text, self.context.now())

    def _enrolled(self, raw: dict[str, Any], authorization: str) -> bytes:
        stated = raw.get("hostname")
        if isinstance(stated, str):
            raw["hostname"] = device_name(stated, MOST_OF_HOSTNAME) or None
        asked, now = validated(raw), self.context.now()
        device_id = self.enrolment.enrol(asked, self.credentials.proven(authorization, now))
        if stated and stated.strip() != raw["hostname"]:
            LOG.warning(
                "device %s: its host name contains characters that no name may have, or is too long; it is "
                "stored with _ in their place",
                device_id,
            )
        credential = self.credentials.issue(device_id, now)
        config = AgentConfig(self.context.settings.upload_period_s)
        hash_key = self.enrolment.key.text if gets_key(asked.schema, asked.hash_form) else None
        return ANSWER.dump_json(EnrolAnswer(device_id, credential, config, hash_key), exclude_none=True)


def first_look(body: bytes) -> dict[str, Any]:
    """Return an enrolment's fields with a secret of text; the last one of a repeated field counts.

    Raises UnknownSchema before anything else is looked at, and BadEnrolment.
    """
    try:
        raw = from_json(body)
    except ValueError as syntax:
        raise BadEnrolment(f"enrolment refused: it is not JSON ({syntax}); update the agent") from None
    if not isinstance(raw, dict):
        raise BadEnrolment("enrolment refused: it is not a JSON object; see docs/en/wire-format.md")
    if raw.get("schema") not in SCHEMAS:
        raise UnknownSchema(
            f"this collector reads schema {readable_schemas()} of the wire format, the agent sent "
            "another: update the older of agent and collector"
        )
    if not isinstance(raw.get("secret"), str) or not raw["secret"]:
        raise BadEnrolment("enrolment refused: secret is missing; update the agent")
    return raw


def validated(raw: dict[str, Any]) -> EnrolRequest:
    """Return a valid enrolment. Raises BadEnrolment with its first errors."""
    try:
        return REQUEST.validate_json(json.dumps(raw))
    except ValidationError as error:
        findings = error.errors(include_url=False) if error.error_count() <= MOST_ERRORS else ()
        reason = sentence(findings) if findings else f"it has more than {MOST_ERRORS} errors"
        raise BadEnrolment(f"enrolment refused: {reason}; update the agent") from None
