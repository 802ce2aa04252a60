"""Joining of servers that report themselves and that a gateway reads too: one machine, counted once.

Both state the same maker, model and serial number, the last as a keyed hash. Where one device of each kind
has them, in one org unit, the one that the gateway reports is merged into the other. Where they are in two
org units, they wait for an admin of both (`joins`), and are not summed meanwhile. Everything else stays in
the list of duplicates: a chassis whose servers state one serial number, or a maker or model that differs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from ..access.context import Context
from ..access.organisation_key import organisation_hash
from ..organisation import audit
from ..organisation.merges import MergeHistory
from ..store.interface import Store
from ..store.records import DeviceId
from .device import Device
from .devices import devices
from .filler_hashes import is_filler
from .joins import Join, all_joins, waiting_facts
from .makers import same_maker, same_model
from .merging import merge
from .organisation_hashes import Rekey

WHO = "collector"
SERVER, PHYSICAL = "server", "none"
Pair = tuple[Device, Device]


def join_servers(context: Context) -> int:
    """Merge devices that are certainly one machine, logged as the collector's act; return how many.

    Those of two org units wait to be joined. A merge that somebody undid is not made again.
    """
    store, now = context.store, context.now()
    merged = 0
    known = {frozenset((join.earlier, join.later)) for join in all_joins(store)}
    for own, relayed in list(_same_machines(context)):
        with audit.acting(WHO):
            if own.org_unit == relayed.org_unit:
                merge(store, own.id, relayed.id, now)
                merged += 1
            elif frozenset((own.id, relayed.id)) not in known:
                earlier, later = sorted((own, relayed), key=lambda one: (one.enrolled_at, one.id))
                store.append(waiting_facts(_join(store, earlier.id, later.id, now), now))
    return merged


def _join(store: Store, earlier: DeviceId, later: DeviceId, now: int) -> Join:
    fact = store.latest_of("device", later)
    return Join("server", earlier, later, None if fact is None else fact.body.get("secret"), now)


def _same_machines(context: Context) -> Iterator[Pair]:
    """Yield devices that report themselves, each with the one that a gateway reports of the same machine."""
    in_service = [device for device in devices(context.store).values() if device.retired_at is None]
    behind = [one for one in in_service if not one.speaks_for_itself and one.category == SERVER]
    if not behind:
        return
    relayed = _by_serial(behind)
    own = _by_serial(one for one in in_service if one.speaks_for_itself and one.virtual == PHYSICAL)
    merges, rekey = MergeHistory.of(context.store), organisation_hash(context)
    for one in behind:
        agents = {twin.id: twin for serial in _serials(one) for twin in own.get(serial, ())}
        gateways = {twin.id for serial in _serials(one) for twin in relayed[serial]}
        twin = next(iter(agents.values()), None)
        if (
            twin is not None
            and len(agents) == len(gateways) == 1
            and _may_be_joined(merges, twin, one, rekey)
        ):
            yield twin, one


def _may_be_joined(merges: MergeHistory, own: Device, relayed: Device, rekey: Rekey) -> bool:
    """Return whether both state one maker and model, and the relayed one was never merged or split before."""
    systems = [one.inventory.system for one in (own, relayed) if one.inventory is not None]
    stated = [(of.maker, of.model, of.version, of.family) for of in systems]
    return (
        own.simulated == relayed.simulated
        and relayed.id not in merges.known
        and same_maker(systems[0].maker, systems[1].maker)
        and same_model(stated[0], stated[1])
        and not any(is_filler(system, rekey) for system in systems)
    )


def _by_serial(devices: Iterable[Device]) -> dict[str, list[Device]]:
    """Group devices by each hash of their serial number."""
    alike: defaultdict[str, list[Device]] = defaultdict(list)
    for device in devices:
        for serial in _serials(device):
            alike[serial].append(device)
    return alike


def _serials(device: Device) -> set[str]:
    """Return the hashes of a device's serial number, beside its maker and alone; none of a monitor."""
    if device.inventory is None or device.drivers:
        return set()
    system = device.inventory.system
    return {one for one in (system.serial_hash, system.asset_hash) if one is not None}
