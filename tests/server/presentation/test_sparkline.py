"""One line of blocks for a series."""

import pytest
from parcimetre_server.presentation.sparkline import sparkline


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ([], ""),
        ([0, 0], "▁▁"),
        ([None, None], "  "),
        ([1, None, 2], "▅ █"),
        ([-1, 4], "▁█"),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8], "▁▂▃▄▅▆▇██"),
    ],
)
def test_heights_go_from_zero_to_the_greatest(values, line):
    assert sparkline(values, 80) == line


@pytest.mark.parametrize("count", [1, 79, 80, 81, 1000])
def test_it_never_grows_beyond_its_width(count):
    assert 1 <= len(sparkline([1.0] * count, 80)) <= 80


def test_a_piece_is_shown_by_the_mean_of_what_it_knows():
    assert sparkline([0, 2, None, 4], 2) == sparkline([1, 4], 2)
