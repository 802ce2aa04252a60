"""Whatever bytes arrive as a report: an expected error, or records that keep every rule of the format."""

import copy
import json
import os
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_agent.report import SLOT_S, Feed, Report, Slot
from parcimetre_server.base.errors import ParcimetreError
from parcimetre_server.demo.fleet import fleet as demo_fleet
from parcimetre_server.demo.records import slots
from parcimetre_server.ingest.intake import accept_report
from parcimetre_server.ingest.plausibility import AHEAD_S, OLDEST_S
from parcimetre_server.ingest.validation import REPORT
from parcimetre_server.store.records import DeviceId, Fact
from pydantic import TypeAdapter

from ..conftest import NOW

DEVICE = DeviceId("d" * 32)
EXAMPLES = int(os.environ.get("PARCIMETRE_FUZZ", "2000"))
STRICT_SLOT = TypeAdapter(Slot)
ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8), st.just([]), st.just({}),
    st.sampled_from([-1, 0, 900, 901, 2**31, 2**63, 2**64, 1e308]),
    st.sampled_from(["900", "é", "\x00", "\ud800", [[]], {"a": {}}]),
)  # fmt: skip


def reported():
    """A valid report of the demonstration fleet, as JSON's values."""
    device = next(iter(demo_fleet(4, 1)))
    first = NOW // 86_400 * 86_400 - 86_400
    made = list(slots(device, first, first + 86_400))[:6]
    feeds = [Feed(first, name, "poe", "poe", "measured", 5400.5, 900) for name in ("1", "1/2")]
    report = Report(1, DEVICE, NOW, "0.1.0", made, inventory=device.inventory(NOW), feeds=feeds)
    told = json.loads(REPORT.dump_json(report, exclude_none=True))
    return told | {"gaps": [{"start": first - 4 * SLOT_S, "duration_s": 2 * SLOT_S, "state": "off"}]}


WHOLE = reported()


def places(value, path=()):
    """The path of every value within a document."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in items:
        yield from places(below, (*path, key))


PLACES = [path for path in places(WHOLE) if path]


@st.composite
def mutated(draw):
    """The report with some values exchanged, removed, repeated or added, then perhaps some of its bytes."""
    document = copy.deepcopy(WHOLE)
    for path in draw(st.lists(st.sampled_from(PLACES), min_size=1, max_size=3)):
        _mutate(draw, document, path)
    try:
        body = json.dumps(document).encode()
    except ValueError:
        body = b"{}"
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(body)))
        body = body[:at] + draw(st.binary(max_size=3)) + body[at + draw(st.integers(0, 3)) :]
    return body


def _mutate(draw, document, path):
    """One change at a path, if it is still there."""
    within = document
    try:
        for key in path[:-1]:
            within = within[key]
        within[path[-1]]
    except (KeyError, IndexError, TypeError):
        return
    if isinstance(within, str):
        return
    how = draw(st.sampled_from(["exchange", "remove", "repeat", "add"]))
    if how == "exchange":
        within[path[-1]] = draw(ODD)
    elif how == "remove":
        del within[path[-1]]
    elif isinstance(within, list):
        within.append(copy.deepcopy(within[path[-1]]) if how == "repeat" else draw(ODD))
    else:
        within[draw(st.text(max_size=4))] = draw(ODD)


@pytest.fixture(scope="module")
def store():
    """Knows the device and nothing else; a report is judged against it, not written."""

    class Known:
        def latest_of(self, kind, key):
            return Fact(kind, key, 0, {"agent_version": "0.1.0"}) if kind == "device" else None

        def latest(self, _kind):
            return {}

    return Known()


def test_the_unchanged_report_is_taken_whole(store):
    found = accept_report(json.dumps(WHOLE).encode(), DEVICE, store, NOW)
    assert found.refused == []
    assert len(found.arrival.slots) == len(WHOLE["slots"]) + 2
    assert len(found.fed) == len(WHOLE["feeds"])


def judged(body, store):
    """What was taken, or None and the error that was expected."""
    try:
        return accept_report(body, DEVICE, store, NOW), None
    except ParcimetreError as error:
        return None, error


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(body=mutated())
def test_a_mutated_report_is_refused_in_one_sentence_or_what_is_taken_keeps_every_rule(store, body):
    found, refusal = judged(body, store)
    if found is None:
        assert 400 <= refusal.status < 500
        assert "\n" not in str(refusal)
        return
    assert found.arrival.device_id == DEVICE
    for slot in (slot for arrival in (found.arrival, *found.fed) for slot in arrival.slots):
        assert replace(slot) == slot
        assert STRICT_SLOT.validate_json(STRICT_SLOT.dump_json(slot)) == slot
        assert NOW - OLDEST_S <= slot.start <= NOW + AHEAD_S + SLOT_S
    for fact in found.arrival.facts:
        json.dumps(fact.body, ensure_ascii=False, allow_nan=False).encode()
