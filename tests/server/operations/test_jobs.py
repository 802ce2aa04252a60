"""Jobs: the past week's reports are there on Monday, once; what fails takes no collector down."""

import threading

from parcimetre_server.operations import jobs
from parcimetre_server.operations.jobs import start_jobs


def test_the_past_weeks_reports_are_made_up_for_at_the_start(fleet, monkeypatch):
    done = threading.Event()
    asked = []
    monkeypatch.setattr(jobs, "publish", lambda _, week: asked.append(week) or done.set() or [])
    stop = start_jobs(fleet.context)
    assert done.wait(30)
    stop()
    assert asked == ["2026-W47"]


def test_a_failing_report_does_not_take_the_collector_down(fleet, monkeypatch, caplog):
    def fail(*_):
        raise OSError("disk full")

    for name, job in (("publish", jobs._past_week), ("republish", jobs._late_records)):
        monkeypatch.setattr(jobs, name, fail)
        assert not job(fleet.context)
    monkeypatch.setattr(jobs, "make_due_deliveries", fail)
    assert not jobs._deliver(fleet.context)
    assert caplog.text.count("disk full") >= 3


def test_servers_that_report_twice_are_joined_at_the_start_and_a_failure_is_survived(
    fleet, monkeypatch, caplog
):
    done = threading.Event()
    monkeypatch.setattr(jobs, "join_servers", lambda _: done.set() or 1)
    stop = start_jobs(fleet.context)
    assert done.wait(30)
    stop()
    monkeypatch.setattr(jobs, "join_servers", lambda _: 1 // 0)
    assert not jobs._join(fleet.context)
    assert "tried again in five minutes" in caplog.text
