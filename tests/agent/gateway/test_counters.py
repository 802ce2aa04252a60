"""What of a printer's counters is believed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcimetre_agent.base.outcome import Failed, NoData, Ok
from parcimetre_agent.gateway import counters, printers
from parcimetre_agent.gateway.makers import Maker
from parcimetre_agent.report import Reading

MAKER = Maker("Acme", counters={"mono": ["1.1", "1.2"], "colour": ["1.3"], "duplex": ["1.4"]})


def read(total=1000, **parts):
    """A reading of such counters."""
    answers = {printers.LIFE_COUNT: total, **{oid.replace("_", "."): value for oid, value in parts.items()}}
    return counters.reading({key.removeprefix("o"): value for key, value in answers.items()}, {}, MAKER, 5)


def test_parts_are_added_up_from_what_the_printer_has():
    outcome, wrong = read(o1_1=300, o1_2=200, o1_3=500)
    assert isinstance(outcome, Ok)
    assert (outcome.value.mono, outcome.value.colour, outcome.value.duplex, wrong) == (500, 500, None, None)


@pytest.mark.parametrize("total", [-1, 4_294_967_295, b"many", 10**12])
def test_a_total_that_cannot_be_is_refused(total):
    outcome, _ = read(total)
    assert isinstance(outcome, Failed)


def test_a_printer_that_does_not_count_has_no_data():
    assert isinstance(counters.reading({}, {}, MAKER, 5)[0], NoData)


def test_parts_that_are_more_than_the_whole_leave_the_total_alone_and_are_told():
    outcome, wrong = read(o1_1=900, o1_3=500)
    assert (outcome.value.impressions, outcome.value.mono, outcome.value.colour) == (1000, None, None)
    assert "contradict" in wrong


@pytest.mark.parametrize(
    ("before", "now", "elapsed_s", "goes_on"),
    [(1000, 1000, 900, True), (1000, 1090, 900, True), (1000, 999, 900, False), (1000, 90_000, 900, False),
     (1000, 90_000, 86_400, True)],
    ids=["idle", "printed", "fell", "leapt", "a-day-later"],
)  # fmt: skip
def test_a_count_goes_on_or_begins_anew(before, now, elapsed_s, goes_on):
    fresh, why = counters.after(Reading(elapsed_s, now), Reading(0, before))
    assert fresh.restarted is not goes_on
    assert (why is None) is goes_on


@pytest.mark.parametrize(
    ("most", "left", "level"),
    [(100, 62, 0.62), (100, -3, None), (100, -2, None), (-2, 50, None), (0, 0, None), (100, 250, None)],
)
def test_a_level_is_a_share_only_where_both_numbers_are_numbers(most, left, level):
    table = {"5.1.1": 3, "3.1.1": 1, "8.1.1": most, "9.1.1": left}
    (supply,) = counters.supplies(table, {"1.1": b"black"})
    assert (supply.kind, supply.colour, supply.level) == ("toner", "black", level)


@settings(deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["1.1", "1.2", "1.3", "1.4", printers.LIFE_COUNT]), st.integers() | st.binary()
    )
)
def test_no_answer_breaks_the_reading(answers):
    outcome, _ = counters.reading(answers, {}, MAKER, 5)
    assert isinstance(outcome, (Ok, Failed, NoData))
