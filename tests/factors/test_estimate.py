"""Estimates of hardware in no fleet: what is answered, what stays absent, what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcimetre_factors.embodied.graphics_boards import find_board
from parcimetre_factors.estimate import estimate
from parcimetre_factors.tables.factor_set import load_factor_set

FACTORS = load_factor_set()
SERVER = {
    "class": "server",
    "cpu": {"model": "Intel Xeon Gold 6134", "units": 2, "cores": 8},
    "ram": [{"units": 12, "gb": 32}],
    "disks": [{"units": 2, "kind": "ssd", "gb": 400}],
    "psu": {"units": 2, "kg": 2.99},
}
json_values = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def test_a_server_is_answered_with_parts_that_add_up_and_ranges_around_them():
    answer = estimate(SERVER, FACTORS)
    for criterion, impact in answer["embodied"].items():
        assert sum(part[criterion] for part in answer["components"].values()) == pytest.approx(
            impact["value"]
        )
        assert impact["low"] < impact["value"] < impact["high"]
    watts = [answer["power_w"][load] for load in ("0", "10", "50", "100")]
    assert [w["value"] for w in watts] == sorted(w["value"] for w in watts)
    assert all(0 < w["low"] < w["value"] < w["high"] for w in watts)
    assert answer["evidence"]["embodied"] == "components"
    assert answer["factor_set"] == FACTORS.id


def test_what_no_factor_knows_is_absent_and_not_zero():
    answer = estimate({"class": "laptop", "maker": "Dell Inc.", "model": "Latitude 5420"}, FACTORS)
    assert answer["evidence"]["embodied"] == "product"
    assert answer["embodied"]["pe"] is None
    assert answer["embodied"]["adpe"] is None
    assert answer["embodied"]["gwp"]["value"] > 0


def test_a_zone_adds_grams_an_hour_at_its_latest_factor():
    answer = estimate({**SERVER, "zone": "FR"}, FACTORS)
    year, lost = (FACTORS.get(name) for name in answer["use_g_per_hour"]["factors"])
    assert answer["use_g_per_hour"]["50"]["value"] == pytest.approx(
        answer["power_w"]["50"]["value"] * year.value * lost.value
    )


def test_a_known_graphics_board_adds_what_is_published_for_it():
    """BoaviztAPI 2.5.0 answers 344.6 kg for two of them."""
    asked = {**SERVER, "gpu": {"model": "NVIDIA RTX A4500", "units": 2}}
    assert estimate(asked, FACTORS)["components"]["graphics board"]["gwp"] == pytest.approx(344.6, abs=0.05)


def test_an_unknown_graphics_board_is_said_to_be_left_out():
    answer = estimate({**SERVER, "gpu": {"model": "Voodoo 2"}}, FACTORS)
    assert "Voodoo 2" in answer["left_out"][0]
    assert find_board("Voodoo 2", FACTORS) is None


def test_what_is_null_is_not_stated():
    nulls = {"maker": None, "ram": None, "disks": None, "case": None, "method": None, "zone": None}
    assert estimate({"class": "laptop", **nulls}, FACTORS) == estimate({"class": "laptop"}, FACTORS)


@pytest.mark.parametrize(
    ("request_", "where"),
    [
        ({}, "class"),
        ({"class": "toaster"}, "class"),
        ({"class": "laptop", "zone": "QQ"}, "zone"),
        ({"class": "server", "ram": [{"gb": -1}]}, "ram.0.gb"),
        ({"class": "server", "cpu": {"units": 0}}, "cpu.units"),
        ({"class": "laptop", "colour": "red"}, "colour: unknown key"),
        ({"class": "laptop", "cpu": "i5"}, "cpu: give an object"),
        ([1], "request"),
        (None, "request"),
    ],
)
def test_what_cannot_be_answered_says_where(request_, where):
    answer = estimate(request_, FACTORS)
    assert list(answer) == ["error"]
    assert answer["error"].startswith(where)
    assert ": " in answer["error"]


@pytest.mark.slow
@given(json_values)
@settings(max_examples=60, deadline=None)
def test_any_json_is_answered_or_refused_in_a_sentence(value):
    answer = estimate(value, FACTORS)
    assert "embodied" in answer or "error" in answer


@given(st.integers(1, 8), st.integers(1, 32), st.sampled_from([8, 16, 32, 64]))
@settings(max_examples=30, deadline=None)
def test_the_memory_s_share_scales_with_its_modules(factor, units, gb):
    one = estimate({**SERVER, "ram": [{"units": units, "gb": gb}]}, FACTORS)
    many = estimate({**SERVER, "ram": [{"units": units * factor, "gb": gb}]}, FACTORS)
    memory = one["components"]["memory"]["gwp"]
    assert many["components"]["memory"]["gwp"] == pytest.approx(memory * factor)
