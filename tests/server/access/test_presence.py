"""Presence data: who gets less than a whole day of a personal machine, by every route that could show it."""

import re

import pytest
from click.testing import CliRunner
from parcimetre_server.access.presence import (
    is_switched_on,
    permitted_span,
    switch,
)
from parcimetre_server.access.tokens import create_token
from parcimetre_server.base.periods import Span
from parcimetre_server.base.scope import CAPABILITIES, ROLES
from parcimetre_server.cli import parcimetre
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.organisation.audit import entries
from parcimetre_server.store.records import WriteBatch

from tests.server.conftest import DAY_S, MEASURED, NOW, SERVER, TODAY, Reader, enrolled, inventory, slot

SEES_DEVICES = [role for role in ROLES if "devices" in CAPABILITIES[role]]
MIDNIGHT = TODAY - 3600  # in Paris
DAY = {"from": MIDNIGHT - DAY_S, "to": MIDNIGHT}
HOURS = {"from": MIDNIGHT - DAY_S + 8 * 3600, "to": MIDNIGHT - DAY_S + 9 * 3600}
SHORT = [
    ("/v1/footprint", {**DAY, "interval": "hour", "device": MEASURED}),
    ("/v1/footprint", {**DAY, "interval": "slot", "device": MEASURED}),
    ("/v1/footprint", {**DAY, "interval": "hour", "group_by": "device"}),
    ("/v1/footprint", {**DAY, "interval": "slot", "org_unit": "Métropole/Ville/Mairie"}),
    ("/v1/footprint", {**DAY, "interval": "hour"}),
    ("/v1/footprint", {**HOURS, "device": MEASURED}),
    ("/v1/footprint", {**HOURS, "group_by": "device"}),
    ("/v1/footprint", {**HOURS, "org_unit": "Métropole/Ville/Mairie"}),
    ("/v1/footprint", {"from": MIDNIGHT - DAY_S, "to": MIDNIGHT - 3600, "device": MEASURED}),
    ("/v1/footprint", {"from": MIDNIGHT, "to": NOW - 3600, "device": MEASURED}),
    ("/v1/footprint", {"from": MIDNIGHT, "device": MEASURED}),
    ("/v1/explain", {**HOURS, "device": MEASURED}),
    ("/v1/explain", {**HOURS, "org_unit": "Métropole/Ville/Mairie"}),
    ("/v1/explain", {"from": MIDNIGHT, "device": MEASURED}),
    ("/explain", {**HOURS, "device": MEASURED}),
]


@pytest.fixture
def asks(fleet, client_of):
    """Make a reader with a role of the whole organisation."""
    app = client_of(fleet.context).app

    def make(role):
        return Reader(app, create_token(fleet.context, role, role, None)[1])

    return make


@pytest.mark.parametrize(("path", "query"), SHORT, ids=lambda one: one if isinstance(one, str) else "")
def test_less_than_a_day_is_for_the_role_presence_alone_and_only_while_it_is_on(fleet, asks, path, query):
    for role in ROLES:
        answer = asks(role).get(path, params=query)
        sums_of_nothing = answer.status_code == 200 and answer.json()["rows"] == []
        assert answer.status_code == 403 or (role in ("viewer", "dpo") and sums_of_nothing), role
    switch(fleet.context.store, True, "test", NOW)
    for role in SEES_DEVICES:
        assert (asks(role).get(path, params=query).status_code == 200) is (role == "presence"), role
    switch(fleet.context.store, False, "test", NOW)
    assert asks("presence").get(path, params=query).status_code == 403


@pytest.mark.parametrize("role", SEES_DEVICES)
def test_whole_days_are_shown_and_today_only_from_midnight_on(fleet, asks, role):
    reader, unnarrowed = asks(role), fleet.context
    week = reader.get("/v1/footprint", params={"device": MEASURED}).json()
    assert (week["from"], week["to"]) == (MIDNIGHT - 7 * DAY_S, MIDNIGHT)
    query = FootprintQuery(Span(MIDNIGHT - 7 * DAY_S, MIDNIGHT), device=MEASURED)
    assert week["rows"][0]["energy_kwh"] == compute_footprint(unnarrowed, query).total().energy_kwh
    day = reader.get("/v1/explain", params={**DAY, "device": MEASURED}).text
    assert "use of a day" in day
    assert "use of a slot" not in day


@pytest.mark.parametrize("role", SEES_DEVICES)
def test_hours_of_a_server_are_shown_to_all_who_see_devices(asks, role):
    reader = asks(role)
    asked = {**DAY, "interval": "hour", "device": SERVER}
    assert len(reader.get("/v1/footprint", params=asked).json()["rows"]) == 24
    assert "use of a slot" in reader.get("/v1/explain", params={**DAY, "device": SERVER}).text
    assert 'class="heat-watts' in reader.get(f"/devices/{SERVER}").text


def test_the_page_of_a_personal_machine_has_days_and_no_hours(fleet, asks):
    for role in ("analyst", "technician", "admin", "presence"):
        for period in ("today", "7d"):
            page = asks(role).get(f"/devices/{MEASURED}?lang=en&period={period}").text
            assert 'class="heat-watts' not in page
            assert "Hour by hour" not in page
            assert "only the role presence sees them" in page
            assert "24 Nov 2026 00:00" in page
            assert not re.search(r"24 Nov 2026 (?!00:00)\d\d:\d\d", page)
    switch(fleet.context.store, True, "test", NOW)
    page = asks("presence").get(f"/devices/{MEASURED}?lang=en").text
    assert 'class="heat-watts' in page
    assert "Hour by hour" in page


@pytest.mark.parametrize("role", ["analyst", "technician", "admin"])
def test_times_of_records_are_told_to_the_day(fleet, asks, role):
    reader = asks(role)
    of_lists = {one["id"]: one for one in reader.get("/v1/devices").json()["items"]}
    detail = reader.get(f"/v1/devices/{MEASURED}").json()
    agents = {one["device"]: one for one in reader.get("/v1/agents").json()["agents"]}
    csv = {line.split(",")[0]: line for line in reader.get("/devices.csv").text.splitlines()}
    for second in (
        of_lists[MEASURED]["first_slot"], of_lists[MEASURED]["last_slot"], detail["device"]["last_slot"],
        detail["inventory"]["taken_at"], detail["agent"]["last_seen"], agents[MEASURED]["last_seen"],
    ):  # fmt: skip
        assert (second - MIDNIGHT) % DAY_S == 0, second
    assert str(MIDNIGHT) in csv[MEASURED]
    assert of_lists[SERVER]["last_slot"] == fleet.context.store.span(SERVER)[1]


def test_pages_name_no_time_of_a_personal_machine(asks):
    for path in ("/agents?lang=en", "/devices?lang=en"):
        row = asks("admin").get(path).text.split(MEASURED)[-1].split("</tr>")[0]
        assert "24 Nov 2026" in row.replace("Nov 24, 2026", "24 Nov 2026")
        assert not re.search(r"\d\d:\d\d", row)


def test_host_names_are_for_technicians_and_admins(fleet, asks):
    shown = {role: "guest-1" in asks(role).get("/v1/devices").text for role in SEES_DEVICES}
    assert shown == {"analyst": False, "technician": True, "presence": False, "admin": True}


def test_only_admins_administer(asks):
    for role in ROLES:
        assert (asks(role).get("/admin").status_code == 200) is (role == "admin")
        assert (asks(role).get("/v1/dead-letters").status_code == 200) is (role == "admin")


def test_the_switch_is_audited_with_its_reason(fleet):
    folder = str(fleet.context.settings.data_dir)
    words = ["presence", "on", "--data-dir", folder, "--reason", "agreement of 3 November"]
    assert CliRunner().invoke(parcimetre, words).exit_code == 0
    assert is_switched_on(fleet.context.store)
    entry = entries(fleet.context.store, "organisation")[-1]
    assert (entry.act, entry.after, entry.reason) == (
        "presence switched on", {"presence": True}, "agreement of 3 November"
    )  # fmt: skip


def test_commands_show_no_hours_while_presence_is_off(fleet):
    folder = str(fleet.context.settings.data_dir)
    words = ["footprint", "--data-dir", folder, "--json", "--group-by", "device", "--interval", "hour",
             "--from", "2026-11-20", "--to", "2026-11-21"]  # fmt: skip
    assert CliRunner().invoke(parcimetre, words).exit_code != 0
    switch(fleet.context.store, True, "test", NOW)
    assert CliRunner().invoke(parcimetre, words).exit_code == 0


def test_the_day_of_enrolment_is_shown_as_it_goes(fleet):
    zone, span = fleet.context.zone, Span(MIDNIGHT - DAY_S, NOW // 900 * 900 + 900)

    class New:
        category, simulated, enrolled_at = "laptop", False, NOW - 60

    class Old(New):
        enrolled_at = MIDNIGHT - 60

    assert permitted_span(span, "total", [New], zone, NOW) == span
    assert permitted_span(span, "hour", [New], zone, NOW) is None
    assert permitted_span(span, "total", [New, Old], zone, NOW) == Span(MIDNIGHT - DAY_S, MIDNIGHT)


def test_whoever_installs_the_first_machine_sees_its_day(empty, client_of):
    made = inventory("laptop")
    slots = [slot(start) for start in range(NOW // 900 * 900 - 1800, NOW // 900 * 900, 900)]
    facts = enrolled(MEASURED, "laptop", "Métropole", made, enrolled_at=NOW - 2400)
    empty.store.write([WriteBatch(MEASURED, slots, facts)])
    reader = client_of(empty)
    rows = reader.get("/v1/footprint", params={"group_by": "device"}).json()["rows"]
    assert rows[0]["energy_kwh"] > 0
    for path in ("/", "/?period=today", f"/devices/{MEASURED}", "/devices", f"/explain?device={MEASURED}"):
        assert reader.get(path).status_code == 200, path
    hours = reader.get("/v1/footprint", params={"device": MEASURED, "interval": "hour"})
    assert hours.status_code == 403
