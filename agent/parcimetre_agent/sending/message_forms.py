"""Forms of a message on the wire: hashes in the organisation's form, and schema 1 for older collectors.

Messages are made in schema 2 with hashes of the product's form; here they become what is sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from .. import __version__
from ..base.errors import Refused
from ..identification.hashes import rekeyed
from ..identification.organisation_key import parsed_key
from ..report import HASHES, SCHEMA, EnrolRequest, HashForm, Report
from .transport import CollectorAnswer, post
from .wire_json import as_json

if TYPE_CHECKING:
    import httpx

EARLIER_SCHEMA = 1
RETRY_S = 86_400
REFUSED_AT, ACCEPTED = "schema_refused", "schema_accepted"
Document = dict[str, Any]
_ADDED_TO_MESSAGE = ("hash_form",)
_ADDED_TO_REPORT = ("hardware",)
_ADDED_TO_SLOT = ("boot", "disbelieved")
_ADDED_TO_INVENTORY = ("guests", "power_supplies")
_ADDED_TO_PART = ("asset_hash",)
_ADDED_TO_HARDWARE = ("asset_hash", "maker", "model", "earlier_fingerprint")


class Memory(Protocol):
    """What remembers between runs which schema the collector reads."""

    def get(self, key: str) -> Any:
        """Return what was remembered; None for nothing."""
        ...

    def remember(self, **facts: Any) -> None:
        """Remember; None forgets."""
        ...


@dataclass(frozen=True)
class Delivered:
    """A message that the collector accepted: its answer, and the message as it was sent."""

    answer: CollectorAnswer
    document: Document

    @property
    def schema(self) -> int:
        """The schema that it was sent in."""
        return int(self.document["schema"])

    @property
    def hash_form(self) -> HashForm:
        """The form of its hashes."""
        return "organisation" if self.document.get("hash_form") == "organisation" else "product"


def deliver(
    client: httpx.Client,
    path: str,
    message: Report | EnrolRequest,
    credential: str | None,
    key: str | None,
    memory: Memory,
    now_s: float,
) -> Delivered:
    """Send a message, in the earlier schema where the collector does not read ours. Raises AgentError.

    A collector that refused ours is asked again after a day, and after an update of the agent.
    """

    def send(schema: int) -> Delivered:
        """Send it in a schema."""
        document = in_form(as_json(message), schema, key)
        return Delivered(post(client, path, document, credential), document)

    if not _is_refused(memory, now_s):
        try:
            delivered = send(SCHEMA)
        except Refused as error:
            if error.kind != "unknown-schema":
                raise
            memory.remember(**{REFUSED_AT: [now_s, __version__]})
        else:
            _note_accepted(memory, SCHEMA)
            return delivered
    delivered = send(EARLIER_SCHEMA)
    _note_accepted(memory, EARLIER_SCHEMA)
    return delivered


def in_form(document: Document, schema: int, key: str | None) -> Document:
    """Return a message of schema 2 and the product's form in this schema, with hashes under the key.

    Schema 1 knows the product's form alone.
    """
    if schema == EARLIER_SCHEMA:
        return _earlier(document)
    secret = None if key is None else parsed_key(key)
    if secret is None:
        return {**document, "schema": schema}
    return {
        **_with_hashes(document, lambda text: rekeyed(text, secret)),
        "schema": schema,
        "hash_form": "organisation",
    }


def accepted_schema(memory: Memory) -> int:
    """Return the schema in which the collector accepted a message last."""
    return int(memory.get(ACCEPTED) or SCHEMA)


def _is_refused(memory: Memory, now_s: float) -> bool:
    refused_s, version = memory.get(REFUSED_AT) or (None, "")
    return version == __version__ and refused_s is not None and 0 <= now_s - refused_s < RETRY_S


def _note_accepted(memory: Memory, schema: int) -> None:
    if memory.get(ACCEPTED) != schema:
        memory.remember(**{ACCEPTED: schema})


def _with_hashes(value: Any, rekey: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {
            name: rekey(one) if name in HASHES and isinstance(one, str) else _with_hashes(one, rekey)
            for name, one in value.items()
        }
    if isinstance(value, list):
        return [_with_hashes(one, rekey) for one in value]
    return value


def _earlier(document: Document) -> Document:
    """A message in schema 1: without what schema 2 added."""
    found = _without(document, (*_ADDED_TO_MESSAGE, *(_ADDED_TO_REPORT if "device_id" in document else ())))
    found["schema"] = EARLIER_SCHEMA
    if "slots" in found:
        found["slots"] = [_without(slot, _ADDED_TO_SLOT) for slot in found["slots"]]
    if "inventory" in found:
        found["inventory"] = _earlier_inventory(found["inventory"])
    if "hardware" in found:
        found["hardware"] = _without(found["hardware"], _ADDED_TO_HARDWARE)
    return found


def _earlier_inventory(inventory: Document) -> Document:
    found = _without(inventory, _ADDED_TO_INVENTORY)
    if "system" in found:
        found["system"] = _without(found["system"], _ADDED_TO_PART)
    if "displays" in found:
        found["displays"] = [_without(display, _ADDED_TO_PART) for display in found["displays"]]
    return found


def _without(fields: Document, names: tuple[str, ...]) -> Document:
    return {name: value for name, value in fields.items() if name not in names}
