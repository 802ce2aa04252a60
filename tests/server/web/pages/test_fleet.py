"""The page of devices: lists, columns to sort by, filters that are kept, and CSV."""

import csv
import io
import re

from parcimetre_server.store.records import Fact

FORM_KEY = re.compile(r'name="form_key" value="([^"]+)"')


def rows(reader, query=""):
    """Device ids in the order of the page's table."""
    table = reader.get(f"/devices{query}").text.partition('class="fleet"')[2]
    return re.findall(r'<th scope="row"><a href="/devices/(\w+)"', table)


def test_the_page_lists_who_fits_and_sorts_by_its_headings(reader, fleet):
    assert set(rows(reader)) == {fleet.laptop, fleet.guest, fleet.server, fleet.silent}
    assert rows(reader, "?list=silent") == [fleet.silent]
    assert rows(reader, "?category=server") == [fleet.server]
    assert rows(reader, "?sort=value&order=up") == rows(reader)[::-1]
    assert 'aria-sort="descending"' in reader.get("/devices").text


def test_csv_holds_all_that_fit_and_no_formula_of_who_named_a_machine(reader, fleet):
    store = fleet.context.store
    body = store.latest_of("device", fleet.server).body
    store.append([Fact("device", fleet.server, fleet.now, {**body, "hostname": "=HYPERLINK(1)"})])
    answer = reader.get("/devices.csv?category=server")
    assert "attachment" in answer.headers["content-disposition"]
    (row,) = csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert (row["device"], row["name"], row["model"]) == (fleet.server, "'=HYPERLINK(1)", "PowerEdge R640")
    assert float(row["energy_kwh"]) > 0


def test_a_filter_is_kept_under_a_name_in_this_browser_until_it_is_forgotten(reader):
    key = FORM_KEY.search(reader.get("/devices?list=silent").text)[1]
    saved = reader.post("/devices/filters", data={"form_key": key, "name": "To call", "query": "list=silent"})
    assert (saved.status_code, saved.headers["location"]) == (303, "/devices?list=silent")
    assert '<a href="/devices?list=silent">To call</a>' in reader.get("/devices").text
    reader.post("/devices/filters", data={"form_key": key, "forget": "To call"})
    assert "To call" not in reader.get("/devices").text


def test_a_form_that_no_page_of_the_session_made_is_refused(reader):
    answer = reader.post("/devices/filters", data={"name": "x", "query": ""})
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/stale-form")
