"""An organisation's own factors laid over a set: its contracts, its product footprints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from ..errors import BadFactorRow
from .csv_rows import numbered
from .factor_set import FACT_TABLES, SOURCES, Factor, FactorSet, Source, content_hash, read_rows, read_sources
from .product_names import normal_maker, normal_model

OWN_TABLES = frozenset({"grid_residual"})
MEANING = ("unit", "per", "criterion", "stage", "zone")
PRODUCTS = "products"


@dataclass(frozen=True)
class Change:
    """A factor that two sets give differently; None where a set does not have it."""

    id: str
    before: Factor | None
    after: Factor | None


def overlaid(base: FactorSet, folder: Path) -> FactorSet:
    """The set with the folder's tables over it: a row with an id of the set replaces it, others are added.

    The folder holds tables named as the set's, or as OWN_TABLES that are not shipped, and `sources.csv` with
    the sources that only its rows cite. A product that is described anew takes the place of all rows of the
    product of that name. Raises BadFactorRow where a row cannot be defended, or means something else than
    the one it replaces.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise BadFactorRow(
            f"{folder} contains no table: give a folder with CSV files named like those of the factor set"
        )
    sources, tables = _sources(base, folder), dict(base.tables)
    for file in files:
        if file.stem != SOURCES:
            tables[file.stem] = _laid_over(base, file, sources)
    name = content_hash(files, base.id)
    version = f"{base.version}+own" if base.version else ""
    return FactorSet(name, MappingProxyType(tables), base.facts, sources, version)


def _sources(base: FactorSet, folder: Path) -> Mapping[str, Source]:
    own = folder / f"{SOURCES}.csv"
    return {**base.sources, **(read_sources(own) if own.is_file() else {})}


def places(folder: Path) -> dict[str, str]:
    """Where the row of each id stands in the folder's tables, as "products.csv line 3"."""
    tables = (file for file in sorted(folder.glob("*.csv")) if file.stem != SOURCES)
    return {row["id"]: f"{file.name} line {line}" for file in tables for line, row in numbered(file)}


def changes(before: FactorSet, after: FactorSet) -> Iterator[Change]:
    """Factors of which value, range or source differ, by id."""
    for name in sorted({*before.factors, *after.factors}):
        old, new = before.factors.get(name), after.factors.get(name)
        if old != new:
            yield Change(name, old, new)


def _laid_over(base: FactorSet, file: Path, sources: Mapping[str, Source]) -> tuple[Factor, ...]:
    tables = {*base.tables, *OWN_TABLES}
    if file.stem in FACT_TABLES or file.stem not in tables:
        names = ", ".join(sorted(tables))
        raise BadFactorRow(f"{file.name}: unknown factor table. Known tables: {names}")
    rows: dict[str, Factor] = {}
    for line, factor in read_rows(file, sources).items():
        if factor.id in rows:
            raise BadFactorRow(
                f"{file.name} line {line}: the id {factor.id!r} is used twice: give one of the rows "
                "another id"
            )
        _refuse_other_meaning(f"{file.name} line {line}", file.stem, factor, base)
        rows[factor.id] = factor
    known = base.table(file.stem)
    others = _not_described(known, rows) if file.stem == PRODUCTS else known
    merged = tuple(rows.pop(factor.id, factor) for factor in others)
    return (*merged, *rows.values())


def _not_described(products: tuple[Factor, ...], rows: Mapping[str, Factor]) -> tuple[Factor, ...]:
    """Products but for those that rows with ids of their own describe anew."""
    known = {factor.id for factor in products}
    described = {product_of(factor) for factor in rows.values() if factor.id not in known}
    return tuple(f for f in products if f.id in rows or product_of(f) not in described)


def product_of(factor: Factor) -> tuple[str, frozenset[str]]:
    """Maker and model of a product's row, as names are compared."""
    maker, _, model = factor.subject.partition("|")
    return normal_maker(maker), normal_model(model)


def _refuse_other_meaning(where: str, table: str, factor: Factor, base: FactorSet) -> None:
    replaced = base.factors.get(factor.id)
    if replaced is None:
        return
    if replaced not in base.table(table):
        raise BadFactorRow(f"{where}: {factor.id!r} belongs to another table; move it there")
    for name in MEANING:
        old, new = getattr(replaced, name), getattr(factor, name)
        if old != new:
            raise BadFactorRow(
                f"{where}: {factor.id!r} has {name} {new!r} instead of {old!r}; the meaning of an id "
                "must not change: correct the row or give it another id"
            )
