"""Every number of a report has bounds; what is out of them is left out alone, named, and a dead letter."""

import json
from dataclasses import asdict

import pytest
from parcimetre_agent.report import Report, SelfCost
from parcimetre_server.access.credentials import Credentials
from parcimetre_server.store.records import DeviceId, Fact

from tests.server.conftest import NOW, inventory, slot

DEVICE = DeviceId("d" * 32)
START = NOW // 900 * 900 - 900
BODY = {
    "category": "laptop", "org_unit": "Métropole", "site": "default", "hostname": None, "simulated": False,
    "virtual": "none", "install_id": "1" * 32, "fingerprint": None, "enrolled_at": NOW - 86_400,
    "agent_version": "0.1.0", "relayed_by": None, "retired_at": None, "scrapped": False,
}  # fmt: skip


@pytest.fixture
def post(empty, client_of):
    """Post a report of an enrolled laptop, given as JSON or as its parts; return the answer."""
    empty.store.append([Fact("device", DEVICE, NOW - 86_400, BODY)])
    reader = client_of(empty)
    credential = Credentials(empty).issue(DEVICE, NOW - 86_400)

    def send(text=None, **parts):
        made = json.dumps(asdict(Report(2, DEVICE, NOW, "0.1.0")) | parts)
        headers = {"authorization": f"Bearer {credential}"}
        return reader.post("/v1/reports", content=text or made, headers=headers)

    return send


def told(**changes):
    return asdict(inventory("laptop")) | changes


def letters(context):
    return [fact.body for fact in context.store.history("dead_letter")]


OUT_OF_BOUNDS = {
    "memory": ("memory", {"size_mib": 10**400}),
    "memory of nothing": ("memory", {"size_mib": 0}),
    "memory in bytes": ("memory", {"size_mib": 17_179_869_184}),
    "module": ("memory", {"size_mib": 8_388_608, "form": "DIMM"}),
    "drive": ("disks", {"size_bytes": 2 * 10**15, "kind": "ssd"}),
    "disk": ("disks", {"size_bytes": 10**400, "kind": "ssd"}),
    "display": ("displays", {"maker": "DEL", "product": "a", "built_in": False, "width_mm": 10**9}),
    "pixels": ("displays", {"maker": "DEL", "product": "a", "built_in": False, "height_px": 10**400}),
    "graphics": ("gpus", {"memory_mib": 10**30}),
    "battery": ("batteries", {"design_mwh": 10**400}),
    "processor": ("cpus", {"model": "x", "units": 65}),
    "guest": ("guests", {"guest_hash": "a" * 64, "memory_mib": 10**400}),
    "supply": ("power_supplies", {"rated_w": 1e308}),
    "tiny supply": ("power_supplies", {"rated_w": 1e-308}),
    "efficiency": ("power_supplies", {"efficiency": 1e-308}),
    "type": ("memory", {"size_mib": "8192"}),
    "unknown field": ("memory", {"size_mib": 8192, "user": "jeanne"}),
}


@pytest.mark.parametrize(("part", "item"), OUT_OF_BOUNDS.values(), ids=OUT_OF_BOUNDS)
def test_an_item_of_an_inventory_out_of_bounds_is_left_out_alone(empty, post, part, item):
    good = told().get(part) or []
    answer = post(inventory=told(**{part: [item, *good]}), slots=[asdict(slot(START))])
    assert answer.status_code == 200, answer.text
    refused = answer.json()["refused"]
    assert [(one["part"], one["index"]) for one in refused] == [(f"inventory.{part}", 0)]
    assert refused[0]["reason"].startswith(f"inventory.{part}[0]")
    assert answer.json()["accepted"] == 1
    stored = empty.store.latest_of("inventory", DEVICE).body
    assert len(stored.get(part, [])) == len(good)
    assert stored["system"] == {"maker": "Dell Inc.", "model": "Latitude 5420"}
    assert [letter["part"] for letter in letters(empty)] == [f"inventory.{part}"]
    assert "jeanne" not in json.dumps([answer.json(), letters(empty)])


@pytest.mark.parametrize(
    "cost",
    [
        {"cpu_s": 1e308}, {"period_s": 1e-308}, {"sum_period_s": 1e-308}, {"bytes_sent": 10**400},
        {"peak_rss_mib": 1e308}, {"cpu_s": 9e8}, {"period_s": -1.0},
    ],
    ids=str,
)  # fmt: skip
def test_a_cost_out_of_bounds_is_left_out_alone(empty, post, cost):
    answer = post(self_cost=asdict(SelfCost(1.0, 20.0, 1000, 3600.0)) | cost, inventory=told())
    assert [one["part"] for one in answer.json()["refused"]] == ["self_cost"]
    assert empty.store.latest_of("inventory", DEVICE) is not None
    assert empty.store.latest_of("self_cost", DEVICE) is None


@pytest.mark.parametrize("digits", [20, 400, 4299, 4301, 100_000])
def test_an_integer_of_many_digits_is_left_out_alone_and_never_stored(empty, post, digits):
    text = json.dumps(
        asdict(Report(2, DEVICE, NOW, "0.1.0")) | {"inventory": told(), "slots": [asdict(slot(START))]}
    )
    answer = post(text.replace('"size_mib": 8192', f'"size_mib": {"9" * digits}', 1))
    assert answer.status_code == 200, answer.text
    assert [one["part"] for one in answer.json()["refused"]] == ["inventory.memory"]
    assert answer.json()["accepted"] == 1
    assert [one["size_mib"] for one in empty.store.latest_of("inventory", DEVICE).body["memory"]] == [8192]
    assert all(isinstance(letter["record"], str) for letter in letters(empty))


def test_the_surplus_of_a_list_is_cut_and_a_field_too_long_goes_alone(empty, post):
    many = told(memory=[{"size_mib": 1024}] * 300)
    many["system"]["model"] = "x" * 201
    refused = post(inventory=many).json()["refused"]
    assert {one["part"] for one in refused} == {"inventory.memory", "inventory.system"}
    stored = empty.store.latest_of("inventory", DEVICE).body
    assert len(stored["memory"]) == 256
    assert stored["system"] == {"maker": "Dell Inc."}


def test_an_inventory_without_a_usable_category_is_refused_whole(empty, post):
    refused = post(inventory=told(category="toaster"), slots=[asdict(slot(START))]).json()
    assert [one["part"] for one in refused["refused"]] == ["inventory"]
    assert refused["accepted"] == 1
    assert empty.store.latest_of("inventory", DEVICE) is None
