"""Watts of office computers and monitors, awake: from the sheet of the model, else of its class.

A sheet gives the mean of the test's time awake. A built-in display is on for a part of it and takes a
share of the watts with it on, so that mean = on x (1 - share x dark), dark being the part with it off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from ..explanation.leaves import MINUS, ONE, factor_leaf
from ..explanation.term import Term, leaf, product, quotient, total
from ..hardware.description import Hardware
from ..tables.factor_set import FactorSet
from .energy_star import FAMILY, awake_term, read, sheet_of, test_of

CLIENTS = ("laptop", "desktop", "all_in_one", "mini_pc")
BUILT_IN = ("laptop", "all_in_one")
WORKSTATION = re.compile(
    r"precision.*\b[57]\d{3}\b|\bz[4-8]\b|thinkstation p[579]|workstation z?[4-8]\d\d", re.IGNORECASE
)
THIN_CLIENT = re.compile(
    r"\bwyse\b|thin client|zero client|\bt[4-8][2-5]0\b|\btc\b|\bigel\b|\bfutro\b", re.IGNORECASE
)
USUAL_INCH = 24.0
NO_DISPLAY = leaf("display", 0.0, "W", "policy", note="A display of its own is a device of its own.")
FUZZY = "match.fuzzy.error"


@dataclass(frozen=True)
class AwakeWatts:
    """Watts without and of the built-in display, and the errors of the model that they come from."""

    dark_w: Term
    display_w: Term
    errors: tuple[str, ...]


@dataclass(frozen=True)
class TestWatts:
    """Mean watts awake in the test, the errors that they carry, and the year of the sheet."""

    watts: Term
    errors: tuple[str, ...]
    year: int | None = None


def class_of(hardware: Hardware) -> str:
    """The class whose figures stand for a computer: its category, or a finer one that its name gives."""
    model = hardware.model or ""
    if hardware.category in ("desktop", "mini_pc") and THIN_CLIENT.search(model):
        return "thin_client"
    if hardware.category == "desktop" and WORKSTATION.search(model):
        return "workstation"
    return hardware.category if hardware.category in CLIENTS else "other"


def family_of(kind: str) -> str:
    """The class whose processor, sleep and off figures a class shares."""
    return FAMILY.get(kind, kind)


def awake(hardware: Hardware, factors: FactorSet) -> AwakeWatts:
    """An office computer with next to no load."""
    kind = class_of(hardware)
    found = _by_sheet(hardware, kind, factors) or _by_class(kind, factors)
    if kind not in BUILT_IN:
        return AwakeWatts(found.watts, NO_DISPLAY, found.errors)
    share = factor_leaf("share of the display", f"power.{kind}.display_share", factors)
    dark = factor_leaf("share of the test with the display off", f"{test_of(kind, found.year)}.dark", factors)
    mean = total("mean over display on", "1", (ONE, product("display off", "1", (MINUS, share, dark))))
    on = quotient("idle, display on", "W", (found.watts, mean))
    rest = total("share of the rest", "1", (ONE, product("display", "1", (MINUS, share))))
    return AwakeWatts(product("idle", "W", (on, rest)), product("display", "W", (on, share)), found.errors)


def monitor_on(hardware: Hardware, factors: FactorSet) -> TestWatts:
    """A monitor that is on: by its sheet, else by its size."""
    by_sheet = _by_sheet(hardware, "monitor", factors)
    if by_sheet is not None:
        return by_sheet
    inch = hardware.screen_inch or USUAL_INCH
    usual = factor_leaf("on, 24 inches", "power.monitor.on", factors)
    grown = (inch / USUAL_INCH) ** factors.get("power.monitor.size").value
    size = leaf(
        "effect of the size", grown, "1", "modelled", detail=f"{inch:g} inch", factor="power.monitor.size",
        note="" if hardware.screen_inch else "The size is not known: it counts as the usual one.",
    )  # fmt: skip
    return _with_errors("on", (usual, size), ("power.monitor.error",), factors)


def printer_mean(hardware: Hardware, factors: FactorSet) -> TestWatts | None:
    """The year's mean of a printer whose sheet states its consumption."""
    return _by_sheet(hardware, "printer", factors) if hardware.category == "printer" else None


def _by_sheet(hardware: Hardware, kind: str, factors: FactorSet) -> TestWatts | None:
    """What the model's own sheet implies, with its error, and that of a name that is not quite the same."""
    found = sheet_of(hardware, kind, factors)
    if found is None:
        return None
    matched, sheet = found
    errors = (f"power.{kind}.sheet.error", *((FUZZY,) if matched.tier == "fuzzy" else ()))
    name = matched.subject.replace("|", " ")
    by_sheet = _with_errors(
        "by the model's sheet", (awake_term(read(sheet), factors),), errors, factors, name
    )
    return replace(by_sheet, year=sheet.year)


def _by_class(kind: str, factors: FactorSet) -> TestWatts:
    """The median of the class."""
    idle = factor_leaf("idle", f"power.{kind}.idle", factors)
    return _with_errors("idle", (idle,), (f"power.{kind}.error",), factors)


def _with_errors(
    label: str, watts: tuple[Term, ...], errors: tuple[str, ...], factors: FactorSet, detail: str = ""
) -> TestWatts:
    """Watts times the model's errors, which are factors of value 1."""
    carried = (
        leaf("error of the model", 1.0, "1", "factor", factor=factors.get(error).id) for error in errors
    )
    return TestWatts(product(label, "W", (*watts, *carried), detail=detail), errors)
