"""One device quarter hour by quarter hour: the same energy as its figures, and states that fill each slot."""

import pytest
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_server.analysis.timeline import STATES, by_day, quarter_hours
from parcimetre_server.base.periods import since_midnight
from parcimetre_server.fleet.devices import device
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery


@pytest.mark.parametrize("name", ["laptop", "guest", "server", "silent"])
def test_quarter_hours_add_up_to_the_figures_of_the_device(fleet, name):
    context, key = fleet.context, getattr(fleet, name)
    span = since_midnight(context.now(), context.zone, 8)
    found = quarter_hours(context, device(context.store, key), span, Criterion.GWP)
    (use,) = [
        row
        for row in compute_footprint(context, FootprintQuery(span, Criterion.GWP, device=key)).rows("stage")
        if row.group == Stage.USE
    ]
    assert found.energy_j.sum() / 3.6e6 == pytest.approx(use.energy_kwh)
    assert (found.energy_j * found.per_kwh).sum() / 3.6e6 == pytest.approx(use.value)
    assert sum(day.energy_kwh for day in by_day(found)) == pytest.approx(use.energy_kwh)


def test_seconds_of_the_states_fill_each_slot_and_the_longest_names_it(fleet):
    context = fleet.context
    span = since_midnight(context.now(), context.zone, 10)
    found = quarter_hours(context, device(context.store, fleet.silent), span, Criterion.GWP)
    assert (found.seconds.sum(axis=1) == SLOT_S).all()
    recorded = found.seconds[:, :3].sum(axis=1) > 0
    assert {STATES[i] for i in found.state[recorded]} == {"off"}  # 300 s awake, 600 s off
    assert {STATES[i] for i in found.state[~recorded]} == {"no_record"}
    assert len(by_day(found)) == 10
