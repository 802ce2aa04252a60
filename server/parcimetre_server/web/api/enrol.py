"""`POST /v1/enrol`: an enrolment secret becomes a device."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from parcimetre_agent.report import AgentConfig, EnrolAnswer, EnrolRequest
from pydantic import TypeAdapter, ValidationError
from starlette.concurrency import run_in_threadpool

from ...access.context import Context
from ...access.credentials import Credentials
from ...base.errors import ParcimetreError
from ...fleet.enrolment import Enrolment
from ...fleet.organisation_hashes import gets_key
from ...ingest.validation import UnknownSchema, readable_schemas
from ..dependencies import serving_context
from ..problems import sentence
from ..request_body import read_body

router = APIRouter(tags=["agents"])
REQUEST = TypeAdapter(EnrolRequest)


class BadEnrolment(ParcimetreError):
    """An invalid enrolment."""

    status = 422
    kind = "bad-enrolment"


@router.post("/v1/enrol", response_model_exclude_none=True)
async def enrol(request: Request, context: Annotated[Context, Depends(serving_context)]) -> EnrolAnswer:
    """Exchange a secret and a hardware identity for a device id and a credential.

    A device that still has a credential, or the gateway that reports it, shows that in the Authorization
    header: it proves which device it is. One that is not valid proves nothing, and is not refused for that.
    """
    body = await read_body(request)
    try:
        asked = REQUEST.validate_json(body)
    except ValidationError as error:
        findings = error.errors(include_url=False)
        if any(finding["loc"] == ("schema",) for finding in findings):
            raise UnknownSchema(
                f"this collector reads schema {readable_schemas()} of the wire format, the agent sent "
                "another: update the older of agent and collector"
            ) from None
        raise BadEnrolment(f"enrolment refused: {sentence(findings)}; update the agent") from None
    credentials: Credentials = request.app.state.credentials
    shown = credentials.proven(request.headers.get("authorization"), context.now())
    enrolment: Enrolment = request.app.state.enrolment
    device_id = await run_in_threadpool(enrolment.enrol, asked, shown)
    credential = await run_in_threadpool(credentials.issue, device_id, context.now())
    hash_key = enrolment.key.text if gets_key(asked.schema, asked.hash_form) else None
    return EnrolAnswer(device_id, credential, AgentConfig(context.settings.upload_period_s), hash_key)
