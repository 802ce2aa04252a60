"""Clients from their components, and averages of a class: by hand from the tables, and what is absent."""

import csv
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.estimate import estimate
from parcimetre_factors.explanation.term import recompute, walk
from parcimetre_factors.hardware.description import Cpu, Disk, Hardware, Memory
from parcimetre_factors.tables.factor_set import SHIPPED

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tools"))

from build_products import client_configuration

MADE, METALS = (Criterion.GWP, Stage.MANUFACTURING), (Criterion.ADPE, Stage.MANUFACTURING)
PARTS = {"cpus": (Cpu(None, 1, 4),), "memory": (Memory(16),), "disks": (Disk("ssd", 512),)}
LAPTOP = Hardware("laptop", screen_inch=14, **PARTS)
DESKTOP = Hardware("desktop", weight_kg=7, **PARTS)


def made(hardware, factors):
    return embodied(hardware, factors).by_stage[MADE]


def of_parts(factors):
    """Processor, memory and disk of PARTS, by hand."""

    def c(name):
        return factors.get(f"component.{name}.gwp").value

    processor = 4 * factors.get("default.die_per_core").value * c("processor_die") + c("processor_base")
    memory = 16 / factors.get("density.memory").value * c("memory_die") + c("memory_base")
    ssd = 512 / factors.get("density.ssd").value * c("ssd_die") + c("ssd_base")
    return {"processor": processor, "memory": memory, "disk": ssd}


def test_a_laptop_is_the_sum_of_its_parts_and_of_what_its_screen_tells(factors):
    by_hand = of_parts(factors) | {
        "rest of the device": factors.get("client.laptop.rest.gwp").value,
        "screen and what grows with it": 14**2 * factors.get("client.laptop.per_inch2.gwp").value,
    }
    term = made(LAPTOP, factors)
    assert embodied(LAPTOP, factors).evidence == "components"
    assert {part.label: part.value for part in term.inputs} == pytest.approx(by_hand)
    assert recompute(term) == term.value == pytest.approx(sum(by_hand.values()))


def test_a_desktop_s_case_goes_by_its_weight_or_by_the_usual_one(factors):
    per_kg = factors.get("client.desktop.per_kg.gwp").value
    usual_kg = factors.get("client.desktop.usual_kg").value
    light, heavy, unknown = (made(replace(DESKTOP, weight_kg=kg), factors).value for kg in (5, 9, None))
    assert heavy - light == pytest.approx(4 * per_kg)
    assert unknown - light == pytest.approx((usual_kg - 5) * per_kg)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"memory": ()}, "processors or memory are not known"),
        ({"disks": ()}, "disks are not known"),
        ({"screen_inch": None}, "the size of the screen is not known"),
        ({"screen_inch": 42}, "the size of the screen is not known"),
    ],
    ids=("memory", "disks", "screen", "a television's screen"),
)
def test_a_laptop_of_which_a_part_is_not_known_is_not_built_up(factors, change, reason):
    found = embodied(replace(LAPTOP, **change), factors)
    assert found.evidence == "category"
    assert reason in {other.why_not for other in found.alternatives}


def test_metals_of_a_laptop_are_never_those_of_some_parts(factors):
    """The fit knows no adpe: the whole category's average stands, and primary energy is absent."""
    found = embodied(LAPTOP, factors).by_stage
    assert found[METALS].value == factors.get("category.laptop.adpe").value
    assert embodied(replace(LAPTOP, category="mini_pc"), factors).by_stage.keys() == {MADE}
    assert not any(criterion == Criterion.PE for criterion, _ in found)


def test_an_all_in_one_stays_the_average_and_shows_what_its_components_would_give(factors):
    found = embodied(replace(LAPTOP, category="all_in_one", screen_inch=24), factors)
    [built] = [other for other in found.alternatives if other.evidence == "components"]
    assert found.evidence == "category"
    assert built.gwp_kgco2e > 0
    assert "no nearer" in built.why_not


@pytest.mark.parametrize("category", ["laptop", "monitor"])
def test_a_greater_screen_weighs_more_and_the_wider_average_is_shown(factors, category):
    sizes = [embodied(Hardware(category, screen_inch=inch), factors) for inch in (13, 14, 17)]
    values = [found.by_stage[MADE].value for found in sizes]
    assert values == sorted(values)
    assert sizes[0].name == f"{category} of 13 inch"
    wider = factors.get(f"category.{category}.gwp").value
    assert (wider, "wider: the average of the whole category") in {
        (other.gwp_kgco2e, other.why_not) for other in sizes[0].alternatives
    }


def test_a_monitor_s_class_is_its_base_and_its_squared_diagonal(factors):
    base, per_inch2 = (factors.get(f"client.monitor.{name}.gwp").value for name in ("rest", "per_inch2"))
    term = made(Hardware("monitor", screen_inch=27), factors)
    assert term.value == pytest.approx(base + 27**2 * per_inch2)
    assert "client.monitor.error" in {below.factor for below in walk(term)}


@pytest.mark.parametrize("inch", [None, 5, 200])
def test_where_no_sheet_has_such_a_screen_the_category_stands(factors, inch):
    found = embodied(Hardware("monitor", screen_inch=inch), factors)
    assert found.by_stage[MADE].value == factors.get("category.monitor.gwp").value
    assert found.name == "monitor"


@pytest.mark.parametrize(
    ("kg", "value"), [(10, 430), (39.9, 430), (40, 960), (99.9, 960), (100, 1800), (120, 1800)]
)
def test_a_printer_s_class_goes_by_its_weight(factors, kg, value):
    assert made(Hardware("printer", weight_kg=kg), factors).value == value


@pytest.mark.parametrize(
    ("asked", "name", "factor"),
    [
        ({"class": "workstation"}, "workstation", "category.workstation.gwp"),
        ({"class": "thin_client"}, "thin client", "category.thin_client.gwp"),
        ({"class": "docking_station"}, "docking station", "category.docking_station.gwp"),
        ({"class": "projector"}, "projector", "category.projector.gwp"),
        ({"class": "ip_phone"}, "ip phone", "category.ip_phone.gwp"),
        (
            {"class": "printer", "weight_kg": 120},
            "printer of 100 kg and more",
            "category.printer.from_100_kg.gwp",
        ),
    ],
    ids=lambda value: value["class"] if isinstance(value, dict) else "",
)
def test_an_estimate_names_the_class_and_what_was_not_chosen(factors, asked, name, factor):
    answer = estimate(asked, factors)
    assert answer["embodied"]["gwp"]["value"] == factors.get(factor).value
    assert answer["evidence"]["class"] == name
    assert {other["embodied"] for other in answer["evidence"]["not_chosen"]} >= {"product", "components"}
    assert answer["life_years"] > 0
    assert answer["power_w"]["0"]["value"] > 0


@pytest.mark.parametrize(
    "wrong",
    [{"screen_inch": 0}, {"screen_inch": 400}, {"screen_inch": -27}, {"weight_kg": -3}, {"weight_kg": 0},
     {"weight_kg": "heavy"}],
    ids=str,
)  # fmt: skip
def test_a_size_that_nothing_has_is_refused_in_one_sentence(factors, wrong):
    error = estimate({"class": "monitor", **wrong}, factors)["error"]
    assert error.startswith(f"{next(iter(wrong))}: ")
    assert "\n" not in error


def sheet(name, disk="", subcategory="Laptop"):
    return {"name": name, "hard_drive": disk, "subcategory": subcategory}


@pytest.mark.parametrize(
    ("row", "configuration"),
    [
        (sheet("13-inch MacBook Air 256GB - 2020", "SSD 256GB"), (None, 256)),
        (sheet("13-inch MacBook Pro 1TB - 2020", "SSD 1024GB"), (None, 1000)),
        (sheet("16-inch MacBook Pro with 64GB", "64GB SSD"), (None, None)),
        (sheet("Mac Studio 32GB memory and 512GB", "32GB SSD", "Desktop"), (32, 512)),
        (sheet("Mac Pro 1.5TB memory 4TB storage", "SSD 1.5TB", "Workstation"), (1536, 4000)),
        (sheet("21.5-inch iMac 1TB - 2019", "1024GB", "Desktop"), (None, None)),
        (sheet("24-inch iMac 256GB", "256GB", "Desktop"), (None, 256)),
        (sheet("Latitude 5420"), (None, None)),
        (sheet("Galaxy Note 256GB", "256GB", "Smartphone"), (None, None)),
    ],
    ids=lambda value: value["name"] if isinstance(value, dict) else "",
)
def test_what_a_client_s_sheet_was_made_for_is_read_only_where_it_is_plain(row, configuration):
    assert client_configuration(row) == configuration


def test_a_client_s_sheet_is_corrected_for_its_disk(factors):
    sold = Hardware("laptop", "Apple", "13-inch MacBook Air (M1 CPU) 256GB - 2020", disks=(Disk("ssd", 256),))
    sheet_kg, more_kg = (made(h, factors).value for h in (sold, replace(sold, disks=(Disk("ssd", 1000),))))
    per_cm2, density = factors.get("component.ssd_die.gwp").value, factors.get("density.ssd").value
    assert sheet_kg == pytest.approx(136.85)
    assert more_kg - sheet_kg == pytest.approx((1000 - 256) / density * per_cm2)


def test_classes_by_weight_have_rows_and_grow(factors):
    with (SHIPPED / "classes.csv").open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    subjects = {factor.subject for factor in factors.table("categories")}
    assert {row["subject"] for row in rows} <= subjects
    for category in {row["category"] for row in rows}:
        ends = [float(row["below_kg"] or "inf") for row in rows if row["category"] == category]
        assert ends == sorted(ends)
        assert ends[-1] == float("inf")
