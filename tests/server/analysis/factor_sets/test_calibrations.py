"""A fleet's calibrations: from its battery sessions to factors that wait to be adopted."""

import json
from dataclasses import asdict, replace

import pytest
from click.testing import CliRunner
from parcimetre_agent import report
from parcimetre_agent.report import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.verification import first_difference
from parcimetre_server.analysis.factor_sets.calibrations import calibrate_models
from parcimetre_server.base.periods import DAY_S, Span
from parcimetre_server.cli import factors as command
from parcimetre_server.configuration.factor_sets import in_force
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.explanation.as_json import as_json
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

WATTS = {"0": 9.0, "1": 10.0, "2": 11.0}
DAYS = 3


def laptops(today, model, watts=WATTS, simulated=False):
    """Laptops of a model, 16 hours a day for three days with the display on, every other hour on battery."""
    system = report.System(maker="Dell Inc.", model=model)
    debian = report.OperatingSystem("Linux", "12")
    made = report.Inventory(taken_at=today, category="laptop", virtual="none", system=system, os=debian)
    for name, taken in watts.items():
        key = DeviceId(name * 32)
        body = {
            "category": "laptop", "org_unit": "Métropole/Ville", "site": "Hôtel de Ville", "hostname": None,
            "simulated": simulated, "virtual": "none", "enrolled_at": today - 9 * DAY_S, "agent_version": "1",
        }  # fmt: skip
        counted = report.Energy("battery", "battery", "measured", taken * SLOT_S, SLOT_S)
        starts = (
            today - day * DAY_S + 6 * 3600 + i * SLOT_S for day in range(1, DAYS + 1) for i in range(64)
        )
        slots = [
            report.Slot(
                start, SLOT_S, 0, 0, 0, 0, [SLOT_S, *[0] * 9], energy=[counted] if start // 3600 % 2 else []
            )
            for start in starts
        ]
        facts = [Fact("device", key, today - 9 * DAY_S, body), Fact("inventory", key, today, asdict(made))]
        yield WriteBatch(key, slots, facts)


@pytest.fixture
def span(fleet):
    return Span(fleet.today - DAYS * DAY_S, fleet.today)


@pytest.fixture
def run(fleet, monkeypatch):
    """Run a subcommand on the fleet's data folder; what it prints."""
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr("parcimetre_server.base.clock.now", lambda: fleet.now)
    folder = ["--data-dir", str(fleet.context.settings.data_dir)]

    def go(*words):
        return CliRunner().invoke(command.command, [*folder, *words], catch_exceptions=False).output

    return go


def test_a_model_with_enough_time_on_battery_is_calibrated(fleet, span):
    fleet.context.store.write(list(laptops(fleet.today, "Latitude 7420")))
    [found] = calibrate_models(fleet.context, span)
    assert found.hardware.model == "Latitude 7420"
    assert (found.calibration.devices, found.calibration.hours) == (3, 72.0)
    assert found.calibration.low < found.calibration.ratio < found.calibration.high


def test_simulated_devices_and_few_ones_calibrate_nothing(fleet, span):
    fleet.context.store.write(list(laptops(fleet.today, "Latitude 7420", simulated=True)))
    fleet.context.store.write(list(laptops(fleet.today, "Latitude 7320", {"3": 9.0, "4": 10.0})))
    assert calibrate_models(fleet.context, span) == []


def test_plugged_in_slots_follow_the_calibration_once_it_is_adopted(fleet, span, run):
    """And the explanation holds: figures, factors and their sources recompute."""
    fleet.context.store.write(list(laptops(fleet.today, "Latitude 7420")))
    folder = fleet.context.settings.data_dir
    one, before = DeviceId("0" * 32), in_force(folder)

    def energy(context):
        found = footprint_rows(context, FootprintQuery(span, device=one), "power_source")
        return {row.group: row.energy_kwh for row in found}

    told = json.loads(run("calibrate", "--json"))
    assert [row["name"] for row in told] == ["Dell Inc. Latitude 7420"]
    assert in_force(folder).id == before.id
    run("adopt")
    after = replace(fleet.context, factors=in_force(folder))
    plain, calibrated = energy(fleet.context), energy(after)
    assert calibrated["battery"] == plain["battery"]
    assert calibrated["load_model"] == pytest.approx(told[0]["value"] * plain["load_model"], rel=1e-5)
    explained = as_json(explain_device(after, one, span, Criterion.GWP))
    assert first_difference(json.loads(json.dumps(explained)), after.factors) is None
    assert "fleet-battery-sessions" in {factor["source"]["id"] for factor in explained["factors"]}


def test_calibrating_again_gives_the_same_and_keeps_own_tables(fleet, run):
    fleet.context.store.write(list(laptops(fleet.today, "Latitude 7420")))
    folder = fleet.context.settings.data_dir
    for words in ("calibrate", "adopt"):
        run(words)
    once = in_force(folder)
    for words in ("calibrate", "adopt"):
        run(words)
    own = [f for f in once.table("client_power") if f.id.startswith("power.calibration.")]
    assert [f.id for f in own] == ["power.calibration.dell-inc-latitude-7420"]
    assert in_force(folder).id == once.id


def test_without_sessions_there_is_nothing_to_adopt(fleet, run):
    assert json.loads(run("calibrate", "--json")) == []
    assert "nothing to calibrate" in run("calibrate")
    assert not (fleet.context.settings.data_dir / "factors" / "candidate").exists()
