"""Re-keying of what was stored before the organisation had a key: every hash gets the organisation's form.

Of all that was ever stated, since the history can be read too. Ids of monitors stay, although they were
derived from hashes: the id that a monitor would get today is stored beside, so that it is recognised.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from secrets import token_hex

from parcimetre_agent.report import Display
from pydantic import TypeAdapter

from ..access.context import Context
from ..access.organisation_key import SETTING, OrganisationKey, organisation_key
from ..base.cache import clear_all
from ..organisation.left_out import leaving_out
from ..store.errors import StoreUnusable
from ..store.interface import Store
from ..store.leases import run_once
from ..store.records import DeviceId, Fact, FactKind
from .displays import MOST_ALIKE, monitor_id
from .organisation_hashes import FORM, PRODUCT, Rekey, of_body, of_json

LOG = logging.getLogger(__name__)
JOB, LOOK_S = "rekey", 2.0
KINDS: tuple[FactKind, ...] = ("device", "inventory", "monitor", "dead_letter")
DISPLAY = TypeAdapter(Display)


def rekey_store(context: Context) -> int:
    """Put all stored hashes into the organisation's form, unless they are; return how many facts changed.

    The call may be killed and repeated; of several collectors that start at once one does it, and the others
    wait. Raises KeyUnusable.
    """
    organisation_key(context)
    count, holder = 0, token_hex(8)

    def rekey() -> bool:
        """Rekey once."""
        nonlocal count
        count = _rekey(context, _setting(context.store))
        return True

    while _setting(context.store).body["rekeyed_at"] is None:
        if context.store.shared:
            time.sleep(min(LOOK_S, run_once(context.store, JOB, "done", holder, rekey)))
        else:
            rekey()
    return count


def _setting(store: Store) -> Fact:
    setting = store.latest_of("setting", SETTING)
    assert setting is not None, "stated by organisation_key"
    return setting


def _rekey(context: Context, setting: Fact) -> int:
    store, key = context.store, OrganisationKey(context)
    former = list(_former_ids(store, key.rekeyed))
    known = store.latest("former_monitor")
    missing = ((new, old) for new, old in former if new not in known)
    store.append([Fact("former_monitor", new, context.now(), {"monitor": old}) for new, old in missing])
    count = sum(store.rewrite(kind, lambda fact: of_body(fact.body, key.rekeyed)) for kind in KINDS)
    store.append([Fact("setting", SETTING, context.now(), {**setting.body, "rekeyed_at": context.now()})])
    if count:
        clear_all()
        _remove_remains(store)
        LOG.info("%d records were stored again with hashes under the key of the organisation", count)
    return count


def _remove_remains(store: Store) -> None:
    """Rewrite the store's files without the earlier hashes, as far as there is room for that."""
    try:
        store.erase([], [], [])
    except StoreUnusable as error:
        LOG.warning("earlier hashes may remain in the store's files until they are rewritten: %s", error)


def _former_ids(store: Store, rekey: Rekey) -> Iterator[tuple[DeviceId, DeviceId]]:
    """Yield the id that each monitor with a serial number would have, and the one that it has."""
    for key, fact in store.latest("monitor").items():
        with leaving_out(DeviceId(key), "identity of the monitor"):
            if fact.body.get(FORM, PRODUCT) != PRODUCT or fact.body["display"].get("serial_hash") is None:
                continue
            before = DISPLAY.validate_python(fact.body["display"], strict=False)
            after = DISPLAY.validate_python(of_json(fact.body["display"], rekey), strict=False)
            alone = [(), *((machine, str(i)) for machine in fact.body["machines"] for i in range(MOST_ALIKE))]
            for where in alone:
                if monitor_id(before, where) == key:
                    yield monitor_id(after, where), DeviceId(key)
                    break
