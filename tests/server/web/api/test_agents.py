"""What agents ask of the collector over HTTP, against the real app."""

import gzip
import json
from dataclasses import asdict

import pytest
import zstandard
from parcimetre_agent.report import Report, Slot
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.fleet.retirement import retire

PROBLEM = "application/problem+json"
ENROL = {
    "schema": 1,
    "hardware": {"install_id": "1" * 32, "virtual": "none", "fingerprint": "f" * 64},
    "category": "laptop",
    "agent_version": "0.1.0",
}


@pytest.fixture
def client(empty, client_of):
    """A client of a collector nobody has reported to."""
    return client_of(empty)


@pytest.fixture
def agent(empty, client):
    """An enrolled agent: what it posts reports with."""
    _, secret = create_secret(empty, "Métropole/Ville")
    answer = client.post("/v1/enrol", json=ENROL | {"secret": secret})
    assert answer.status_code == 200, answer.text
    told = answer.json()

    def post(document, pack=json.dumps, **headers):
        body = pack(document)
        headers = {"Authorization": f"Bearer {told['credential']}"} | headers
        return client.post("/v1/reports", content=body, headers=headers)

    post.device_id, post.told = told["device_id"], told
    return post


def report(context, agent, slots=1, **about):
    """A report of the last slots."""
    start = context.now() // 900 * 900
    made = [Slot(start - i * 900, 900, 0, 0, 0, 0) for i in range(1, slots + 1)]
    return asdict(Report(1, agent.device_id, context.now(), "0.1.0", made)) | about


def test_enrolment_answers_with_device_credential_and_settings(agent, empty):
    assert agent.told["config"] == {"upload_period_s": empty.settings.upload_period_s}
    assert set(agent.told) == {"device_id", "credential", "config"}


@pytest.mark.parametrize(
    "headers",
    [{}, {"Content-Encoding": "gzip"}, {"Content-Encoding": "zstd"}],
    ids=["plain", "gzip", "zstd"],
)
def test_a_report_is_on_disk_when_it_is_acknowledged(agent, empty, headers):
    pack = {None: lambda body: body, "gzip": gzip.compress, "zstd": zstandard.compress}
    packed = pack[headers.get("Content-Encoding")]
    answer = agent(report(empty, agent, 3), lambda document: packed(json.dumps(document).encode()), **headers)
    assert answer.json() == {"accepted": 3, "duplicates": 0, "refused": [], "next_upload_s": 3600}
    assert empty.store.span(agent.device_id) is not None
    again = agent(report(empty, agent, 3))
    assert (again.json()["accepted"], again.json()["duplicates"]) == (0, 3)


def test_refusals_travel_in_the_answer_of_the_good_records(agent, empty):
    told = report(empty, agent, 2)
    told["slots"][0]["off_s"] = 7
    answer = agent(told).json()
    assert answer["accepted"] == 1
    assert answer["refused"][0]["index"] == 0
    assert len(empty.store.history("dead_letter")) == 1


@pytest.mark.parametrize(
    ("about", "status", "kind"),
    [
        ({"schema": 99}, 409, "unknown-schema"),
        ({"sent_at": 4_000_000_000}, 409, "clock-ahead"),
        ({"device_id": "e" * 32}, 403, "not-your-device"),
        ({"agent_version": 7}, 422, "bad-report"),
    ],
)
def test_a_report_that_cannot_be_taken_is_answered_with_a_problem(agent, empty, about, status, kind):
    answer = agent(report(empty, agent, 1) | about)
    assert answer.status_code == status
    assert answer.headers["content-type"] == PROBLEM
    assert answer.json()["type"].endswith(kind)
    assert empty.store.span(agent.device_id) is None


def test_a_report_of_schema_2_is_accepted_with_all_that_it_added(agent, empty):
    told = report(empty, agent, 1, schema=2, hash_form="organisation")
    reason = {"source": "rapl", "scope": "package", "reason": "more than the processor can draw"}
    told["slots"][0] |= {"boot": 7, "disbelieved": [reason]}
    told["hardware"] = {"install_id": "1" * 32, "virtual": "none", "fingerprint": "a" * 64} | {
        "earlier_fingerprint": "f" * 64, "asset_hash": "b" * 64, "maker": "LENOVO", "model": "21AH"
    }  # fmt: skip
    told["inventory"] = {
        "taken_at": empty.now(), "category": "server", "virtual": "none", "os": {"name": "Linux"},
        "system": {"maker": "LENOVO", "serial_hash": "c" * 64, "asset_hash": "b" * 64},
        "guests": [{"guest_hash": "d" * 64, "vcpus": 4, "memory_mib": 8192}],
        "power_supplies": [{"maker": "DELTA", "model": "X", "rated_w": 800.0, "efficiency": 0.94}],
    }  # fmt: skip
    answer = agent(told).json()
    assert (answer["accepted"], answer["refused"]) == (1, [])
    stored = empty.store.latest_of("inventory", agent.device_id).body
    assert stored["guests"] == told["inventory"]["guests"]
    assert stored["power_supplies"] == told["inventory"]["power_supplies"]


def test_a_damaged_hardware_costs_only_itself(agent, empty):
    answer = agent(report(empty, agent, 1, schema=2, hardware={"install_id": "short"})).json()
    assert (answer["accepted"], [one["part"] for one in answer["refused"]]) == (1, ["hardware"])


def test_a_body_beyond_the_limit_is_refused(agent):
    answer = agent("x" * (1 << 20) + "x", str)
    assert (answer.status_code, answer.headers["content-type"]) == (413, PROBLEM)


def test_without_a_credential_nothing_is_read(agent, empty):
    answer = agent(report(empty, agent), Authorization="Bearer nonsense")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_retired_device_is_no_longer_heard(agent, empty, client):
    client.app.state.credentials.refresh_s = 0.0
    retire(empty.store, agent.device_id, empty.now())
    assert agent(report(empty, agent)).status_code == 401


def test_overload_says_when_to_come_again(agent, empty, client):
    writer = client.app.state.writer
    writer._most_waiting = 0
    answer = agent(report(empty, agent))
    assert (answer.status_code, answer.headers["content-type"]) == (503, PROBLEM)
    assert int(answer.headers["retry-after"]) > 0


@pytest.mark.parametrize(
    ("about", "status"),
    [({"secret": "ps_no"}, 403), ({"secret": ""}, 422), ({"schema": 3, "secret": "x"}, 409)],
)
def test_an_enrolment_that_cannot_be_taken_is_answered_with_a_problem(client, about, status):
    answer = client.post("/v1/enrol", json=ENROL | about)
    assert (answer.status_code, answer.headers["content-type"]) == (status, PROBLEM)
    assert answer.json()["detail"]


def test_health_is_answered(client):
    assert client.get("/healthz").status_code == 200
    assert client.get("/readyz").status_code == 200


def test_a_credential_of_a_month_is_replaced_in_the_answer(empty, agent, client, clock_at):
    assert "credential" not in agent(report(empty, agent)).json()
    clock_at(empty.now() + 31 * 86_400)
    told = agent(report(empty, agent)).json()
    fresh = {"Authorization": f"Bearer {told['credential']}"}
    again = agent(report(empty, agent), **fresh)
    assert (again.status_code, again.json().get("credential")) == (200, None)


def test_a_device_that_reports_without_end_is_told_when_to_come_again(empty, agent):
    answers = [agent(report(empty, agent)) for _ in range(empty.settings.report_burst + 1)]
    assert {answer.status_code for answer in answers[:-1]} == {200}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["Retry-After"]) <= 60
    assert answers[-1].json()["type"] == "/problems/too-often"
