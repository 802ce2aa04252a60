"""What could be done with a device: plain sums worked by hand, and what makes sense of them."""

from zoneinfo import ZoneInfo

import numpy as np
import pytest
from parcimetre_factors.criteria import Criterion
from parcimetre_server.analysis import alternatives as module
from parcimetre_server.analysis.alternatives import (
    ServiceLife,
    Yearly,
    alternatives,
    is_night,
    service_life_of,
)
from parcimetre_server.fleet.devices import device

USE = Yearly(energy_kwh=50.0, use=3.0, night_kwh=10.0, night_use=0.6)


def possible(age_years, second=(20.0, 2.5), yearly=USE):
    """By option, for 200 kg over a life of 5 years."""
    life = ServiceLife(0, "known", age_years, 5.0, 200.0, None)
    return {one.option: one for one in module._possible(life, 200.0, yearly, second)}


def test_alternatives_are_those_of_a_hand_worked_case():
    found = {name: one.per_year for name, one in possible(age_years=2.0).items()}
    assert found == pytest.approx({
        "as_now": 3 + 200 / 5,
        "extend": 3 + 200 / 7,
        "replace": 3 + (200 + 120) / 5,
        "recondition": 3 + 20 / 2.5,
        "replace_used": 3 + (20 + 120) / 2.5,
        "night_off": 43 - 0.6,
    })  # fmt: skip


def test_a_device_whose_life_is_over_costs_its_electricity_and_cannot_be_kept_longer_for_less():
    found = possible(age_years=8.0)
    assert found["as_now"].per_year == 3
    assert "extend" not in found
    assert found["replace"].per_year == 3 + 200 / 5


def test_a_new_device_is_worth_it_only_if_it_takes_so_much_less_or_never():
    assert possible(2.0)["replace"].assumption == "new_never_pays_off"
    hungry = Yearly(energy_kwh=1000.0, use=100.0, night_kwh=0.0, night_use=0.0)
    found = possible(5.0, yearly=hungry)["replace"]
    assert found.assumption == "new_pays_off"
    saved = found.values["kwh"] * 100.0 / 1000.0
    assert found.per_year - saved == pytest.approx(100.0)  # then it costs what going on does


def test_changes_are_told_beside_going_on_as_now():
    found = possible(2.0)
    assert found["as_now"].change is None
    assert found["extend"].change == pytest.approx(found["extend"].per_year / 43 - 1)


def test_nights_are_those_of_the_organisation():
    evening = 1795546800  # 2026-11-24, 20:00 in Paris
    assert is_night(np.array([evening - 900, evening]), ZoneInfo("Europe/Paris")).tolist() == [False, True]


@pytest.mark.parametrize("name", ["laptop", "server"])
def test_going_on_as_now_comes_first_and_the_others_in_order(fleet, name):
    context = fleet.context
    found = alternatives(context, device(context.store, getattr(fleet, name)), Criterion.GWP)
    assert found[0].option == "as_now"
    values = [one.per_year for one in found[1:]]
    assert values == sorted(values)
    assert ("night_off" in {one.option for one in found}) is False  # nothing runs there at night, or it must


def test_a_virtual_machine_has_no_life_of_its_own_and_little_record_no_alternatives(fleet):
    context = fleet.context
    guest, silent = (device(context.store, key) for key in (fleet.guest, fleet.silent))
    assert service_life_of(context, guest, Criterion.GWP) is None
    assert alternatives(context, guest, Criterion.GWP) == []
    assert service_life_of(context, silent, Criterion.GWP).embodied > 0
    assert alternatives(context, silent, Criterion.GWP) == []
