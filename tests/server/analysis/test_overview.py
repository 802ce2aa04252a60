"""What is told again of a large fleet: for how long, to whom, and what ends it at once."""

import re
from dataclasses import replace
from threading import Barrier, Thread

import pytest
from parcimetre_server.access.answer_cache import KEPT_S, get_or_compute
from parcimetre_server.analysis import overview
from parcimetre_server.base.periods import since_midnight
from parcimetre_server.base.scope import Scope
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery
from parcimetre_server.store.records import Fact, WriteBatch

from ..conftest import NOW, SLOT_S, TODAY, slot


@pytest.fixture
def large(fleet):
    """The first page of the fleet, as if it were a large one: its total, and its time where it is cached."""

    def first_page():
        answer = overview.cached_overview(fleet.context, overview.OverviewRequest(), large_fleet=1)
        return answer.value.total.value, answer.at if answer.cached else None

    return first_page


def shown(reader):
    """Total and time that the first page shows."""
    text = reader.get("/?lang=en").text
    as_of = re.search(r"as of ([\d:]+)", text)
    return re.search(r'<p class="figure">(.*?)</p>', text)[1], as_of and as_of[1]


def late(fleet):
    """Records of yesterday that come now, and move the total."""
    return [WriteBatch(fleet.silent, [slot(TODAY - SLOT_S * i) for i in range(1, 60)])]


def test_a_small_fleet_s_page_is_made_anew_each_time(fleet, reader):
    before = shown(reader)
    fleet.context.store.write(late(fleet))
    assert shown(reader) != before
    assert before[1] is None


def test_a_large_fleet_s_page_is_told_again_with_its_time_and_then_made_anew(fleet, large, clock_at):
    first = large()
    assert first[1] == NOW
    fleet.context.store.write(late(fleet))
    clock_at(NOW + KEPT_S - 1)
    assert large() == first
    clock_at(NOW + KEPT_S)
    later = large()
    assert later[0] != first[0]
    assert later[1] == NOW + KEPT_S


def test_what_is_kept_is_what_would_be_made_anew(fleet, large):
    total, _ = large()
    span = since_midnight(NOW, fleet.context.zone, 7)
    assert total == compute_footprint(fleet.context, FootprintQuery(span)).total().value
    assert large()[0] == total


def test_nothing_is_kept_before_a_clock_that_was_set_back(fleet, large, clock_at):
    large()
    clock_at(NOW - 60)
    assert large()[1] == NOW - 60


@pytest.mark.parametrize("what", ["transfer", "retired", "contract"])
def test_what_people_state_counts_at_once(fleet, large, clock_at, what):
    assert large()[1] == NOW
    clock_at(NOW + 60)
    if what == "retired":
        retire(fleet.context.store, fleet.server, NOW)
    else:
        fleet.context.store.append([Fact(what, fleet.server, NOW, STATEMENTS[what])])
    assert large()[1] == NOW + 60


STATEMENTS = {
    "transfer": {"org_unit": "Z", "site": "default", "at": TODAY},
    "contract": {
        "product": "P", "supplier": "S", "factor": 0.02, "site": None, "org_unit": None, "ended": True,
    },
}  # fmt: skip


def test_each_scope_is_told_its_own(fleet, large):
    large()
    units = [units_told(fleet.context, root) for root in ("Métropole/DSI", "Métropole/Ville")]
    assert units[0] == {"Métropole/DSI"}
    assert not units[0] & units[1]


def units_told(context, root):
    """Units of the devices that an admin of a unit is shown first."""
    narrowed, first = context.within(Scope(root, "admin")), overview.OverviewRequest(org_unit=root)
    answer = overview.cached_overview(narrowed, first, large_fleet=1)
    return {bar.device.org_unit for bar in answer.value.devices}


def asked(context, question, compute):
    """The answer that the cache gives to a question."""
    return get_or_compute(context.answers, context.question(question), context.store, context.now(), compute)


def test_the_first_page_is_ready_before_anybody_asks_and_says_its_time(fleet, reader, monkeypatch):
    overview.refresh_cached_overview(fleet.context, large_fleet=1)
    monkeypatch.setattr(overview, "compute_overview", lambda *_: pytest.fail("figures were made"))
    assert shown(reader)[1] == "11:07"


def test_nothing_is_prepared_for_a_small_fleet(fleet, monkeypatch):
    monkeypatch.setattr(overview, "compute_overview", lambda *_: pytest.fail("figures were made"))
    overview.refresh_cached_overview(fleet.context)


def test_another_factor_set_is_another_answer(fleet):
    makes = []
    other = replace(fleet.context, factors=replace(fleet.context.factors, id="other"))
    for context in (fleet.context, fleet.context, other):
        asked(context, "question", lambda: (makes.append(1), True))
    assert len(makes) == 2


def test_many_who_ask_at_once_wait_for_one_answer(fleet):
    makes, together = [], Barrier(4)

    def ask():
        together.wait()
        asked(fleet.context, "question", lambda: (makes.append(1), True))

    threads = [Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(makes) == 1
