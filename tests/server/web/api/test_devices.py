"""The list of devices: filtered, page by page, and each one with its inventory."""

import pytest


def ids(answer):
    return [item["id"] for item in answer.json()["items"]]


def test_pages_follow_each_other_without_loss_or_repetition(reader, fleet):
    seen, cursor = [], ""
    while cursor is not None:
        answer = reader.get("/v1/devices", params={"limit": 1, "cursor": cursor})
        seen += ids(answer)
        cursor = answer.json()["next"]
    assert seen == sorted([fleet.laptop, fleet.guest, fleet.server, fleet.silent])


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"org_unit": "Métropole/Ville"}, ["laptop", "guest"]),
        ({"org_unit": "Métropole/Vil"}, []),
        ({"category": "server"}, ["server"]),
        ({"site": "nowhere"}, []),
        ({"q": "GUEST-1"}, ["guest"]),
        ({"q": "Latitude", "category": "laptop"}, ["laptop"]),
    ],
)
def test_devices_are_filtered(reader, fleet, asked, found):
    assert ids(reader.get("/v1/devices", params=asked)) == sorted(getattr(fleet, name) for name in found)


def test_one_device_comes_with_its_inventory_and_its_span(reader, fleet):
    told = reader.get(f"/v1/devices/{fleet.laptop}").json()
    assert told["inventory"]["system"]["model"] == "Latitude 5420"
    assert told["device"]["first_slot"] < told["device"]["last_slot"] <= fleet.now


def test_an_unknown_device_is_a_problem(reader):
    answer = reader.get("/v1/devices/nobody")
    assert answer.status_code == 404
    assert "nobody" in answer.json()["detail"]
