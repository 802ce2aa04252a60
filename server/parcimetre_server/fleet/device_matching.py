"""Matching of an enrolling machine to known devices: the same, a new one, or one that waits to be joined.

What proves identity is the credential of a device, never knowledge of its hardware, which the maker prints on
a label. Without a credential a machine whose hardware is known gets its device back only where the secret's
org unit is the device's present one or above it: who holds that secret may speak for the whole unit anyway,
and machines are re-imaged every day. It then gets the id of its device, with a new credential: the records
are the same as if a new device were joined with the old one from its first slot on. Any other is a new
device, which an admin of both org units joins with the earlier one, or not.

A device that was only inventoried needs no rule of its own: where its unit is the secret's or below it, the
secret's unit is the device's or above it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from parcimetre_agent.report import HardwareIdentity

from ..base.org_path import within
from ..store.records import DeviceId, Fact

HARDWARE = "none"
Proof = Literal["credential", "org unit"]


@dataclass(frozen=True)
class KnownDevice:
    """The identity of an enrolled machine, as stored, and the id of the secret that it came by last."""

    device_id: DeviceId
    install_id: str
    fingerprint: str | None
    virtual: str
    secret: str | None = None
    relayed_by: str | None = None

    @classmethod
    def of(cls, fact: Fact) -> KnownDevice:
        """Return the identity that a device's fact states."""
        body = fact.body
        return cls(
            DeviceId(fact.key),
            body["install_id"],
            body.get("fingerprint"),
            body["virtual"],
            body.get("secret"),
            body.get("relayed_by"),
        )


@dataclass(frozen=True)
class Candidate:
    """A device that an enrolling machine may be, its present org unit, and whether it waits itself."""

    device_id: DeviceId
    org_unit: str
    waits: bool = False


@dataclass(frozen=True)
class Decision:
    """The device that a machine is and what proves it; or none, and the device that it may be."""

    device_id: DeviceId | None = None
    proof: Proof | None = None
    may_be: DeviceId | None = None


def decide(candidates: Sequence[Candidate], proven: DeviceId | None, org_unit: str) -> Decision:
    """Return which of its candidates, the likeliest first, a machine is that came by an org unit's secret.

    `proven` is the device whose credential it showed.
    """
    if proven is not None and any(one.device_id == proven for one in candidates):
        return Decision(proven, "credential")
    for one in candidates:
        if within(one.org_unit, org_unit):
            return Decision(one.device_id, "org unit")
    earlier = sorted(candidates, key=lambda one: one.waits)
    return Decision(may_be=earlier[0].device_id if earlier else None)


class Identities:
    """Index of all known identities in memory, so that an enrolment does not scan the store."""

    def __init__(self) -> None:
        """Start empty."""
        self._by_device: dict[DeviceId, KnownDevice] = {}
        self._by_fingerprint: defaultdict[str, dict[DeviceId, None]] = defaultdict(dict)
        self._by_install: defaultdict[str, set[DeviceId]] = defaultdict(set)
        self.by_secret: Counter[str] = Counter()

    def remember(self, known: KnownDevice) -> None:
        """Add an identity, or replace the one of its device."""
        before = self._by_device.get(known.device_id)
        if before == known:
            return
        if before is not None:
            self._by_install[before.install_id].discard(known.device_id)
            self._by_fingerprint[before.fingerprint or ""].pop(known.device_id, None)
            self.by_secret[before.secret or ""] -= 1
        self._by_device[known.device_id] = known
        self._by_install[known.install_id].add(known.device_id)
        self.by_secret[known.secret or ""] += 1
        if known.virtual == HARDWARE and known.fingerprint:
            self._by_fingerprint[known.fingerprint][known.device_id] = None

    def is_current(self, device_id: DeviceId, fact: Fact | None) -> bool:
        """Return whether a device is still as indexed; another process may have deleted or split it."""
        return fact is not None and KnownDevice.of(fact) == self._by_device[device_id]

    def of_another(self, fingerprint: str | None, device_id: DeviceId) -> bool:
        """Return whether a fingerprint is known of another device than this one."""
        return any(key != device_id for key in self._by_fingerprint.get(fingerprint or "", ()))

    def matching(self, hardware: HardwareIdentity, shown: DeviceId | None = None) -> list[KnownDevice]:
        """Return the devices that this machine may be, the likeliest first; none for a new one.

        Hardware is recognised by its fingerprint, whatever was installed on it since. Otherwise the install
        id decides, unless the fingerprint or the hypervisor contradicts it: then a disk image was cloned.
        So does the credential of the device `shown`.
        """
        found = dict.fromkeys(self._with_fingerprint(hardware))
        if not found:
            installed = self._same(hardware, self._by_install.get(hardware.install_id, ()))
            found |= dict.fromkeys(
                sorted(installed, key=lambda one: (one.fingerprint != hardware.fingerprint, one.device_id))
            )
        if shown is not None:
            found |= dict.fromkeys(self._same(hardware, [shown]))
        return list(found)

    def _with_fingerprint(self, hardware: HardwareIdentity) -> Iterator[KnownDevice]:
        """Yield the devices of a fingerprint: those of the same installation first, then the latest."""
        if hardware.virtual != HARDWARE:
            return
        for fingerprint in _fingerprints(hardware):
            keys = [self._by_device[key] for key in reversed(self._by_fingerprint.get(fingerprint, {}))]
            yield from sorted(keys, key=lambda one: one.install_id != hardware.install_id)

    def _same(self, hardware: HardwareIdentity, keys: Iterable[DeviceId]) -> Iterator[KnownDevice]:
        known = (self._by_device[key] for key in keys if key in self._by_device)
        return (one for one in known if _same_machine(one, hardware))


def _fingerprints(hardware: HardwareIdentity) -> list[str]:
    """Return the fingerprint, and the one that the machine had under earlier rules of its agent."""
    stated = (hardware.fingerprint, hardware.earlier_fingerprint)
    return [one for one in stated if one]


def _same_machine(known: KnownDevice, hardware: HardwareIdentity) -> bool:
    """Return whether nothing contradicts that an install id still runs on the same machine."""
    if (known.virtual == HARDWARE) != (hardware.virtual == HARDWARE):
        return False
    stated = _fingerprints(hardware)
    return known.fingerprint is None or not stated or known.fingerprint in stated
