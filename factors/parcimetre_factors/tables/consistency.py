"""Whether the rows of a set agree with each other, and with what is known to be wrong in published tables."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from math import fsum

from ..criteria import EMBODIED, Stage
from .factor_set import DISPUTED, Factor, FactorSet
from .overlay import PRODUCTS, product_of
from .product_names import normal_maker, normal_model

PROFILES = "grid_profile"  # rows are series of quarter hours, distinguished by their ids
PROFILE, DAY_MEAN = "electricity", "day mean"
RATIO = "1"
MEAN_TOLERANCE, SUM_TOLERANCE = 0.001, 0.05
COUNTS_FOR_NOTHING = (
    "it has no stage and no other row of this product has an embodied stage, so it is not used; "
    "write manufacturing for all embodied stages together"
)
Fault = tuple[Factor, str]


def disagreements(factors: FactorSet) -> Iterator[Fault]:
    """Each with the row that it is found at."""
    for name, table in factors.tables.items():
        if name != PROFILES:
            yield from _same_meaning(table)
    yield from _unbalanced(factors.table(PROFILES))
    products = [f for f in factors.table(PRODUCTS) if f.quality != DISPUTED]
    yield from _nameless(products)
    sheets = _grouped(products, lambda f: (*product_of(f), f.criterion, f.source.id))
    for rows in sheets:
        yield from _not_the_whole(rows)
        yield from _known(rows, factors)


def _grouped(rows: Iterable[Factor], key: Callable[[Factor], object]) -> Iterable[list[Factor]]:
    found: dict[object, list[Factor]] = {}
    for row in rows:
        found.setdefault(key(row), []).append(row)
    return found.values()


def _same_meaning(table: Iterable[Factor]) -> Iterator[Fault]:
    """Two ids for one thing; ratios are parts of a series, distinguished by their ids."""
    stated = (f for f in table if f.unit != RATIO and f.quality != DISPUTED)
    for rows in _grouped(
        stated, lambda f: (f.subject, f.stage, f.criterion, f.zone, f.year, f.unit, f.per, f.source.id)
    ):
        for row in rows[1:]:
            yield (
                row,
                (
                    f"it means the same as {rows[0].id} and has the same source; "
                    f"drop one of the two, or mark one as {DISPUTED}"
                ),
            )


def _unbalanced(profile: Iterable[Factor]) -> Iterator[Fault]:
    """Ratios of a zone and day to the day's mean average to 1."""
    ratios = (f for f in profile if f.subject == PROFILE and f.per == DAY_MEAN)
    for rows in _grouped(ratios, lambda f: f.id.rpartition(".")[0]):
        mean = fsum(f.value for f in rows) / len(rows)
        if abs(mean - 1) > MEAN_TOLERANCE:
            fault = (
                f"the {len(rows)} ratios of this day have a mean of {mean:.4f} instead of 1: divide "
                "each of them by it"
            )
            yield rows[0], fault


def _nameless(products: Iterable[Factor]) -> Iterator[Fault]:
    """Products that no device can be matched with, or that say nothing of it."""
    for row in products:
        maker, _, model = (part.strip() for part in row.subject.partition("|"))
        if not (maker and model):
            yield row, f"the subject {row.subject!r} must have the form maker|model"
        elif row.criterion is None:
            yield row, "the criterion is missing: give gwp, adpe or pe"


def _not_the_whole(rows: list[Factor]) -> Iterator[Fault]:
    """The stages of a sheet against the whole life that it states in a row without stage."""
    parts = {f.stage: f.value for f in rows if f.stage}
    total = fsum(parts.values())
    for whole in (f for f in rows if not f.stage):
        short = len(parts) == len(Stage) and total < whole.value * (1 - SUM_TOLERANCE)
        if not set(parts) & set(EMBODIED):
            yield whole, COUNTS_FOR_NOTHING
        elif short or total > whole.value * (1 + SUM_TOLERANCE):
            stated = f"the whole is {whole.value:g} {whole.unit}, and its stages add up to {total:g}"
            yield whole, f"{stated}; correct them"


def _known(rows: list[Factor], factors: FactorSet) -> Iterator[Fault]:
    """A sheet that has a fault of known_faults.csv, in a figure of it or in its embodied stages together."""
    first = rows[0]
    figures = [fsum(f.value for f in rows if f.stage in EMBODIED), *(f.value for f in rows)]
    for known in factors.facts.get("known_faults", ()):
        maker, _, model = known["subject"].partition("|")
        same = (normal_maker(maker), normal_model(model)) == product_of(first)
        low, high = float(known["low"]), float(known["high"])
        if same and known["criterion"] == first.criterion and any(low <= kg <= high for kg in figures):
            fault = f"{known['fault']} ({known['source_url']})"
            fix = f"use the current sheet, or set quality to {DISPUTED} and explain it in the note"
            yield first, f"{fault}; {fix}"
