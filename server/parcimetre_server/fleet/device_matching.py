"""Matching of an enrolling machine to known devices: the same, re-imaged, or a clone, which is a new one."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from parcimetre_agent.report import HardwareIdentity

from ..store.records import DeviceId, Fact

HARDWARE = "none"


@dataclass(frozen=True)
class KnownDevice:
    """The identity of an enrolled machine, as stored."""

    device_id: DeviceId
    install_id: str
    fingerprint: str | None
    virtual: str

    @classmethod
    def of(cls, fact: Fact) -> KnownDevice:
        """Return the identity that a device's fact states."""
        body = fact.body
        return cls(DeviceId(fact.key), body["install_id"], body.get("fingerprint"), body["virtual"])


class Identities:
    """Index of all known identities in memory, so that an enrolment does not scan the store."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_device: dict[DeviceId, KnownDevice] = {}
        self._by_fingerprint: dict[str, DeviceId] = {}
        self._by_install: defaultdict[str, set[DeviceId]] = defaultdict(set)

    def remember(self, known: KnownDevice) -> None:
        """Add an identity, or replace the one of its device."""
        before = self._by_device.get(known.device_id)
        if before is not None:
            self._by_install[before.install_id].discard(known.device_id)
        self._by_device[known.device_id] = known
        self._by_install[known.install_id].add(known.device_id)
        if known.virtual == HARDWARE and known.fingerprint:
            self._by_fingerprint[known.fingerprint] = known.device_id

    def is_current(self, device_id: DeviceId, fact: Fact | None) -> bool:
        """Return whether a device is still as indexed; another process may have deleted or split it."""
        return fact is not None and KnownDevice.of(fact) == self._by_device[device_id]

    def find(self, hardware: HardwareIdentity) -> DeviceId | None:
        """Return the device that this machine is, or None for a new one.

        Hardware is recognised by its fingerprint, whatever was installed on it since. Otherwise the install
        id decides, unless the fingerprint or the hypervisor contradicts it: then a disk image was cloned.
        """
        if hardware.virtual == HARDWARE and hardware.fingerprint:
            by_fingerprint = self._by_fingerprint.get(hardware.fingerprint)
            if by_fingerprint is not None:
                return by_fingerprint
        installed = self._by_install.get(hardware.install_id, ())
        matches = [known for key in installed if _same_machine(known := self._by_device[key], hardware)]
        matches.sort(key=lambda known: (known.fingerprint != hardware.fingerprint, known.device_id))
        return matches[0].device_id if matches else None


def _same_machine(known: KnownDevice, hardware: HardwareIdentity) -> bool:
    """Return whether nothing contradicts that an install id still runs on the same machine."""
    if (known.virtual == HARDWARE) != (hardware.virtual == HARDWARE):
        return False
    return None in (known.fingerprint, hardware.fingerprint) or known.fingerprint == hardware.fingerprint
