"""Efficiency of power supplies: the published points, and what holds between and beyond them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from parcimetre_factors.hardware.description import Hardware
from parcimetre_factors.power.power_supply import supply


@pytest.mark.parametrize(
    ("category", "kind"),
    [("laptop", "external"), ("mini_pc", "external"), ("desktop", "internal"), ("server", "server"),
     ("toaster", "internal")],
)  # fmt: skip
def test_each_category_has_the_supply_that_it_usually_has(factors, category, kind):
    assert supply(Hardware(category), factors).kind == kind


def test_at_its_points_it_is_the_published_minimum(factors):
    server = supply(Hardware("server"), factors)
    watts = server.rated_w * np.array([0.2, 0.5, 1.0])
    assert server.at(watts) == pytest.approx([0.90, 0.94, 0.91])
    assert server.at_half_load == 0.94


@given(watts=st.floats(0, 5000), category=st.sampled_from(["laptop", "desktop", "server"]))
def test_it_never_gives_more_than_it_takes(factors, watts, category):
    [efficiency] = supply(Hardware(category), factors).at(np.array([watts]))
    assert 0.7 <= efficiency < 1


def test_below_a_tenth_of_the_load_it_is_taken_to_be_level(factors):
    laptop = supply(Hardware("laptop"), factors)
    assert laptop.at(np.array([0.0, 1.0, 6.5])) == pytest.approx([0.79] * 3)
