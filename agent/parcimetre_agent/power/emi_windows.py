"""Processor energy from the Energy Meter Interface of Windows 11: no driver to install, no right to grant.

Only channels that are whole processors (PKG) are read: those of cores lie within them, and there is one
device for every core. Absent in virtual machines and, mostly, on Windows 10.
"""

from __future__ import annotations

from ..base.outcome import Failed, NoData, Ok, Outcome, from_os_error
from ..metering.counters import Counter
from ..windows.devices import READ, Devices
from ..windows.energy_meter import channels, is_package, readings

SOURCE, QUALITY = "emi", "measured"
INTERFACE = "{45BD8344-7ED6-49CF-A440-C276C933B053}"
GRANT = "let the agent's account open the energy meter: docs/en/agent.md#windows-rights"
CEILING_W = 1500.0
_VERSION, _METADATA_SIZE, _METADATA, _MEASUREMENT = 0x224000, 0x224004, 0x224008, 0x22400C
_LONGEST_BYTES = 65_536


class ProcessorMeters:
    """The meters that count a whole processor: looked for once, and again when one is gone."""

    def __init__(self, devices: Devices) -> None:
        self._devices = devices
        self._found: list[tuple[str, list[str]]] = []

    def read(self) -> Outcome[list[Counter]]:
        """A counter per processor. Failed when a meter says what makes no sense."""
        try:
            if not self._found:
                missing = self._look()
                if missing is not None:
                    return missing
            counters: dict[str, Counter] = {}
            for path, names in self._found:
                answer = self._devices.ask(path, _MEASUREMENT, room=16 * len(names), access=READ)
                seen = readings(answer, len(names))
                if seen is None:
                    return Failed("an energy meter returned an invalid measurement")
                for name, (energy_j, at_s) in zip(names, seen):
                    if is_package(name):
                        counter = Counter(SOURCE, "package", QUALITY, name, energy_j, 0.0, CEILING_W, at_s)
                        counters.setdefault(name, counter)
        except OSError as error:
            self._found = []
            return from_os_error(error, GRANT)
        return Ok(list(counters.values()))

    def _look(self) -> NoData | Failed | None:
        """Find the meters; why there is none. Raises OSError."""
        paths = self._devices.interfaces(INTERFACE)
        if not paths:
            return NoData("no energy meter: Windows 10, a virtual machine, or firmware without one")
        described = [(path, self._channels(path)) for path in paths]
        found = [(path, names) for path, names in described if names and any(map(is_package, names))]
        if not found and any(names is None for _, names in described):
            return Failed("an energy meter describes invalid channels")
        self._found = found
        return None if found else NoData("no energy meter counts a whole processor")

    def _channels(self, path: str) -> list[str] | None:
        """The names of a meter's channels. Raises OSError."""
        version = int.from_bytes(self._devices.ask(path, _VERSION, room=2, access=READ)[:2], "little")
        size = int.from_bytes(self._devices.ask(path, _METADATA_SIZE, room=4, access=READ)[:4], "little")
        if not 0 < size <= _LONGEST_BYTES:
            return None
        return channels(version, self._devices.ask(path, _METADATA, room=size, access=READ))


_meters = ProcessorMeters(Devices())


def read(meters: ProcessorMeters = _meters) -> Outcome[list[Counter]]:
    """A counter per processor."""
    return meters.read()
