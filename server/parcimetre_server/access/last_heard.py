"""When each agent was last heard and what it still holds back; in memory, begun anew at each start."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..store.records import DeviceId


@dataclass(frozen=True)
class Contact:
    """When a report arrived, seconds UTC, and the slots that stayed with the agent, if it said so."""

    at: int
    waiting: int | None


@dataclass(frozen=True)
class LastHeard:
    """The latest report of each device."""

    _heard: dict[DeviceId, Contact] = field(default_factory=dict)

    def note(self, device_id: DeviceId, at: int, waiting: int | None) -> None:
        """A report arrived."""
        self._heard[device_id] = Contact(at, waiting)

    def of(self, device_id: DeviceId) -> Contact | None:
        """The latest report of a device since this collector started."""
        return self._heard.get(device_id)
