"""Rows as pages draw them."""

from parcimetre_server.analysis.bars import bars, stage_shares
from parcimetre_server.footprint.query import FootprintRow


def row(group, value):
    unit, about = "kg CO2 eq", ("set", (), False, None, "location", {})
    return FootprintRow(group, "p", 0.0, value, None, None, unit, 1.0, None, *about)


def test_the_greatest_bar_is_full_and_comes_first():
    found = bars([row("a", 1.0), row("b", 4.0), row("c", None)])
    assert [(bar.key, bar.length) for bar in found] == [("b", 1.0), ("a", 0.25), ("c", 0.0)]


def test_nothing_draws_nothing():
    assert bars([]) == []
    assert [bar.length for bar in bars([row("a", 0.0)])] == [0.0]


def test_stages_lie_side_by_side_and_fill_the_whole():
    views = stage_shares([row("manufacturing", 3.0), row("use", 1.0), row("end_of_life", None)])
    assert [(view.key, view.offset, view.share) for view in views] == [
        ("use", 0.0, 0.25),
        ("manufacturing", 0.25, 0.75),
        ("end_of_life", 1.0, 0.0),
    ]
