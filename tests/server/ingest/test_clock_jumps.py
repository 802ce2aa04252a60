"""The collector's clock jumps: what agents measured is stored once, then or after it is set right."""

import json

import pytest
from parcimetre_agent.report import EnrolRequest, HardwareIdentity
from parcimetre_agent.sending.wire_json import as_json
from parcimetre_server.fleet.enrolment import create_secret

from ..conftest import NOW, SLOT_S, slot

YEAR_S = 365 * 86_400


@pytest.fixture
def send(empty, client_of):
    """Sends slots of one enrolled device, whose own clock is right; the answer."""
    _, secret = create_secret(empty, "Ville")
    client = client_of(empty)
    asked = EnrolRequest(1, secret, HardwareIdentity("a" * 32, "none", "f" * 64), "laptop", "0.1.0")
    told = client.post("/v1/enrol", json=as_json(asked)).json()
    headers = {"Authorization": f"Bearer {told['credential']}"}

    def go(numbers):
        made = [as_json(slot(NOW // SLOT_S * SLOT_S - (n + 1) * SLOT_S)) for n in numbers]
        about = {"schema": 1, "device_id": told["device_id"], "sent_at": NOW, "agent_version": "0.1.0"}
        return client.post("/v1/reports", content=json.dumps({**about, "slots": made}), headers=headers)

    def kept():
        return len(empty.store.activity(told["device_id"], 0, NOW + SLOT_S).start)

    go.kept = kept
    return go


def counts(answer):
    told = answer.json()
    return told["accepted"], told["duplicates"], len(told["refused"])


def test_a_year_ahead_slots_are_still_taken_and_counted_once(send, clock_at, empty):
    assert counts(send(range(4))) == (4, 0, 0)
    clock_at(NOW + YEAR_S)
    empty.store.tidy(NOW + YEAR_S)
    assert counts(send(range(8))) == (4, 4, 0)
    clock_at(NOW)
    empty.store.tidy(NOW)
    assert counts(send(range(10))) == (2, 8, 0)
    assert send.kept() == 10


def test_a_year_back_nothing_is_taken_nor_refused_for_good_and_the_log_says_why(send, clock_at, caplog):
    assert counts(send(range(4))) == (4, 0, 0)
    clock_at(NOW - YEAR_S)
    answer = send(range(8))
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/clock-ahead")
    assert "set the clock with NTP" in caplog.text
    clock_at(NOW)
    assert counts(send(range(8))) == (4, 4, 0)
    assert send.kept() == 8
