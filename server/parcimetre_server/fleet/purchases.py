"""When devices were bought: the dates that the organisation states, else what the devices show."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from zoneinfo import ZoneInfo

from parcimetre_factors.service_life.purchase import Purchase, StatedPurchase, purchase

from ..base.cache import Cache
from ..base.errors import ParcimetreError
from ..organisation.audit import entry
from ..store.interface import Store
from ..store.records import Fact
from .device import Device, UnknownDevice
from .devices import devices
from .hardware import is_virtual, made_in
from .lookup import Directory

COLUMNS = ("device", "date")
CONDITIONS = {"": False, "new": False, "reconditioned": True}
FIRST_LINE = 2
Evidence = tuple[int, StatedPurchase | None, int | None, str | None]
_PURCHASES: Cache[Evidence, Purchase] = Cache(
    "purchases", "A purchase is never stale: its key is all that it is computed from.", 200_000
)


class BadPurchases(ParcimetreError):
    """A file of purchases that cannot be taken as it is."""


@dataclass(frozen=True)
class PurchasesStored:
    """How many dates of a file are new, and how many were known."""

    changed: int
    known: int


def purchase_of(device: Device, first_seen: int) -> Purchase:
    """Return when a device was bought; a virtual machine shows nothing of its host's age."""
    inventory = None if is_virtual(device) else device.inventory
    year = None if inventory is None else made_in(device.category, inventory.displays)
    bios_date = None if inventory is None else inventory.system.bios_date
    evidence = first_seen, device.purchase, year, bios_date
    bought = _PURCHASES.get(evidence)
    if bought is None:
        bought = purchase(*evidence)
        _PURCHASES.put(evidence, bought)
    return bought


def store_purchases(store: Store, lines: Iterable[str], zone: ZoneInfo, now: int) -> PurchasesStored:
    """Keep the dates of a CSV with the columns device and date; a device by its id, its beginning or name.

    A date is its first instant in the organisation's time zone. A column `condition` may say new or
    reconditioned. Nothing is kept of a file with a fault.
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
