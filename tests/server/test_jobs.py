"""Jobs: the past week's report is there on Monday, once, in both languages."""

import threading

from parcimetre_server import jobs
from parcimetre_server.jobs import start_jobs, write_weekly


def test_a_report_is_written_in_each_language_and_only_once(fleet):
    written = write_weekly(fleet.collector, "2026-W47")
    assert [path.name for path in written] == ["weekly-2026-W47.en.html", "weekly-2026-W47.fr.html"]
    assert all(path.read_text(encoding="utf-8").startswith("<!doctype html>") for path in written)
    assert write_weekly(fleet.collector, "2026-W47") == []


def test_what_is_missing_is_made_up_for(fleet):
    _, second = write_weekly(fleet.collector, "2026-W47")
    second.unlink()
    assert write_weekly(fleet.collector, "2026-W47") == [second]


def test_a_week_without_devices_has_no_report(empty):
    assert write_weekly(empty, "2026-W47") == []


def test_the_past_weeks_report_is_made_up_for_at_the_start(fleet, monkeypatch):
    done = threading.Event()
    asked = []
    monkeypatch.setattr(jobs, "write_weekly", lambda _, week: asked.append(week) or done.set() or [])
    stop = start_jobs(fleet.collector)
    assert done.wait(30)
    stop()
    assert asked == ["2026-W47"]


def test_a_failing_report_does_not_take_the_collector_down(fleet, monkeypatch, caplog):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr(jobs, "write_weekly", fail)
    jobs._past_week(fleet.collector)
    assert "could not be written" in caplog.text
