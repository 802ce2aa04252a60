"""Month profiles of the organisation's own observed slots, written to a folder of its own factor tables."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

from parcimetre_factors.grid.month_profile import ENOUGH_DAYS, Month, month_profiles
from parcimetre_factors.tables.factor_set import COLUMNS, SOURCES, Factor, FactorSet, Source

from ..base.errors import ParcimetreError
from ..store.interface import Store
from .observations import all_observations

LICENCE = "that of the feed"
SOURCE_COLUMNS = tuple(field.name for field in fields(Source))


class TooFewDays(ParcimetreError):
    """No month of a zone has enough known days."""


def write_month_profiles(store: Store, factors: FactorSet, zone: str, now: int, folder: Path) -> list[Month]:
    """Write the months of a zone to `grid_profile.csv` and `sources.csv` of a folder; other rows stay.

    `now` is in seconds UTC. Raises TooFewDays, and UnknownZone of the engine.
    """
    observed = all_observations(store, zone)
    today = datetime.fromtimestamp(now, UTC).date().isoformat()
    months = [] if observed is None else list(month_profiles(zone, observed, factors, LICENCE, today))
    rows = [row for month in months for row in month.rows]
    if not rows:
        known = ", ".join(f"{month.name}: {month.days}" for month in months) or "none"
        raise TooFewDays(
            f"no month of {zone} has {ENOUGH_DAYS} days with enough data (days with enough data: "
            f"{known}): import more of the feed"
        )
    folder.mkdir(parents=True, exist_ok=True)
    _merge(folder / "grid_profile.csv", COLUMNS, map(_row, rows))
    sources = {row.source.id: row.source for row in rows}
    _merge(folder / f"{SOURCES}.csv", SOURCE_COLUMNS, map(vars, sources.values()))
    return months


def _row(factor: Factor) -> dict[str, object]:
    cells = {name: getattr(factor, name) for name in COLUMNS}
    return {**cells, "source": factor.source.id}


def _merge(file: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows to a file, replacing those with the same ids."""
    by_id: dict[object, Mapping[str, object]] = {}
    if file.is_file():
        with file.open(encoding="utf-8", newline="") as text:
            by_id = {row["id"]: row for row in csv.DictReader(text)}
    by_id |= {row["id"]: row for row in rows}
    draft = file.with_suffix(".draft")
    with draft.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(by_id.values())
    draft.replace(file)
