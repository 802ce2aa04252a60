"""The method page's examples, recomputed step by step from the shipped factors, in both languages."""

import ast
import math
import operator
import re
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from parcimetre_factors.activity import Activity
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.grid.intensity import intensity
from parcimetre_factors.hardware.description import Cpu, Disk, Hardware, Memory
from parcimetre_factors.power.model import power_model
from parcimetre_factors.service_life.amortisation import Policy, per_unit
from parcimetre_factors.uncertainty.amounts import Amount
from parcimetre_factors.uncertainty.monte_carlo import interval

DOCS = Path(__file__).parents[2] / "docs"
ID = re.compile(r"`([a-z0-9_]+(?:\.[a-z0-9_-]+)+)`")
KINDS = {
    "component", "default", "density", "power", "grid", "grid_profile", "life", "share", "category", "fuel",
    "typical_host", "product", "losses", "match", "coverage", "client", "consumable", "gwp100",
}  # fmt: skip
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
OPERATIONS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Pow: operator.pow,
}  # fmt: skip


def page(language):
    """The text of a page."""
    return (DOCS / language / "method.md").read_text(encoding="utf-8")


def rows(language, example):
    """Cells of each row of the table that follows an example's mark."""
    after = page(language).split(f"<!-- example: {example} -->")[1]
    lines = after[after.index("|") :].split("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def number(text, language):
    """A printed number and half a unit of its last digit."""
    plain = text.replace(",", ".") if language == "fr" else text
    return float(plain), 0.5 * 10.0 ** -len(plain.partition(".")[2])


def computed(node, names):
    """The value of an arithmetic expression."""
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.BinOp(left=left, op=op, right=right):
            return OPERATIONS[type(op)](computed(left, names), computed(right, names))
        case ast.Call(func=ast.Name(id=name), args=[argument]):
            return getattr(math, name)(computed(argument, names))
    raise ValueError(ast.dump(node))


def worked(language, example, factors):
    """Each row's result, computed in full; checks it against the digits that the page prints."""
    results = {}
    for name, step, formula, result, _unit in rows(language, example):
        plain = formula.replace("×", "*").replace("−", "-").replace("²", "**2")
        plain = re.sub(r"s\(`([^`]+)`\)", lambda found: repr(factors.get(found[1]).rel_sd), plain)
        plain = ID.sub(lambda found: repr(factors.get(found[1]).value), plain)
        if language == "fr":
            plain = re.sub(r"(?<=\d),(?=\d)", ".", plain)
        results[name] = computed(ast.parse(plain, mode="eval").body, results)
        printed, half = number(result, language)
        assert results[name] == pytest.approx(printed, abs=half), f"{language}, {example}, {name}: {step}"
    return results


@LANGUAGES
def test_the_server_s_steps_are_right_and_lead_to_the_engine_s_figure(factors, language):
    steps = worked(language, "server", factors)
    server = Hardware(
        "server", cpus=(Cpu(None, 1, 16, 32),), memory=(Memory(32, 8),), disks=(Disk("ssd", 960),)
    )  # fmt: skip
    found = embodied(server, factors)
    term = found.by_stage[Criterion.GWP, Stage.MANUFACTURING]
    parts = [steps[name] for name in "bdfghij"]
    assert [part.value for part in term.inputs] == pytest.approx(parts)
    assert term.value == pytest.approx(steps["k"])
    assert per_unit(Policy.SERVICE_LIFE, term, found.life_years, found.life_years).value == pytest.approx(
        steps["l"]
    )


@LANGUAGES
def test_the_client_s_steps_are_right_and_lead_to_the_engine_s_figure(factors, language):
    steps = worked(language, "client", factors)
    laptop = Hardware(
        "laptop", cpus=(Cpu(None, 1, 4),), memory=(Memory(16),), disks=(Disk("ssd", 512),), screen_inch=14
    )  # fmt: skip
    term = embodied(laptop, factors).by_stage[Criterion.GWP, Stage.MANUFACTURING]
    assert [part.value for part in term.inputs] == pytest.approx([steps[name] for name in "abcde"])
    assert term.value == pytest.approx(steps["f"])


@LANGUAGES
def test_the_laptop_s_steps_are_right_and_lead_to_the_engine_s_figure(factors, language):
    steps = worked(language, "laptop", factors)
    start = int(datetime(2024, 6, 4, 12, tzinfo=UTC).timestamp())
    load = np.array([[600.0, 300.0, *[0.0] * 8]])
    nothing = np.zeros(1)
    slot = Activity(np.array([start]), np.array([900.0]), nothing, nothing, nothing, load)
    model = power_model(Hardware("laptop"), factors)
    grid = intensity("FR", slot.start, factors)
    assert grid is not None
    assert model.energy_j(slot)[0] == pytest.approx(steps["h"])
    assert grid.kg_per_kwh[0] == pytest.approx(steps["j"])
    use_g = model.energy_j(slot)[0] / 3.6e6 * grid.kg_per_kwh[0] * 1000
    assert use_g == pytest.approx(steps["k"])
    drawn = interval([Amount(use_g, (*model.errors, *grid.errors))], factors)
    assert drawn == pytest.approx((steps["m"], steps["n"]), rel=0.06)  # 2,000 draws against the closed form


@LANGUAGES
def test_the_fleet_s_steps_are_right_and_lead_to_the_engine_s_intervals(factors, language):
    steps = worked(language, "fleet", factors)
    sheets, life = [f"product.dell-latitude-{n}.manufacturing.gwp" for n in (5320, 5420, 5520)], "life.laptop"
    alike = interval([Amount(steps["a"], (sheets[1], life))] * 300, factors)
    mixed = interval(
        [Amount(steps[row], (sheet, life)) for row, sheet in zip("fgh", sheets, strict=True)], factors
    )
    assert alike == pytest.approx((steps["d"], steps["e"]), rel=0.06)  # 2,000 draws against the closed form
    assert mixed == pytest.approx((steps["l"], steps["m"]), rel=0.06)


@LANGUAGES
def test_the_changes_steps_are_right_and_add_up(factors, language):
    steps = worked(language, "changes", factors)
    assert steps["i"] == pytest.approx(steps["j"])


@LANGUAGES
def test_the_page_names_only_factors_that_exist_with_the_values_they_have(factors, language):
    text = page(language)
    for name in ID.findall(text):
        if name.split(".")[0] in KINDS:
            assert name in factors.factors, name
    stated = re.findall(r"^\| `([^`|]+)` \| ([\d.,]+) \|", text, re.MULTILINE)
    assert len(stated) >= 15
    for name, value in stated:
        assert factors.get(name).value == pytest.approx(number(value, language)[0], rel=1e-9), name


def test_both_languages_show_the_same_steps():
    for example in ("server", "client", "laptop", "fleet", "changes"):
        english, french = ([(row[0], row[2].replace(",", ".")) for row in rows(language, example)]
                           for language in ("en", "fr"))  # fmt: skip
        assert english == french


@LANGUAGES
def test_the_page_is_linked_from_the_first_one(language):
    assert "(method.md)" in (DOCS / language / "index.md").read_text(encoding="utf-8")
