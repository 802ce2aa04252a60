"""From the maker and model that firmware states to a product; a wrong match is worse than none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from .factor import Factor, FactorSet

MAKERS = {
    "dell": "dell", "hp": "hp", "hewlett-packard": "hp", "hewlett packard": "hp", "hpe": "hp",
    "hewlett packard enterprise": "hp", "lenovo": "lenovo", "apple": "apple", "fujitsu": "fujitsu",
    "microsoft": "microsoft", "asus": "asus", "asustek": "asus", "acer": "acer",
}  # fmt: skip
CORPORATE = re.compile(r"\b(inc|corp|corporation|co|ltd|gmbh|technology|computer|company|se|ag)\b\.?|[.,]")
NOISE = frozenset({
    "notebook", "pc", "desktop", "computer", "laptop", "the", "with", "business", "mobile", "workstation",
    "server", "monitor", "display", "series", "inch", "dell", "hp", "hpe", "lenovo", "apple",
})  # fmt: skip
FORM = {
    "small form factor": "sff", "micro form factor": "micro", "mini tower": "mt", "all-in-one": "aio",
    "generation": "gen",
}  # fmt: skip
ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b(?: gen\b)?")
FOOTNOTE = re.compile(r"\b(server|plus)\d\b")
LENOVO_MACHINE_TYPE = re.compile(r"[0-9][0-9A-Z]{3}(?:[0-9A-Z]{3}|[0-9A-Z]{6})?")
FORM_OF_CATEGORY = {"mini_pc": "micro", "all_in_one": "aio"}


@dataclass(frozen=True)
class Match:
    """A product, as "maker|model", and its factors."""

    subject: str
    factors: tuple[Factor, ...]


Words = frozenset[str]
_INDEX: WeakKeyDictionary[FactorSet, Mapping[tuple[str, Words], Match]] = WeakKeyDictionary()


def match(maker: str | None, model: str | None, category: str, factors: FactorSet) -> Match | None:
    """The product of that maker and model, or None.

    The same words match in any order, noise aside, and nothing else does. Firmware often states one name for
    all forms of a model ("OptiPlex 3080"): the category tells a mini PC or an all-in-one from the others, but
    not a tower from a small one, so such a name stands for neither.
    """
    if not maker or not model:
        return None
    name, words = normal_maker(maker), normal_model(model)
    if not any(character.isdigit() for word in words for character in word):
        return None
    index, form = _index(factors), FORM_OF_CATEGORY.get(category)
    exact = index.get((name, words))
    return index.get((name, words | {form})) if exact is None and form else exact


def product_name(maker: str | None, model: str | None, *others: str | None) -> str | None:
    """The name a product is sold under: Lenovo's firmware states a machine type as the model ("20NJ0004US").

    The name is then the first of `others` (SMBIOS version, family) that holds a letter and a digit and is not
    a machine type itself; the model stays where none does, and for every other maker.
    """
    if not maker or not model or normal_maker(maker) != "lenovo" or not _is_machine_type(model):
        return model
    named = (other for other in others if other and not _is_machine_type(other))
    return next((name for name in named if re.search(r"[A-Za-z]", name) and re.search(r"\d", name)), model)


def _is_machine_type(text: str) -> bool:
    return LENOVO_MACHINE_TYPE.fullmatch(text.strip().upper()) is not None


def normal_maker(maker: str) -> str:
    """A maker's short name: "Dell Inc." is "dell"."""
    plain = " ".join(CORPORATE.sub(" ", maker.lower()).split())
    return MAKERS.get(plain, plain)


def normal_model(model: str) -> Words:
    """The words that tell a model from another; "5th" and "5th Gen" are "Gen 5", sheets' footnotes go."""
    plain = model.lower()
    for long, short in FORM.items():
        plain = plain.replace(long, short)
    plain = FOOTNOTE.sub(r"\1", ORDINAL.sub(r"gen \1", plain))
    return frozenset(re.split(r"[^a-z0-9+]+", plain)) - NOISE - {""}


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
            found.setdefault(key, []).append(Match(subject, tuple(of_product)))
        _INDEX[factors] = {key: alike[0] for key, alike in found.items() if len(alike) == 1}
    return _INDEX[factors]
