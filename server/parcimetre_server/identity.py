"""Knowing a machine again by its firmware or its install id; clones become devices of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parcimetre_agent.report import HardwareIdentity

from .store import DeviceId

PHYSICAL = "none"


class Known:
    """Index of machines by fingerprint and by install id."""

    def __init__(self) -> None:
        """Start empty."""
        self.by_fingerprint: dict[str, DeviceId] = {}
        self.by_install: dict[tuple[str, str | None], DeviceId] = {}

    def add(self, device_id: DeviceId, body: Mapping[str, Any]) -> None:
        """Remember a device by the body of its fact."""
        fingerprint = body.get("fingerprint")
        self.by_install[body["install_id"], fingerprint] = device_id
        if fingerprint and body["virtual"] == PHYSICAL:
            self.by_fingerprint[fingerprint] = device_id


def same_machine(known: Known, hardware: HardwareIdentity) -> DeviceId | None:
    """The device that this hardware already is, or None.

    Hardware is known by its fingerprint, also after a new installation. Virtual machines may share one
    (clones, containers that see their host's), so they are known by install id and fingerprint together;
    so is hardware without a fingerprint. A cloned disk, with a known install id but another fingerprint,
    is a machine of its own.
    """
    if hardware.fingerprint and hardware.virtual == PHYSICAL:
        return known.by_fingerprint.get(hardware.fingerprint)
    return known.by_install.get((hardware.install_id, hardware.fingerprint))
