"""Collector's answers within bounds: what an agent takes over from one, whatever stands in it.

A value that is not what the wire format says is as good as absent, so that no answer stops an agent.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ..base.errors import Unreachable
from ..identification.organisation_key import parsed_key
from .schedule import within_period_bounds

_DEVICE_ID = re.compile(r"[0-9a-f]{32}")
_CREDENTIAL = re.compile(r"[\x21-\x7e]{1,4096}")
_LONGEST_REASON = 500


class RefusedRecord(NamedTuple):
    """A record that was not stored: the part and the position where it was, and the reason."""

    part: str
    position: int
    reason: str


class Enrolled(NamedTuple):
    """What an enrolment came to."""

    device_id: str
    credential: str
    period_s: int | None
    hash_key: str | None


def enrolled(body: Mapping[str, Any], server: str | None) -> Enrolled:
    """Return the answer to an enrolment. Raises Unreachable where it is not a collector's."""
    device_id, fresh = body.get("device_id"), credential(body)
    if not isinstance(device_id, str) or not _DEVICE_ID.fullmatch(device_id) or fresh is None:
        raise Unreachable(f"{server} answers, but is not a Parcimètre collector; check --server")
    config = body.get("config")
    period_s = config.get("upload_period_s") if isinstance(config, dict) else None
    return Enrolled(device_id, fresh, within_period_bounds(period_s), hash_key(body))


def credential(body: Mapping[str, Any]) -> str | None:
    """Return the credential to show from now on; None where the answer has none that a header can carry."""
    value = body.get("credential")
    return value if isinstance(value, str) and _CREDENTIAL.fullmatch(value) else None


def hash_key(body: Mapping[str, Any]) -> str | None:
    """Return the text of the organisation's key; None where the answer has none."""
    value = body.get("hash_key")
    return value if isinstance(value, str) and parsed_key(value) is not None else None


def next_upload_s(body: Mapping[str, Any]) -> int | None:
    """Return the seconds until the next report, within bounds; None where the answer does not say."""
    return within_period_bounds(body.get("next_upload_s"))


def count(body: Mapping[str, Any], name: str) -> int:
    """Return a number of records; 0 where the answer does not say."""
    value = body.get(name)
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return max(0, int(value)) if is_number else 0  # type: ignore[arg-type]


def refused(body: Mapping[str, Any], sent: Mapping[str, Sequence[Any]]) -> list[RefusedRecord]:
    """Return the refused records; of the lists in `sent`, only those that were sent."""
    listed = body.get("refused")
    found = [_refused(one) for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [one for one in found if one.part not in sent or 0 <= one.position < len(sent[one.part])]


def _refused(one: Mapping[str, Any]) -> RefusedRecord:
    index = one.get("index")
    return RefusedRecord(
        str(one.get("part"))[:40],
        index if isinstance(index, int) and not isinstance(index, bool) else -1,
        str(one.get("reason"))[:_LONGEST_REASON],
    )
