"""The map of outlets: taken from files, dated, never changed silently, and seen by whom it concerns."""

import json
import re

import pytest
from click.testing import CliRunner
from parcimetre_agent.report import Energy, Slot
from parcimetre_factors.criteria import Criterion
from parcimetre_server.access.scoped_store import ScopedStore
from parcimetre_server.base.periods import Span
from parcimetre_server.base.scope import Scope
from parcimetre_server.base.units import J_PER_KWH
from parcimetre_server.cli import parcimetre
from parcimetre_server.fleet.deletion import delete
from parcimetre_server.fleet.devices import device
from parcimetre_server.fleet.outlets.mapping import (
    BadOutlets,
    MappingStored,
    listed,
    statements,
    store_mapping,
)
from parcimetre_server.fleet.outlets.records import outlet_id
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.organisation import audit
from parcimetre_server.organisation.connections import ConnectionMap, counted
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.migration import migrate
from parcimetre_server.store.records import DeviceId

from tests.server.web.pages.test_pages import checked

from ...conftest import DAY_S, NOW, SLOT_S, TODAY
from .feeders import enrol, feed, gave, hang

PDU, OTHER = DeviceId("1" * 32), DeviceId("2" * 32)
SPAN = Span(TODAY, NOW // SLOT_S * SLOT_S)
YESTERDAY = Span(TODAY - DAY_S - 3600, TODAY - 3600)  # in Paris
HEAD = "feeder;outlet;device;from\n"
STARTS = range(TODAY, TODAY + 4 * SLOT_S, SLOT_S)


@pytest.fixture
def racked(fleet):
    """The fleet with a PDU, called rack-1, of two outlets."""
    enrol(fleet.context.store, PDU, "pdu", hostname="rack-1")
    gave(fleet.context.store, PDU, [feed(start, name, 9000) for start in STARTS for name in ("2", "10")], NOW)
    return fleet


def take(fleet, *lines, head=HEAD, **about):
    context = fleet.context
    return store_mapping(context.store, statements([head, *lines]), context.zone, fleet.now, **about)


def feeds(fleet, name="2"):
    """What an outlet of the PDU fed, and from when."""
    (one,) = (one for one in ConnectionMap.of(fleet.context.store).outlets if one.name == name)
    return [(feeding.device, feeding.first) for feeding in one.feeds]


def test_a_file_says_what_hangs_where_and_taking_it_again_changes_nothing(racked):
    lines = ["rack-1;2;dddd;\n", f"{PDU[:6]};10;;2026-11-01\n", ";;;\n"]
    assert take(racked, *lines, dry_run=True) == MappingStored(1, 1)
    assert feeds(racked) == [(None, 0)]
    assert take(racked, *lines) == MappingStored(1, 1)
    assert feeds(racked) == [(racked.server, 0)]
    assert take(racked, *lines) == MappingStored(0, 2)
    assert [one.act for one in audit.entries(racked.context.store, PDU)] == ["outlet mapped"]
    assert take(racked, "rack-1,10,cccc", head="Feeder,Outlet,Device\n") == MappingStored(1, 0)


def test_a_change_is_dated_and_what_was_before_stays(racked):
    take(racked, "rack-1;2;dddd;\n")
    take(racked, "rack-1;2;cccc;2026-11-20\n", "rack-1;2;;2026-11-22\n")
    days = [feeds_at[1] for feeds_at in feeds(racked)]
    assert [one for one, _ in feeds(racked)] == [racked.server, racked.silent, None]
    assert days[2] - days[1] == 2 * DAY_S
    take(racked, "rack-1;2;aaaa;2026-11-22\n")
    assert feeds(racked)[-1] == (racked.laptop, days[2])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("rack-9;2;dddd;", "line 3: there is no device 'rack-9'"),
        ("rack-1;3;dddd;", "line 3: rack-1 has no outlet '3': its outlets are 2, 10"),
        ("rack-1;2;nobody;", "line 3: there is no device 'nobody'"),
        ("rack-1;2;cccc;", "line 3: outlet '2' is already assigned. Give `from`"),
        ("rack-1;10;dddd;2026-13-01", "line 3: '2026-13-01' is not a valid date (example: 2026-11-01)"),
        ("rack-1;10;dddd;2026-12-01", "line 3: 2026-12-01 is in the future"),
        ("rack-1;10;rack-1;", "line 3: rack-1 cannot be assigned to its own outlet"),
        ("rack-1;10;guest-1;", "line 3: guest-1 is a virtual machine: give its host instead"),
        ("rack-1;10;rack-2;", "line 3: rack-2 passes its electricity on"),
        (f"{OTHER};1;dddd;", "line 3: rack-2 has no outlet '1': none has reported yet"),
    ],
)
def test_a_file_with_a_fault_is_refused_whole_with_its_line(racked, line, says):
    enrol(racked.context.store, OTHER, "ups", hostname="rack-2")
    with pytest.raises(BadOutlets, match="^" + re.escape(says)):
        take(racked, "rack-1;2;dddd;\n", line)
    assert feeds(racked) == [(None, 0)]


def test_a_file_without_its_columns_is_refused(racked):
    with pytest.raises(BadOutlets, match="line 1: the column outlet is missing"):
        take(racked, head="feeder;device\n")


def test_what_nothing_hangs_on_is_told_as_not_attributed_and_is_in_no_total(racked):
    hang(racked.context.store, PDU, "2", racked.server, first=STARTS[2])
    ten, two = sorted(listed(racked.context, SPAN), key=lambda row: row.outlet)
    assert (two.device, two.device_name, two.since) == (
        racked.server,
        "Dell Inc. PowerEdge R640 dddddd",
        STARTS[2],
    )
    assert two.energy_kwh == pytest.approx(4 * 9000 / J_PER_KWH)
    assert two.unattributed_kwh == pytest.approx(2 * 9000 / J_PER_KWH)
    assert ten.device is None
    assert ten.unattributed_kwh == ten.energy_kwh == two.energy_kwh
    assert [row.outlet for row in listed(racked.context, SPAN)] == ["2", "10"]
    assert [row.outlet for row in listed(racked.context, SPAN, racked.server)] == ["2"]


def test_names_are_ordered_as_a_person_counts():
    assert sorted(["b10", "B2", "10", "9", "", "a"], key=counted) == ["", "9", "10", "a", "B2", "b10"]


def test_a_retired_device_hangs_on_nothing_any_more(racked):
    take(racked, "rack-1;2;cccc;\n")
    retire(racked.context.store, racked.silent, racked.now)
    assert feeds(racked) == [(racked.silent, 0), (None, racked.now // SLOT_S * SLOT_S)]


def test_deleting_a_feeder_leaves_nothing_of_its_outlets(racked):
    take(racked, "rack-1;2;cccc;\n")
    store = racked.context.store
    delete(store, PDU, "sold", racked.now)
    assert store.latest("outlet") == store.latest("feeding") == {}
    assert store.span(outlet_id(PDU, "2")) is None
    assert not device(store, racked.silent).wired


def test_deleting_a_device_takes_the_outlet_that_fed_it_alone_and_its_name_from_others(racked):
    take(racked, "rack-1;2;cccc;\n", "rack-1;10;cccc;\n", "rack-1;10;dddd;2026-11-20\n")
    store = racked.context.store
    delete(store, racked.silent, "asked", racked.now)
    assert set(store.latest("outlet")) == {outlet_id(PDU, "10")}
    assert store.span(outlet_id(PDU, "2")) is None
    assert [one for one, _ in feeds(racked, "10")] == [None, racked.server]
    told = [fact.body for kind in ("outlet", "feeding", "audit") for fact in store.history(kind)]
    assert racked.silent not in json.dumps(told)


def test_outlets_move_to_another_store_with_the_rest(racked, tmp_path):
    take(racked, "rack-1;2;cccc;\n")
    target = open_store(tmp_path / "there", create=True)
    assert all(one.equal for one in migrate(racked.context.store, target))
    assert ConnectionMap.of(target) == ConnectionMap.of(racked.context.store)
    target.close()


def command(fleet, *words):
    folder = str(fleet.context.settings.data_dir)
    return CliRunner().invoke(parcimetre, ["outlets", *words[:1], "--data-dir", folder, *words[1:]])


def test_the_command_takes_a_map_in_and_lists_it(racked, tmp_path):
    file = tmp_path / "map.csv"
    file.write_text("\ufeff" + HEAD + "rack-1;2;dddd;\n", encoding="utf-8")
    done = command(racked, "import", str(file), "--dry-run")
    assert done.output.strip() == "Outlets: 1 would be imported, 0 already known; nothing was stored."
    assert json.loads(command(racked, "import", str(file), "--json").output) == {"changed": 1, "known": 0}
    shown = command(racked, "list").output
    assert "PowerEdge" in shown
    rows = json.loads(command(racked, "list", "--json").output)
    assert [(row["outlet"], row["device"]) for row in rows] == [("2", racked.server), ("10", None)]
    file.write_text(HEAD + "rack-1;7;dddd;\n")
    assert isinstance(command(racked, "import", str(file)).exception, BadOutlets)


def test_the_api_states_and_lists(racked, reader):
    wanted = {"outlets": [{"feeder": "rack-1", "outlet": "2", "device": racked.server, "from": "2026-11-01"}]}
    assert reader.post("/v1/outlets", json=wanted).json() == {"changed": 1, "known": 0, "dry_run": False}
    found = reader.get("/v1/outlets", params={"device": racked.server}).json()["outlets"]
    assert [(one["outlet"], one["feeder_name"]) for one in found] == [("2", "rack-1")]
    wanted["outlets"][0]["outlet"] = "x"
    refused = reader.post("/v1/outlets", json=wanted)
    assert (refused.status_code, refused.json()["detail"].split(":")[0]) == (400, "outlets[0]")


A, B = "Métropole/Aubeclair", "Métropole/Boisverre"


@pytest.fixture
def shared(racked):
    """A PDU of B whose outlet 2 feeds a device of A, and 10 one of B."""
    store = racked.context.store
    for key, unit in ((DeviceId("a1" * 16), A), (DeviceId("b1" * 16), B), (OTHER, B)):
        enrol(
            store,
            key,
            "pdu" if key == OTHER else "server",
            org_unit=unit,
            hostname=f"of-{unit[-5:]}-{key[:2]}",
        )
    gave(store, OTHER, [feed(start, name, 900) for start in STARTS for name in ("2", "10")], NOW)
    hang(store, OTHER, "2", "a1" * 16)
    hang(store, OTHER, "10", "b1" * 16)
    return racked


def test_a_reader_sees_the_outlets_of_own_devices_and_nobody_else_s(shared):
    seen = ScopedStore(shared.context.store, Scope(A))
    assert set(seen.latest("outlet")) == set(seen.latest("feeding")) == {outlet_id(OTHER, "2")}
    assert OTHER not in str(seen.latest("outlet"))
    (row,) = listed(shared.context.within(Scope(A)), YESTERDAY)
    assert (row.feeder_name, row.device_name) == ("", "of-clair-a1")
    both = listed(shared.context.within(Scope(B)), YESTERDAY)
    assert [(one.outlet, one.device_name) for one in both] == [("2", ""), ("10", "of-verre-b1")]
    assert "a1" * 16 not in str(both) + str(ScopedStore(shared.context.store, Scope(B)).history("feeding"))
    assert listed(shared.context.within(Scope("Métropole/Ville")), SPAN) == []


def test_a_device_has_the_same_figure_for_every_reader(shared):
    query = FootprintQuery(SPAN, Criterion.GWP, device=DeviceId("a1" * 16))
    whole = footprint_rows(shared.context, query)
    assert footprint_rows(shared.context.within(Scope(A)), query) == whole
    assert whole[0].energy_kwh == pytest.approx(4 * 900 / J_PER_KWH)


def test_an_admin_of_a_part_maps_only_own_outlets_and_devices(shared):
    line = f"{OTHER};2;{'a1' * 16};2026-11-20\n"
    for unit in (A, B):
        with pytest.raises(BadOutlets, match="line 2: there is no device"):
            take(shared, line, scope=Scope(unit))
    assert take(shared, f"{OTHER};2;of-verre-b1;2026-11-20\n", scope=Scope(B)) == MappingStored(1, 0)


def test_pages_of_feeder_and_of_what_hangs_there_name_each_other(racked, reader, clock_at):
    clock_at(NOW + 86_400)
    hang(racked.context.store, PDU, "2", racked.server, first=STARTS[2])
    page = reader.get(f"/devices/{PDU}").text
    assert f'<a href="/devices/{racked.server}">Dell Inc. PowerEdge R640 dddddd</a>' in page
    assert re.search(r"Not attributed: (15|0.015)\S*.k?Wh in this period", page)
    assert f'outlet 2, <a href="/devices/{PDU}">rack-1</a>' in reader.get(f"/devices/{racked.server}").text
    assert "outlet 2" not in reader.get(f"/devices/{racked.silent}").text
    tags = [tag for tag, _ in checked(page)]
    assert tags.count("table") == tags.count("caption")
    french = reader.get(f"/devices/{PDU}", headers={"accept-language": "fr"}).text
    assert "dans aucun total" in french


def test_outlets_of_a_desk_are_shown_by_whole_days_to_readers_without_presence_data(racked, reader):
    hang(racked.context.store, PDU, "2", racked.laptop)
    asked = {"device": racked.laptop, "from": YESTERDAY.first, "to": YESTERDAY.last}
    assert reader.get("/v1/outlets", params=asked).status_code == 200
    assert reader.get("/v1/outlets", params={**asked, "from": YESTERDAY.first + 3600}).status_code == 403
    assert reader.get("/v1/outlets", params={"device": racked.laptop}).json()["to"] == YESTERDAY.last
    hang(racked.context.store, PDU, "10", racked.server)
    asked["device"] = racked.server
    assert reader.get("/v1/outlets", params={**asked, "from": YESTERDAY.first + 3600}).status_code == 200


def test_an_outlet_is_called_as_its_feeder_calls_it_and_mapped_for_ever_says_so(racked, reader):
    store = racked.context.store
    gave(store, PDU, [feed(start, "outlet A7", 9000) for start in STARTS], NOW)
    hang(store, PDU, "outlet A7", racked.server)
    fed = reader.get(f"/devices/{racked.server}").text
    assert f'<dd>outlet A7, <a href="/devices/{PDU}">rack-1</a></dd>' in fed
    row = reader.get(f"/devices/{PDU}").text.split("outlet A7</th>")[1].split("</tr>")[0]
    assert "<td>always</td>" in row


def test_a_switch_has_the_same_figure_for_every_reader_of_it(shared):
    store = shared.context.store
    switch, wall = DeviceId("5" * 32), Energy("energy_object", "wall_ac", "measured", 45_000.0, 900)
    enrol(store, switch, "network", [Slot(at, 0, 900, 0, 0, 0, energy=[wall]) for at in STARTS], B)
    gave(store, switch, [feed(at, "3", 5400, "poe") for at in STARTS], NOW)
    hang(store, switch, "3", "a1" * 16, first=STARTS[1])
    hang(store, OTHER, "2", None, at=2)
    query = FootprintQuery(SPAN, Criterion.GWP, device=switch)
    whole = footprint_rows(shared.context, query)
    assert whole[0].energy_kwh == pytest.approx((4 * 45_000 - 3 * 5400) / J_PER_KWH)
    assert footprint_rows(shared.context.within(Scope(B)), query) == whole
    by_unit = {
        row.group: row.energy_kwh for row in footprint_rows(shared.context, FootprintQuery(SPAN), "org_unit")
    }
    assert by_unit[A] == pytest.approx(3 * 5400 / J_PER_KWH)
