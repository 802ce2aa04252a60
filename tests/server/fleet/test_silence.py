"""Silence: one definition, with one limit, for metric, pages and API."""

from dataclasses import replace

import pytest
from parcimetre_server.access.last_heard import Contact, new_last_heard
from parcimetre_server.base.periods import next_midnight
from parcimetre_server.fleet.devices import device
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.fleet.silence import is_silent, last_heard_at
from parcimetre_server.store.records import WriteBatch

from tests.server.conftest import DAY_S, SLOT_S, slot

HOUR_S = 3600


def _heard_at(fleet, key, context=None):
    context = context or fleet.context
    return last_heard_at(context, [device(context.store, key)]).get(key)


def _is_silent(fleet, key, context=None):
    context = context or fleet.context
    return is_silent(context, device(context.store, key), _heard_at(fleet, key, context))


def _with_limit(fleet, hours):
    return replace(fleet.context, settings=replace(fleet.context.settings, silent_after_hours=hours))


def test_a_device_is_silent_once_it_was_not_heard_for_the_hours_of_the_setting(fleet, clock_at):
    counted_from = next_midnight(_heard_at(fleet, fleet.silent), fleet.context.zone)
    for second, expected in ((counted_from + 48 * HOUR_S, False), (counted_from + 48 * HOUR_S + 1, True)):
        clock_at(second)
        assert _is_silent(fleet, fleet.silent) is expected
    assert not _is_silent(fleet, fleet.silent, _with_limit(fleet, 49))


def test_records_that_another_collector_stored_count_as_much_as_reports_to_this_one(fleet, clock_at):
    fleet.context.last_heard.put(fleet.laptop, Contact(fleet.now, None))
    clock_at(fleet.now + 5 * DAY_S)
    assert _is_silent(fleet, fleet.laptop)
    start = (fleet.now + 5 * DAY_S) // SLOT_S * SLOT_S - SLOT_S
    fleet.context.store.write([WriteBatch(fleet.laptop, [slot(start)], [])])
    assert _heard_at(fleet, fleet.laptop) == start + SLOT_S
    assert not _is_silent(fleet, fleet.laptop)


def test_a_report_without_slots_is_a_sign_of_life(fleet):
    assert _is_silent(fleet, fleet.silent)
    fleet.context.last_heard.put(fleet.silent, Contact(fleet.now, 480))
    assert _heard_at(fleet, fleet.silent) == fleet.now
    assert not _is_silent(fleet, fleet.silent)


def test_a_device_that_was_never_heard_counts_from_its_enrolment(empty, clock_at, fleet):
    enrolled = replace(device(fleet.context.store, fleet.silent), enrolled_at=fleet.now)
    midnight = next_midnight(fleet.now, fleet.context.zone)
    for hours, expected in ((48, False), (49, True)):
        clock_at(midnight + hours * HOUR_S)
        assert is_silent(empty, enrolled, None) is expected


def test_retired_devices_and_monitors_are_never_silent(fleet):
    found = device(fleet.context.store, fleet.silent)
    monitor = replace(found, drivers=(fleet.laptop,), driven_by=fleet.laptop)
    assert not is_silent(fleet.context, monitor, None)
    retire(fleet.context.store, fleet.silent, fleet.now)
    assert not _is_silent(fleet, fleet.silent)


@pytest.mark.parametrize("hours", [24, 48, 24 * 30])
def test_metric_pages_and_api_name_the_same_devices(fleet, client_of, hours):
    context = replace(_with_limit(fleet, hours), last_heard=new_last_heard())
    reader = client_of(context)
    agents = reader.get("/v1/agents").json()["agents"]
    silent = {agent["device"] for agent in agents if agent["silent"]}
    assert silent == ({fleet.silent} if hours <= 48 else set())
    lines = [line for line in reader.get("/metrics").text.splitlines() if "devices_silent{" in line]
    assert sum(float(line.rsplit(" ", 1)[1]) for line in lines) == len(silent)
    listed = reader.get("/devices.csv", params={"list": "silent"}).text
    assert {key for key in (fleet.laptop, fleet.guest, fleet.server, fleet.silent) if key in listed} == silent
    assert f"no report for {hours} h" in reader.get("/devices", params={"list": "silent"}).text.lower()
    page = reader.get("/agents", params={"lang": "en"}).text
    assert ("1 silent (no report for" in page) is bool(silent)
