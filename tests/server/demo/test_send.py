"""How the sender meets a collector's answers, without a network: httpx hands requests to a function."""

import gzip
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from parcimetre_agent.report import SLOT_S
from parcimetre_server.demo.beside import beside, send_beside
from parcimetre_server.demo.fleet import DemoDevice, fleet
from parcimetre_server.demo.send import (
    WAITING_PER_WORKER,
    WORKERS,
    CollectorClient,
    CollectorRefused,
    CollectorUnreachable,
    Sent,
    Simulated,
    connect,
    send,
)

URL = "http://collector.test"
FIRST = int(datetime(2025, 3, 24, tzinfo=UTC).timestamp())
LAST = FIRST + 3 * 86_400
Handler = Callable[[httpx.Request], httpx.Response]


def context(handler: Handler) -> CollectorClient:
    """A collector that answers with the handler."""
    return CollectorClient(URL, httpx.Client(transport=httpx.MockTransport(handler)))


def secret_of(device: Simulated) -> str:
    """The secret of a device's site."""
    return f"secret of {device.site}"


class Accepting:
    """Accepts everything, and remembers what came; busy for the first `busy` requests."""

    def __init__(self, busy: int = 0) -> None:
        self.busy = busy
        self.enrolled: list[dict[str, Any]] = []
        self.reported: list[tuple[str, dict[str, object]]] = []
        self.lock = threading.Lock()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            if self.busy:
                self.busy -= 1
                return httpx.Response(503, headers={"Retry-After": "0"})
            if request.url.path == "/v1/enrol":
                body = json.loads(request.content)
                self.enrolled.append(body)
                device_id = body["hardware"]["install_id"]
                config = {"upload_period_s": 3600}
                return httpx.Response(
                    200, json={"device_id": device_id, "credential": f"c-{device_id}", "config": config}
                )
            assert request.headers["Content-Encoding"] == "gzip"
            body = json.loads(gzip.decompress(request.content))
            self.reported.append((request.headers["Authorization"], body))
            answer = {"accepted": len(body["slots"]), "duplicates": 0, "refused": [], "next_upload_s": 3600}
            return httpx.Response(200, json=answer)


def sent_to(accepting: Accepting, devices: int) -> Sent:
    """What becomes of a fleet of so many devices."""
    answers = send(context(accepting), fleet(devices, seed=1), secret_of, FIRST, LAST)
    return sum(answers, start=Sent())


def test_every_device_enrols_once_as_simulated_with_the_secret_of_its_place() -> None:
    accepting = Accepting()
    sent = sent_to(accepting, 40)
    assert sent.devices == len(accepting.enrolled) == 40
    assert all(body["simulated"] is True for body in accepting.enrolled)
    assert {body["secret"] for body in accepting.enrolled} == {secret_of(d) for d in fleet(40, seed=1)}


def test_every_report_carries_the_credential_of_its_device() -> None:
    accepting = Accepting()
    sent_to(accepting, 20)
    assert all(credential == f"Bearer c-{body['device_id']}" for credential, body in accepting.reported)


def test_what_a_gateway_reports_names_it_and_carries_readings_and_feeds() -> None:
    accepting, those = Accepting(), beside(100, seed=1)
    sent = sum(send_beside(context(accepting), those, secret_of, FIRST, LAST), start=Sent())
    gateway, *relayed = accepting.enrolled
    assert sent.devices == len(relayed) == 8
    assert {body["relayed_by"] for body in relayed} == {gateway["hardware"]["install_id"]}
    assert all(body["simulated"] is True for body in relayed)
    assert {body["secret"] for body in relayed} == {secret_of(one) for one in those.devices}
    carried = {part for _, body in accepting.reported for part in ("printing", "feeds") if body[part]}
    assert carried == {"printing", "feeds"}


def test_sending_again_sends_the_same_records() -> None:
    once, again = Accepting(), Accepting()
    assert sent_to(once, 10) == sent_to(again, 10)
    assert _records(once) == _records(again)


def test_a_fleet_of_any_size_is_held_a_few_devices_at_a_time() -> None:
    made = []

    def counted() -> Iterator[DemoDevice]:
        for device in fleet(1_000_000, seed=1):
            made.append(device)
            yield device

    next(send(context(Accepting()), counted(), secret_of, FIRST, FIRST + SLOT_S))
    assert len(made) <= WORKERS * WAITING_PER_WORKER


def test_a_busy_collector_is_waited_for() -> None:
    accepting = Accepting(busy=7)
    assert sent_to(accepting, 5).devices == 5


@pytest.mark.parametrize(("status", "mend"), [(403, "--data-dir"), (422, "hardware.virtual")])
def test_a_refusal_shows_the_collectors_own_sentence(status: int, mend: str) -> None:
    problem = {"type": "about:blank", "status": status, "detail": "hardware.virtual: field required"}
    refusing = context(lambda _: httpx.Response(status, json=problem))
    with pytest.raises(CollectorRefused, match="field required") as refusal:
        list(send(refusing, fleet(3, seed=1), secret_of, FIRST, LAST))
    assert mend in str(refusal.value)


def test_an_answer_without_a_sentence_shows_its_status() -> None:
    broken = context(lambda _: httpx.Response(500, text="<html>"))
    with pytest.raises(CollectorRefused, match="500"):
        list(send(broken, fleet(3, seed=1), secret_of, FIRST, LAST))


def test_refused_records_are_counted_and_the_first_reason_kept() -> None:
    accepting = Accepting()

    def refusing(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/v1/enrol":
            return accepting(request)
        refused = [{"part": "slots", "index": 3, "reason": "in the future"}]
        return httpx.Response(
            200, json={"accepted": 1, "duplicates": 2, "refused": refused, "next_upload_s": 60}
        )

    sent = sum(send(context(refusing), fleet(1, seed=1), secret_of, FIRST, LAST), start=Sent())
    assert sent == Sent(devices=1, accepted=1, duplicates=2, refused=1, reason="in the future")


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1:1", "127.0.0.1:8787", "http://[", "ftp://here"],
    ids=["closed", "bare", "bad", "ftp"],
)
def test_an_address_where_nobody_answers_is_said_with_the_mend(url: str) -> None:
    with pytest.raises(CollectorUnreachable, match="--server"), connect(url):
        pass


def _records(accepting: Accepting) -> list[str]:
    return sorted(json.dumps([body["slots"], body["gaps"]]) for _, body in accepting.reported)
