"""What tables of power units mean: names for ever, the finest that is metered, nothing twice."""

import pytest
from parcimetre_agent.gateway.makers import maker_of
from parcimetre_agent.gateway.outlet_tables import UPS_MIB
from parcimetre_agent.gateway.power_units import TableRows, power_unit

EATON = maker_of("1.3.6.1.4.1.534.6.6.7").power
APC = maker_of("1.3.6.1.4.1.318.1.3.4.5").power


def table(tables, role):
    """The first table of a role."""
    return next(one for one in tables if one.role == role)


def names(found):
    """Names of what gives."""
    return [tap.outlet for tap in found.taps]


def test_an_outlet_is_called_as_it_is_printed_on_the_unit_and_never_as_people_typed():
    outlets = table(EATON, "outlet")
    labels = {"0.1": b"A1", "0.2": b"rack de la mairie", "1.1": "A1"}
    rows = TableRows(
        outlets, {"0.1": 52, "0.2": 10, "1.1": 30}, {"0.1": 1, "0.2": 2, "1.1": 3}, labels=labels
    )
    assert names(power_unit([rows], "pdu")) == ["outlet A1", "outlet 2", "unit 2 outlet A1"]


def test_two_outlets_of_one_label_stay_two():
    rows = TableRows(table(EATON, "outlet"), {"0.1": 52, "0.2": 10}, labels={"0.1": "A1", "0.2": "A1"})
    assert len(set(names(power_unit([rows], "pdu")))) == 2


def test_the_inlet_of_a_unit_with_outlets_or_banks_is_not_fed_as_well():
    inlet = TableRows(table(EATON, "inlet"), {"0.1": 300})
    banks = TableRows(table(EATON, "bank"), {"0.1": 100, "0.2": 200})
    outlets = TableRows(table(EATON, "outlet"), {"0.1": 90, "0.2": 190})
    assert names(power_unit([inlet, banks, outlets], "pdu")) == ["outlet 1", "outlet 2"]
    assert names(power_unit([inlet, banks], "pdu")) == ["bank 1", "bank 2"]
    assert power_unit([inlet, banks], "pdu").intake == []
    assert names(power_unit([inlet], "pdu")) == ["inlet"]


def test_phases_of_an_output_are_added():
    output, inlet = UPS_MIB
    made = power_unit(
        [TableRows(output, {"1": 100, "2": 110, "3": 120}), TableRows(inlet, {"1": 120, "2": 130, "3": 140})],
        "ups",
    )
    assert names(made) == ["output"]
    assert len(made.taps[0].power) == 3
    assert len(made.intake[0].power) == 3


@pytest.mark.parametrize(
    ("inlets", "outlets"),
    [
        ({"1": 0}, {"1": 5}),
        ({"1": -1}, {"1": 5}),
        ({"1": 30, "2": 40}, {"1": 5}),
        ({"1": 30}, {"1": 5, "2": -1}),
    ],
    ids=["no meter", "not supported", "two units", "an outlet without a meter"],
)
def test_what_a_unit_keeps_is_not_concluded_from_a_part(inlets, outlets):
    found = [TableRows(table(APC, "outlet"), outlets), TableRows(table(APC, "inlet"), inlets)]
    made = power_unit(found, "pdu")
    assert "outlet 1" in names(made)
    assert made.intake == []


def test_a_counter_that_is_too_coarse_for_a_quarter_hour_is_left():
    (tap,) = power_unit([TableRows(table(APC, "outlet"), {"1": 52}, {"1": 40_211})], "pdu").taps
    assert (tap.energy, tap.wh) == ([], 0.0)
    (fine,) = power_unit([TableRows(table(EATON, "outlet"), {"0.1": 52}, {"0.1": 40_211})], "pdu").taps
    assert (len(fine.energy), fine.wh) == (1, 1.0)


def test_digits_move_the_point_of_a_row():
    raritan = table(maker_of("1.3.6.1.4.1.13742.6").power, "outlet")
    rows = TableRows(raritan, {"1.3.1": 9, "1.3.5": 124, "1.3.8": 7}, {"1.3.8": 7}, {"1.3.5": 1, "1.3.8": 3})
    (tap,) = power_unit([rows], "pdu").taps
    assert (tap.outlet, tap.watts, tap.wh) == ("outlet 3", pytest.approx(0.1), pytest.approx(0.001))
    assert tap.power == [f"{raritan.power}.1.3.5"]
    assert tap.energy == [f"{raritan.energy}.1.3.8"]
