"""The devices of a fleet as a list to work with: figures, when heard, and what is wrong with each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, get_args

from parcimetre_factors.service_life.amortisation import YEAR_S

from ..access.context import Context
from ..base.org_path import within
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from ..fleet.devices import devices
from ..fleet.hardware import is_virtual
from ..fleet.monitors import spans
from ..fleet.purchases import purchase_of
from ..fleet.silence import is_silent, last_heard_at
from ..footprint.compute import compute_footprint
from ..footprint.contributions import impact_by_device
from ..footprint.device_footprints import service_start
from ..footprint.hardware_model import hardware_models
from ..footprint.query import FootprintQuery
from ..footprint.result import FootprintResult
from ..store.interface import Store
from ..store.records import DeviceId

Fault = Literal["silent", "duplicate", "unmatched"]
FAULTS: tuple[Fault, ...] = get_args(Fault)
Sorting = Literal[
    "value", "name", "category", "org_unit", "site", "last_seen", "age_years", "energy_kwh", "coverage"
]
ASCENDING: tuple[Sorting, ...] = ("name", "category", "org_unit", "site")


@dataclass(frozen=True)
class DeviceUse:
    """A device's electricity and footprint over a period, the latter in the criterion's unit."""

    energy_kwh: float
    value: float
    coverage: float | None


@dataclass(frozen=True)
class ListedDevice:
    """A device with its figures, None where it never reported; `last_seen` is seconds UTC.

    `age_years` counts from the purchase, as stated or estimated; `twins` are other devices on what looks like
    the same machine.
    """

    device: Device
    used: DeviceUse | None
    last_seen: int | None
    age_years: float | None
    faults: tuple[Fault, ...]
    twins: tuple[DeviceId, ...] = ()

    def key(self, sorting: Sorting) -> tuple[bool, float | str]:
        """What to sort by; what is not known comes first."""
        if sorting in ("last_seen", "age_years"):
            found: float | str | None = getattr(self, sorting)
        elif sorting in ("value", "energy_kwh", "coverage"):
            found = getattr(self.used, sorting, None)
        else:
            found = str(getattr(self.device, sorting)).casefold()
        return (found is not None, "" if found is None and sorting in ASCENDING else found or 0.0)


@dataclass(frozen=True)
class Filter:
    """Which devices of a list; what is empty does not narrow it, and `q` may stand in a name, id or model."""

    q: str = ""
    site: str = ""
    category: str = ""
    fault: Fault | None = None
    retired: bool = False

    def fits(self, one: ListedDevice) -> bool:
        """Whether a device is among them."""
        device = one.device
        return (
            (device.retired_at is not None) == self.retired
            and (not self.site or device.site == self.site)
            and (not self.category or device.category == self.category)
            and (self.fault is None or self.fault in one.faults)
            and (not self.q or self.q.casefold() in _words(device))
        )


def _words(device: Device) -> str:
    system = device.inventory.system if device.inventory else None
    model = (system.maker, system.model) if system else ()
    words = (device.name, device.id, device.org_unit, *model)
    return " ".join(filter(None, words)).casefold()


def list_devices(context: Context, query: FootprintQuery) -> list[ListedDevice]:
    """Every device that the query asks for, those included that never reported; by id."""
    found, store = compute_footprint(context, query), context.store
    used = dict(_used(found))
    asked = {
        key: one
        for key, one in devices(store).items()
        if query.org_unit is None or within(one.org_unit, query.org_unit)
    }
    reported, heard = spans(store, asked.values()), last_heard_at(context, asked.values())
    twins, now = _twins(store, asked), context.now()
    known = hardware_models(context.factors)

    def listed(one: Device) -> ListedDevice:
        """One of them."""
        span, last_seen = reported.get(one.id), heard.get(one.id)
        bought = None if span is None else purchase_of(one, service_start(one, span[0])).at
        evidence = known.of_device(one).embodied.evidence
        return ListedDevice(
            one,
            used.get(one.id),
            last_seen,
            None if bought is None or is_virtual(one) else (now - bought) / YEAR_S,
            tuple(_faults(one, is_silent(context, one, last_seen), evidence, one.id in twins)),
            twins.get(one.id, ()),
        )

    return [listed(asked[key]) for key in sorted(asked)]


def _used(found: FootprintResult) -> Iterator[tuple[DeviceId, DeviceUse]]:
    """Each device's electricity, footprint and coverage over all periods."""
    for one in found.alike:
        energy_kwh = one.energy_j.sum(axis=(0, 2)) / J_PER_KWH
        value, covered_s, expected_s = (
            array.sum(axis=-1) for array in (impact_by_device(one), one.covered_s, one.expected_s)
        )
        for i, device in enumerate(one.devices):
            share = min(1.0, float(covered_s[i] / expected_s[i])) if expected_s[i] > 0 else None
            yield device.id, DeviceUse(float(energy_kwh[i]), float(value[i]), share)


def _faults(device: Device, silent: bool, evidence: str, has_twin: bool) -> Iterator[Fault]:
    """Yield what somebody should look into; nothing for retired devices."""
    if device.retired_at is not None:
        return
    if silent:
        yield "silent"
    if has_twin:
        yield "duplicate"
    if evidence == "category" and not is_virtual(device):
        yield "unmatched"


def _twins(store: Store, found: Mapping[DeviceId, Device]) -> dict[DeviceId, tuple[DeviceId, ...]]:
    """Devices in service that share with others what only one machine should have, and those others."""
    alike: defaultdict[tuple[str, str], set[DeviceId]] = defaultdict(set)
    facts = store.latest("device")
    for key, device in found.items():
        if device.retired_at is None and key in facts:
            for trait, value in _traits(device, facts[key].body.get("fingerprint")):
                alike[trait, value].add(key)
    twins: defaultdict[DeviceId, set[DeviceId]] = defaultdict(set)
    for (trait, _), group in alike.items():
        is_one_chassis = trait == "serial" and all(found[key].speaks_for_itself for key in group)
        for key in group if len(group) > 1 and not is_one_chassis else ():
            twins[key] |= group - {key}
    return {key: tuple(sorted(others)) for key, others in twins.items()}


def _traits(device: Device, fingerprint: str | None) -> Iterator[tuple[str, str]]:
    """What only one machine should have."""
    if fingerprint and not is_virtual(device):
        yield "fingerprint", fingerprint
    serial = device.inventory.system.serial_hash if device.inventory else None
    if serial and not is_virtual(device) and not device.drivers:
        yield "serial", serial
    if device.hostname:
        yield "hostname", device.hostname.casefold()


def sort_devices(found: Iterable[ListedDevice], by: Sorting, backwards: bool) -> list[ListedDevice]:
    """Devices by one of their columns, those alike by name."""
    by_name = sorted(found, key=lambda one: one.device.name.casefold())
    return sorted(by_name, key=lambda one: one.key(by), reverse=backwards)
