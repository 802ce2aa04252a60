"""The comparison method agrees with what BoaviztAPI 2.5.0 answers."""

import json
import math
from pathlib import Path

import pytest
from parcimetre_factors.embodied.boavizta import completed, near_name
from parcimetre_factors.estimate import EstimateRequest, estimate, hardware_of
from parcimetre_factors.hardware.description import Hardware

VECTORS = json.loads((Path(__file__).parents[2] / "data/boaviztapi/vectors.json").read_text(encoding="utf-8"))
CRITERIA = {"gwp": "gwp", "adp": "adpe", "pe": "pe"}


def request_of(vector):
    """The vector's request in the keys of an estimate."""
    body, found = vector["body"].get("configuration", {}), {"method": "boavizta"}
    archetype = vector["query"].get("archetype", "")
    if archetype.endswith("-perso"):
        found["use"] = "household"
    elif archetype.startswith("platform_"):
        found["archetype"] = archetype
    found["class"] = vector["path"].strip("/").split("/")[-1]
    if found["class"] == "server":
        found["case"] = vector["body"].get("model", {}).get("type", "rack")
    if cpu := body.get("cpu"):
        names = {
            "name": "model",
            "units": "units",
            "core_units": "cores",
            "die_size_per_core": "die_mm2_per_core",
        }
        found["cpu"] = {names[key]: value for key, value in cpu.items()}
    found["ram"] = [
        {"gb": m["capacity"], "units": m["units"], "density": m.get("density")} for m in body.get("ram", [])
    ]
    found["disks"] = [
        {"kind": d["type"], "gb": d["capacity"], "units": d["units"], "density": d.get("density")}
        for d in body.get("disk", [])
    ]
    if psu := body.get("power_supply"):
        found["psu"] = {"units": psu["units"], "kg": psu["unit_weight"]}
    if gpu := body.get("gpu"):
        found["gpu"] = {"model": gpu["name"], "units": gpu["units"]}
    return found


def last_figure(impact):
    """The step that the answer is rounded to: of its width, at most its own power of ten and four digits."""
    value, width = impact["value"], impact["max"] - impact["min"]
    own = 10.0 ** math.floor(math.log10(value))
    return max(min(10.0 ** math.floor(math.log10(width / 10)), own) if width else 0.0, own / 1000)


@pytest.mark.parametrize("vector", VECTORS, ids=[vector["id"] for vector in VECTORS])
def test_every_answer_is_met_within_one_percent_or_its_last_figure(factors, vector):
    answer = estimate(request_of(vector), factors)
    assert "error" not in answer
    hours = vector["query"].get("duration")
    life_h = vector["body"].get("usage", {}).get("hours_life_time", 35040)
    share = 1 if hours is None else hours / life_h
    for theirs, ours in CRITERIA.items():
        published = vector["embodied"][theirs]
        if isinstance(published, dict):
            value = answer["embodied"][ours]["value"] * share
            assert abs(value - published["value"]) <= max(0.01 * published["value"], last_figure(published))


def test_a_near_name_is_taken_for_the_processor_as_that_method_does(factors):
    assert near_name("E5-2680", factors).name == "Intel Xeon E5-2680 V3"
    assert near_name("Ampere Altra Q80-30", factors).name == "Ampere Altra Q64-30"
    assert near_name("Xeon L5420", factors) is None


def test_a_server_of_nothing_known_is_its_archetype(factors):
    found = completed(Hardware("server"), factors)
    assert [(m.gb, m.units) for m in found.memory] == [(32, 8)]
    assert [(d.kind, d.gb) for d in found.disks] == [("ssd", 1000)]
    assert [cpu.units for cpu in found.cpus] == [2]


def test_the_archetype_of_hard_disks_has_no_ssd(factors):
    found = completed(Hardware("server"), factors, "platform_hddstorage_low")
    assert [(d.kind, d.gb, d.units) for d in found.disks] == [("hdd", 2000, 8)]


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"archetype": "platform_compute_low"}, "archetype: only available with BoaviztAPI's method"),
        ({"use": "household"}, "use: only available with BoaviztAPI's method"),
        ({"archetype": "mainframe", "method": "boavizta"}, "archetype: unknown value 'mainframe'"),
        ({"use": "military", "method": "boavizta"}, "use: "),
    ],
    ids=("archetype", "use", "unknown archetype", "unknown use"),
)
def test_what_only_that_method_knows_is_refused_elsewhere(factors, keys, sentence):
    assert estimate({"class": "server", **keys}, factors)["error"].startswith(sentence)


def test_more_cores_than_any_known_are_on_the_line_through_them(factors):
    few, many = (
        completed(
            hardware_of(EstimateRequest.model_validate({"class": "server", "cpu": {"cores": n}})), factors
        )
        for n in (150, 300)
    )
    assert many.cpus[0].die_mm2 > few.cpus[0].die_mm2 > 1000
