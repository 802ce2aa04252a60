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
    """No device of that id."""

    status = 404
    kind = "unknown-device"


@dataclass(frozen=True)
class Device:
    """One device: where it belongs, what it is made of, and since when it is known.

    `zone` is the grid zone of its site; `inventory` is None until its agent has sent one. Where a device was
    transferred, unit and site are the present ones, and `stays` those that it had, in order. It is `joined`
    where its history is not just the records of its id. A monitor that was seen by machines has no place of
    its own: it belongs where the machine that it is `driven_by` does; its `drivers` are all ids under which
    records tell of it, the latest last. It is `settled` once nobody need ask any more whether it was merely
    seen at home. A device that a gateway speaks for is `relayed_by` it. It is `wired` where an outlet of
    another one tells its energy, or one of its own gives a part of it on.
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

    def at_each_stay(self, zones: Mapping[str, str]) -> Sequence[Device]:
        """The device as it stood from `since` to `until`, for each unit and site that it belonged to."""
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
        """Whether its own agent reports it: a gateway, which need not be a device, knows of no system."""
        return self.relayed_by is None and (self.inventory is None or self.inventory.os.name != NO_SYSTEM)

    @property
    def name(self) -> str:
        """What to call it: host name, else maker and model with the start of its id."""
        if self.hostname:
            return self.hostname
        system = self.inventory.system if self.inventory else None
        model = " ".join(filter(None, (system.maker, system.model) if system else ()))
        return f"{model} {self.id[:6]}".strip()


def no_device(wanted: str) -> UnknownDevice:
    """That nothing has this id or name."""
    return UnknownDevice(f"there is no device {wanted!r}: `parcimetre devices` lists them")
