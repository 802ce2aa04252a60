"""What Prometheus reads: well formed, true to the store, naming no machine; and the dashboard over it."""

import json
import re
from pathlib import Path

import pytest
from parcimetre_server.base.exposition import Histogram, Metric, text
from parcimetre_server.base.metrics import Meters
from parcimetre_server.base.periods import since_midnight
from parcimetre_server.footprint.compute import footprint_rows
from parcimetre_server.footprint.query import FootprintQuery

ROOT = Path(__file__).parents[3]
DASHBOARD = ROOT / "deploy" / "grafana" / "parcimetre.json"
LINE = re.compile(r'(\w+)(?:\{((?:\w+="(?:[^"\\\n]|\\.)*",?)*)\})? (\S+)')
NAME = re.compile(r"\b(?:parcimetre|process)_[a-z0-9_]+\b")


def read(answer):
    """Samples as {(name, labels): value}; fails on a line that is not of the format."""
    samples = {}
    for line in answer.splitlines():
        if line.startswith("#"):
            assert re.fullmatch(r"# (HELP \w+ .+|TYPE \w+ (counter|gauge|histogram))", line)
            continue
        name, labels, value = LINE.fullmatch(line).groups()
        key = (name, frozenset(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', labels or "")))
        assert key not in samples, "a sample stands twice"
        samples[key] = float(value)
    return samples


def value(samples, name, **labels):
    return samples[name, frozenset(labels.items())]


@pytest.fixture
def scraped(reader):
    answer = reader.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    return answer.text


def test_the_last_full_day_is_what_the_footprint_says(fleet, scraped):
    midnight = since_midnight(fleet.now, fleet.context.zone, 2)
    today = since_midnight(fleet.now, fleet.context.zone)
    rows = footprint_rows(fleet.context, FootprintQuery(type(today)(midnight.first, today.first)), "org_unit")
    samples = read(scraped)
    assert rows
    for row in rows:
        assert value(samples, "parcimetre_day_gwp_kgco2e", org_unit=row.group) == pytest.approx(row.value)
        assert value(samples, "parcimetre_day_energy_joules", org_unit=row.group) == pytest.approx(
            row.energy_kwh * 3_600_000
        )
    assert value(samples, "parcimetre_day_start_timestamp_seconds") == midnight.first


def test_a_device_not_heard_for_two_days_is_silent(scraped):
    samples = read(scraped)
    assert value(samples, "parcimetre_devices", org_unit="Métropole/DSI") == 2
    assert value(samples, "parcimetre_devices_silent", org_unit="Métropole/DSI") == 1
    assert value(samples, "parcimetre_devices_silent", org_unit="Métropole/Ville") == 0


def test_no_host_name_and_no_device_id_is_told(fleet, scraped):
    assert "guest-1" not in scraped
    assert not any(device in scraped for device in (fleet.laptop, fleet.guest, fleet.server, fleet.silent))


def test_of_an_org_unit_only_its_subtree_is_told_and_nothing_of_the_process(reader):
    answer = reader.get("/metrics", params={"org_unit": "Métropole/Ville"}).text
    units = {dict(labels).get("org_unit") for _, labels in read(answer)}
    assert units == {None, "Métropole/Ville", "Métropole/Ville/Mairie"}
    assert "process_" not in answer
    assert "parcimetre_reports_total" not in answer


def test_the_factor_set_in_force_is_a_label(fleet, scraped):
    assert f'factor_set="{fleet.context.factors.id}"' in scraped


def test_a_histogram_counts_each_duration_in_its_bucket_and_all_above():
    histogram = Histogram((0.1, 1.0))
    for duration_s in (0.05, 0.1, 0.5, 7.0):
        histogram.observe(duration_s)
    told = read(text([Metric("x_seconds", "histogram", "X.", histogram.samples())]))
    assert [value(told, "x_seconds_bucket", le=le) for le in ("0.1", "1", "+Inf")] == [2, 3, 4]
    assert (value(told, "x_seconds_count"), value(told, "x_seconds_sum")) == (4, pytest.approx(7.65))


def test_a_label_may_hold_any_text():
    told = text([Metric("x", "gauge", "X.", [("", {"unit": 'a"b\\c\nd'}, 1)])])
    assert told.splitlines()[-1] == r'x{unit="a\"b\\c\nd"} 1'
    read(told)


def test_a_job_that_fails_keeps_its_last_success(clock_at):
    meters = Meters()
    meters.run("tidy", lambda: True)
    clock_at(2_000_000_000)
    meters.run("tidy", lambda: False)
    with pytest.raises(OSError, match="gone"):
        meters.run("tidy", _fails)
    assert (meters.jobs["tidy"].failures, meters.jobs["tidy"].succeeded_at) == (2, 1795514827)


def _fails():
    raise OSError("gone")


def test_every_metric_of_the_dashboard_and_of_the_documents_exists(reader):
    meters = reader.app.state.writer.meters
    meters.committed_at = 1
    meters.run("tidy", lambda: True)
    known = {name for name, _ in read(reader.get("/metrics").text)}
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = {
        name
        for panel in dashboard["panels"]
        for target in panel["targets"]
        for name in NAME.findall(target["expr"])
    }
    asked |= {name for item in dashboard["templating"]["list"] for name in NAME.findall(item["query"])}
    assert asked <= known
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])
    families = {re.sub(r"_(bucket|sum|count)$", "", name) for name in known}
    for language in ("en", "fr"):
        page = (ROOT / "docs" / language / "monitor.md").read_text(encoding="utf-8")
        assert set(re.findall(r"`((?:parcimetre|process)_[a-z0-9_]+)(?:\{.*?\})?`", page)) == families
