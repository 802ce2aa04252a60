"""Processor energy from the Energy Meter Interface of Windows 11: no driver to install, no right to grant.

Only channels that are whole processors (PKG) are read: those of cores lie within them, and there is one
device for every core. Absent in virtual machines and, mostly, on Windows 10.
"""

from __future__ import annotations

from functools import lru_cache

from ..counters import Counter
from ..outcome import Failed, NoData, Ok, Outcome, from_os_error
from ..windows.devices import READ, Devices
from ..windows.energy_meter import channels, is_package, readings

SOURCE, QUALITY = "emi", "measured"
INTERFACE = "{45BD8344-7ED6-49CF-A440-C276C933B053}"
GRANT = "let the agent's account open the energy meter: docs/en/agent.md#windows-rights"
CEILING_W = 1500.0
_VERSION, _METADATA_SIZE, _METADATA, _MEASUREMENT = 0x224000, 0x224004, 0x224008, 0x22400C
_LONGEST_BYTES = 65_536
_devices = Devices()


def read(devices: Devices = _devices) -> Outcome[list[Counter]]:
    """A counter per processor. Failed when a meter says what makes no sense."""
    try:
        paths = devices.interfaces(INTERFACE)
        if not paths:
            return NoData("no energy meter: Windows 10, a virtual machine, or firmware without")
        counters: dict[str, Counter] = {}
        for path in paths:
            names = _channels(devices, path)
            if not names:
                return Failed("an energy meter describes channels that make no sense")
            if any(map(is_package, names)):
                seen = readings(
                    devices.ask(path, _MEASUREMENT, room=16 * len(names), access=READ), len(names)
                )
                if seen is None:
                    return Failed("an energy meter answers with something that is no measurement")
                for name, (energy_j, at_s) in zip(names, seen):
                    if is_package(name):
                        counters.setdefault(
                            name, Counter(SOURCE, "package", QUALITY, name, energy_j, 0.0, CEILING_W, at_s)
                        )
    except OSError as error:
        return from_os_error(error, GRANT)
    return Ok(list(counters.values())) if counters else NoData("no energy meter counts a whole processor")


@lru_cache(maxsize=256)
def _channels(devices: Devices, path: str) -> tuple[str, ...] | None:
    """The names of a meter's channels, asked once. Raises OSError."""
    version = int.from_bytes(devices.ask(path, _VERSION, room=2, access=READ)[:2], "little")
    size = int.from_bytes(devices.ask(path, _METADATA_SIZE, room=4, access=READ)[:4], "little")
    if not 0 < size <= _LONGEST_BYTES:
        return None
    names = channels(version, devices.ask(path, _METADATA, room=size, access=READ))
    return None if names is None else tuple(names)
