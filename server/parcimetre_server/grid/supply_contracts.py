"""Supply contracts for electricity: stored as the organisation states them, applied by device.

A contract is for a site, for an org unit and all below it, or for everything. Where several apply to
one device, that of its site counts, else that of the nearest org unit, else the one for everything. Two for
the same place at the same time are refused.
"""

from __future__ import annotations

import csv
import hashlib
import io
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal, get_args
from zoneinfo import ZoneInfo

from parcimetre_factors.grid.market_based import Contract, with_contracts
from parcimetre_factors.tables.factor_set import FactorSet

from ..base.errors import ParcimetreError
from ..base.names import name_fault, text_fault
from ..base.org_path import clean_path, within
from ..organisation.audit import entry
from ..organisation.org import site, units
from ..store.interface import Store
from ..store.records import Fact

Electricity = Literal["location", "market"]
ELECTRICITY: tuple[Electricity, ...] = get_args(Electricity)
REQUIRED = ("supplier", "product", "kg_per_kwh", "at_meter", "evidence", "from")
OPTIONAL = ("low", "high", "until", "site", "org_unit")
MOST_KG = 3.0
MOST_CHARACTERS = 400
MOST_OF_NAME = 200
ANSWERS = {"yes": True, "true": True, "no": False, "false": False}
FIRST_LINE = 2


class BadContract(ParcimetreError):
    """A contract with a fault."""


class UnknownContract(ParcimetreError):
    """No contract of that id."""

    status = 404
    kind = "unknown-contract"


@dataclass(frozen=True)
class PlacedContract:
    """A contract and where it applies: a site, an org unit's subtree, or everywhere if both are None."""

    contract: Contract
    site: str | None
    org_unit: str | None

    @property
    def where(self) -> str:
        """Where it applies, in words."""
        if self.site is not None:
            return f"site {self.site}"
        return "everything" if self.org_unit is None else f"org unit {self.org_unit}"

    def nearness(self, site: str, org_unit: str) -> int:
        """Return how near the contract is to a site and org unit: greater is nearer, 0 not at all."""
        if self.site is not None:
            return MOST_CHARACTERS if site == self.site else 0
        if self.org_unit is None:
            return 1
        return 2 + self.org_unit.count("/") if within(org_unit, self.org_unit) else 0

    def overlaps(self, other: PlacedContract) -> bool:
        """Return whether both apply to the same place at some time."""
        one, two = self.contract, other.contract
        if (self.site, self.org_unit) != (other.site, other.org_unit) or one.id == two.id:
            return False
        first = max(one.first, two.first)
        return all(c.last is None or first < c.last for c in (one, two))


def contracts(store: Store) -> list[PlacedContract]:
    """Return every contract ever stated, as the latest facts say, by beginning."""
    return _sorted(store.latest("contract").values())


def _sorted(facts: Iterable[Fact]) -> list[PlacedContract]:
    return sorted(map(_contract_of, facts), key=lambda held: (held.contract.first, held.contract.id))


def contracts_at(held: Sequence[PlacedContract], site: str, org_unit: str) -> tuple[Contract, ...]:
    """Return the contracts for devices of a site and org unit, the nearest first."""
    near = [(each.nearness(site, org_unit), each.contract) for each in held]
    return tuple(contract for nearness, contract in sorted(near, key=lambda pair: -pair[0]) if nearness)


def market_sets(store: Store, base: FactorSet) -> Iterator[FactorSet]:
    """Yield the factor set with the contracts as they were after each fact about them, the present first."""
    history = store.history("contract")
    for known in range(len(history), 0, -1):
        latest = {fact.key: fact for fact in history[:known]}
        yield with_contracts(base, (held.contract for held in _sorted(latest.values())))


def add_contracts(
    store: Store, stated: Iterable[Mapping[str, object]], zone: ZoneInfo, now: int
) -> list[PlacedContract]:
    """Store contracts and return them; the same one again changes nothing. One with a fault stops all.

    `from` and `until` are days of the organisation's time zone, both included. Raises BadContract and
    UnknownSite.
    """
    known = {held.contract.id: held for held in contracts(store)}
    parsed = [
        _parsed_contract(store, row, zone, now, f"contract {i}") for i, row in enumerate(stated, start=1)
    ]
    fresh: list[PlacedContract] = []
    for i, held in enumerate(parsed, start=1):
        if held.contract.id not in known:
            _refuse_names(held.contract, f"contract {i}")
            _refuse_overlap(held, known.values())
            known[held.contract.id] = held
            fresh.append(held)
    added = [Fact("contract", held.contract.id, now, _body(held)) for held in fresh]
    store.append([*added, *(entry("contract added", fact.key, now, after=fact.body) for fact in added)])
    return [known[held.contract.id] for held in parsed]


def end_contract(store: Store, contract_id: str, day: str, zone: ZoneInfo, now: int) -> PlacedContract:
    """End a contract with a day and return it; one that ends before it begins never applies.

    Raises UnknownContract and BadContract.
    """
    known = {held.contract.id: held for held in contracts(store)}
    if contract_id not in known:
        raise UnknownContract(
            f"there is no contract {contract_id!r}: `parcimetre grid contract list` lists them"
        )
    known_body = store.latest("contract")[contract_id].body
    body = dict(known_body)
    first = int(body["first"])
    body["last"] = max(first, _midnight(_day(day, "last day") + timedelta(days=1), zone))
    fact = Fact("contract", contract_id, now, body)
    _refuse_overlap(_contract_of(fact), known.values())
    store.append([fact, entry("contract ended", contract_id, now, known_body, body)])
    return _contract_of(fact)


def parse_contracts(text: str) -> list[dict[str, object]]:
    """Return the contracts of a CSV with a heading, or of a TOML file. Raises BadContract."""
    if "[[contract]]" in text:
        try:
            tables: list[dict[str, object]] = tomllib.loads(text)["contract"]
        except tomllib.TOMLDecodeError as error:
            raise BadContract(f"the file is not valid TOML: {error}. Correct that line.") from error
        return tables
    rows = csv.DictReader(io.StringIO(text))
    if not set(REQUIRED) <= set(rows.fieldnames or ()):
        raise BadContract(
            f"line 1: give the columns {', '.join(REQUIRED)}; also known: {', '.join(OPTIONAL)}"
        )
    return [dict(row) for row in rows]


def contract_as_json(held: PlacedContract, zone: ZoneInfo) -> dict[str, Any]:
    """Return a contract as JSON; `from` and `until` are days, both included."""
    contract = held.contract
    return {
        "id": contract.id,
        "supplier": contract.supplier,
        "product": contract.product,
        "kg_per_kwh": contract.kg_per_kwh,
        "low": contract.low,
        "high": contract.high,
        "at_meter": contract.at_meter,
        "evidence": contract.evidence,
        "from": datetime.fromtimestamp(contract.first, zone).date().isoformat(),
        "until": None if contract.last is None else _last_day(contract.last, zone).isoformat(),
        "site": held.site,
        "org_unit": held.org_unit,
        "factor": contract.factor_id,
    }


def _last_day(last: int, zone: ZoneInfo) -> date:
    return datetime.fromtimestamp(last, zone).date() - timedelta(days=1)


def _contract_of(fact: Fact) -> PlacedContract:
    body = dict(fact.body)
    site_name, unit = body.pop("site"), body.pop("org_unit")
    return PlacedContract(Contract(id=fact.key, **body), site_name, unit)


def _body(held: PlacedContract) -> dict[str, Any]:
    said = {name: value for name, value in vars(held.contract).items() if name != "id"}
    return said | {"site": held.site, "org_unit": held.org_unit}


def _refuse_names(contract: Contract, where: str) -> None:
    """Raise BadContract for names that are not valid; the evidence may also be an address or a path."""
    faults = {
        "supplier": name_fault(contract.supplier, MOST_OF_NAME),
        "product": name_fault(contract.product, MOST_OF_NAME),
        "evidence": text_fault(contract.evidence, MOST_CHARACTERS),
    }
    for name, fault in faults.items():
        if fault:
            raise BadContract(f"{where}: {name} is not valid: {fault}. Correct that cell.")


def _refuse_overlap(held: PlacedContract, known: Iterable[PlacedContract]) -> None:
    for other in known:
        if held.overlaps(other):
            one, two = held.contract, other.contract
            raise BadContract(
                f"{one.supplier}, {one.product} ({one.id}) and {two.supplier}, {two.product} "
                f"({two.id}) are both valid for {held.where} at the same time. End one before the "
                "other begins."
            )


def _parsed_contract(
    store: Store, row: Mapping[str, object], zone: ZoneInfo, now: int, where: str
) -> PlacedContract:
    """Return the contract that the cells of a row state. Raises BadContract and UnknownSite."""
    cells = {name: "" if value is None else str(value).strip() for name, value in row.items() if name}
    unknown = sorted(set(cells) - {*REQUIRED, *OPTIONAL})
    if unknown:
        raise BadContract(
            f"{where}: unknown column {unknown[0]!r}. Known columns: {', '.join((*REQUIRED, *OPTIONAL))}"
        )
    for name in REQUIRED:
        if not cells.get(name) or len(cells[name]) > MOST_CHARACTERS:
            raise BadContract(f"{where}: {name} is missing or too long")
    kg, low, high = _quantities(cells, where)
    if cells["at_meter"].lower() not in ANSWERS:
        raise BadContract(
            f"{where}: at_meter is {cells['at_meter']!r}; give yes if grid losses are included, else no"
        )
    first, last = _validity(cells, zone, where)
    place, unit = _parsed_place(store, cells, where)
    identity = "\0".join(
        (cells["supplier"], cells["product"], cells["from"], place or "", unit or "", f"{kg}")
    )
    contract = Contract(
        hashlib.sha256(identity.encode()).hexdigest()[:8], cells["supplier"], cells["product"], kg, low, high,
        ANSWERS[cells["at_meter"].lower()], cells["evidence"], first, last,
        datetime.fromtimestamp(now, UTC).date().isoformat(),
    )  # fmt: skip
    return PlacedContract(contract, place, unit)


def _quantities(cells: Mapping[str, str], where: str) -> tuple[float, float | None, float | None]:
    """Return the factor and its range, kg CO2 eq per kWh."""
    texts = [cells.get(name, "") for name in ("kg_per_kwh", "low", "high")]
    try:
        kg, low, high = (float(text) if text else None for text in texts)
    except ValueError:
        raise BadContract(f"{where}: {', '.join(texts)} must be plain numbers, in kg per kWh") from None
    if kg is None or not 0 <= kg <= MOST_KG:
        raise BadContract(f"{where}: {texts[0]} kg CO2 eq per kWh is not plausible. Is the value in grams?")
    if (low is None) != (high is None):
        raise BadContract(f"{where}: give both low and high, or neither")
    if low is not None and high is not None and not 0 <= low <= kg <= high:
        raise BadContract(f"{where}: {kg:g} is not between low {low:g} and high {high:g}")
    return kg, low, high


def _validity(cells: Mapping[str, str], zone: ZoneInfo, where: str) -> tuple[int, int | None]:
    first_day, until = _day(cells["from"], f"{where}: from"), cells.get("until")
    last_day = _day(until, f"{where}: until") if until else None
    if last_day is not None and last_day < first_day:
        raise BadContract(f"{where}: until ({last_day}) is before from ({first_day}). Swap them.")
    last = None if last_day is None else _midnight(last_day + timedelta(days=1), zone)
    return _midnight(first_day, zone), last


def _parsed_place(store: Store, cells: Mapping[str, str], where: str) -> tuple[str | None, str | None]:
    place, unit = cells.get("site") or None, cells.get("org_unit") or None
    if place is not None and unit is not None:
        raise BadContract(f"{where}: give either a site or an org unit, not both")
    if place is not None:
        return site(store, place).name, None
    if unit is not None:
        unit = clean_path(unit)
        known = {*units(store), *(str(fact.body.get("org_unit")) for fact in store.latest("device").values())}
        if not any(within(path, unit) for path in known):
            raise BadContract(
                f"{where}: there is no org unit {unit!r}; create it with `parcimetre org create`"
            )
    return None, unit


def _day(text: str, what: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadContract(f"{what}: {text!r} is not a valid date (example: 2026-01-01)") from None
    if not 1970 < day.year < 9999:
        raise BadContract(f"{what}: {text!r} is out of range: give a year from 1971 to 9998")
    return day


def _midnight(day: date, zone: ZoneInfo) -> int:
    return int(datetime.combine(day, time(), zone).timestamp())
