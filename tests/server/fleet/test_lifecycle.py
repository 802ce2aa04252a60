"""Devices that are merged, split, transferred and deleted: nothing is counted twice, nothing is lost."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from types import SimpleNamespace
from typing import get_args

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.term import recompute
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_server.access.credentials import BadCredential, Credentials
from parcimetre_server.base.periods import DAY_S, SLOT_S, Span
from parcimetre_server.cli import parcimetre
from parcimetre_server.fleet import merging
from parcimetre_server.fleet.deletion import SharedRecords, delete
from parcimetre_server.fleet.device import UnknownDevice
from parcimetre_server.fleet.devices import device, devices
from parcimetre_server.fleet.enrolment import Enrolment, create_secret, revoke_secret
from parcimetre_server.fleet.purchases import store_purchases
from parcimetre_server.fleet.retirement import retire, revoke
from parcimetre_server.footprint.compute import compute_footprint, footprint_rows
from parcimetre_server.footprint.explanation.device import explain_device
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.organisation import audit, merges
from parcimetre_server.organisation.org import UnknownSite, create_site, create_unit
from parcimetre_server.organisation.transfers import BadTransfer, Placement, midnight, transfer
from parcimetre_server.store.embedded.errors import NotYetErased, StoreUnusable
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from ..conftest import TODAY, slot
from .test_enrolment import asks

UNITS = ["Métropole/Ville/Mairie", "Métropole/Ville", "Métropole/DSI", "Autre"]
WEEK = Span(TODAY - 8 * DAY_S, TODAY)


@pytest.fixture
def placed(fleet):
    """The fleet in an organisation that has units, and a site in another grid zone."""
    store = fleet.context.store
    for unit in UNITS:
        create_unit(store, unit, fleet.now)
    create_site(store, "Ailleurs", "DE", fleet.now, fleet.context.factors)
    return fleet


def moved(fleet, which, unit, day, site=None):
    found = device(fleet.context.store, which)
    before = Placement(found.org_unit, found.site)
    return transfer(fleet.context.store, which, before, unit, site, day, fleet.context.zone, fleet.now)


def day_of(fleet, ago):
    return datetime.fromtimestamp(fleet.today, UTC).date() - timedelta(days=ago)


def total(fleet, unit=None, span=WEEK, **about):
    return compute_footprint(fleet.context, FootprintQuery(span, org_unit=unit, **about)).total()


def test_a_period_before_a_transfer_stays_with_the_unit_that_held_the_device_then(placed):
    before = {unit: total(placed, unit).value for unit in ("Métropole/DSI", "Autre")}
    day = day_of(placed, 4)
    moved(placed, placed.server, "Autre", day)
    cut = midnight(day, placed.context.zone)
    assert cut % DAY_S == DAY_S - 3600, "midnight in Paris"
    early, late = Span(WEEK.first, cut), Span(cut, WEEK.last)
    assert total(placed, "Autre", early).value in (None, 0)
    by_device = {
        row.group: row.value for row in footprint_rows(placed.context, FootprintQuery(late), "device")
    }
    assert total(placed, "Autre", late).value == pytest.approx(by_device[placed.server])
    after = {unit: total(placed, unit).value for unit in ("Métropole/DSI", "Autre")}
    assert sum(after.values()) == pytest.approx(sum(filter(None, before.values())), rel=1e-12)
    assert device(placed.context.store, placed.server).org_unit == "Autre"


MOVES = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, len(UNITS) - 1), st.integers(0, 10), st.booleans()),
    max_size=6,
)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES, policy=st.sampled_from(list(Policy)), electricity=st.sampled_from(["location", "market"]))
def test_whatever_is_transferred_the_sums_over_the_tree_stay_exact(placed, moves, policy, electricity):
    who = [placed.laptop, placed.guest, placed.server, placed.silent]
    for which, unit, ago, elsewhere in moves:
        moved(placed, who[which], UNITS[unit], day_of(placed, ago), "Ailleurs" if elsewhere else None)
    query = FootprintQuery(WEEK, amortisation=policy, electricity=electricity)
    found = compute_footprint(placed.context, query)
    whole = found.total()
    for group_by in ("org_unit", "device", "site", "stage", "category"):
        rows = found.rows(group_by)
        assert sum(row.value or 0 for row in rows) == pytest.approx(whole.value, rel=1e-9)
        assert sum(row.energy_kwh for row in rows) == pytest.approx(whole.energy_kwh, rel=1e-9)
    alone = [
        total(placed, unit, amortisation=policy, electricity=electricity) for unit in ("Métropole", "Autre")
    ]
    assert sum(row.value or 0 for row in alone) == pytest.approx(whole.value, rel=1e-9)
    days = compute_footprint(
        placed.context, FootprintQuery(WEEK, interval="day", amortisation=policy, electricity=electricity)
    )
    assert sum(row.value for row in days.rows()) == pytest.approx(whole.value, rel=1e-9)


@pytest.mark.parametrize("policy", list(Policy))
def test_a_transfer_within_one_grid_zone_moves_no_figure_of_the_device(placed, policy):
    before = total(placed, device=placed.server, amortisation=policy)
    moved(placed, placed.server, "Autre", day_of(placed, 3))
    moved(placed, placed.server, "Métropole/Ville", day_of(placed, 5))
    after = total(placed, device=placed.server, amortisation=policy)
    assert after.value == pytest.approx(before.value, rel=1e-12)
    assert (after.coverage, after.energy_kwh) == pytest.approx((before.coverage, before.energy_kwh))


@pytest.mark.parametrize("criterion", list(Criterion))
def test_a_transferred_device_explains_each_stay(placed, criterion):
    moved(placed, placed.server, "Autre", day_of(placed, 3), "Ailleurs")
    told = explain_device(placed.context, placed.server, WEEK, criterion)
    row = total(placed, device=placed.server, criterion=criterion)
    assert told.grid_tiers.keys() == row.grid_tiers.keys()
    if row.value is not None:
        assert recompute(told.term) == told.term.value == pytest.approx(row.value, rel=1e-9)
        assert {part.detail for part in told.term.inputs} == {"Métropole/DSI", "Autre"}


def test_of_two_transfers_on_one_day_the_later_statement_counts(placed):
    day = day_of(placed, 3)
    moved(placed, placed.server, "Autre", day)
    moved(placed, placed.server, "Métropole/Ville", day)
    assert device(placed.context.store, placed.server).org_unit == "Métropole/Ville"
    assert total(placed, "Autre").value is None


@pytest.mark.parametrize(
    ("unit", "ago", "site", "error", "mend"),
    [
        ("Nowhere", 1, None, BadTransfer, "parcimetre org create"),
        ("Autre", -2, None, BadTransfer, "is in the future"),
        ("Autre", 1, "Nowhere", UnknownSite, "parcimetre org site"),
    ],
    ids=["unknown unit", "is in the future", "unknown site"],
)
def test_a_transfer_that_makes_no_sense_changes_nothing(placed, unit, ago, site, error, mend):
    with pytest.raises(error, match=mend):
        moved(placed, placed.server, unit, day_of(placed, ago), site)
    assert len(device(placed.context.store, placed.server).stays) == 0


def test_enrolling_again_does_not_undo_a_transfer(placed):
    _, text = create_secret(placed.context, "Métropole/DSI")
    enrolment = Enrolment(placed.context)
    machine = enrolment.enrol(asks(text))
    moved(placed, machine, "Autre", day_of(placed, 0))
    assert Enrolment(placed.context).enrol(asks(text, hostname="pc"), machine) == machine
    assert device(placed.context.store, machine).org_unit == "Autre"


def two(fleet, kept_s=600, gone_s=900):
    """Two devices of one machine: ten slots each, two of them at the same time."""
    store, first = fleet.context.store, TODAY - DAY_S
    ids = DeviceId("1" * 32), DeviceId("2" * 32)
    body = store.latest_of("device", fleet.server).body
    for i, (key, awake_s) in enumerate(zip(ids, (kept_s, gone_s), strict=True)):
        slots = [slot(first + (8 * i + n) * SLOT_S, awake_s=awake_s) for n in range(10)]
        enrolled = {**body, "enrolled_at": first + i, "hostname": f"pc-{i}", "fingerprint": None}
        store.write([WriteBatch(key, slots, [Fact("device", key, first + i, enrolled)])])
    return ids


def starts(fleet, which):
    return merges.activity(fleet.context.store, which, 0, TODAY)


def test_merged_devices_are_one_and_the_greater_coverage_counts(fleet):
    store = fleet.context.store
    kept, gone = two(fleet)
    merging.merge(store, kept, gone, fleet.now)
    found = starts(fleet, kept)
    assert found.start.tolist() == [TODAY - DAY_S + n * SLOT_S for n in range(18)]
    assert found.display_on_s.tolist() == [600] * 8 + [900] * 10
    assert dict(merges.activities(store, [kept, fleet.server], 0, TODAY))[kept].start.tolist() == (
        found.start.tolist()
    )
    assert gone not in devices(store)
    assert (
        merges.spans(store)[kept] == merges.span(store, kept) == (TODAY - DAY_S, TODAY - DAY_S + 17 * SLOT_S)
    )
    assert gone not in merges.spans(store)
    assert device(store, kept).hostname == "pc-1", "the state of the machine is that of its latest enrolment"
    with pytest.raises(UnknownDevice, match="merged into"):
        device(store, gone)


def test_a_merge_adds_no_energy_and_no_time_twice(fleet):
    kept, gone = two(fleet, 900, 900)
    before = [total(fleet, device=key) for key in (kept, gone)]
    merging.merge(fleet.context.store, kept, gone, fleet.now)
    after = total(fleet, device=kept)
    assert after.energy_kwh == pytest.approx(sum(row.energy_kwh for row in before) * 18 / 20)
    rows = footprint_rows(fleet.context, FootprintQuery(WEEK), "device")
    assert gone not in {row.group for row in rows}


def test_what_a_merged_id_still_sends_is_read_as_the_one_device(fleet):
    store = fleet.context.store
    kept, gone = two(fleet)
    merging.merge(store, kept, gone, fleet.now)
    store.write([WriteBatch(gone, [slot(TODAY - SLOT_S)])])
    assert starts(fleet, kept).start[-1] == TODAY - SLOT_S


def test_an_undone_merge_leaves_no_trace_in_any_figure(fleet):
    store = fleet.context.store
    kept, gone = two(fleet)
    before = footprint_rows(fleet.context, FootprintQuery(WEEK), "device")
    merging.merge(store, kept, gone, fleet.now)
    assert footprint_rows(fleet.context, FootprintQuery(WEEK), "device") != before
    assert merging.unmerge(store, gone, fleet.now) == kept
    assert footprint_rows(fleet.context, FootprintQuery(WEEK), "device") == before
    acts = [entry.act for entry in audit.entries(store, gone)]
    assert acts == ["devices merged", "devices unmerged"]


def test_a_merge_that_makes_no_sense_is_refused(fleet):
    store = fleet.context.store
    kept, gone = two(fleet)
    with pytest.raises(merging.CannotJoin, match="itself"):
        merging.merge(store, kept, kept, fleet.now)
    with pytest.raises(merging.CannotJoin, match="not merged"):
        merging.unmerge(store, gone, fleet.now)
    merging.merge(store, kept, gone, fleet.now)
    with pytest.raises(merging.CannotJoin, match="was merged into"):
        merging.merge(store, gone, fleet.server, fleet.now)
    with pytest.raises(merging.CannotJoin, match="undo it first"):
        merging.split(store, kept, TODAY - DAY_S, fleet.now)


def test_retiring_a_merged_device_ends_every_credential(fleet):
    store = fleet.context.store
    kept, gone = two(fleet)
    merging.merge(store, kept, gone, fleet.now)
    held = [Credentials(fleet.context).issue(key, fleet.now) for key in (kept, gone)]
    retire(store, kept, fleet.now)
    assert device(store, kept).retired_at == fleet.now
    for credential in held:
        with pytest.raises(BadCredential):
            Credentials(fleet.context).verify(f"Bearer {credential}")


def test_a_split_gives_the_later_records_to_a_new_device_and_counts_each_once(fleet):
    store, at = fleet.context.store, TODAY - 3 * DAY_S
    whole = merges.activity(store, fleet.server, 0, fleet.now)
    before = total(fleet, device=fleet.server)
    new = merging.split(store, fleet.server, at, fleet.now)
    parts = [merges.activity(store, key, 0, fleet.now) for key in (fleet.server, new)]
    assert parts[0].start[-1] == at - SLOT_S
    assert parts[1].start[0] == at == merges.span(store, new)[0]
    assert [*parts[0].start, *parts[1].start] == whole.start.tolist()
    after = [total(fleet, device=key).energy_kwh for key in (fleet.server, new)]
    assert sum(after) == pytest.approx(before.energy_kwh)
    assert device(store, new).org_unit == "Métropole/DSI"


def test_after_a_split_each_machine_enrols_into_its_own_device(fleet):
    context = fleet.context
    _, text = create_secret(context, "Métropole/DSI")
    enrolment = Enrolment(context)
    shared = enrolment.enrol(asks(text, number=1))
    credential = Credentials(context).issue(shared, fleet.now - 10)
    new = merging.split(context.store, shared, TODAY, fleet.now)
    with pytest.raises(BadCredential):
        Credentials(context).verify(f"Bearer {credential}")
    assert enrolment.enrol(asks(text, number=1)) == new, "the hardware that enrolled last reports now"
    late = slot(fleet.now // SLOT_S * SLOT_S + SLOT_S)
    context.store.write([WriteBatch(new, [late]), WriteBatch(shared, [late])])
    for key in (shared, new):
        assert merges.activity(context.store, key, late.start, late.start + 1).start.tolist() == [late.start]


@pytest.mark.parametrize("at", [TODAY + 10 * DAY_S, TODAY - 7])
def test_a_split_outside_of_what_is_over_is_refused(fleet, at):
    with pytest.raises(merging.CannotJoin, match="quarter hour"):
        merging.split(fleet.context.store, fleet.server, at, fleet.now)


def test_a_revoked_device_enrols_again_as_itself(empty):
    _, text = create_secret(empty, "Ville")
    machine = Enrolment(empty).enrol(asks(text))
    old = Credentials(empty).issue(machine, empty.now())
    revoke(empty.store, machine, empty.now())
    with pytest.raises(BadCredential):
        Credentials(empty).verify(f"Bearer {old}")
    assert Enrolment(empty).enrol(asks(text)) == machine
    again = Credentials(empty)
    assert again.verify(f"Bearer {again.issue(machine, empty.now())}") == machine
    acts = [entry.act for entry in audit.entries(empty.store, machine)]
    assert acts == ["device enrolled", "device revoked", "device enrolled again"]


def bytes_of(context):
    return b"".join(file.read_bytes() for file in context.settings.data_dir.rglob("*") if file.is_file())


def test_a_deleted_device_is_in_no_byte_of_the_files(fleet):
    store = fleet.context.store
    letter = {"device": fleet.guest, "part": "slots", "index": 0, "reason": "x", "record": {"secret-key": 77}}
    store.append([Fact("dead_letter", "f00d", fleet.now, letter)])
    retire(store, fleet.guest, fleet.now)
    assert b"guest-1" in bytes_of(fleet.context)
    before = total(fleet)
    part = total(fleet, device=fleet.guest)
    delete(store, fleet.guest, "asked for on 3 November", fleet.now)
    left = bytes_of(fleet.context)
    for trace in (fleet.guest.encode(), b"guest-1", b"secret-key", b"Standard PC"):
        assert trace not in left
    assert total(fleet).energy_kwh == pytest.approx(before.energy_kwh - part.energy_kwh)
    with pytest.raises(UnknownDevice):
        device(store, fleet.guest)
    log = audit.entries(store)
    assert [entry.act for entry in log[-2:]] == ["device retired", "device deleted"]
    assert log[-2].subject.startswith("deleted-")
    assert (log[-1].before, log[-1].reason) == ({"category": "virtual_machine"}, "asked for on 3 November")


def test_other_devices_keep_every_slot_when_one_is_deleted(fleet):
    store = fleet.context.store
    before = {key: starts(fleet, key).start.tolist() for key in (fleet.server, fleet.laptop, fleet.silent)}
    store.tidy(fleet.now)
    delete(store, fleet.guest, "x", fleet.now)
    assert {key: starts(fleet, key).start.tolist() for key in before} == before


def test_a_merged_device_is_deleted_whole(fleet):
    kept, gone = two(fleet)
    merging.merge(fleet.context.store, kept, gone, fleet.now)
    assert set(delete(fleet.context.store, kept, "x", fleet.now)) == {kept, gone}
    left = bytes_of(fleet.context)
    assert kept.encode() not in left
    assert gone.encode() not in left


def test_a_split_device_is_deleted_with_the_other_part_or_not_at_all(fleet):
    store = fleet.context.store
    new = merging.split(store, fleet.server, TODAY - DAY_S, fleet.now)
    with pytest.raises(SharedRecords, match="--together"):
        delete(store, new, "x", fleet.now)
    assert len(merges.activity(store, new, 0, TODAY).start) == 96
    assert set(delete(store, new, "x", fleet.now, together=True)) == {new, fleet.server}
    assert new.encode() not in bytes_of(fleet.context)


def test_a_machine_whose_device_was_deleted_enrols_as_a_new_one(empty):
    _, text = create_secret(empty, "Ville")
    enrolment = Enrolment(empty)
    machine = enrolment.enrol(asks(text))
    delete(empty.store, machine, "x", empty.now())
    assert enrolment.enrol(asks(text)) != machine


def test_stays_hold_all_time_without_a_gap():
    from parcimetre_server.organisation.transfers import placements

    moves = [
        Fact("transfer", "x", 0, {"org_unit": u, "site": "s", "at": at}) for u, at in (("B", 50), ("C", 20))
    ]
    found = placements("A", "s", moves)
    assert [stay.org_unit for stay in found] == ["A", "C", "B"]
    assert all(one.last == other.first for one, other in pairwise(found))


def command(fleet, *words):
    folder = ["--data-dir", str(fleet.context.settings.data_dir)]
    return CliRunner().invoke(parcimetre, ["devices", *words, *folder])


def test_the_commands_transfer_merge_split_revoke_and_delete_and_the_log_has_it_all(placed):
    kept, gone = two(placed)
    done = command(placed, "transfer", kept[:8], "--to", "Autre", "--from", "2026-11-20", "--json")
    assert json.loads(done.stdout) == {
        "id": kept, "name": "pc-0", "org_unit": "Autre", "site": "Hôtel de Ville", "from": "2026-11-20",
    }  # fmt: skip
    assert command(placed, "merge", kept, gone).exit_code == 0
    assert command(placed, "merge", gone, "--undo").exit_code == 0
    assert command(placed, "merge", kept).exit_code == 2
    assert command(placed, "split", gone, "--at", "2026-11-23T02:00", "--json").exit_code == 0
    assert command(placed, "revoke", "pc-0").exit_code == 0
    assert command(placed, "delete", kept, "--reason", "x").exit_code == 1, "nobody said yes"
    assert command(placed, "delete", kept, "--reason", "x", "--yes").exit_code == 0
    log = json.loads(command(placed, "audit", "--json").stdout)
    acts = [entry["act"] for entry in log]
    for act in ("transferred", "revoked", "split", "deleted"):
        assert any(act in one for one in acts)
    assert kept not in json.dumps(log)
    assert "devices merged" in command(placed, "audit", gone[:6]).stdout


def test_the_sql_view_shows_where_a_device_is_now(placed):
    moved(placed, placed.server, "Métropole/Ville", day_of(placed, 2), "Ailleurs")
    moved(placed, placed.server, "Autre", day_of(placed, 5))
    file = placed.context.settings.data_dir / "store.sqlite3"
    with closing(sqlite3.connect(file)) as db:
        found = dict(db.execute("SELECT id, org_unit || ' ' || site FROM devices").fetchall())
    assert found[placed.server] == "Métropole/Ville Ailleurs"
    assert found[placed.laptop] == "Métropole/Ville/Mairie Hôtel de Ville"


def test_acts_on_secrets_contracts_and_purchases_are_logged_without_what_is_secret(fleet):
    context = fleet.context
    made, text = create_secret(context, "Métropole")
    revoke_secret(context, made.id)
    with audit.acting("token weekly-job"):
        store_purchases(
            context.store, ["device,date\n", f"{fleet.server},2025-01-01\n"], context.zone, fleet.now
        )
    log = audit.entries(context.store)
    assert [entry.act for entry in log] == ["secret created", "secret revoked", "purchases stated"]
    assert log[1].after["revoked_at"] == fleet.now
    assert (log[0].who, log[2].who) == (audit.actor(), "token weekly-job")
    assert text not in repr(log)
    assert made.hash not in repr(log)


def test_every_act_has_a_name_in_every_language():
    assert get_args(audit.Act) == audit.ACTS


def test_a_person_reads_times_as_dates_and_acts_in_their_language(fleet, monkeypatch):
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    retire(fleet.context.store, fleet.server, fleet.now)
    shown = command(fleet, "audit").stdout
    assert "équipement retiré" in shown
    assert "retired_at: – → 2026-11-24 10:07:07 UTC" in shown


def test_where_the_file_cannot_be_written_anew_nothing_is_deleted(fleet, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(StoreUnusable, match="free disk space"):
        delete(fleet.context.store, fleet.guest, "x", fleet.now)
    assert device(fleet.context.store, fleet.guest).hostname == "guest-1"


def test_what_a_reader_keeps_in_the_log_is_said(fleet):
    file = fleet.context.settings.data_dir / "store.sqlite3"
    with closing(sqlite3.connect(file)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM facts").fetchall()
        fleet.context.store._db.execute("PRAGMA busy_timeout = 1")
        with pytest.raises(NotYetErased, match="stop the collector"):
            delete(fleet.context.store, fleet.guest, "x", fleet.now)
    with pytest.raises(UnknownDevice):
        device(fleet.context.store, fleet.guest)
