"""After a device was deleted, by this process or another, nothing of it is left in any cache."""

import gc
from types import FunctionType, ModuleType

import pytest
from parcimetre_agent.report import EnrolRequest, HardwareIdentity
from parcimetre_server.access.answer_cache import get_or_compute
from parcimetre_server.access.credentials import Credentials
from parcimetre_server.access.last_heard import Contact
from parcimetre_server.access.served_settings import open_as_served
from parcimetre_server.analysis.overview import refresh_cached_overview
from parcimetre_server.base.cache import all_caches
from parcimetre_server.base.periods import DAY_S, Span, whole_days
from parcimetre_server.base.scope import Scope
from parcimetre_server.fleet import deletion
from parcimetre_server.fleet.devices import devices
from parcimetre_server.fleet.enrolment import Enrolment, create_secret
from parcimetre_server.footprint.compute import compute_footprint
from parcimetre_server.footprint.query import FootprintQuery

from tests.server.conftest import GUEST

HOST_NAME = "guest-1"
CODE = (ModuleType, FunctionType, type)
FILLED = {
    "answers", "credentials", "daily totals", "devices", "identities", "last heard", "models of devices",
    "purchases", "visible histories",
}  # fmt: skip


@pytest.fixture
def process(fleet):
    """Parts of a process that has been asked all kinds of questions about the device."""
    context, verified = fleet.context, Credentials(fleet.context)
    verified.verify(f"Bearer {verified.issue(GUEST, fleet.now)}")
    context.last_heard.put(GUEST, Contact(fleet.now, 0))
    _, secret = create_secret(context, "Métropole/Ville")
    other = EnrolRequest(1, secret, HardwareIdentity("1" * 32, "none"), "laptop", "0.1.0")
    enrolment = Enrolment(context)
    enrolment.enrol(other)
    week = whole_days(Span(fleet.today - 7 * DAY_S, fleet.today), context.zone, fleet.now)
    query = FootprintQuery(week)
    for reader in (context, context.within(Scope("Métropole/Ville", "analyst"))):
        compute_footprint(reader, query, few=0)
        question = reader.question("names")
        get_or_compute(
            context.answers, question, reader.store, fleet.now, lambda: (list(devices(context.store)), True)
        )
    return verified, enrolment


def left():
    """The names of caches with a string in which the device's id or host name stands."""
    return {cache.name for cache in all_caches() if any(map(tells, reachable(cache._values)))}


def tells(found):
    return isinstance(found, str) and (GUEST in found or HOST_NAME in found)


def reachable(start):
    seen, waiting = {}, [start]
    while waiting:
        found = waiting.pop()
        if id(found) not in seen and not isinstance(found, CODE):
            seen[id(found)] = found
            waiting += gc.get_referents(found)
    return seen.values()


@pytest.mark.usefixtures("process")
def test_nothing_is_left_once_the_process_itself_has_deleted(fleet):
    assert left() >= FILLED
    deletion.delete(fleet.context.store, GUEST, "asked for", fleet.now)
    assert not left()


@pytest.mark.usefixtures("process")
def test_nothing_is_left_once_the_collector_has_seen_the_deletion_by_another_process(fleet, monkeypatch):
    monkeypatch.setattr(deletion, "clear_all", lambda: None)
    other = open_as_served(fleet.context.settings.data_dir)
    deletion.delete(other.store, GUEST, "asked for", fleet.now)
    other.store.close()
    assert left() >= FILLED
    refresh_cached_overview(fleet.context)
    assert not left()
