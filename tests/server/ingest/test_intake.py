"""Good records are stored whatever stands beside them; bad ones are named and kept."""

import json
from dataclasses import asdict, replace

import pytest
from parcimetre_agent.report import Energy, Gap, Report, SelfCost, Slot
from parcimetre_server.access.credentials import BadCredential
from parcimetre_server.ingest.intake import NotYourDevice, ReportIntake, accept_report, new_versions
from parcimetre_server.ingest.plausibility import ClockAhead, expand
from parcimetre_server.ingest.validation import BadReport, UnknownSchema
from parcimetre_server.store.records import DeviceId, Fact

DEVICE = DeviceId("d" * 32)
SLOT_S, DAY_S = 900, 86_400


@pytest.fixture
def known(empty):
    """A collector that knows the device."""
    empty.store.append([Fact("device", DEVICE, empty.now(), {"agent_version": "0.1.0"})])
    return empty


@pytest.fixture
def start(known):
    """The slot that closed last."""
    return known.now() // SLOT_S * SLOT_S - SLOT_S


def slot(start, **about):
    """A quarter hour with the display on."""
    return Slot(start, **({"display_on_s": 900} | dict.fromkeys(REST, 0) | about))


REST = ("display_off_s", "asleep_s", "off_s", "unknown_s")


def document(context, **parts):
    """A report as JSON says it."""
    report = Report(1, DEVICE, context.now(), "0.1.0", **parts)
    return asdict(report)


def taken(context, document) -> ReportIntake:
    return accept_report(json.dumps(document).encode(), DEVICE, context.store, context.now())


def test_a_good_report_is_taken_whole(known, start):
    energy = [Energy("rapl", "package", "measured", 1234.5, 900)]
    slots = [slot(start), slot(start - SLOT_S, energy=energy)]
    found = taken(known, document(known, slots=slots))
    assert list(found.arrival.slots) == slots
    assert found.refused == []
    assert [fact.kind for fact in found.arrival.facts] == ["channels"]
    known.store.append(found.arrival.facts)
    assert taken(known, document(known, slots=slots)).arrival.facts == []


def test_deprecated_means_of_disks_and_network_are_accepted_from_old_agents_and_not_stored(known, start):
    means = dict.fromkeys(
        ("disk_read_kib_s", "disk_write_kib_s", "net_received_kib_s", "net_sent_kib_s"), 7.5
    )
    energy = [Energy("rapl", "package", "measured", 1234.5, 900)]
    sent = [
        slot(start, memory_used_mib=512.0, energy=energy, **means),
        slot(start - SLOT_S, net_sent_kib_s=1.0),
    ]
    found = taken(known, document(known, slots=sent))
    assert found.refused == []
    assert list(found.arrival.slots) == [
        slot(start, memory_used_mib=512.0, energy=energy),
        slot(start - SLOT_S),
    ]


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        ({"display_on_s": 901}, "slots[1].display_on_s = 901"),
        ({"display_on_s": 800}, "slots[1]: the states add up to 800 s, but a slot lasts 900 s"),
        ({"display_on_s": "900"}, "slots[1].display_on_s = '900'"),
        ({"start": 1}, "slots[1]: start = 1 is not on a quarter hour"),
        ({"memory_used_mib": float("inf")}, "slots[1].memory_used_mib = inf"),
        ({"energy": [{"source": "x"}]}, "slots[1].energy[0].scope"),
    ],
    ids=["too long", "sum", "type", "start", "infinite", "nested"],
)
def test_a_bad_slot_is_refused_with_its_field_and_value_and_the_others_are_taken(known, start, spoil, says):
    told = document(known, slots=[slot(start), slot(start - SLOT_S), slot(start - 2 * SLOT_S)])
    told["slots"][1] |= spoil
    found = taken(known, told)
    assert [one.start for one in found.arrival.slots] == [start, start - 2 * SLOT_S]
    refusal = found.refused[0]
    assert (refusal.part, refusal.index) == ("slots", 1)
    assert refusal.reason.startswith(says)
    assert refusal.reason.endswith("update the agent")


def test_what_is_refused_is_kept_as_a_dead_letter(known, start):
    told = document(known, slots=[slot(start), slot(start)])
    told["slots"][0]["off_s"] = 5
    letters = [fact for fact in taken(known, told).arrival.facts if fact.kind == "dead_letter"]
    assert len(letters) == 1
    assert letters[0].body["device"] == DEVICE
    assert letters[0].body["record"] == told["slots"][0]
    assert "905" in letters[0].body["reason"]
    json.dumps(letters[0].body, allow_nan=False)


def test_a_field_the_format_does_not_have_is_refused_without_repeating_its_value(known, start):
    told = document(known, slots=[slot(start)])
    told["slots"][0]["user"] = "jeanne"
    found = taken(known, told)
    assert "slots[0].user" in found.refused[0].reason
    assert "jeanne" not in found.refused[0].reason
    assert found.arrival.slots == []


def test_a_bad_inventory_does_not_cost_the_slots(known, start):
    told = document(known, slots=[slot(start)], self_cost=SelfCost(0.1, 15.0, 1000, 3600.0))
    told["inventory"] = {"category": "toaster"}
    found = taken(known, told)
    assert len(found.arrival.slots) == 1
    assert {one.part for one in found.refused} == {"inventory"}
    assert {fact.kind for fact in found.arrival.facts} == {"dead_letter", "self_cost"}


def test_slots_from_the_future_or_too_old_are_refused_one_by_one_under_their_own_index(known, start):
    now = known.now()
    far, old = (now + 3600) // SLOT_S * SLOT_S, (now - 401 * DAY_S) // SLOT_S * SLOT_S
    told = document(known, slots=[slot(start), slot(far), slot(start - SLOT_S), slot(old)])
    told["slots"][0]["off_s"] = 1
    found = taken(known, told)
    assert [one.start for one in found.arrival.slots] == [start - SLOT_S]
    assert {one.index: one.reason.split(";")[0] for one in found.refused}.keys() == {0, 1, 3}
    reasons = {one.index: one.reason for one in found.refused}
    assert "future" in reasons[1]
    assert "older than 400 days" in reasons[3]


def test_the_slot_that_is_still_open_is_taken(known, start):
    open_slot = slot(start + SLOT_S, display_on_s=100, unknown_s=800)
    assert list(taken(known, document(known, slots=[open_slot])).arrival.slots) == [open_slot]


def test_a_gap_stands_for_whole_slots_of_its_state_and_unknown_ones_for_nothing():
    asleep, off = list(expand(Gap(0, 1800, "asleep"))), list(expand(Gap(1800, 900, "off")))
    assert [(one.start, one.asleep_s, one.off_s, one.covered_s) for one in asleep + off] == [
        (0, 900, 0, 900), (900, 900, 0, 900), (1800, 0, 900, 900),
    ]  # fmt: skip
    assert list(expand(Gap(0, 1800, "unknown"))) == []


def test_gaps_reach_back_as_far_as_slots_and_never_into_the_future(known, start):
    now = known.now()
    longest = Gap((now - 400 * DAY_S) // SLOT_S * SLOT_S, 400 * DAY_S - DAY_S, "off")
    found = taken(known, document(known, gaps=[longest, Gap(start, DAY_S, "off"), Gap(0, 900, "off")]))
    assert min(one.start for one in found.arrival.slots) >= now - 400 * DAY_S
    assert [(one.part, one.index) for one in found.refused] == [("gaps", 1), ("gaps", 2)]


def test_gaps_that_overlap_for_years_are_cut_off(known):
    longest = Gap((known.now() - 399 * DAY_S) // SLOT_S * SLOT_S, 398 * DAY_S, "off")
    found = taken(known, document(known, gaps=[longest] * 5))
    assert len(found.arrival.slots) <= 2 * 400 * 96
    assert [one.index for one in found.refused] == [2, 3, 4]


def test_an_unknown_schema_says_which_is_known_and_is_no_bad_record(known, start):
    told = document(known, slots=[slot(start)]) | {"schema": 3, "novelty": 1}
    with pytest.raises(UnknownSchema, match=r"reads 1, 2.*update") as refused:
        taken(known, told)
    assert refused.value.status == 409


def test_a_clock_that_is_ahead_is_told_how_to_be_mended_and_is_no_bad_record(known, start):
    told = document(known, slots=[slot(start)])
    taken(known, told | {"sent_at": known.now() + 600})
    with pytest.raises(ClockAhead, match="NTP") as refused:
        taken(known, told | {"sent_at": known.now() + 601})
    assert refused.value.status == 409


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", b"[]", b"[" * 100_000, b'{"schema": 1}', b'{"schema": 1, "slots": "x"}', b"\xff\xfe"],
    ids=["empty", "text", "list", "deep", "bare", "wrong", "binary"],
)
def test_what_is_no_report_is_refused_in_a_sentence(known, body):
    with pytest.raises((BadReport, UnknownSchema), match="report"):
        accept_report(body, DEVICE, known.store, known.now())


def test_a_report_for_another_device_is_refused(known, start):
    with pytest.raises(NotYourDevice):
        taken(known, document(known) | {"device_id": "e" * 32})


def test_a_device_that_a_restored_backup_does_not_know_enrols_again(empty, start):
    lost = DeviceId("e" * 32)
    told = json.dumps(document(empty) | {"device_id": lost}).encode()
    with pytest.raises(BadCredential, match="enrol again"):
        accept_report(told, lost, empty.store, empty.now())


def test_an_inventory_is_kept_when_it_says_something_new(fleet):
    store, laptop = fleet.context.store, fleet.laptop
    body = dict(store.latest_of("inventory", laptop).body)
    told = {"schema": 1, "device_id": laptop, "sent_at": fleet.now, "agent_version": "0.1.0"}

    def kinds(inventory):
        document = json.dumps(told | {"inventory": inventory}).encode()
        found = accept_report(document, laptop, store, fleet.now).arrival.facts
        store.append(found)
        return [fact.kind for fact in found]

    kinds(body)
    assert kinds(body | {"taken_at": fleet.now}) == []
    assert kinds(body | {"memory": [{"size_mib": 32_768}]}) == ["inventory"]


def test_the_agents_own_cost_is_kept_once_a_day(known, clock_at):
    def kept():
        found = taken(known, document(known, self_cost=SelfCost(0.1, 15.0, 1000, 3600.0))).arrival.facts
        known.store.append(found)
        return len(found)

    assert [kept(), kept()] == [1, 0]
    clock_at(known.now() + DAY_S)
    assert kept() == 1


def test_an_updated_agent_shows_its_version(known):
    told = asdict(replace(Report(1, DEVICE, known.now(), "0.2.0")))
    facts = taken(known, told).arrival.facts
    assert [(fact.kind, fact.body["agent_version"]) for fact in facts] == [("device", "0.2.0")]


def test_a_version_seen_before_needs_no_read_and_a_new_one_is_still_kept(known, start):
    versions = new_versions()
    told = document(known, slots=[slot(start)])
    for _ in range(2):
        found = accept_report(json.dumps(told).encode(), DEVICE, known.store, known.now(), versions)
        assert found.arrival.facts == []
    assert versions.get(DEVICE) == "0.1.0"
    updated = json.dumps(told | {"agent_version": "0.2.0"}).encode()
    for _ in range(2):
        (fact,) = accept_report(updated, DEVICE, known.store, known.now(), versions).arrival.facts
        assert (fact.kind, fact.body["agent_version"]) == ("device", "0.2.0")
    known.store.append([fact])
    assert accept_report(updated, DEVICE, known.store, known.now(), versions).arrival.facts == []
    (fact,) = accept_report(
        json.dumps(told).encode(), DEVICE, known.store, known.now(), versions
    ).arrival.facts
    assert fact.body["agent_version"] == "0.1.0"
