"""Graphics adapters on the PCI bus, from the registry. The adapter is not opened: that would wake it."""

from __future__ import annotations

import re
from typing import Any

from ...base.outcome import NoData, Ok, Outcome
from ...identification.names import clipped
from ...report import Gpu
from ...windows.devices import Devices
from ...windows.registry import Registry
from ..machine import Machine

ADAPTERS = "{4d36e968-e325-11ce-bfc1-08002be10318}"
_CLASSES = r"SYSTEM\CurrentControlSet\Control\Class"
_DEVICES = r"SYSTEM\CurrentControlSet\Enum"
_PCI = re.compile(r"^PCI\\VEN_([0-9A-F]{4})&DEV_([0-9A-F]{4})", re.IGNORECASE)
_NVIDIA, _INTEL = "10de", "8086"
_INTEL_PLACE = (0, 2)
_PLACE = re.compile(r"(\d+)\D+(\d+)\D+\d+\D*$")


def read(
    _machine: Machine, devices: Devices | None = None, registry: Registry | None = None
) -> Outcome[dict[str, Any]]:
    """Every adapter that is plugged in, with its PCI ids and the name that its driver shows."""
    known = registry or Registry()
    try:
        names = (devices or Devices()).present(ADAPTERS)
    except OSError:
        names = []
    gpus = [gpu for gpu in (_gpu(known, name) for name in names) if gpu is not None]
    return Ok({"gpus": gpus[:32]}) if gpus else NoData("no graphics adapter on the PCI bus")


def _gpu(registry: Registry, name: str) -> Gpu | None:
    """One adapter by its instance name; None for one that is software."""
    ids = _PCI.match(name)
    if ids is None:
        return None
    vendor, device = ids.group(1).lower(), ids.group(2).lower()
    instance = registry.values(f"{_DEVICES}\\{name}")
    driver = registry.values(f"{_CLASSES}\\{instance.get('Driver', '')}") if instance.get("Driver") else {}
    memory = driver.get("HardwareInformation.qwMemorySize")
    return Gpu(
        vendor_id=vendor,
        device_id=device,
        name=clipped(str(driver.get("DriverDesc") or "") or None),
        memory_mib=memory // 1_048_576 if isinstance(memory, int) and memory > 0 else None,
        integrated=_integrated(vendor, str(instance.get("LocationInformation") or "")),
    )


def _integrated(vendor: str, location: str) -> bool | None:
    """Known for Intel by its place (bus 0, device 2), for NVIDIA by the maker; not known for AMD."""
    if vendor == _NVIDIA:
        return False
    place = _PLACE.search(location)
    if vendor != _INTEL or place is None:
        return None
    return (int(place.group(1)), int(place.group(2))) == _INTEL_PLACE
