"""The access record: looks at single devices, recorded and shown to the data protection officer."""

import json

import pytest
from click.testing import CliRunner
from parcimetre_server.access.access_record import looks, remove_old_looks
from parcimetre_server.access.presence import switch
from parcimetre_server.access.tokens import create_token
from parcimetre_server.base.scope import ROLES
from parcimetre_server.cli import parcimetre
from parcimetre_server.fleet.deletion import delete
from parcimetre_server.operations.old_names import REMOVED, remove_old_names
from parcimetre_server.organisation.audit import acting, entries, entry
from parcimetre_server.reports import schedules
from parcimetre_server.store.errors import StoreUnusable

from tests.server.conftest import DAY_S, MEASURED, NOW, SERVER, Reader

ONE = [f"/devices/{MEASURED}", f"/v1/devices/{MEASURED}", f"/explain?device={MEASURED}",
       f"/v1/explain?device={MEASURED}", f"/v1/footprint?device={MEASURED}",
       f"/v1/outlets?device={MEASURED}"]  # fmt: skip
MANY = ["/", "/devices", "/devices.csv", "/v1/devices", "/agents", "/v1/agents", "/v1/explain",
        "/v1/footprint?group_by=device"]  # fmt: skip


@pytest.fixture
def asks(fleet, client_of):
    app = client_of(fleet.context).app

    def make(role):
        return Reader(app, create_token(fleet.context, f"of-{role}", role, None)[1])

    return make


@pytest.mark.parametrize("path", ONE)
def test_a_look_at_a_device_is_recorded_with_reader_device_and_detail(fleet, asks, path):
    assert asks("analyst").get(path).status_code == 200
    (look,) = looks(fleet.context.store, MEASURED)
    assert (look.who, look.way, look.detail, look.at) == ("of-analyst", "token", "days", NOW)
    assert look.org_unit == "Métropole/Ville/Mairie"
    assert MEASURED not in look.what


@pytest.mark.parametrize("path", MANY)
def test_a_look_at_a_list_of_devices_is_recorded_once_an_hour(fleet, asks, clock_at, path):
    reader = asks("technician")
    for _ in range(3):
        assert reader.get(path).status_code == 200
    assert [(look.device, look.detail) for look in looks(fleet.context.store)] == [("", "list")]
    clock_at(NOW + 3600)
    reader.get(path)
    assert len(list(looks(fleet.context.store))) == 2


def test_sums_and_what_was_refused_are_no_looks(fleet, asks):
    asks("analyst").get("/v1/footprint?group_by=org_unit")
    asks("viewer").get("/")
    asks("viewer").get(f"/devices/{MEASURED}")
    asks("analyst").get("/v1/devices/ffff")
    assert list(looks(fleet.context.store)) == []


def test_presence_data_is_named_in_the_record_and_not_shown_unrecorded(fleet, asks, monkeypatch):
    switch(fleet.context.store, True, "test", NOW)
    reader = asks("presence")
    reader.get(f"/devices/{MEASURED}")
    reader.get(f"/devices/{SERVER}")
    assert [look.detail for look in looks(fleet.context.store)] == ["days", "presence"]

    def full(_store, facts):
        raise StoreUnusable("the disk is full")

    monkeypatch.setattr(type(fleet.context.store), "append", full)
    assert reader.get(f"/v1/devices/{MEASURED}").status_code >= 500
    assert reader.get(f"/v1/devices/{SERVER}").status_code == 200


def test_the_record_is_for_the_data_protection_officer_alone(fleet, asks):
    asks("analyst").get(f"/devices/{MEASURED}")
    for role in ROLES:
        page, call = asks(role).get("/access-record?lang=en"), asks(role).get("/v1/access-record")
        expected = 200 if role == "dpo" else 403
        assert (page.status_code, call.status_code) == (expected, expected), role
        assert ("/access-record" in asks(role).get("/").text) is (role == "dpo")
    (look,) = asks("dpo").get(f"/v1/access-record?device={MEASURED}").json()["looks"]
    assert (look["who"], look["detail"]) == ("of-analyst", "days")
    assert "of-analyst" in asks("dpo").get("/access-record").text


def test_an_officer_of_a_part_sees_looks_at_its_devices(fleet, client_of, asks):
    asks("analyst").get(f"/devices/{MEASURED}")
    asks("analyst").get(f"/devices/{SERVER}")
    officer = create_token(fleet.context, "dpo", "dpo", "Métropole/DSI")[1]
    found = Reader(client_of(fleet.context).app, officer).get("/v1/access-record").json()["looks"]
    assert [look["device"] for look in found] == [SERVER]


def test_commands_are_recorded_and_show_the_record(fleet):
    folder = ["--data-dir", str(fleet.context.settings.data_dir)]
    assert CliRunner().invoke(parcimetre, ["devices", "show", MEASURED, *folder]).exit_code == 0
    told = json.loads(CliRunner().invoke(parcimetre, ["access-record", "--json", *folder]).output)
    assert [(one["device"], one["way"], one["detail"]) for one in told] == [(MEASURED, "command", "days")]


def test_the_record_is_kept_for_its_days_and_forgets_a_deleted_device(fleet, asks):
    asks("analyst").get(f"/devices/{MEASURED}")
    asks("analyst").get(f"/devices/{SERVER}")
    store = fleet.context.store
    assert remove_old_looks(store, NOW + 365 * DAY_S, 365) == 0
    delete(store, MEASURED, "test", NOW)
    assert {look.device == SERVER or look.device.startswith("deleted-") for look in looks(store)} == {True}
    assert remove_old_looks(store, NOW + 366 * DAY_S, 365) == 2


def test_names_of_persons_leave_the_audit_log_tokens_and_recipients_in_time(fleet):
    context, store = fleet.context, fleet.context.store
    with acting("Anne Dupont"):
        create_token(context, "Anne Dupont", "analyst", None, NOW + DAY_S)
        store.append([entry("device retired", MEASURED, NOW)])
        to = schedules.add(store, NOW, None, "mail", "anne.dupont@example.org", "fr", ["pdf"])
        schedules.end(store, to.id, NOW)
    year = NOW + 365 * DAY_S
    assert remove_old_names(store, year, 365) == 0
    assert remove_old_names(store, year + 40 * DAY_S, 365) > 0
    assert remove_old_names(store, year + 40 * DAY_S, 365) == 0
    everything = str([store.history(kind) for kind in ("audit", "token", "schedule")])
    assert "Dupont" not in everything
    assert "anne.dupont" not in everything
    retired = entries(store, MEASURED)[-1]
    assert (retired.act, retired.at, retired.who) == ("device retired", NOW, REMOVED)


def test_the_right_of_access_gives_all_records_and_is_logged(fleet):
    folder = ["--data-dir", str(fleet.context.settings.data_dir)]
    words = ["devices", "records", MEASURED, "--reason", "request of 3 November", *folder]
    told = json.loads(CliRunner().invoke(parcimetre, words, catch_exceptions=False).output)
    assert len(told["slots"]) == len(list(fleet.context.store.slots(MEASURED, 0, NOW)))
    assert {"device", "inventory"} <= {fact["kind"] for fact in told["facts"]}
    assert told["looks"][0]["detail"] == "presence"
    given = entries(fleet.context.store, MEASURED)[-1]
    assert (given.act, given.reason) == ("records disclosed", "request of 3 November")
