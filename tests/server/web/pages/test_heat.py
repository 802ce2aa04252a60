"""Geometry of the heat strips."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from parcimetre_server.web.pages.heat import LEVELS, columns_of, levels, limits, strip

PARIS = ZoneInfo("Europe/Paris")


def test_neighbours_of_one_colour_are_one_shape_and_what_has_none_is_left_out():
    made = strip(
        ["a", "a", "", "b", "a"], np.array([0, 1, 2, 3, 0]), np.array([0, 0, 0, 0, 1]), ("d1", "d2"), ()
    )
    assert made.rows[0].paths == (("a", "M0 0h2v10h-2z"), ("b", "M3 0h1v10h-1z"))
    assert made.rows[1].paths == (("a", "M0 0h1v10h-1z"),)


@pytest.mark.parametrize(("greatest", "step"), [(42.0, 8.0), (59.0, 10.0), (0.31, 0.08), (6.0, 1.0)])
def test_levels_are_equal_steps_that_read_well_and_reach_the_greatest(greatest, step):
    ends = limits(np.array([0.0, greatest]))
    assert ends == pytest.approx([step * (i + 1) for i in range(LEVELS)])
    assert ends[-1] >= greatest
    assert levels(np.array([0.0, step, step * 1.01, greatest]), ends).tolist()[:3] == [0, 0, 1]


def test_nothing_to_show_has_no_levels():
    assert limits(np.zeros(3)) == ()


def test_slots_stand_at_the_local_time_of_day_also_when_clocks_change():
    winter, summer = 1795474800, 1779400800  # midnight in Paris, in November and in May
    assert columns_of(np.array([winter, winter + 900, summer]), PARIS).tolist() == [0, 1, 0]
    back = 1792890000  # Sunday 2026-10-25 01:00 UTC: 02:00 in Paris comes twice
    assert columns_of(np.array([back - 3600, back, back + 3600]), PARIS).tolist() == [8, 8, 12]
