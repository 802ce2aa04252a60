"""The list of devices: filtered, page by page, and each one with its inventory."""

import pytest
from parcimetre_server.access.tokens import create_token
from parcimetre_server.store.records import Fact


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


def test_hashes_of_serial_numbers_are_for_admins_only(fleet, client_of):
    stored = fleet.context.store.latest_of("inventory", fleet.laptop)
    system = {**stored.body["system"], "serial_hash": "5" * 64, "asset_hash": "6" * 64}
    display = {"maker": "DEL", "product": "A0F4", "built_in": False, "serial_hash": "7" * 64}
    guests = [{"guest_hash": "8" * 64, "vcpus": 2, "memory_mib": 4096}]
    body = {**stored.body, "system": system, "displays": [display], "guests": guests}
    fleet.context.store.append([Fact("inventory", fleet.laptop, fleet.now, body)])
    hashes = [digit * 64 for digit in "5678"]
    for role in ("analyst", "technician", "presence", "admin"):
        _, text = create_token(fleet.context, role, role, None)
        reader = client_of(fleet.context)
        headers = {"Authorization": f"Bearer {text}"}
        answer = reader.get(f"/v1/devices/{fleet.laptop}", headers=headers)
        assert answer.status_code == 200
        assert [one in answer.text for one in hashes] == [role == "admin"] * 4
