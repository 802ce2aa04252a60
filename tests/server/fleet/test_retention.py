"""Older time is rolled up on its own: figures stay explained, and move by no more than what is documented."""

import json
from dataclasses import asdict, replace

import pytest
from click.testing import CliRunner
from parcimetre_agent.report import Gap
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import recompute
from parcimetre_server.access.disclosure import FEWEST
from parcimetre_server.access.opening import open_context
from parcimetre_server.analysis.hourly_energy import (
    _Group,
    _large_enough,
    store_hourly_energy,
    stored_hourly_energy,
)
from parcimetre_server.base.errors import BadSetting
from parcimetre_server.base.periods import Span
from parcimetre_server.cli.store import command
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.demo.fleet import fleet as demo_fleet
from parcimetre_server.demo.records import activity
from parcimetre_server.fleet.retention import KeptAs, resolution_of, retain
from parcimetre_server.footprint.compute import compute_footprint, footprint_rows
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.explanation.notes import DAYS_KEPT, HOURS_KEPT
from parcimetre_server.footprint.explanation.org_unit import explain_unit
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.ingest.plausibility import expand
from parcimetre_server.operations import jobs
from parcimetre_server.operations.retention import roll_up_older
from parcimetre_server.organisation import audit
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from ..conftest import DAY_S, NOW, TODAY

FIRST = TODAY - 500 * DAY_S
SPAN = Span(FIRST, FIRST + 2 * DAY_S)
DAY, LATER = FIRST // DAY_S, TODAY // DAY_S - 400


def records(device, first):
    for record in activity(device, first, first + 2 * DAY_S):
        yield from expand(record) if isinstance(record, Gap) else [record]


@pytest.fixture
def old(tmp_path, clock_at):
    """Twenty devices of the demo, with two days of records 500 days ago and two of last week."""
    context = open_context(Settings(tmp_path / "data"), create=True)
    for device in demo_fleet(20, 1):
        body = {
            "category": device.category, "org_unit": "Ville", "site": "Mairie", "hostname": None,
            "simulated": True, "virtual": device.model.virtual, "enrolled_at": FIRST, "agent_version": "1",
        }  # fmt: skip
        facts = [
            Fact("device", device.install_id, FIRST, body),
            Fact("inventory", device.install_id, FIRST, asdict(device.inventory(FIRST))),
        ]
        slots = [*records(device, FIRST), *records(device, TODAY - 7 * DAY_S)]
        context.store.write([WriteBatch(DeviceId(device.install_id), slots, facts)])
    context.store.append([Fact("site", "Mairie", FIRST, {"zone": "FR"})])
    context.store.tidy(NOW)
    yield context
    context.store.close()


def rows(context, span=SPAN, interval="total", group_by="device"):
    return {
        (row.group, row.period): row
        for row in footprint_rows(context, FootprintQuery(span, Criterion.GWP, interval), group_by)
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hours", "energy", "impact"), [(1, 0.002, 0.002), (24, 0.005, 0.05)], ids=["hours", "days"]
)
def test_figures_move_by_no_more_than_documented_and_coverage_does_not(old, hours, energy, impact):
    before, single = rows(old, group_by="stage"), rows(old)
    recent = rows(old, Span(TODAY - 7 * DAY_S, TODAY), "hour")
    for each in (1, hours):
        old.store.roll_up(LATER, each)
    after = rows(old, group_by="stage")
    use = next(key for key in before if key[0] == "use")
    assert after[use].energy_kwh == pytest.approx(before[use].energy_kwh, rel=energy)
    assert after[use].value == pytest.approx(before[use].value, rel=impact)
    assert {key: row.value for key, row in after.items() if key != use} == {
        key: row.value for key, row in before.items() if key != use
    }
    assert {key: row.coverage for key, row in rows(old).items()} == {
        key: r.coverage for key, r in single.items()
    }
    assert rows(old, Span(TODAY - 7 * DAY_S, TODAY), "hour") == recent


@pytest.mark.slow
@pytest.mark.parametrize(("hours", "note"), [(1, HOURS_KEPT), (24, DAYS_KEPT)], ids=["hours", "days"])
def test_an_explanation_recomputes_to_the_figure_and_says_what_is_kept(old, hours, note):
    for each in (1, hours):
        old.store.roll_up(LATER, each)
    for (device, _), row in rows(old).items():
        found = explain_device(old, DeviceId(device), SPAN, Criterion.GWP)
        assert recompute(found.term) == found.term.value
        assert found.term.value == pytest.approx(row.value, rel=1e-12)
        assert note in found.notes
    assert note in explain_unit(old, "Ville", SPAN, Criterion.GWP).notes
    recent = explain_unit(old, "Ville", Span(TODAY - 7 * DAY_S, TODAY), Criterion.GWP)
    assert not {HOURS_KEPT, DAYS_KEPT} & set(recent.notes)


def test_sums_of_days_in_memory_give_way_to_what_is_kept(old):
    def figures(few=0):
        found = compute_footprint(old, FootprintQuery(SPAN, Criterion.GWP), few=few).rows("device")
        return {(row.group, row.period): (row.energy_kwh, row.value) for row in found}

    before = figures()
    for hours in (1, 24):
        old.store.roll_up(LATER, hours)
        remembered = figures()
        computed = figures(few=10**9)
        assert remembered == {key: pytest.approx(values, rel=1e-12) for key, values in computed.items()}
        assert remembered != before


def test_the_job_rolls_up_what_is_old_enough_and_says_so_in_the_audit_log(old):
    assert jobs._retain(old)
    assert jobs._retain(old)
    assert [(one.act, one.after) for one in audit.entries(old.store, "store")] == [
        ("history rolled up", {"device-days to hours": 40, "device-days to days": 0})
    ]
    later = NOW + 700 * DAY_S
    assert retain(old.store, later, old.zone, 400, 1100).to_days == 40
    assert retain(old.store, later, old.zone, 0, 0) == retain(old.store, later, old.zone, 400, 1100)


def test_the_command_tells_first_and_does_it_then(old, tmp_path, monkeypatch):
    monkeypatch.setenv("LC_ALL", "C")

    def run(*more):
        done = CliRunner().invoke(command, ["retain", "--data-dir", str(tmp_path / "data"), *more])
        assert done.exception is None, done.exception
        return done.stdout

    asked = ("--keep-slots-days", "400", "--keep-hours-days", "450")
    assert run(*asked, "--dry-run") == ("40 days of devices would be rolled up to hours, 40 to days.\n")
    assert json.loads(run(*asked, "--json"))["to_days"] == 40
    assert run(*asked) == "0 days of devices were rolled up to hours, 0 to days.\n"
    assert CliRunner().invoke(command, ["retain", "--keep-slots-days", "6"]).exit_code != 0


def test_what_is_kept_of_a_span_is_told_in_parts(old):
    whole = Span(FIRST, TODAY)
    assert resolution_of(old.store, whole) == KeptAs(None, None)
    old.store.roll_up(LATER, 1)
    old.store.roll_up(DAY + 1, 24)
    first, second = FIRST + DAY_S, LATER * DAY_S
    assert resolution_of(old.store, whole) == KeptAs(Span(first, second), Span(FIRST, first))
    assert resolution_of(old.store, Span(FIRST, first)) == KeptAs(None, Span(FIRST, first))


@pytest.mark.parametrize(("slots", "hours"), [(6, 1100), (400, 399), (1, 0)])
def test_time_that_is_kept_too_shortly_is_refused_with_the_mend(tmp_path, slots, hours):
    with pytest.raises(BadSetting, match="0 sets no limit"):
        Settings(tmp_path, keep_slots_days=slots, keep_hours_days=hours)
    Settings(tmp_path, keep_slots_days=7, keep_hours_days=7)
    Settings(tmp_path, keep_slots_days=0, keep_hours_days=0)


def test_hours_of_large_enough_groups_stay_when_those_of_devices_go(old):
    hourly = rows(old, interval="hour", group_by="category")
    settings = replace(old.settings, keep_slots_days=7, keep_hours_days=7)
    assert jobs._retain(replace(old, settings=settings))
    assert old.store.rolled_up().hours_of(DAY) == 24
    stored = list(stored_hourly_energy(old.store, SPAN))
    assert {begin for begin, _ in stored} == {FIRST, FIRST + DAY_S}
    assert all(group.devices >= FEWEST and len(group.energy_wh) == 24 for _, group in stored)
    kept = {group.category for _, group in stored}
    assert kept
    for category in kept:
        before = sum(row.energy_kwh for (name, _), row in hourly.items() if name == category)
        after = sum(sum(group.energy_wh) for _, group in stored if group.category == category) / 1000
        assert after == pytest.approx(before, abs=0.0005 * len(stored) * 24)
    again = len(old.store.history("hourly_energy"))
    assert jobs._retain(replace(old, settings=settings))
    assert len(old.store.history("hourly_energy")) == again


def test_a_store_without_records_has_no_hourly_energy(empty):
    assert store_hourly_energy(empty, empty.now() // DAY_S) == 0


def test_small_groups_join_the_unit_above_or_are_left_out():
    def group(*names):
        made = _Group(set(names))
        made.energy_j = made.energy_j + 3600.0 * len(names)
        return made

    found = _large_enough(
        {
            ("FR", "Ville/A/x", "laptop"): group("1", "2"),
            ("FR", "Ville/A", "laptop"): group("3", "4", "5"),
            ("FR", "Ville/B", "laptop"): group("6", "7", "8", "9", "10", "11"),
            ("FR", "Ville/B", "desktop"): group("12", "13", "14", "15"),
        }
    )
    assert {key: len(one.devices) for key, one in found.items()} == {
        ("FR", "Ville/A", "laptop"): 5, ("FR", "Ville/B", "laptop"): 6,
    }  # fmt: skip
    assert found["FR", "Ville/A", "laptop"].energy_j.tolist() == [18000.0] * 24


def test_a_collector_without_records_has_no_hours_to_store(empty):
    roll_up_older(empty, 400, 1100)
    assert empty.store.latest("hourly_energy") == {}
