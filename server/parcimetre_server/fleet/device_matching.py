"""Which device an enrolling machine is: known again, re-imaged, or a clone that becomes its own device."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from parcimetre_agent.report import HardwareIdentity

from ..store.records import DeviceId, Fact

HARDWARE = "none"


@dataclass(frozen=True)
class KnownDevice:
    """What the collector remembers of an enrolled machine's identity."""

    device_id: DeviceId
    install_id: str
    fingerprint: str | None
    virtual: str

    @classmethod
    def of(cls, fact: Fact) -> KnownDevice:
        """From a device's fact."""
        body = fact.body
        return cls(DeviceId(fact.key), body["install_id"], body.get("fingerprint"), body["virtual"])


class Identities:
    """All known identities in memory: 150,000 enrolments need no scan of the store."""

    def __init__(self) -> None:
        """Know nobody."""
        self._by_device: dict[DeviceId, KnownDevice] = {}
        self._by_fingerprint: dict[str, DeviceId] = {}
        self._by_install: defaultdict[str, set[DeviceId]] = defaultdict(set)

    def remember(self, known: KnownDevice) -> None:
        """Take in an identity, or the change of one."""
        before = self._by_device.get(known.device_id)
        if before is not None:
            self._by_install[before.install_id].discard(known.device_id)
        self._by_device[known.device_id] = known
        self._by_install[known.install_id].add(known.device_id)
        if known.virtual == HARDWARE and known.fingerprint:
            self._by_fingerprint[known.fingerprint] = known.device_id

    def is_current(self, device_id: DeviceId, fact: Fact | None) -> bool:
        """Whether a device is still what is remembered: another process may have deleted or split it."""
        return fact is not None and KnownDevice.of(fact) == self._by_device[device_id]

    def find(self, hardware: HardwareIdentity) -> DeviceId | None:
        """The device that this machine is, or None when it is a new one.

        Hardware is known by its fingerprint, whatever was installed on it since. Otherwise the install id
        decides, unless the fingerprint or the hypervisor contradicts it: then a disk image was cloned.
        """
        if hardware.virtual == HARDWARE and hardware.fingerprint:
            found = self._by_fingerprint.get(hardware.fingerprint)
            if found is not None:
                return found
        installed = self._by_install.get(hardware.install_id, ())
        fits = [known for one in installed if _same_machine(known := self._by_device[one], hardware)]
        fits.sort(key=lambda known: (known.fingerprint != hardware.fingerprint, known.device_id))
        return fits[0].device_id if fits else None


def _same_machine(known: KnownDevice, hardware: HardwareIdentity) -> bool:
    """Whether nothing contradicts that an install id still runs on the same machine."""
    if (known.virtual == HARDWARE) != (hardware.virtual == HARDWARE):
        return False
    return None in (known.fingerprint, hardware.fingerprint) or known.fingerprint == hardware.fingerprint
