"""Geometry of the charts."""

import pytest
from parcimetre_server.presentation.charts import HEIGHT, LEFT, WIDTH, chart


def test_columns_stay_within_the_chart_and_in_proportion():
    made = chart([0, 3600, 7200], [1.0, 2.0, 0.0], 3600, 3600)
    heights = [column.height for column in made.columns]
    assert heights[0] == pytest.approx(heights[1] / 2)
    assert heights[2] == 0
    for column in made.columns:
        assert LEFT <= column.x <= column.x + column.width <= WIDTH
        assert 0 <= column.y <= column.y + column.height <= HEIGHT


@pytest.mark.parametrize(("value", "top"), [(0.93, 1.0), (1.0, 1.0), (17.0, 20.0), (0.0041, 0.005), (64, 80)])
def test_the_scale_ends_at_a_number_that_reads_well(value, top):
    assert chart([0], [value], 3600, 3600).scale[-1][1] == pytest.approx(top)


def test_nothing_to_show_is_an_axis_at_zero():
    assert [value for _, value in chart([0, 3600], [0.0, 0.0], 3600, 3600).scale] == [0.0]


def test_a_line_holds_its_value_for_each_step():
    made = chart([0, 3600], [1.0, 2.0], 3600, 3600, as_line=True)
    assert made.columns == ()
    assert len(made.line.split()) == 4
