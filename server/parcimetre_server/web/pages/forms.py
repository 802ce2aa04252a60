"""What people send from pages: read within limits, and only from a page of their own session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import UploadFile
from starlette.types import Message

from ...base.errors import ParcimetreError
from ..request_body import read_body

KEY = "form_key"
MOST_FIELDS = 20


class StaleForm(ParcimetreError):
    """A form that no page of this session made, or one made too long ago."""

    status = 403
    kind = "stale-form"


async def filled(request: Request) -> Mapping[str, str]:
    """The fields of a form, files as their text. Raises StaleForm and TooLarge."""
    body = await read_body(request)

    async def replay() -> Message:
        """The body again, for who takes it apart."""
        return {"type": "http.request", "body": body, "more_body": False}

    async with Request(request.scope, replay).form(max_files=1, max_fields=MOST_FIELDS) as sent:
        fields = {name: await _text(value) for name, value in sent.items()}
    if not request.app.state.sessions.is_own_form(request, fields.pop(KEY, "")):
        raise StaleForm(
            "this form has expired or belongs to another session: reload the page and submit it again"
        )
    return fields


async def _text(value: UploadFile | str) -> str:
    """A field's text; that of a file may begin with a byte order mark."""
    return value if isinstance(value, str) else (await value.read()).decode("utf-8-sig", "replace")


Filled = Annotated[Mapping[str, str], Depends(filled)]
