"""The agents of a fleet: what is denied, what was lost, and what measuring costs."""

import json

import pytest
from parcimetre_agent.report import Losses, Report, SelfCost, SensorOutcome, SetAside
from parcimetre_agent.sending.wire_json import as_json
from parcimetre_server.access.presence import day_of
from parcimetre_server.analysis.agent_health import agent_of, busy_thread_w, fleet_agents
from parcimetre_server.base.units import J_PER_KWH
from parcimetre_server.fleet.devices import device
from parcimetre_server.fleet.hardware import hardware
from parcimetre_server.footprint.hardware_model import hardware_models
from parcimetre_server.ingest.intake import accept_report
from parcimetre_server.store.records import Fact

DAY_S = 86_400
GRANT = "put the agent's account into group parcimetre"


def _arrives(fleet, device_id, **about):
    report = Report(1, device_id, fleet.now, "0.2.0", **about)
    taken = accept_report(json.dumps(as_json(report)).encode(), device_id, fleet.context.store, fleet.now)
    fleet.context.store.write([taken.arrival])
    return taken


def _denied(fleet, device_id, *outcomes):
    body = dict(fleet.context.store.latest_of("inventory", device_id).body)
    told = [
        {"sensor": one.sensor, "state": one.state, "grant": one.grant, "detail": one.detail}
        for one in outcomes
    ]
    fleet.context.store.append([Fact("inventory", device_id, fleet.now, body | {"outcomes": told})])


def test_denials_with_the_same_mend_are_one_line_of_work_and_the_most_common_comes_first(fleet):
    rapl = SensorOutcome("power.rapl", "denied", "energy_uj may not be read", GRANT)
    dmi = SensorOutcome("inventory.dmi", "denied", "product_serial may not be read", "run as root")
    _denied(fleet, fleet.laptop, rapl, SensorOutcome("power.battery", "no_data", "no battery"))
    _denied(fleet, fleet.server, rapl, dmi)
    found = fleet_agents(fleet.context)
    assert [(one.sensor, one.grant, one.count) for one in found.work] == [
        ("power.rapl", GRANT, 2),
        ("inventory.dmi", "run as root", 1),
    ]
    assert {device for device, _ in found.work[0].some} == {fleet.laptop, fleet.server}


def test_org_unit_sees_its_own_agents_only(fleet):
    assert {one.device for one in fleet_agents(fleet.context, "Métropole/DSI").agents} == {
        fleet.server,
        fleet.silent,
    }


def test_cost_is_processor_time_times_what_a_busy_thread_adds_times_the_grid(fleet):
    _arrives(fleet, fleet.laptop, self_cost=SelfCost(9.0, 16.0, 99, 60.0, 8.0, 60_000, 2.0 * DAY_S))
    cost = agent_of(fleet.context, device(fleet.context.store, fleet.laptop)).cost
    assert (cost.cpu_s_per_day, cost.bytes_per_day, cost.peak_rss_mib) == (4.0, 30_000, 16.0)
    model = hardware_models(fleet.context.factors).of(hardware(device(fleet.context.store, fleet.laptop)))
    assert cost.energy_kwh_per_day == pytest.approx(4.0 * busy_thread_w(model) / J_PER_KWH)
    assert 0 < busy_thread_w(model) < model.watts["decile9"].value - model.watts["decile0"].value
    assert 0 < cost.low < cost.gwp_kgco2e_per_day < cost.high < 1e-3


def test_agent_that_tells_no_sums_is_judged_by_its_last_period(fleet):
    _arrives(fleet, fleet.laptop, self_cost=SelfCost(0.5, 16.0, 1000, 3600.0))
    cost = agent_of(fleet.context, device(fleet.context.store, fleet.laptop)).cost
    assert (cost.cpu_s_per_day, cost.bytes_per_day) == (12.0, 24_000)


def test_first_report_ever_covers_no_time_and_gives_no_cost(fleet):
    _arrives(fleet, fleet.laptop, self_cost=SelfCost(0.5, 16.0, 1000, 0.0, 0.5, 1000, 0.0))
    assert fleet_agents(fleet.context).cost is None


def test_fleet_costs_what_its_agents_cost_together(fleet):
    for one, cpu_s in ((fleet.laptop, 2.0), (fleet.server, 6.0)):
        _arrives(fleet, one, self_cost=SelfCost(cpu_s, 15.0, 10, 3600.0, cpu_s, 10, float(DAY_S)))
    found = fleet_agents(fleet.context)
    assert (found.cost.agents, found.cost.cpu_s_per_day) == (2, 8.0)
    single = [one.cost.gwp_kgco2e_per_day for one in found.agents if one.cost]
    assert found.cost.gwp_kgco2e_per_day == pytest.approx(sum(single))


def test_losses_are_kept_when_they_change_and_added_up(fleet):
    lost = Losses(3, 8, 1, 0, [SetAside(fleet.today, "slots[0]: no")])
    for _ in range(2):
        _arrives(fleet, fleet.laptop, losses=lost)
    _arrives(fleet, fleet.server, losses=Losses(1, 0, 0, 1))
    assert len(fleet.context.store.history("losses", fleet.laptop)) == 1
    assert fleet_agents(fleet.context).lost == {"dropped": 4, "coarsened": 8, "refused": 1, "damaged": 1}


def test_report_tells_when_the_agent_was_heard_and_what_it_holds_back(fleet, client_of):
    credential = client_of(fleet.context).app.state.credentials.issue(fleet.laptop, fleet.now)
    report = as_json(Report(1, fleet.laptop, fleet.now, "0.1.0", waiting=480))
    headers = {"Authorization": f"Bearer {credential}"}
    assert client_of(fleet.context).post("/v1/reports", json=report, headers=headers).status_code == 200
    told = client_of(fleet.context).get(f"/v1/devices/{fleet.laptop}").json()["agent"]
    assert (told["last_seen"], told["waiting"]) == (day_of(fleet.now, fleet.context.zone), 480)


def test_api_lists_agents_versions_and_work(fleet, reader):
    _denied(fleet, fleet.laptop, SensorOutcome("power.rapl", "denied", "no", GRANT))
    told = reader.get("/v1/agents", params={"limit": 2}).json()
    assert (told["count"], len(told["agents"]), told["versions"]) == (4, 2, {"0.1.0": 4})
    assert told["work"] == [
        {
            "sensor": "power.rapl",
            "grant": GRANT,
            "count": 1,
            "some": [[fleet.laptop, told["work"][0]["some"][0][1]]],
        }
    ]


@pytest.mark.parametrize(("lang", "words"), [("en", "To be granted"), ("fr", "À autoriser")])
def test_page_shows_the_mend_the_losses_and_the_cost(fleet, reader, lang, words):
    _denied(fleet, fleet.laptop, SensorOutcome("power.rapl", "denied", "no", "grant <it>"))
    _arrives(fleet, fleet.laptop, self_cost=SelfCost(2.0, 15.0, 10, 3600.0, 2.0, 10, float(DAY_S)))
    _arrives(fleet, fleet.laptop, losses=Losses(3, 8, 1, 0, [SetAside(fleet.today, "slots[0]: no")]))
    for path in ("/agents", f"/devices/{fleet.laptop}"):
        page = reader.get(path, params={"lang": lang})
        assert page.status_code == 200
        assert words in page.text
        assert "grant &lt;it&gt;" in page.text
        assert "µg" in page.text or "mg" in page.text
    assert "slots[0]: no" in page.text
    assert 'href="/agents"' in reader.get("/").text


def test_page_of_nobody_says_so(empty, client_of):
    assert "No agent has reported its cost yet" in client_of(empty).get("/agents", params={"lang": "en"}).text
