"""Jinja environments of pages and reports, and what every template may use."""

from __future__ import annotations

from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from parcimetre_factors.tables.factor_set import FactorSet

from ..base.i18n import Language, Translator
from ..base.names import shown_lines
from .formats import Formats
from .palette import direction


@lru_cache(maxsize=4)
def environment(*wings: str) -> Environment:
    """Return the environment of the shared templates and of those in `templates/` of each wing.

    A name that a template does not know is an error.
    """
    packages = [f"parcimetre_server.{wing}" for wing in ("presentation", *wings)]
    made = Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates") for package in packages]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    made.policies["ext.i18n.trimmed"] = True
    return made


def visible(value: Any) -> Any:
    """Return a text with its invisible characters escaped, anything else as it is; markup is made here."""
    return shown_lines(value) if type(value) is str else value


def template_tools(
    language: Language, zone: ZoneInfo, organisation: str, factors: FactorSet
) -> dict[str, Any]:
    """Return what every template may use: translation, formats, language, factor set."""
    translator = Translator(language)
    return {
        "_": translator,
        "n_": translator.plural,
        "f": Formats(translator, zone),
        "direction": direction,
        "language": language,
        "factor_set": factors.id,
        "factor_set_version": factors.version,
        "organisation": organisation,
    }
