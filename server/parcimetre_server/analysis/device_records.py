"""All records of one device, quarter hours included, to answer a request for access."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from ..access.access_record import command_look, looks, record
from ..access.context import Context
from ..base.periods import LAST_SECOND
from ..fleet.devices import device
from ..organisation.audit import entry
from ..organisation.merges import MergeHistory
from ..store.records import DeviceId, FactKind

KINDS: tuple[FactKind, ...] = (
    "device", "inventory", "purchase", "attached", "monitor", "self_cost", "losses", "printing", "outlet",
    "feeding", "transfer", "lineage", "audit",
)  # fmt: skip


def disclose_records(context: Context, device_id: DeviceId, reason: str) -> dict[str, Any]:
    """Return all records of a device, for the person whose machine it is, and log that and why.

    It is the answer to the right of access (GDPR, article 15), whether or not presence data is switched on.
    The audit log and the access record have it before it is given. Raises UnknownDevice.
    """
    store, now = context.whole_store, context.now()
    found = device(store, device_id)
    look = command_look("presence", found.id, found.org_unit, "parcimetre devices records", now)
    store.append([entry("records disclosed", found.id, now, reason=reason)])
    record(store, look, context.recent_looks)
    ids = MergeHistory.of(store).members(found.id)
    return {
        "device": found.id,
        "name": found.name,
        "facts": [
            {"kind": fact.kind, "at": fact.recorded_at, "key": fact.key, "body": fact.body}
            for kind in KINDS
            for key in ids
            for fact in store.history(kind, key)
        ],
        "refused": [
            {"at": fact.recorded_at, **fact.body}
            for fact in store.history("dead_letter")
            if fact.body["device"] in ids
        ],
        "slots": [
            {"device": key, **asdict(slot)} for key in ids for slot in store.slots(key, 0, LAST_SECOND)
        ],
        "looks": [asdict(one) for one in looks(store, found.id)],
    }
