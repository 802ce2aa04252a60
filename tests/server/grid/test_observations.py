"""Observed slots: kept once, corrected by later files, and in the figures that follow."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from parcimetre_agent import report
from parcimetre_factors.grid.observations import GridObservation
from parcimetre_server.base.periods import Span
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.grid.feeds import parse_feed
from parcimetre_server.grid.observations import observations, store_observations
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

SAMPLE = Path(__file__).parents[2] / "data/grid/eco2mix.csv"
DAY = int(datetime(2023, 10, 2, tzinfo=UTC).timestamp())
SLOT_S, DAY_S = 900, 86_400


def slots(n, kg=0.05):
    """Readings of the first n slots of the day."""
    return [GridObservation(DAY + i * SLOT_S, "test", kg_per_kwh=kg) for i in range(n)]


def test_the_same_file_twice_changes_nothing_and_a_later_one_corrects(fleet):
    store = fleet.context.store
    first = store_observations(store, "FR", slots(8), now=1)
    assert (first.added, first.corrected, first.known, first.gaps) == (8, 0, 0, 0)
    again = store_observations(store, "FR", slots(8), now=2)
    assert (again.added, again.corrected, again.known) == (0, 0, 8)
    assert len(store.history("grid")) == 1
    late = store_observations(store, "FR", [*slots(3, kg=0.04), *slots(10)[8:]], now=3)
    assert (late.added, late.corrected, late.known, late.gaps) == (2, 3, 0, 5)
    kept = observations(store, "FR", DAY, DAY + DAY_S)
    assert kept.kg_per_kwh.tolist() == [0.04] * 3 + [0.05] * 7


def test_a_zone_s_slots_are_its_own_and_within_what_is_asked(fleet):
    store_observations(fleet.context.store, "FR", slots(96), now=1)
    assert observations(fleet.context.store, "DE", DAY, DAY + DAY_S) is None
    part = observations(fleet.context.store, "FR", DAY + 4 * SLOT_S, DAY + 6 * SLOT_S)
    assert part.starts.tolist() == [DAY + 4 * SLOT_S, DAY + 5 * SLOT_S]
    assert observations(fleet.context.store, "FR", DAY + DAY_S, DAY + 2 * DAY_S) is None


def test_a_zero_is_kept_as_a_zero(fleet):
    store_observations(fleet.context.store, "FR", slots(1, kg=0.0), now=1)
    assert observations(fleet.context.store, "FR", DAY, DAY + SLOT_S).kg_per_kwh.tolist() == [0.0]


def test_a_device_s_day_with_rte_s_slots_differs_from_the_year_s_mean_as_worked_out_by_hand(fleet, factors):
    """90 Wh counted at the wall in each quarter hour from 6:00 to 18:00 UTC of 2 October 2023.

    By hand: 48 x 0.09 kWh x 1.07 lost on the way x (mean of RTE's mix of those slots - year x profile).
    """
    key = DeviceId("e" * 32)
    about = {"category": "laptop", "org_unit": "M", "site": "S", "hostname": None, "simulated": False,
             "virtual": "none", "enrolled_at": DAY, "agent_version": "0.1.0"}  # fmt: skip
    wall = [report.Energy("pdu", "wall_ac", "measured", 90 * 3600.0, 900)]
    used = [report.Slot(DAY + i * SLOT_S, 900, 0, 0, 0, 0, [900, *[0] * 9], energy=wall)
            for i in range(24, 72)]  # fmt: skip
    fleet.context.store.append([Fact("device", key, DAY, about), Fact("site", "S", DAY, {"zone": "FR"})])
    fleet.context.store.write([WriteBatch(key, used)])
    query = FootprintQuery(Span(DAY, DAY + DAY_S), device=key)

    def use():
        (row,) = [row for row in footprint_rows(fleet.context, query, "stage") if row.group == "use"]
        assert row.energy_kwh == pytest.approx(48 * 0.09)
        return row

    before = use()
    feed = parse_feed(SAMPLE.read_text(), "FR")
    store_observations(fleet.context.store, "FR", feed, now=2)
    after = use()

    of_day = [reading for reading in feed if DAY + 24 * SLOT_S <= reading.start < DAY + 72 * SLOT_S]
    mixes = []
    for reading in of_day:
        mw = {fuel: max(0.0, mw) for fuel, mw in reading.produced_mw.items()}
        kg = sum(factors.get(f"fuel.{fuel}.gwp").value * one for fuel, one in mw.items())
        mixes.append(kg / sum(mw.values()))
    profile = [factors.get(f"grid_profile.fr.{i:02}").value for i in range(24, 72)]
    year = factors.get("grid.fr.2023.gwp").value
    assert len(mixes) == 48
    by_hand = 48 * 0.09 * 1.07 * (np.mean(mixes) - year * np.mean(profile))
    assert after.value - before.value == pytest.approx(by_hand)
    assert after.low < after.value < after.high


def test_every_door_shows_the_observed_slots(fleet, client_of):
    store_observations(fleet.context.store, "FR", slots(4, kg=0.1), now=1)
    answer = client_of(fleet.context).get(f"/v1/grid/FR?from={DAY}&to={DAY + 8 * SLOT_S}").json()
    assert [slot["tier"] for slot in answer["slots"]] == ["slot"] * 4 + ["profile"] * 4
    assert answer["slots"][0]["value"] == pytest.approx(0.107)
    assert "grid.published.error" in answer["factors"]
