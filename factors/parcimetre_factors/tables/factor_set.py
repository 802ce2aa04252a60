"""Factors with their provenance, and immutable sets of them named by their content."""

from __future__ import annotations

import hashlib
import json
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NewType

from ..errors import BadFactorRow, UnknownFactor
from .csv_rows import numbered
from .distribution import LOGNORMAL, Z_95, contradiction, range_of

FactorId = NewType("FactorId", str)
SHIPPED = Path(__file__).parents[1] / "data"
SOURCES = "sources"
PACKAGE = "datapackage.json"
FACT_TABLES = ("archetypes", "classes", "configurations", "cpus", "graphics", "known_faults", "zones")
COLUMNS = (
    "id", "subject", "stage", "criterion", "value", "low", "high", "range_basis", "unit", "per", "zone",
    "year", "source", "locator", "note",
)  # fmt: skip
RANGE = ("low", "high")
OPTIONAL = ("rel_sd", "distribution", "quality")
MUST = ("id", "subject", "unit", "per", "range_basis", "source", "locator")
DISPUTED, ESTIMATE = "disputed", "estimate"
OURS = "parcimetre-estimate"


@dataclass(frozen=True)
class Source:
    """Where a figure was read: `retrieved` is the day, `licence` what its use is bound to."""

    id: str
    publisher: str
    title: str
    year: str
    url: str
    licence: str
    retrieved: str


@dataclass(frozen=True)
class Factor:
    """One number with what it means and where it comes from; `low` to `high` is its 95 % range.

    `range_basis` is "source" where the source states the range, else it says what we assumed; `distribution`
    is what the range is of. `locator` finds the number inside the source. `quality` is "disputed" for a
    number that is stored because it was published, and used by nothing; "estimate" where none was published.
    """

    id: FactorId
    subject: str
    stage: str | None
    criterion: str | None
    value: float
    low: float
    high: float
    range_basis: str
    unit: str
    per: str
    zone: str | None
    year: int | None
    source: Source
    locator: str
    note: str
    quality: str = ""
    distribution: str = LOGNORMAL

    @property
    def rel_sd(self) -> float:
        """Standard deviation of ln(value), low to high being 95 % of a log-normal; 0 without range."""
        if self.low <= 0 or self.high <= self.low:
            return 0.0
        return math.log(self.high / self.low) / (2 * Z_95)


@dataclass(frozen=True, eq=False)
class FactorSet:
    """An immutable collection; `id` is a hash of every byte of its tables, `version` what people call it.

    `tables` holds the factors of each table in file order, `factors` all of them by id, `facts` the rows
    of tables that describe things rather than impacts (processors, zones) as text.
    """

    id: str
    tables: Mapping[str, tuple[Factor, ...]]
    facts: Mapping[str, tuple[Mapping[str, str], ...]]
    sources: Mapping[str, Source]
    version: str = ""

    @cached_property
    def factors(self) -> Mapping[str, Factor]:
        """Every factor by its id."""
        return MappingProxyType({f.id: f for table in self.tables.values() for f in table})

    @property
    def name(self) -> str:
        """Version and id, as people read them: "2026.11 (28217e934203)"."""
        return f"{self.version} ({self.id})" if self.version else self.id

    @cached_property
    def results(self) -> Mapping[Callable[..., Any], dict[Any, Any]]:
        """Return the results of each `cached_per_factor_set` function for this set, by its arguments."""
        return defaultdict(dict)

    def get(self, factor_id: str) -> Factor:
        """The factor of that id. Raises UnknownFactor."""
        try:
            return self.factors[factor_id]
        except KeyError:
            raise UnknownFactor(f"no factor {factor_id!r} in set {self.id}") from None

    def table(self, name: str) -> tuple[Factor, ...]:
        """The factors of one table, none where the set has no such table."""
        return self.tables.get(name, ())


def load_factor_set(folder: Path | None = None) -> FactorSet:
    """Read every table of a folder (the shipped one by default).

    Raises BadFactorRow with file, line and fix if a row is not valid.
    """
    folder = folder or SHIPPED
    files = sorted(folder.glob("*.csv"))
    sources = read_sources(folder / f"{SOURCES}.csv")
    rows: dict[str, Mapping[int, Factor]] = {}
    facts: dict[str, tuple[Mapping[str, str], ...]] = {}
    for file in files:
        if file.stem in FACT_TABLES:
            facts[file.stem] = tuple(row for _, row in numbered(file))
        elif file.stem != SOURCES:
            rows[file.stem] = read_rows(file, sources)
    _refuse_duplicates(rows)
    tables = {name: tuple(table.values()) for name, table in rows.items()}
    name = content_hash(files)
    return FactorSet(name, MappingProxyType(tables), MappingProxyType(facts), sources, _version(folder, name))


def _version(folder: Path, name: str) -> str:
    """The version that the folder's datapackage.json gives this very set; none for any other."""
    file = folder / PACKAGE
    package = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    return str(package.get("version", "")) if package.get("id") == name else ""


def read_rows(file: Path, sources: Mapping[str, Source]) -> dict[int, Factor]:
    """The factors of a file by their lines. Raises BadFactorRow with every row that cannot be defended."""
    found, refused = {}, []
    for line, row in numbered(file):
        try:
            found[line] = _factor(file, line, row, sources)
        except BadFactorRow as error:
            refused.append(str(error))
    if refused:
        raise BadFactorRow("\n".join(refused))
    return found


def read_sources(file: Path) -> dict[str, Source]:
    """The sources of a file by id. Raises BadFactorRow."""
    return {row["id"]: Source(**row) for row in _sources(file)}


def _sources(file: Path) -> Iterator[dict[str, str]]:
    if not file.is_file():
        raise BadFactorRow(f"{file} is missing; every table needs the sources that its rows cite")
    names = {field.name for field in fields(Source)}
    for line, row in numbered(file):
        if set(row) != names or not all(row.values()):
            wanted = ", ".join(field.name for field in fields(Source))
            raise BadFactorRow(f"{file.name} line {line}: a source needs all of {wanted}")
        yield row


def _factor(file: Path, line: int, row: Mapping[str, str], sources: Mapping[str, Source]) -> Factor:
    where = f"{file.name} line {line}"
    fault = _fault_of_columns(row)
    if fault:
        raise BadFactorRow(f"{where}: {fault}")
    source = sources.get(row["source"])
    if source is None:
        raise BadFactorRow(f"{where}: the source {row['source']!r} is not in {SOURCES}.csv; add it there")
    distribution = row.get("distribution") or LOGNORMAL
    try:
        value = float(row["value"])
        year = int(row["year"]) if row["year"] else None
        low, high = _range(row, value, distribution)
    except ValueError as error:
        raise BadFactorRow(f"{where}: {error}; write value, low, high and year as plain numbers") from error
    except _BadRange as error:
        raise BadFactorRow(f"{where}: {error}") from error
    return Factor(
        FactorId(row["id"]), row["subject"], row["stage"] or None, row["criterion"] or None, value, low, high,
        row["range_basis"], row["unit"], row["per"], row["zone"] or None, year, source, row["locator"],
        row["note"], _quality(row), distribution,
    )  # fmt: skip


class _BadRange(Exception):
    """A range that contradicts itself or its value."""


def _fault_of_columns(row: Mapping[str, str]) -> str | None:
    """What is wrong with the cells of a row, before any of them is read as a number."""
    strange = [name for name in row if name not in (*COLUMNS, *OPTIONAL)]
    if strange:
        known = ", ".join((*COLUMNS, *OPTIONAL))
        return f"unknown column {', '.join(map(repr, strange))}. Known columns: {known}"
    absent = [name for name in COLUMNS if row.get(name) is None and name not in RANGE]
    if absent:
        return f"missing column {', '.join(absent)}. Required columns: {', '.join(COLUMNS)}"
    empty = [name for name in MUST if not row[name]]
    return f"{', '.join(empty)} is empty; fill it in" if empty else None


def _range(row: Mapping[str, str], value: float, distribution: str) -> tuple[float, float]:
    """The range as stated, or as the stated standard deviation gives it. Raises _BadRange, ValueError."""
    stated = [name for name in RANGE if row.get(name)]
    rel_sd = row.get("rel_sd")
    if rel_sd and stated:
        raise _BadRange(f"it gives both rel_sd and {' and '.join(stated)}: remove one of the two")
    if not rel_sd and len(stated) < len(RANGE):
        raise _BadRange("it has no range: give low and high, or rel_sd")
    if rel_sd:
        return _derived(value, float(rel_sd), distribution)
    low, high = (float(row[name]) for name in RANGE)
    if not (math.isfinite(high - low) and low <= value <= high):
        raise _BadRange(f"the value {value} is not between low {low} and high {high}")
    fault = contradiction(value, low, high, distribution)
    if fault:
        raise _BadRange(fault)
    return low, high


def _derived(value: float, rel_sd: float, distribution: str) -> tuple[float, float]:
    try:
        low, high = range_of(value, rel_sd, distribution)
    except ValueError as error:
        raise _BadRange(error) from error
    fault = contradiction(value, low, high, distribution)
    if fault:
        raise _BadRange(fault)
    return low, high


def _quality(row: Mapping[str, str]) -> str:
    """As stated; a number of ours is an estimate without saying so."""
    ours = row["source"] == OURS and row["range_basis"].startswith(("estimate", "assumed"))
    return row.get("quality") or (ESTIMATE if ours else "")


def _refuse_duplicates(tables: Mapping[str, Mapping[int, Factor]]) -> None:
    seen: dict[str, str] = {}
    for name, rows in tables.items():
        for line, factor in rows.items():
            where = f"{name}.csv line {line}"
            if factor.id in seen:
                raise BadFactorRow(
                    f"{where}: the id {factor.id!r} is already used in {seen[factor.id]}: give it another id"
                )
            seen[factor.id] = where


def content_hash(files: list[Path], base: str = "") -> str:
    """Name of a set: of the bytes of its tables, and of the set that they lie over."""
    digest = hashlib.sha256(base.encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
