"""Forms of a message: the organisation's hashes, and schema 1 for collectors that read no other."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from parcimetre_agent.base.errors import Refused
from parcimetre_agent.configuration.settings import Settings
from parcimetre_agent.identification.hashes import keyed_hash, rekeyed
from parcimetre_agent.identification.organisation_key import key_text
from parcimetre_agent.report import (
    Disbelieved,
    Display,
    EnrolRequest,
    Guest,
    HardwareIdentity,
    Inventory,
    OperatingSystem,
    PowerSupply,
    Report,
    Slot,
    System,
)
from parcimetre_agent.sending import message_forms
from parcimetre_agent.sending.message_forms import RETRY_S, deliver, in_form
from parcimetre_agent.sending.transport import open_client
from parcimetre_agent.sending.wire_json import as_json
from pydantic import TypeAdapter

T = 1_800_000_000
EARLIER = json.loads(
    (Path(__file__).parents[2] / "data/wire-format/schema-1.json").read_text(encoding="utf-8")
)["$defs"]
KEY = bytes(range(32))
NAMES = ("machine", "earlier", "serial", "asset", "display", "display asset", "guest")
HASHES = {name: keyed_hash(name) for name in NAMES}
HARDWARE = HardwareIdentity(
    "1" * 32, "none", HASHES["machine"], HASHES["asset"], "LENOVO", "21AH", HASHES["earlier"]
)
INVENTORY = Inventory(
    T, "server", "none",
    System("LENOVO", "21AH", serial_hash=HASHES["serial"], asset_hash=HASHES["asset"]),
    OperatingSystem("Linux"),
    displays=[
        Display("DEL", "a0b1", False, serial_hash=HASHES["display"], asset_hash=HASHES["display asset"])
    ],
    guests=[Guest(HASHES["guest"], 4, 8192)],
    power_supplies=[PowerSupply("DELTA", rated_w=800.0)],
)  # fmt: skip
SLOT = Slot(T, 900, 0, 0, 0, 0, boot=3, disbelieved=[Disbelieved("rapl", "package", "too much")])
REPORT = Report(2, "d" * 32, T, "0.2.0", [SLOT], inventory=INVENTORY, hardware=HARDWARE)
ENROLMENT = EnrolRequest(2, "ps_x", HARDWARE, "server", "0.2.0")


class Memory(dict[str, Any]):
    """What a spool remembers."""

    def remember(self, **facts: Any) -> None:
        self.update(facts)


def _is_of_schema_1(document: dict[str, Any], name: str) -> bool:
    return Draft202012Validator({"$ref": f"#/$defs/{name}", "$defs": EARLIER}).is_valid(document)


@pytest.mark.parametrize("message", [REPORT, ENROLMENT], ids=["report", "enrolment"])
def test_the_earlier_form_is_what_collectors_of_schema_1_read(message) -> None:
    document = in_form(as_json(message), 1, key_text(KEY))
    assert _is_of_schema_1(document, type(message).__name__)
    assert not _is_of_schema_1(as_json(message), type(message).__name__)
    assert HASHES["machine"] in json.dumps(document) or message is REPORT
    assert HASHES["serial"] in json.dumps(document) or message is ENROLMENT


@pytest.mark.parametrize("message", [REPORT, ENROLMENT], ids=["report", "enrolment"])
def test_under_a_key_every_hash_is_rekeyed_once_and_the_form_is_named(message) -> None:
    plain, keyed = as_json(message), in_form(as_json(message), 2, key_text(KEY))
    assert keyed["hash_form"] == "organisation"
    text = json.dumps(plain)
    for product in HASHES.values():
        text = text.replace(product, rekeyed(product, KEY))
    assert json.loads(text) | {"hash_form": "organisation"} == keyed
    TypeAdapter(type(message)).validate_json(json.dumps(keyed))


def test_without_a_key_or_with_a_damaged_one_the_product_form_is_sent_and_named() -> None:
    for key in (None, "damaged"):
        assert in_form(as_json(REPORT), 2, key) == as_json(REPORT)


@pytest.fixture
def send(collector, reply_problem, monkeypatch):
    """Send a report at a second to a collector that reads up to a schema."""
    usual, memory = collector.answer, Memory()
    monkeypatch.setenv("NO_PROXY", "*")

    def at(second: float, newest: int) -> int:
        collector.answer = lambda path, body: (
            usual(path, body) if body["schema"] <= newest
            else (409, reply_problem(409, "update")[1] | {"type": "/problems/unknown-schema"}, {})
        )  # fmt: skip
        with open_client(Settings(server=collector.url)) as client:
            return deliver(client, "/v1/reports", REPORT, "c", key_text(KEY), memory, second).schema

    return at


def _tried(collector) -> list[int]:
    found = [body["schema"] for body in collector.bodies("/v1/reports")]
    collector.requests.clear()
    return found


def test_a_collector_of_schema_1_gets_the_earlier_form_and_is_tried_again_after_a_day(
    collector, send
) -> None:
    assert send(T, newest=1) == 1
    assert _tried(collector) == [2, 1]
    assert send(T + RETRY_S - 1, newest=1) == 1
    assert _tried(collector) == [1]
    assert send(T + RETRY_S, newest=1) == 1
    assert _tried(collector) == [2, 1]
    assert send(T + 2 * RETRY_S, newest=2) == 2
    assert _tried(collector) == [2]


def test_an_updated_agent_and_a_clock_set_back_try_the_new_schema_at_once(
    collector, send, monkeypatch
) -> None:
    send(T, newest=1)
    assert send(T - 1, newest=2) == 2
    send(T + RETRY_S, newest=1)
    monkeypatch.setattr(message_forms, "__version__", "99.0")
    assert send(T + RETRY_S + 1, newest=2) == 2


def test_a_collector_that_reads_neither_schema_is_told_apart(collector, send) -> None:
    with pytest.raises(Refused, match="update") as refused:
        send(T, newest=0)
    assert (refused.value.status, refused.value.kind) == (409, "unknown-schema")
