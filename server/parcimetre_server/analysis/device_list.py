"""Device list of a fleet: footprint, last contact, age and faults of each device."""

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
from ..fleet.silence import is_silent, last_heard_at, shown_time
from ..footprint.compute import compute_footprint
from ..footprint.contributions import impact_by_device
from ..footprint.device_footprints import HARDWARE, service_start
from ..footprint.hardware_model import hardware_models
from ..footprint.query import FootprintQuery
from ..footprint.result import FootprintResult
from ..organisation.left_out import leaving_out
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
        """Return the sort key; unknown values come first."""
        if sorting in ("last_seen", "age_years"):
            found: float | str | None = getattr(self, sorting)
        elif sorting in ("value", "energy_kwh", "coverage"):
            found = getattr(self.used, sorting, None)
        else:
            found = str(getattr(self.device, sorting)).casefold()
        return (found is not None, "" if found is None and sorting in ASCENDING else found or 0.0)


@dataclass(frozen=True)
class Filter:
    """Conditions on listed devices; empty ones do not apply, `q` is part of a name, id, org unit or model."""

    q: str = ""
    site: str = ""
    category: str = ""
    fault: Fault | None = None
    retired: bool = False

    def fits(self, one: ListedDevice) -> bool:
        """Return whether a device meets all conditions."""
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
    """Return every device of the query, including those that never reported, in the order of their ids."""
    result, store = compute_footprint(context, query), context.store
    use = dict(_use(result))
    by_id = {
        device_id: device
        for device_id, device in devices(store).items()
        if query.org_unit is None or within(device.org_unit, query.org_unit)
    }
    reported, heard = spans(store, by_id.values()), last_heard_at(context, by_id.values())
    twins, now = _twins(store, by_id), context.now()
    models = hardware_models(context.factors)

    def listed(device: Device) -> ListedDevice:
        """A device with its use, last contact, age and faults."""
        span, last_seen = reported.get(device.id), heard.get(device.id)
        purchased = None if span is None else purchase_of(device, service_start(device, span[0])).at
        evidence = models.of_device(device).embodied.evidence
        return ListedDevice(
            device,
            use.get(device.id),
            None if last_seen is None else shown_time(context, device, last_seen),
            None if purchased is None or is_virtual(device) else (now - purchased) / YEAR_S,
            tuple(_faults(device, is_silent(context, device, last_seen), evidence, device.id in twins)),
            twins.get(device.id, ()),
        )

    found = []
    for device_id in sorted(by_id):
        with leaving_out(device_id, HARDWARE):
            found.append(listed(by_id[device_id]))
    return found


def _use(result: FootprintResult) -> Iterator[tuple[DeviceId, DeviceUse]]:
    """Electricity, footprint and coverage of each device over all periods."""
    for cohort in result.cohorts:
        energy_kwh = cohort.energy_j.sum(axis=(0, 2)) / J_PER_KWH
        value, covered_s, expected_s = (
            array.sum(axis=-1) for array in (impact_by_device(cohort), cohort.covered_s, cohort.expected_s)
        )
        for i, device in enumerate(cohort.devices):
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
    """Devices in service that share an identifying trait with others, and those others."""
    alike: defaultdict[tuple[str, str], set[DeviceId]] = defaultdict(set)
    facts = store.latest("device")
    for key, device in found.items():
        if device.retired_at is None and key in facts:
            for trait, value in _traits(device, facts[key].body.get("fingerprint")):
                alike[trait, str(value)].add(key)
    twins: defaultdict[DeviceId, set[DeviceId]] = defaultdict(set)
    for (trait, _), group in alike.items():
        is_one_chassis = trait == "serial" and all(found[key].speaks_for_itself for key in group)
        for key in group if len(group) > 1 and not is_one_chassis else ():
            twins[key] |= group - {key}
    return {key: tuple(sorted(others)) for key, others in twins.items()}


def _traits(device: Device, fingerprint: str | None) -> Iterator[tuple[str, str]]:
    """Traits that identify one machine: fingerprint, serial number, host name."""
    if fingerprint and not is_virtual(device):
        yield "fingerprint", fingerprint
    serial = device.inventory.system.serial_hash if device.inventory else None
    if serial and not is_virtual(device) and not device.drivers:
        yield "serial", serial
    if device.hostname:
        yield "hostname", device.hostname.casefold()


def sort_devices(found: Iterable[ListedDevice], by: Sorting, backwards: bool) -> list[ListedDevice]:
    """Return devices sorted by a column, then by name."""
    by_name = sorted(found, key=lambda one: one.device.name.casefold())
    return sorted(by_name, key=lambda one: one.key(by), reverse=backwards)
