"""An organisation's own factors laid over a set: its contracts, its product footprints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from .errors import BadFactorRow
from .factor import FACT_TABLES, SOURCES, Factor, FactorSet, Source, content_hash, read_sources, read_table

OWN_TABLES = frozenset({"grid_residual"})
MEANING = ("unit", "per", "criterion", "stage", "zone")


@dataclass(frozen=True)
class Change:
    """A factor that two sets give differently; None where a set does not have it."""

    id: str
    before: Factor | None
    after: Factor | None


def overlaid(base: FactorSet, folder: Path) -> FactorSet:
    """The set with the folder's tables over it: a row with an id of the set replaces it, others are added.

    The folder holds tables named as the set's, or as OWN_TABLES that are not shipped, and `sources.csv` with
    the sources that only its rows cite. Raises BadFactorRow where a row cannot be defended, or means
    something else than the one it replaces.
    """
    files = sorted(folder.glob("*.csv"))
    if not files:
        raise BadFactorRow(f"{folder} holds no table; give a folder with CSV files named as those of the set")
    own = folder / f"{SOURCES}.csv"
    sources = {**base.sources, **(read_sources(own) if own.is_file() else {})}
    tables = dict(base.tables)
    for file in files:
        if file != own:
            tables[file.stem] = _laid_over(base, file, sources)
    return FactorSet(content_hash(files, base.id), MappingProxyType(tables), base.facts, sources)


def changes(before: FactorSet, after: FactorSet) -> Iterator[Change]:
    """Factors of which value, range or source differ, by id."""
    for name in sorted({*before.factors, *after.factors}):
        old, new = before.factors.get(name), after.factors.get(name)
        if old != new:
            yield Change(name, old, new)


def _laid_over(base: FactorSet, file: Path, sources: Mapping[str, Source]) -> tuple[Factor, ...]:
    tables = {*base.tables, *OWN_TABLES}
    if file.stem in FACT_TABLES or file.stem not in tables:
        known = ", ".join(sorted(tables))
        raise BadFactorRow(f"{file.name}: there is no such table of factors; known: {known}")
    rows: dict[str, Factor] = {}
    for factor in read_table(file, sources):
        if factor.id in rows:
            raise BadFactorRow(f"{file.name}: the id {factor.id!r} stands twice; give one another id")
        _refuse_other_meaning(file, factor, base)
        rows[factor.id] = factor
    kept = (rows.pop(factor.id, factor) for factor in base.table(file.stem))
    return (*kept, *rows.values())


def _refuse_other_meaning(file: Path, factor: Factor, base: FactorSet) -> None:
    replaced = base.factors.get(factor.id)
    if replaced is None:
        return
    if replaced not in base.table(file.stem):
        raise BadFactorRow(f"{file.name}: {factor.id!r} belongs to another table; move it there")
    for name in MEANING:
        old, new = getattr(replaced, name), getattr(factor, name)
        if old != new:
            raise BadFactorRow(
                f"{file.name}: {factor.id!r} has {name} {new!r} instead of {old!r}; an id keeps its meaning: "
                "correct the row or give it another id"
            )
