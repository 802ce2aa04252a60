"""Names of makers and models in the form in which they are compared."""

from __future__ import annotations

import re

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
    "generation": "gen", "thin client": "tc",
}  # fmt: skip
ORDINAL = re.compile(r"\b(\d+)(?:st|nd|rd|th)\b(?: gen\b)?")
FOOTNOTE = re.compile(r"\b(server|plus)\d\b")
LENOVO_MACHINE_TYPE = re.compile(r"[0-9][0-9A-Z]{3}(?:[0-9A-Z]{3}|[0-9A-Z]{6})?")
BRACKETS = re.compile(r":?\s*-\[[^\]]*\]-")
Words = frozenset[str]


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
    """Return the words that distinguish models; "5th" and "5th Gen" are "Gen 5", sheets' footnotes go."""
    plain = BRACKETS.sub("", model.lower())
    for long, short in FORM.items():
        plain = plain.replace(long, short)
    plain = FOOTNOTE.sub(r"\1", ORDINAL.sub(r"gen \1", plain))
    return frozenset(re.split(r"[^a-z0-9+]+", plain)) - NOISE - {""}
