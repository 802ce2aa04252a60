"""Factor sets: the shipped one, and those with the organisation's own tables over it.

Imported own tables stay in `factors/candidate` of the data folder until they are adopted; then they are
`factors/adopted`, and those they replace stay beside it, under the id of their set.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from parcimetre_factors.errors import BadFactorRow
from parcimetre_factors.tables.check import faults_of
from parcimetre_factors.tables.csv_rows import numbered
from parcimetre_factors.tables.factor_set import FactorSet, load_factor_set
from parcimetre_factors.tables.overlay import overlaid, places

from ..base.errors import ParcimetreError
from ..base.i18n import N_
from ..base.names import text_fault

MOST_OF_CELL = 5000
IN_FORCE, SHIPPED, CANDIDATE = "in_force", "shipped", "candidate"
TITLES = {
    CANDIDATE: N_("Candidate, not adopted yet"),
    "adopted": N_("Adopted, in force after a restart"),
}
REPLACED = N_("Own tables, replaced since")


class NothingImported(ParcimetreError):
    """There is no candidate: no tables were imported."""


class UnknownFactorSet(ParcimetreError):
    """No set of that name."""

    status = 404
    kind = "unknown-factor-set"


@dataclass(frozen=True)
class KnownFactorSet:
    """A factor set with its name and title on the page of factors."""

    name: str
    title: str
    factors: FactorSet


def known_sets(data_dir: Path, computing: FactorSet) -> list[KnownFactorSet]:
    """Return the set in force, the shipped one, the candidate, the adopted one if the collector was not
    restarted since, and those that were replaced; each once.
    """
    return list(_known_sets(data_dir, computing))


def known_set(data_dir: Path, computing: FactorSet, name: str) -> KnownFactorSet:
    """Return the set of that name. Raises UnknownFactorSet."""
    for known in _known_sets(data_dir, computing):
        if known.name == name:
            return known
    raise UnknownFactorSet(f"there is no factor set {name!r}: /factors lists those that are known")


def _known_sets(data_dir: Path, computing: FactorSet) -> Iterator[KnownFactorSet]:
    shipped = _shipped()
    yield KnownFactorSet(IN_FORCE, N_("In force"), computing)
    if computing.id != shipped.id:
        yield KnownFactorSet(SHIPPED, N_("As shipped"), shipped)
    for folder in sorted(_folder(data_dir, "").glob("*/")):
        if any(folder.glob("*.csv")):
            with suppress(BadFactorRow):  # old tables may not fit over what is shipped today
                found = overlaid(shipped, folder)
                if found.id != computing.id:
                    yield KnownFactorSet(folder.name, TITLES.get(folder.name, REPLACED), found)


@lru_cache(maxsize=1)
def _shipped() -> FactorSet:
    return load_factor_set()


def adopted_folder(data_dir: Path) -> Path:
    """Return the folder of the organisation's own tables in force, which need not exist."""
    return _folder(data_dir, "adopted")


def in_force(data_dir: Path) -> FactorSet:
    """Return the set that figures are computed with. Raises BadFactorRow."""
    adopted = adopted_folder(data_dir)
    return overlaid(_shipped(), adopted) if adopted.is_dir() else _shipped()


def of_id(data_dir: Path, set_id: str) -> FactorSet | None:
    """Return a set that is or was in force, by its id: the shipped one, or one with stored own tables.

    None if it came with another version of the shipped tables. Raises BadFactorRow.
    """
    shipped = _shipped()
    if shipped.id == set_id:
        return shipped
    folders = (folder for folder in (adopted_folder(data_dir), _folder(data_dir, set_id)) if folder.is_dir())
    return next((found for folder in folders if (found := overlaid(shipped, folder)).id == set_id), None)


def candidate(data_dir: Path) -> FactorSet:
    """Return the set that adoption would put in force. Raises NothingImported and BadFactorRow."""
    folder = _folder(data_dir, CANDIDATE)
    if not folder.is_dir():
        raise NothingImported("there are no tables to adopt; run: parcimetre factors import FOLDER")
    return overlaid(_shipped(), folder)


def checked(folder: Path) -> FactorSet:
    """Return the shipped set with a folder's tables over it. Raises BadFactorRow: every fault, its place."""
    faults = list(_faults_of_texts(folder))
    if faults:
        raise BadFactorRow("\n".join(faults))
    return sound(overlaid(_shipped(), folder), places(folder))


def _faults_of_texts(folder: Path) -> Iterator[str]:
    """Yield the cells of own tables with control or invisible characters, each with its place."""
    for file in sorted(folder.glob("*.csv")):
        for line, row in numbered(file):
            for column, cell in row.items():
                fault = text_fault(str(cell), MOST_OF_CELL)
                if fault:
                    yield f"{file.name} line {line}: {column} is not valid: {fault}"


def sound(factors: FactorSet, places: Mapping[str, str]) -> FactorSet:
    """Return the set if it has no fault. Raises BadFactorRow with every fault, a line each."""
    faults = list(faults_of(factors, places))
    if faults:
        raise BadFactorRow("\n".join(faults))
    return factors


def import_tables(data_dir: Path, folder: Path) -> FactorSet:
    """Make a folder's tables the candidate, instead of an earlier one. Raises BadFactorRow."""
    found, target = checked(folder), _folder(data_dir, CANDIDATE)
    fresh = target.with_name("candidate.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    for file in folder.glob("*.csv"):
        shutil.copyfile(file, fresh / file.name)
    shutil.rmtree(target, ignore_errors=True)
    fresh.rename(target)
    return found


def adopt(data_dir: Path) -> FactorSet:
    """Put the candidate in force. Raises NothingImported and BadFactorRow."""
    before, found, adopted = in_force(data_dir), candidate(data_dir), _folder(data_dir, "adopted")
    if adopted.is_dir():
        replaced = adopted.with_name(before.id)
        shutil.rmtree(replaced, ignore_errors=True)
        adopted.rename(replaced)
    _folder(data_dir, CANDIDATE).rename(adopted)
    return found


def _folder(data_dir: Path, name: str) -> Path:
    return data_dir / "factors" / name
