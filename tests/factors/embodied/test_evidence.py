"""Embodied impact: which evidence, which parts, and what stays absent."""

import math
from dataclasses import replace

import pytest
from parcimetre_factors.criteria import UNITS, Criterion, Stage
from parcimetre_factors.embodied.evidence import embodied
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.hardware.description import Cpu, Disk, Hardware, Memory

SERVER = Hardware(
    "server", cpus=(Cpu(None, 1, 16, 32),), memory=(Memory(32, 8),), disks=(Disk("ssd", 960),)
)  # fmt: skip
SOLD = Hardware("laptop", "Dell Inc.", "Latitude 5420")
MADE = Criterion.GWP, Stage.MANUFACTURING
CATEGORIES = (
    "laptop", "desktop", "all_in_one", "mini_pc", "monitor", "server", "printer", "network", "tablet",
    "phone", "docking_station", "projector", "ip_phone", "other", "never heard of",
)  # fmt: skip


def parts(hardware, factors, criterion=Criterion.GWP):
    """Impact by component."""
    term = embodied(hardware, factors).by_stage[criterion, Stage.MANUFACTURING]
    return {part.label: part.value for part in term.inputs}


def gwp(hardware, factors):
    """All embodied stages together."""
    found = embodied(hardware, factors).by_stage
    return sum(term.value for (criterion, _), term in found.items() if criterion == Criterion.GWP)


@pytest.mark.parametrize("criterion", Criterion)
def test_a_server_is_the_sum_of_its_parts_by_the_published_formulas(factors, criterion):
    def c(name):
        return factors.get(f"component.{name}.{criterion}").value

    die_mm2 = 16 * factors.get("default.die_per_core").value
    psu_kg = factors.get("default.psu.units").value * factors.get("default.psu.kg").value
    by_hand = {
        "processor": die_mm2 * c("processor_die") + c("processor_base"),
        "memory": 8 * (32 / factors.get("density.memory").value * c("memory_die") + c("memory_base")),
        "disk": 960 / factors.get("density.ssd").value * c("ssd_die") + c("ssd_base"),
        "mainboard": c("mainboard"),
        "case": c("rack_case"),
        "power supply": psu_kg * c("power_supply"),
        "assembly": c("assembly"),
    }
    assert parts(SERVER, factors, criterion) == pytest.approx(by_hand)
    assert embodied(SERVER, factors).by_stage[criterion, Stage.MANUFACTURING].value == pytest.approx(
        math.fsum(by_hand.values())
    )


def test_parts_agree_with_those_that_boaviztapi_publishes_for_the_same_server(factors):
    """Its answer of version 2.5.0, rounded by it; memory aside, which it rounds to one figure."""
    disks = (Disk("hdd", 12000, 8),)
    server = Hardware("server", cpus=(Cpu("Intel Xeon Silver 4114"),), memory=(Memory(32, 16),), disks=disks)
    published = {
        "processor": 22.81, "disk": 248.9, "mainboard": 66.1, "case": 150.0, "power supply": 145.3,
        "assembly": 6.68,
    }  # fmt: skip
    ours = parts(server, factors)
    assert {name: ours[name] for name in published} == pytest.approx(published, rel=5e-4)


RACK, BLADE = "rack", "blade"
FEW, MANY, LARGE = (Disk("ssd", 960), Disk("hdd", 4000, 4)), (Disk("hdd", 12000, 8),), (Disk("ssd", 3840, 4),)
PUBLISHED = [
    (RACK, "Intel Xeon Silver 4114", 1, Memory(32, 16), MANY, 22.81, 1600),
    (BLADE, "Intel Xeon E5-2699 v4", 2, Memory(32, 4), LARGE, 36.25, 1200),
    (RACK, "Intel Xeon E3-1230 v5", 2, Memory(64, 12), FEW, 45.62, 2000),
    (BLADE, "Intel Xeon Platinum 8480+", 2, Memory(16, 12), FEW, 93.46, 970),
    (RACK, "Intel Xeon E-2288G", 1, Memory(32, 16), MANY, 19.78, 1600),
]


@pytest.mark.parametrize(
    ("case", "name", "units", "memory", "disks", "processor", "whole"),
    PUBLISHED,
    ids=[p[1] for p in PUBLISHED],
)
def test_whole_servers_agree_with_boaviztapi(factors, case, name, units, memory, disks, processor, whole):
    """Its answers print processors to four figures and whole servers to two."""
    server = Hardware("server", cpus=(Cpu(name, units),), memory=(memory,), disks=disks, case=case)
    assert parts(server, factors)["processor"] == pytest.approx(processor, rel=5e-4)
    assert gwp(server, factors) == pytest.approx(whole, rel=0.03)


MORE = {
    "more memory": replace(SERVER, memory=(Memory(32, 16),)),
    "larger modules": replace(SERVER, memory=(Memory(64, 8),)),
    "more disks": replace(SERVER, disks=(Disk("ssd", 960, 2),)),
    "a larger disk": replace(SERVER, disks=(Disk("ssd", 3840),)),
    "another kind of disk besides": replace(SERVER, disks=(Disk("ssd", 960), Disk("hdd", 8000))),
    "a second processor": replace(SERVER, cpus=(Cpu(None, 2, 16, 32),)),
    "more cores": replace(SERVER, cpus=(Cpu(None, 1, 24, 48),)),
}


@pytest.mark.parametrize("hardware", MORE.values(), ids=MORE)
def test_more_hardware_has_more_impact_in_every_criterion(factors, hardware):
    less, more = embodied(SERVER, factors).by_stage, embodied(hardware, factors).by_stage
    assert all(more[key].value > less[key].value for key in less)


def test_a_tower_server_has_the_case_of_a_rack_and_says_so(factors):
    term = embodied(replace(SERVER, case="tower"), factors).by_stage[MADE]
    case = next(part for part in term.inputs if part.label == "case")
    assert case.value == factors.get("component.rack_case.gwp").value
    assert "stands for it" in case.note


def test_a_blade_has_a_case_of_its_own(factors):
    case = factors.get("component.blade_case.gwp").value
    assert parts(replace(SERVER, case="blade"), factors)["case"] == case


def test_memory_of_a_denser_maker_has_less_impact(factors):
    usual, dense = (replace(SERVER, memory=(Memory(32, 8, maker),)) for maker in (None, "Samsung"))
    assert parts(dense, factors)["memory"] < parts(usual, factors)["memory"]


def test_the_maker_s_sheet_goes_before_the_category(factors):
    found = embodied(SOLD, factors)
    sheet = [factor for factor in factors.table("products") if factor.subject == "Dell|Latitude 5420"]
    assert found.evidence == "product"
    assert gwp(SOLD, factors) == pytest.approx(sum(factor.value for factor in sheet))


def test_the_maker_s_sheet_goes_before_components(factors):
    sold = replace(SERVER, maker="Dell Inc.", model="PowerEdge R740")
    assert embodied(sold, factors).evidence == "product"
    assert {a.evidence for a in embodied(sold, factors).alternatives} == {"components", "category"}


def test_an_unknown_model_is_its_category(factors):
    unknown = replace(SOLD, model="Latitude 5421 Rugged")
    assert embodied(unknown, factors).evidence == "category"
    assert gwp(unknown, factors) == factors.get("category.laptop.gwp").value


def test_a_server_without_known_memory_is_its_category(factors):
    found = embodied(replace(SERVER, memory=()), factors)
    assert found.evidence == "category"
    assert any("memory" in a.why_not for a in found.alternatives)


@pytest.mark.parametrize("hardware", [SOLD, SERVER, replace(SOLD, model=None)], ids=lambda h: h.category)
def test_evidence_not_chosen_is_kept_with_the_reason(factors, hardware):
    found = embodied(hardware, factors)
    assert {found.evidence, *(a.evidence for a in found.alternatives)} == {
        "product",
        "components",
        "category",
    }
    assert all(a.why_not for a in found.alternatives)


def test_an_alternative_tells_what_it_would_have_given(factors):
    category = next(a for a in embodied(SOLD, factors).alternatives if a.evidence == "category")
    assert category.gwp_kgco2e == factors.get("category.laptop.gwp").value


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_category_has_an_impact_and_a_life(factors, category):
    found = embodied(Hardware(category), factors)
    assert gwp(Hardware(category), factors) > 0
    assert found.life_years.value > 0
    assert found.note


def test_what_no_source_gives_is_absent_and_not_zero(factors):
    assert not any(criterion == Criterion.PE for criterion, _ in embodied(SOLD, factors).by_stage)
    assert not any(criterion == Criterion.ADPE for criterion, _ in embodied(SOLD, factors).by_stage)
    assert (Criterion.GWP, Stage.DISTRIBUTION) not in embodied(SERVER, factors).by_stage
    assert Stage.USE not in {stage for _, stage in embodied(SOLD, factors).by_stage}


@pytest.mark.parametrize("category", CATEGORIES)
def test_no_impact_is_zero_and_every_tree_recomputes(factors, category):
    for (criterion, _), term in embodied(Hardware(category), factors).by_stage.items():
        assert term.value > 0
        assert term.unit == UNITS[criterion]
        assert recompute(term) == term.value


def test_an_unheard_of_category_is_taken_for_a_desktop_and_says_so(factors):
    found = embodied(Hardware("toaster"), factors)
    assert "desktop computer stands for it" in found.note
    assert gwp(Hardware("toaster"), factors) == factors.get("category.other.gwp").value
