"""The languages of pages, reports and commands: translations and numbers for people.

Msgids are English; the French catalogue is `locale/fr/LC_MESSAGES/messages.po`, read when it is first
needed. Anything marked with `_` or `mark` is translated; a test holds the catalogue to that.
"""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Literal, cast

from babel.core import negotiate_locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

Language = Literal["en", "fr"]
LANGUAGES: tuple[Language, ...] = ("en", "fr")
NAMES: Mapping[Language, str] = {"en": "English", "fr": "Français"}
DEFAULT: Language = "en"
COOKIE = "lang"


def N_(msgid: str) -> str:
    """Mark a msgid for extraction; it is translated where it is shown."""
    return msgid


@dataclass(frozen=True)
class Translator:
    """Translates into one language: `translator("{n} slots", n=3)`."""

    language: Language

    def __call__(self, msgid: str, /, **values: object) -> str:
        """Return the translation with its placeholders filled; the msgid itself if there is none."""
        text = _translations(self.language).gettext(msgid) if msgid else ""
        return text.format(**values) if values else text

    def plural(self, one: str, many: str, n: int) -> str:
        """Return the plural form for `n`, the placeholder {n} of the msgid."""
        return _translations(self.language).ngettext(one, many, n).format(n=n)


@lru_cache(maxsize=len(LANGUAGES))
def _translations(language: Language) -> NullTranslations:
    catalogue = files("parcimetre_server") / "locale" / language / "LC_MESSAGES" / "messages.po"
    if not catalogue.is_file():
        return NullTranslations()
    compiled = io.BytesIO()
    with catalogue.open("rb") as source:
        write_mo(compiled, read_po(source, locale=language))
    compiled.seek(0)
    return Translations(compiled)


def language_of(query: str | None, cookie: str | None, accepted: str | None) -> Language:
    """Return the reader's language: of the URL, else the cookie, else the browser's preferences."""
    for wish in (query, cookie):
        if wish in LANGUAGES:
            return wish
    return _match(_by_preference(accepted or ""))


def language_of_environment(environment: Mapping[str, str] = os.environ) -> Language:
    """Return the language of the terminal: LC_ALL, else LC_MESSAGES, else LANG."""
    wish = next(
        (environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), ""
    )
    return _match([wish.split(".")[0]])


def _by_preference(accepted: str) -> list[str]:
    """Languages of an Accept-Language header, the most wanted first."""
    ranges = [part.strip().partition(";q=") for part in accepted.split(",")]
    weighed = [(_weight(weight), language.strip()) for language, _, weight in ranges]
    return [language for weight, language in sorted(weighed, key=lambda pair: -pair[0]) if weight > 0]


def _weight(text: str) -> float:
    try:
        return float(text or 1)
    except ValueError:
        return 0.0


def _match(wishes: list[str]) -> Language:
    plain = [wish.replace("-", "_").split("_")[0].lower() for wish in wishes]
    return cast(Language, negotiate_locale(plain, LANGUAGES) or DEFAULT)
