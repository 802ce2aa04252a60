"""A device, as its latest facts describe it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from parcimetre_agent.report import Inventory
from parcimetre_factors.service_life.purchase import StatedPurchase

from ..base.errors import ParcimetreError
from ..base.periods import LAST_SECOND
from ..organisation.transfers import Placement
from ..store.records import DeviceId

UNKNOWN_ZONE = "FR"
NO_SYSTEM = "none"


class UnknownDevice(ParcimetreError):
    """An id or a name that no device has."""

    status = 404
    kind = "unknown-device"


@dataclass(frozen=True)
class Device:
    """A device: where it belongs, what it is made of, and since when it is known.

    `zone` is the grid zone of its site; `inventory` is None until its agent has sent one. Of a device that
    was transferred, unit and site are the present ones, and `stays` all its placements, in order. It is
    `joined` if its history is more or less than the records of its id. A monitor has no place of its own: it
    belongs where the machine that it is `driven_by` does; its `drivers` are the ids of all machines that
    showed it, the latest last. It is `settled` once it is known not to be one seen only at home. A device
    that a gateway reports is `relayed_by` that gateway. It is `wired` if an outlet of another device counts
    its energy, or one of its own outlets passes a part of it on. `items_left_out` says why items of its
    stored inventory are not used.
    """

    id: DeviceId
    category: str
    org_unit: str
    site: str
    zone: str
    hostname: str | None
    simulated: bool
    virtual: str
    enrolled_at: int
    agent_version: str
    retired_at: int | None
    inventory: Inventory | None
    purchase: StatedPurchase | None = None
    scrapped: bool = False
    drivers: tuple[DeviceId, ...] = ()
    driven_by: DeviceId | None = None
    settled: bool = False
    stays: tuple[Placement, ...] = ()
    since: int = 0
    until: int = LAST_SECOND
    joined: bool = False
    relayed_by: DeviceId | None = None
    wired: bool = False
    items_left_out: tuple[str, ...] = ()

    def at_each_stay(self, zones: Mapping[str, str]) -> Sequence[Device]:
        """Return the device once for each placement, with its `since` and `until` in seconds UTC."""
        if not self.stays:
            return (self,)
        return [
            replace(
                self, org_unit=stay.org_unit, site=stay.site, since=stay.first, until=stay.last,
                zone=zones.get(stay.site, UNKNOWN_ZONE),
            )
            for stay in self.stays
        ]  # fmt: skip

    @property
    def speaks_for_itself(self) -> bool:
        """Return whether its own agent reports it; what a gateway reports states no operating system."""
        return self.relayed_by is None and (self.inventory is None or self.inventory.os.name != NO_SYSTEM)

    @property
    def name(self) -> str:
        """Return the host name, else maker and model with the beginning of the id."""
        if self.hostname:
            return self.hostname
        system = self.inventory.system if self.inventory else None
        model = " ".join(filter(None, (system.maker, system.model) if system else ()))
        return f"{model} {self.id[:6]}".strip()


def no_device(wanted: str) -> UnknownDevice:
    """Return the error that no device has this id or name."""
    return UnknownDevice(f"there is no device {wanted!r}: `parcimetre devices` lists them")
