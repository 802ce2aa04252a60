"""Refused records can be seen, replayed once their cause is mended, and dropped; they fill no disk."""

import json
from dataclasses import asdict, replace

import pytest
from click.testing import CliRunner
from parcimetre_agent.report import Report, Slot
from parcimetre_server.access.presence import day_of
from parcimetre_server.cli import parcimetre
from parcimetre_server.ingest.dead_letters import (
    OLDEST_S,
    DeadLetterQuota,
    UnknownLetter,
    drop,
    letter,
    letters,
    prune,
    replay,
)
from parcimetre_server.ingest.intake import accept_report
from parcimetre_server.ingest.masking import MASKED
from parcimetre_server.organisation import audit
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from ..conftest import DAY_S, SLOT_S, slot


def sent(fleet, slots, now=None):
    """What comes of a report of the server; what is refused is kept."""
    now = now or fleet.now
    report = asdict(Report(1, fleet.server, now, "0.1.0", slots=slots))
    taken = accept_report(json.dumps(report).encode(), fleet.server, fleet.context.store, now)
    fleet.context.store.write([taken.arrival])
    return taken.refused


@pytest.fixture
def ahead(fleet):
    """A fleet whose server sent two slots of tomorrow, refused today."""
    first = fleet.today + DAY_S
    assert len(sent(fleet, [slot(first), slot(first + SLOT_S)])) == 2
    return fleet


def test_a_refused_record_is_kept_with_its_reason_as_it_was_sent(ahead):
    found = letters(ahead.context.store)
    assert [(one.device, one.part) for one in found] == [(ahead.server, "slots")] * 2
    assert "in the future" in found[0].reason
    assert found[0].record == asdict(slot(ahead.today + DAY_S))
    assert letter(ahead.context.store, found[1].id[:6]) == found[1]
    with pytest.raises(UnknownLetter, match="dead-letters list"):
        letter(ahead.context.store, "zzz")


def test_what_is_replayed_in_vain_stays(ahead):
    store = ahead.context.store
    before = letters(store)
    became = replay(store, before, ahead.now)
    assert (became.accepted, became.refused) == (0, 2)
    assert "in the future" in became.reason
    assert letters(store) == before


def test_after_the_mend_a_letter_is_stored_once_and_is_a_letter_no_more(ahead):
    store, later = ahead.context.store, ahead.now + 2 * DAY_S
    both = letters(store)
    assert replay(store, both, later).accepted == 2
    assert letters(store) == []
    again = replay(store, both, later)
    assert (again.accepted, again.duplicates) == (0, 2)
    found = store.activity(ahead.server, ahead.today + DAY_S, ahead.today + 2 * DAY_S)
    assert found.start.tolist() == [ahead.today + DAY_S, ahead.today + DAY_S + SLOT_S]
    assert audit.entries(store, ahead.server)[0].act == "dead letters replayed"


def test_a_replayed_record_does_not_displace_one_that_covers_more(ahead):
    store, first = ahead.context.store, ahead.today + DAY_S
    only = letters(store)[0]
    short = dict(only.record, display_on_s=100, unknown_s=800, load_deciles_s=[100, *[0] * 9])
    store.remove("dead_letter", [only.id])
    store.write([WriteBatch(ahead.server, [slot(first)])])
    body = {"device": ahead.server, "part": "slots", "index": 0, "reason": "x", "record": short}
    store.append([Fact("dead_letter", "ab", only.at, body)])
    became = replay(store, [letter(store, "ab")], ahead.now + 2 * DAY_S)
    assert (became.accepted, became.duplicates) == (0, 1)
    assert store.activity(ahead.server, first, first + 1).display_on_s.tolist() == [900]


def test_a_letter_that_was_cut_or_is_of_a_lost_device_is_refused_with_the_reason(ahead):
    store = ahead.context.store
    about = {"part": "slots", "index": 0, "reason": "x"}
    store.append([
        Fact("dead_letter", "cut", 1, {"device": ahead.server, **about, "record": '{"start": 17'}),
        Fact("dead_letter", "lost", 1, {"device": "e" * 32, **about, "record": {}}),
    ])  # fmt: skip
    assert replay(store, [letter(store, "cut")], ahead.now).refused == 1
    assert "drop the dead letter" in replay(store, [letter(store, "lost")], ahead.now).reason


def test_dropped_letters_are_gone_and_the_log_says_so(ahead):
    store = ahead.context.store
    drop(store, letters(store)[:1], ahead.now)
    assert len(letters(store)) == 1
    assert audit.entries(store, ahead.server)[0].before == {"letters": 1}


def test_letters_are_bounded_in_number_and_age(ahead):
    store = ahead.context.store
    old, young = letters(store)[0], letters(store)[1]
    assert prune(store, ahead.now, most=1) == 1
    assert letters(store) == [young]
    assert old.id != young.id
    assert prune(store, ahead.now + OLDEST_S) == 1
    assert letters(store) == []


def test_a_broken_agent_fills_no_disk(fleet):
    quota = DeadLetterQuota(per_hour=3)
    body = {"device": fleet.server, "part": "slots", "index": 0, "reason": "x", "record": 1}
    one = WriteBatch(DeviceId(fleet.server), [slot(0)], [
        Fact("inventory", fleet.server, 1, {}), *(Fact("dead_letter", str(i), 1, body) for i in range(2)),
    ])  # fmt: skip
    kept = [len(quota.bounded(one, fleet.now).facts) for _ in range(3)]
    assert kept == [3, 2, 1]
    assert len(quota.bounded(one, fleet.now + 3600).facts) == 3
    assert quota.bounded(one, fleet.now).slots == one.slots


def test_the_api_lists_letters(ahead, reader):
    told = reader.get("/v1/dead-letters").json()
    assert [one["device"] for one in told] == [ahead.server] * 2
    assert reader.get("/v1/dead-letters", params={"device": ahead.laptop}).json() == []


def test_the_commands_list_show_replay_and_drop(ahead):
    folder = ["--data-dir", str(ahead.context.settings.data_dir)]

    def run(*words):
        return CliRunner().invoke(parcimetre, ["dead-letters", *words, *folder], catch_exceptions=False)

    listed = json.loads(run("list", "--json").output)
    assert json.loads(run("show", listed[0]["id"][:8], "--json").output) == listed[0]
    assert "2 still refused" in run("replay", "--device", ahead.server).output
    assert run("drop").exit_code == 2
    assert "1 dropped" in run("drop", listed[0]["id"]).output
    assert "1 dropped" in run("drop", "--all").output
    assert json.loads(run("list", "--json").output) == []


def test_a_record_that_contradicts_the_format_is_accepted_once_the_format_allows_it(fleet):
    store = fleet.context.store
    start = fleet.now // SLOT_S * SLOT_S - SLOT_S
    report = asdict(Report(1, fleet.server, fleet.now, "0.1.0", slots=[Slot(start, 900, 0, 0, 0, 0)]))
    report["slots"][0]["novel"] = 1
    taken = accept_report(json.dumps(report).encode(), fleet.server, store, fleet.now)
    store.write([taken.arrival])
    (kept,) = letters(store)
    assert kept.record["novel"] == MASKED
    assert replay(store, [kept], fleet.now).refused == 1
    known = {name: value for name, value in kept.record.items() if name != "novel"}
    assert replay(store, [replace(kept, record=known)], fleet.now).refused == 0


def test_values_of_unknown_fields_are_masked_in_a_letter(fleet):
    report = asdict(Report(1, fleet.server, fleet.now, "0.1.0", slots=[slot(fleet.today)]))
    report["slots"][0] |= {"user": "anne.dupont", "energy": [{"window": "letter to Anne Dupont"}]}
    taken = accept_report(json.dumps(report).encode(), fleet.server, fleet.context.store, fleet.now)
    fleet.context.store.write([taken.arrival])
    (found,) = letters(fleet.context.store)
    assert "dupont" not in str(found).lower()
    assert (found.record["user"], found.record["start"]) == (MASKED, fleet.today)


def test_quarter_hours_of_a_personal_machine_are_withheld_without_presence_data(fleet, reader):
    first = fleet.today + DAY_S
    for device in (fleet.laptop, fleet.server):
        report = asdict(Report(1, device, fleet.now, "0.1.0", slots=[slot(first)]))
        taken = accept_report(json.dumps(report).encode(), device, fleet.context.store, fleet.now)
        fleet.context.store.write([taken.arrival])
    found = {one["device"]: one for one in reader.get("/v1/dead-letters").json()}
    assert found[fleet.server]["record"]["start"] == first
    assert found[fleet.laptop]["record"] is None
    assert found[fleet.laptop]["at"] == day_of(fleet.now, fleet.context.zone)
    assert str(first) not in str(found[fleet.laptop])
