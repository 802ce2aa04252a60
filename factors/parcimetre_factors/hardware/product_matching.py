"""From the maker and model that firmware states to a product; a wrong match is worse than none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from weakref import WeakKeyDictionary

from rapidfuzz import fuzz

from ..criteria import EMBODIED, Stage
from ..tables.factor_set import DISPUTED, Factor, FactorSet
from ..tables.product_names import Words, normal_maker, normal_model

FORM_OF_CATEGORY = {"mini_pc": "micro", "all_in_one": "aio"}
SEVERAL = re.compile(r"/|\.\s*(?=[A-Za-z])")
GENERATION_OF_NAME = re.compile(r"\d+(?:st|nd|rd|th) Gen\b", re.IGNORECASE)
PLATFORM = re.compile(r"^(\d\d)[ai][a-z]{2,3}$")
SCREEN_SIZES = frozenset(str(inches) for inches in range(10, 19))
SIZE_DIGITS = 2
EXACT, SPELT_ALIKE, CLEARLY, LONG = 100.0, 85.0, 5.0, 5
SHEETS = {"products": EMBODIED, "product_power": (Stage.USE,)}  # stages that count of each table of sheets
MatchTier = Literal["exact", "fuzzy"]


@dataclass(frozen=True)
class Match:
    """A product, as "maker|model", its factors, and how well its name fits, 0 to 100.

    `tier` is "exact" where the names have the same words. `next` is the product that fits next best, with
    its score.
    """

    subject: str
    factors: tuple[Factor, ...]
    tier: MatchTier
    score: float
    next: tuple[str, float] | None = None


def match(
    maker: str | None, model: str | None, category: str, factors: FactorSet, table: str = "products"
) -> Match | None:
    """Return the product of that maker and model in a table of sheets, or None.

    Exact: the same words in any order, noise aside. Firmware often states one name for all forms of a model
    ("OptiPlex 3080"): the category distinguishes a mini PC or an all-in-one from the others, but not a tower
    from a small one, so such a name matches neither. Fuzzy: see `_fuzzy`. Two equally good matches are none.
    """
    if not maker or not model:
        return None
    products, name, words = _products(factors, table), normal_maker(maker), normal_model(model)
    if not _numbers(words):
        return None
    form = FORM_OF_CATEGORY.get(category)
    for wanted in (words, words | {form}) if form else (words,):
        alike = products.named.get((name, wanted), ())
        if len(alike) == 1:
            return Match(alike[0], products.factors[alike[0]], "exact", EXACT)
    return _fuzzy(name, words, products)


def _fuzzy(maker: str, words: Words, products: _Products) -> Match | None:
    """The one product with the same numbers, whose other words are the same but for their spelling.

    Numbers are the model and its generation, so they must agree, but for what makers add without another
    model: the platform after a screen size ("17ISK"), the screen size before a model number ("14 5470").
    """
    best: dict[str, float] = {}
    for wanted in _readings(words):
        for subject, named in products.numbered.get((maker, _numbers(wanted)), ()):
            if _spelt_alike(wanted - named, named - wanted):
                score = fuzz.ratio(_joined(words), _joined(named))
                best[subject] = max(score, best.get(subject, 0.0))
    ranked = sorted(best.items(), key=lambda found: -found[1])
    if not ranked or (len(ranked) > 1 and ranked[0][1] - ranked[1][1] < CLEARLY):
        return None
    subject, score = ranked[0]
    return Match(subject, products.factors[subject], "fuzzy", score, ranked[1] if len(ranked) > 1 else None)


def _spelt_alike(ours: Words, theirs: Words) -> bool:
    """Whether words that differ are as many and long, and differ by a letter or two."""
    long = all(len(word) >= LONG for word in ours | theirs)
    return len(ours) == len(theirs) and long and fuzz.ratio(*map(_joined, (ours, theirs))) >= SPELT_ALIKE


def _joined(words: Words) -> str:
    return " ".join(sorted(words))


def _readings(words: Words) -> list[Words]:
    """Return the words, and the words without those that do not distinguish models."""
    plain = frozenset(PLATFORM.sub(r"\1", word) for word in words)
    long = any(len(word) > SIZE_DIGITS for word in _numbers(plain))
    sizes = frozenset(word for word in plain if word in SCREEN_SIZES) if long else frozenset()
    return [words, plain, plain - sizes]


def _numbers(words: Words) -> Words:
    return frozenset(word for word in words if any(character.isdigit() for character in word))


@dataclass(frozen=True)
class _Products:
    """Sheets' subjects by maker and words, by maker and numbers (with their words), and their factors."""

    named: Mapping[tuple[str, Words], tuple[str, ...]]
    numbered: Mapping[tuple[str, Words], tuple[tuple[str, Words], ...]]
    factors: Mapping[str, tuple[Factor, ...]]


_INDEX: WeakKeyDictionary[FactorSet, dict[str, _Products]] = WeakKeyDictionary()


def _products(factors: FactorSet, table: str) -> _Products:
    """The products of a table of a factor set, indexed once."""
    indexed = _INDEX.setdefault(factors, {})
    if table not in indexed:
        rows: dict[str, list[Factor]] = {}
        stages = SHEETS[table]
        for factor in (f for f in factors.table(table) if f.quality != DISPUTED and f.stage in stages):
            rows.setdefault(factor.subject, []).append(factor)
        named: dict[tuple[str, Words], list[str]] = {}
        for names in (_whole_name, _names):
            known = frozenset(named)
            for subject in rows:
                maker, model = subject.split("|", 1)
                keys = {(normal_maker(maker), normal_model(name)) for name in names(model)}
                for key in keys - known:
                    named.setdefault(key, []).append(subject)
        numbered: dict[tuple[str, Words], list[tuple[str, Words]]] = {}
        for (maker, words), subjects in named.items():
            numbered.setdefault((maker, _numbers(words)), []).extend((each, words) for each in subjects)
        indexed[table] = _Products(
            {key: tuple(alike) for key, alike in named.items()},
            {key: tuple(alike) for key, alike in numbered.items()},
            {subject: tuple(of_product) for subject, of_product in rows.items()},
        )
    return indexed[table]


def _whole_name(model: str) -> list[str]:
    return [model]


def _names(model: str) -> list[str]:
    """The names on a sheet of several models: "ThinkPad T560. P50s" is also that of the ThinkPad P50s.

    A later name takes the line of the first, and all take the generation that stands at the end.
    """
    parts = [part.strip() for part in SEVERAL.split(model)]
    line, last = parts[0].split(" ", 1)[0], GENERATION_OF_NAME.search(parts[-1])
    names: list[str] = []
    for part in parts if len(parts) > 1 else ():
        whole = part if last is None or GENERATION_OF_NAME.search(part) else f"{part} {last[0]}"
        names += [whole] if part.startswith(line) else [whole, f"{line} {whole}"]
    return names
