"""From the maker and model that firmware states to a product; a wrong match is worse than none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from .factor import Factor, FactorSet

MAKERS = {
    "dell": "dell", "hp": "hp", "hewlett-packard": "hp", "hewlett packard": "hp", "hpe": "hpe",
    "hewlett packard enterprise": "hpe", "lenovo": "lenovo", "apple": "apple", "fujitsu": "fujitsu",
    "microsoft": "microsoft", "asus": "asus", "asustek": "asus", "acer": "acer",
}  # fmt: skip
CORPORATE = re.compile(r"\b(inc|corp|corporation|co|ltd|gmbh|technology|computer|company|se|ag)\b\.?|[.,]")
NOISE = frozenset({
    "notebook", "pc", "desktop", "computer", "laptop", "the", "with", "business", "mobile", "workstation",
    "tower", "server", "monitor", "display", "series", "inch", "dell", "hp", "hpe", "lenovo", "apple",
})  # fmt: skip
FORM = {"small form factor": "sff", "micro form factor": "micro", "mini tower": "mt", "generation": "gen"}


@dataclass(frozen=True)
class Match:
    """A product's factors and how sure the match is: 1 for the same words, less where one side says more."""

    subject: str
    score: float
    factors: tuple[Factor, ...]


Words = frozenset[str]
_INDEX: WeakKeyDictionary[FactorSet, Mapping[tuple[str, Words], Match]] = WeakKeyDictionary()


def match(maker: str | None, model: str | None, factors: FactorSet) -> Match | None:
    """The product of that maker and model, or None.

    The same words in any order match; words that only one side has are allowed where they are no numbers
    and no variant, and only one product remains.
    """
    if not maker or not model:
        return None
    name, words = normal_maker(maker), normal_model(model)
    index = _index(factors)
    if not any(_is_number(word) for word in words):
        return None
    exact = index.get((name, words))
    if exact is not None:
        return exact
    near = [m for (other, theirs), m in index.items() if other == name and _is_near(words, theirs)]
    return Match(near[0].subject, 0.9, near[0].factors) if len(near) == 1 else None


def normal_maker(maker: str) -> str:
    """A maker's short name: "Dell Inc." is "dell"."""
    plain = " ".join(CORPORATE.sub(" ", maker.lower()).split())
    return MAKERS.get(plain, plain)


def normal_model(model: str) -> Words:
    """The words that tell a model from another."""
    plain = model.lower()
    for long, short in FORM.items():
        plain = plain.replace(long, short)
    return frozenset(re.split(r"[^a-z0-9+]+", plain)) - NOISE - {""}


def _is_number(word: str) -> bool:
    return any(character.isdigit() for character in word)


def _is_near(ours: Words, theirs: Words) -> bool:
    """Whether two models differ by one plain word only, with all numbers alike."""
    apart = ours ^ theirs
    return (
        len(apart) == 1 and len(ours & theirs) >= 2 and all(len(w) > 4 and not _is_number(w) for w in apart)
    )


def _index(factors: FactorSet) -> Mapping[tuple[str, Words], Match]:
    """Products by normal maker and words; two products with the same words stand for none."""
    if factors not in _INDEX:
        rows: dict[str, list[Factor]] = {}
        for factor in factors.table("products"):
            rows.setdefault(factor.subject, []).append(factor)
        found: dict[tuple[str, Words], list[Match]] = {}
        for subject, of_product in rows.items():
            maker, model = subject.split("|", 1)
            key = (normal_maker(maker), normal_model(model))
            found.setdefault(key, []).append(Match(subject, 1.0, tuple(of_product)))
        _INDEX[factors] = {key: alike[0] for key, alike in found.items() if len(alike) == 1}
    return _INDEX[factors]
