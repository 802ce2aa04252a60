"""Factors with their provenance, and immutable sets of them named by their content."""

from __future__ import annotations

import csv
import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, NewType

from .errors import BadFactorRow, UnknownFactor

FactorId = NewType("FactorId", str)
SHIPPED = Path(__file__).parent / "data"
SOURCES = "sources"
FIRST_ROW = 2
FACT_TABLES = ("configurations", "cpus", "graphics", "zones")
COLUMNS = (
    "id", "subject", "stage", "criterion", "value", "low", "high", "range_basis", "unit", "per", "zone",
    "year", "source", "locator", "note",
)  # fmt: skip
DISPUTED = "disputed"
TWO_SIDED_95 = 2 * 1.959964


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

    `range_basis` is "source" where the source states the range, else it says what we assumed.
    `locator` finds the number inside the source. `quality` is "disputed" for a number that is kept because it
    was published, and used by nothing.
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

    @property
    def rel_sd(self) -> float:
        """Standard deviation of ln(value), low to high being 95 % of a log-normal; 0 without range."""
        if self.low <= 0 or self.high <= self.low:
            return 0.0
        return math.log(self.high / self.low) / TWO_SIDED_95


@dataclass(frozen=True, eq=False)
class FactorSet:
    """An immutable collection; `id` is a hash of every byte of its tables.

    `tables` holds the factors of each table in file order, `factors` all of them by id, `facts` the rows
    of tables that describe things rather than impacts (processors, zones) as text.
    """

    id: str
    tables: Mapping[str, tuple[Factor, ...]]
    facts: Mapping[str, tuple[Mapping[str, str], ...]]
    sources: Mapping[str, Source]

    @cached_property
    def factors(self) -> Mapping[str, Factor]:
        """Every factor by its id."""
        return MappingProxyType({f.id: f for table in self.tables.values() for f in table})

    @cached_property
    def results(self) -> Mapping[Callable[..., Any], dict[Any, Any]]:
        """What each of the `memo.kept` functions has worked out from this set, by its arguments."""
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

    Raises BadFactorRow with file, line and mend when a row cannot be defended.
    """
    folder = folder or SHIPPED
    files = sorted(folder.glob("*.csv"))
    sources = read_sources(folder / f"{SOURCES}.csv")
    tables: dict[str, tuple[Factor, ...]] = {}
    facts: dict[str, tuple[Mapping[str, str], ...]] = {}
    for file in files:
        if file.stem in FACT_TABLES:
            facts[file.stem] = tuple(row for _, row in _rows(file))
        elif file.stem != SOURCES:
            tables[file.stem] = read_table(file, sources)
    _refuse_duplicates(tables)
    return FactorSet(content_hash(files), MappingProxyType(tables), MappingProxyType(facts), sources)


def read_table(file: Path, sources: Mapping[str, Source]) -> tuple[Factor, ...]:
    """The factors of a file, in its order. Raises BadFactorRow."""
    return tuple(_factor(file, line, row, sources) for line, row in _rows(file))


def read_sources(file: Path) -> dict[str, Source]:
    """The sources of a file by id. Raises BadFactorRow."""
    return {row["id"]: Source(**row) for row in _sources(file)}


def _rows(file: Path) -> Iterator[tuple[int, dict[str, str]]]:
    with file.open(encoding="utf-8", newline="") as text:
        yield from enumerate(csv.DictReader(text), start=FIRST_ROW)


def _sources(file: Path) -> Iterator[dict[str, str]]:
    if not file.is_file():
        raise BadFactorRow(f"{file} is missing; every table needs the sources that its rows cite")
    names = {field.name for field in fields(Source)}
    for line, row in _rows(file):
        if set(row) != names or not all(row.values()):
            wanted = ", ".join(field.name for field in fields(Source))
            raise BadFactorRow(f"{file.name} line {line}: a source has all of {wanted}; fill them in")
        yield row


def _factor(file: Path, line: int, row: Mapping[str, str], sources: Mapping[str, Source]) -> Factor:
    where = f"{file.name} line {line}"
    absent = [name for name in COLUMNS if row.get(name) is None]
    if absent:
        raise BadFactorRow(f"{where}: no {', '.join(absent)}; a row has the columns {', '.join(COLUMNS)}")
    source = sources.get(row["source"])
    if source is None:
        raise BadFactorRow(f"{where}: the source {row['source']!r} is not in {SOURCES}.csv; add it there")
    try:
        value, low, high = (float(row[name]) for name in ("value", "low", "high"))
        year = int(row["year"]) if row["year"] else None
    except ValueError as error:
        raise BadFactorRow(f"{where}: {error}; write value, low, high and year as plain numbers") from error
    if not (math.isfinite(high - low) and low <= value <= high):
        raise BadFactorRow(
            f"{where}: the value {value} is not between low {low} and high {high}; correct them"
        )
    missing = [name for name in ("id", "subject", "unit", "per", "range_basis", "locator") if not row[name]]
    if missing:
        raise BadFactorRow(f"{where}: {', '.join(missing)} is empty; fill it in")
    return Factor(
        FactorId(row["id"]), row["subject"], row["stage"] or None, row["criterion"] or None, value, low, high,
        row["range_basis"], row["unit"], row["per"], row["zone"] or None, year, source, row["locator"],
        row["note"], row.get("quality") or "",
    )  # fmt: skip


def _refuse_duplicates(tables: Mapping[str, tuple[Factor, ...]]) -> None:
    seen: dict[str, str] = {}
    for name, table in tables.items():
        for line, factor in enumerate(table, start=FIRST_ROW):
            where = f"{name}.csv line {line}"
            if factor.id in seen:
                raise BadFactorRow(
                    f"{where}: the id {factor.id!r} stands already in {seen[factor.id]}; give it another id"
                )
            seen[factor.id] = where


def content_hash(files: list[Path], base: str = "") -> str:
    """Name of a set: of the bytes of its tables, and of the set that they lie over."""
    digest = hashlib.sha256(base.encode())
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
