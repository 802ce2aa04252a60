"""Purchase dates of devices: stated by the organisation, else estimated from the devices themselves."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import NamedTuple
from zoneinfo import ZoneInfo

from parcimetre_agent.report import Inventory
from parcimetre_factors.service_life.purchase import Purchase, StatedPurchase, purchase

from ..base.cache import Cache
from ..base.errors import ParcimetreError
from ..organisation.audit import entry
from ..store.interface import Store
from ..store.records import DeviceId, Fact
from .device import Device, UnknownDevice
from .devices import devices
from .hardware import is_virtual, made_in
from .lookup import Directory

COLUMNS = ("device", "date")
CONDITIONS = {"": False, "new": False, "reconditioned": True}
FIRST_LINE = 2
STALE = "A purchase counts while all that it is computed from is the same."
MOST = 200_000


class _Dated(NamedTuple):
    """A purchase, and all that it was computed from."""

    first_seen: int
    inventory: Inventory | None
    stated: StatedPurchase | None
    category: str
    virtual: str
    purchase: Purchase

    def is_of(self, device: Device, first_seen: int) -> bool:
        """Return whether a device's purchase is computed from the very same."""
        return (
            self.first_seen == first_seen
            and self.inventory is device.inventory
            and self.stated == device.purchase
            and self.category == device.category
            and self.virtual == device.virtual
        )


_PURCHASES: Cache[DeviceId, _Dated] = Cache("purchases", STALE, MOST)


class BadPurchases(ParcimetreError):
    """A file of purchases that has a fault."""


@dataclass(frozen=True)
class PurchasesStored:
    """Counts of a file's dates: changed, and stored already."""

    changed: int
    known: int


def purchase_of(device: Device, first_seen: int) -> Purchase:
    """Return when a device was bought; a virtual machine shows nothing of its host's age."""
    dated = _PURCHASES.get(device.id)
    if dated is None or not dated.is_of(device, first_seen):
        dated = _Dated(
            first_seen, device.inventory, device.purchase, device.category, device.virtual,
            _purchase_of(device, first_seen),
        )  # fmt: skip
        _PURCHASES.put(device.id, dated)
    return dated.purchase


def _purchase_of(device: Device, first_seen: int) -> Purchase:
    inventory = device.inventory
    if is_virtual(device) or inventory is None:
        return purchase(first_seen, device.purchase)
    year = made_in(device.category, inventory.displays)
    return purchase(first_seen, device.purchase, year, inventory.system.bios_date)


def store_purchases(store: Store, lines: Iterable[str], zone: ZoneInfo, now: int) -> PurchasesStored:
    """Store the dates of a CSV with the columns device (id, beginning of an id, or name) and date.

    A date is its first instant in the organisation's time zone. A column `condition` may say new or
    reconditioned. Nothing of a file with a fault is stored.
    Raises BadPurchases with the line.
    """
    stated = {fact.key: fact for fact in _facts(store, lines, zone, now)}
    before = store.latest("purchase")
    changed = [fact for key, fact in stated.items() if key not in before or before[key].body != fact.body]
    acts = [
        entry(
            "purchases stated", fact.key, now, before[fact.key].body if fact.key in before else {}, fact.body
        )
        for fact in changed
    ]
    store.append([*changed, *acts])
    return PurchasesStored(len(changed), len(stated) - len(changed))


def _facts(store: Store, lines: Iterable[str], zone: ZoneInfo, now: int) -> Iterator[Fact]:
    known = Directory(devices(store))
    rows = csv.DictReader(lines)
    if not set(COLUMNS) <= set(rows.fieldnames or ()):
        raise BadPurchases(f"line 1: give the columns {' and '.join(COLUMNS)}, separated by a comma")
    for line, row in enumerate(rows, start=FIRST_LINE):
        at, condition = _second(row["date"], zone, line), (row.get("condition") or "").strip().lower()
        if at > now:
            raise BadPurchases(f"line {line}: {row['date']} is in the future; give the day of purchase")
        if condition not in CONDITIONS:
            raise BadPurchases(
                f"line {line}: {condition!r} is not a valid condition: give new or reconditioned"
            )
        try:
            found = known.find(row["device"])
        except UnknownDevice as error:
            raise BadPurchases(f"line {line}: {error}") from error
        yield Fact("purchase", found.id, now, vars(StatedPurchase(at, CONDITIONS[condition])))


def _second(text: str | None, zone: ZoneInfo, line: int) -> int:
    try:
        day = date.fromisoformat(text or "")
    except ValueError:
        raise BadPurchases(f"line {line}: {text!r} is not a valid date (example: 2024-02-01)") from None
    return int(datetime.combine(day, time(), zone).timestamp())
