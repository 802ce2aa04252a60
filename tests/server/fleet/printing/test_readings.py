"""What printers printed: readings become facts, facts become impressions of any period, and paper by unit."""

import csv
import io
import json
from dataclasses import asdict, replace
from html import unescape

import numpy as np
import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcimetre_agent import report
from parcimetre_server.base.periods import Span
from parcimetre_server.base.scope import Scope
from parcimetre_server.fleet.devices import device
from parcimetre_server.fleet.printing.consumables import ConsumablesQuery, consumption
from parcimetre_server.fleet.printing.readings import printed
from parcimetre_server.ingest.intake import accept_report
from parcimetre_server.reports.mail_body import mail_html, mail_text
from parcimetre_server.reports.pdf import pdf
from parcimetre_server.reports.rows import csv_text
from parcimetre_server.reports.weekly import weekly_report
from parcimetre_server.reports.wording import report_text
from parcimetre_server.reports.xlsx import xlsx
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from ...conftest import DAY_S, NOW, SLOT_S, TODAY

PRINTER, OTHER = DeviceId("e" * 32), DeviceId("f" * 32)
EDGES = np.array([0, 100, 200, 300])


def read(at, impressions, **about):
    """A reading as it is kept."""
    return {"at": at, "impressions": impressions, **about}


def made(a3=True, marking="laser", outcomes=()):
    """What a gateway tells of a printer."""
    return report.Inventory(
        TODAY, "printer", "none", report.System("Ricoh", "IM C3000"), report.OperatingSystem("none"),
        printer=report.Printer(marking, colour=True, duplex=True, a3=a3), outcomes=list(outcomes),
    )  # fmt: skip


def at_unit(device_id, org_unit, readings, **about):
    """A printer of a unit, awake for a day, with readings."""
    body = {"category": "printer", "org_unit": org_unit, "site": "Hôtel de Ville", "hostname": None,
            "simulated": False, "virtual": "none", "enrolled_at": TODAY - DAY_S, "agent_version": "0.1.0",
            "relayed_by": "a" * 32}  # fmt: skip
    slots = [report.Slot(start, 0, 900, 0, 0, 0, [800, *[0] * 8, 100])
             for start in range(TODAY - DAY_S, TODAY, SLOT_S)]  # fmt: skip
    facts = [Fact("device", device_id, TODAY - DAY_S, body),
             Fact("inventory", device_id, TODAY - DAY_S, asdict(made(**about)))]  # fmt: skip
    return WriteBatch(
        device_id, slots, [*facts, *(Fact("printing", device_id, r["at"], r) for r in readings)]
    )


@pytest.fixture
def printers(fleet):
    """The fleet with a laser of one unit and an inkjet of another."""
    first, last = TODAY - DAY_S, TODAY
    fleet.context.store.write([
        at_unit(PRINTER, "Métropole/Ville/Mairie", [
            read(first, 5000, colour=1000, duplex=2000, restarted=True),
            read(last, 6000, colour=1600, duplex=2600),
        ]),
        at_unit(OTHER, "Métropole/DSI", [read(first, 10, restarted=True), read(last, 310)],
                marking="inkjet", a3=False),
    ])  # fmt: skip
    return fleet


def test_impressions_fall_evenly_between_two_readings_and_not_outside():
    found = printed([read(50, 0), read(250, 100)], EDGES)
    assert found.of("impressions").tolist() == [25, 50, 25]
    assert found.covered_s.tolist() == [50, 100, 50]
    assert found.of("colour") is None


def test_nothing_is_made_of_counters_that_do_not_go_on():
    found = printed(
        [read(0, 0), read(100, 40), read(200, 9_000_000, restarted=True), read(300, 9_000_010)], EDGES
    )
    assert found.of("impressions").tolist() == [40, 0, 10]
    assert found.covered_s.tolist() == [100, 0, 100]


def test_a_counter_that_falls_without_being_told_takes_nothing_away():
    assert printed([read(0, 50), read(100, 40), read(300, 60)], EDGES).of("impressions").min() >= 0


def test_a_part_that_was_not_read_each_time_is_counted_where_it_was():
    found = printed(
        [read(0, 0, colour=0), read(100, 10), read(200, 20, colour=9), read(300, 30, colour=12)], EDGES
    )
    assert found.of("colour").tolist() == [0, 0, 3]


@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 1000), st.integers(0, 10**6), st.booleans()), min_size=2, max_size=12),
    st.lists(st.integers(0, 12_000), max_size=6),
)
def test_periods_add_up_to_the_whole_however_they_are_cut(steps, cuts):
    at, readings = 0, []
    for gap, impressions, restarted in steps:
        at += gap
        readings.append(read(at, impressions, **({"restarted": True} if restarted else {})))
    edges = np.unique([0, *cuts, 13_000])
    parts, whole = printed(readings, edges), printed(readings, np.array([0, 13_000]))
    assert parts.of("impressions").sum() == pytest.approx(whole.of("impressions").sum())
    assert (parts.of("impressions") >= 0).all()


def test_paper_and_toner_of_units_add_up_to_the_total(printers):
    span = Span(TODAY - 2 * DAY_S, TODAY)
    (total,) = consumption(printers.context, ConsumablesQuery(span))
    by_unit = {row.group: row for row in consumption(printers.context, ConsumablesQuery(span), "org_unit")}
    assert set(by_unit) == {"Métropole/Ville/Mairie", "Métropole/DSI"}
    assert total.paper.value == pytest.approx(sum(row.paper.value for row in by_unit.values()))
    assert total.printers == 2
    town = by_unit["Métropole/Ville/Mairie"]
    assert (town.sheets, town.share("colour"), town.coverage) == (pytest.approx(700), pytest.approx(0.6), 0.5)
    assert by_unit["Métropole/DSI"].spared_by_duplex is None
    assert total.total.value == pytest.approx(total.paper.value + total.marking.value)


def test_a_share_is_that_of_the_printers_which_count_it(printers):
    (whole,) = consumption(printers.context, ConsumablesQuery(Span(TODAY - 2 * DAY_S, NOW)))
    assert whole.counted["impressions"] == pytest.approx(1300)
    assert (whole.share("colour"), whole.share("duplex")) == (pytest.approx(0.6), pytest.approx(0.6))
    assert whole.share("a3") is None


def test_a_week_reads_what_it_needs_of_the_history_and_comes_to_the_same(fleet, monkeypatch):
    """Readings of a year by a gateway that sends them at once, or days later, or all that it held at last."""
    store, first = fleet.context.store, TODAY - 365 * DAY_S
    readings = [read(at, (at - first) // 60, duplex=(at - first) // 90) for at in range(first, NOW, 6 * 3600)]
    store.write([at_unit(PRINTER, "Métropole/DSI", [])])
    for n, one in enumerate(readings):
        sent = one["at"] + (0, 5 * DAY_S, 20 * DAY_S)[n * 3 // len(readings)]
        store.append([Fact("printing", PRINTER, min(sent, NOW), one)])
    whole, reads = store.history, []

    def counted(kind, key=None, since=0):
        found = whole(kind, key, since)
        reads.append(len(found))
        return found

    for days in (300, 100, 20, 8, 1):
        query = ConsumablesQuery(Span(TODAY - days * DAY_S, TODAY - (days - 1) * DAY_S))
        monkeypatch.setattr(store, "history", counted)
        found = consumption(fleet.context, query)
        monkeypatch.setattr(store, "history", lambda kind, key=None, since=0: whole(kind, key))  # noqa: ARG005
        assert found == consumption(fleet.context, query)
        assert found[0].coverage == 1.0
    assert reads[-1] < 100 < len(readings)


def test_a_printer_that_was_transferred_leaves_its_paper_with_the_unit_that_printed_it(printers):
    store = printers.context.store
    moved = {"org_unit": "Métropole/DSI", "site": "Hôtel de Ville", "at": TODAY - DAY_S // 4}
    store.append([Fact("transfer", PRINTER, NOW, moved)])
    rows = consumption(printers.context, ConsumablesQuery(Span(TODAY - 2 * DAY_S, TODAY)), "org_unit")
    impressions = {row.group: row.counted["impressions"] for row in rows}
    assert impressions == {
        "Métropole/Ville/Mairie": pytest.approx(750),
        "Métropole/DSI": pytest.approx(250 + 300),
    }


def test_the_footprint_holds_the_machine_and_not_its_paper(printers, reader):
    asked = {"device": PRINTER, "from": TODAY - DAY_S, "to": TODAY}
    machine = reader.get("/v1/footprint", params=asked).json()["rows"][0]
    paper = reader.get("/v1/printing", params=asked).json()["rows"][0]
    page = reader.get(f"/devices/{PRINTER}").text
    assert machine["energy_kwh"] > 0
    assert paper["total"]["value"] > 0
    assert "Printer alone" in page
    assert "Saved by printing on both sides" in page
    assert f"/devices/{'a' * 32}" in page
    assert "does not" not in page.split("Printing</h2>")[1].split("</section>")[0]


def test_more_impressions_take_more_electricity(printers, reader):
    store = printers.context.store
    idle = DeviceId("9" * 32)
    arrival = at_unit(idle, "Métropole/DSI", [])
    store.write([replace(arrival, slots=[replace(s, load_deciles_s=[900, *[0] * 9]) for s in arrival.slots])])
    midnight = TODAY - 3600  # in Paris
    asked = {"group_by": "device", "from": midnight - DAY_S, "to": midnight}
    kwh = {
        row["group"]: row["energy_kwh"] for row in reader.get("/v1/footprint", params=asked).json()["rows"]
    }
    assert kwh[PRINTER] > kwh[idle] > kwh[OTHER]


def test_the_weekly_report_has_the_paper_of_each_unit(printers, reader):
    answer = reader.get("/v1/reports/weekly/2026-W48", params={"format": "json"}).json()
    assert {row["group"] for row in answer["printing"]} == {"Métropole/Ville/Mairie", "Métropole/DSI"}
    assert "Paper and toner" in reader.get("/v1/reports/weekly/2026-W48").text


def test_mail_pdf_and_tables_tell_the_paper_of_each_unit_beside_the_footprint(printers):
    context = printers.context
    report = weekly_report(context, "2026-W48")
    told, without = (
        report_text(report, context, "en"),
        report_text(replace(report, printing=()), context, "en"),
    )
    assert [table.key for table in told.tables if table not in without.tables] == ["printing"]
    assert replace(told, tables=without.tables) == without
    for body in (mail_text(told), unescape(mail_html(told))):
        text = " ".join(body.replace("\u00a0", " ").split())
        assert "Paper and toner, not included above" in text
        assert "On both sides 60%" in text
        assert "4.7 kg CO₂ eq" in text
    assert len(pdf(told)) > len(pdf(without))
    by_unit = {row.group: row for row in report.printing}
    found = list(csv.DictReader(io.StringIO(csv_text(report))))
    for section in ("paper", "marking"):
        values = {row["group"]: float(row["value"]) for row in found if row["section"] == section}
        assert values == {unit: getattr(row, section).value for unit, row in by_unit.items()}
    book = openpyxl.load_workbook(io.BytesIO(xlsx(report, told)))
    heading, *lines = book["Paper"].iter_rows(values_only=True)
    assert {line[0]: line[heading.index("Sheets of A4")] for line in lines} == {
        "Métropole/Ville/Mairie": 700, "Métropole/DSI": 300,
    }  # fmt: skip


def test_without_printers_nothing_is_said_of_paper(fleet):
    report = weekly_report(fleet.context, "2026-W48")
    assert "Printing" not in mail_text(report_text(report, fleet.context, "en"))
    assert "paper" not in csv_text(report)


def test_a_reader_of_one_unit_sees_no_paper_of_another(printers):
    seen = printers.context.within(Scope("Métropole/DSI", "admin"))
    span = Span(TODAY - 2 * DAY_S, TODAY)
    assert {row.group for row in consumption(seen, ConsumablesQuery(span), "org_unit")} == {"Métropole/DSI"}
    assert consumption(seen, ConsumablesQuery(span, device=PRINTER)) == []


def test_a_viewer_is_told_no_printer(printers):
    seen = printers.context.within(Scope("Métropole", "viewer"))
    report = weekly_report(seen, "2026-W48")
    assert report.printing == ()
    assert "Toner" not in mail_text(report_text(report, seen, "en"))


def report_of(*readings):
    """A report's body with readings."""
    told = [{"at": at, "impressions": n, **about} for at, n, about in readings]
    return json.dumps(
        {"schema": 1, "device_id": PRINTER, "sent_at": NOW, "agent_version": "0.1.0", "printing": told}
    ).encode()


def test_readings_are_kept_where_they_say_something_new(printers):
    store = printers.context.store
    same = {"colour": 1600, "duplex": 2600}
    body = report_of(
        (TODAY + 60, 6000, same), (TODAY + 180, 6001, {}), (TODAY + 240, 6001, {}), (TODAY - 5 * DAY_S, 5, {})
    )
    taken = accept_report(body, PRINTER, store, NOW)
    kept = [fact.body["at"] for fact in taken.arrival.facts if fact.kind == "printing"]
    assert kept == [TODAY + 180]
    assert not taken.refused


def test_a_bad_reading_is_refused_alone_with_its_reason(printers):
    body = report_of(
        (TODAY + 60, 7000, {"colour": 9000}), (TODAY + 120, 7000, {}), (NOW + 9 * DAY_S, 7000, {})
    )
    taken = accept_report(body, PRINTER, printers.context.store, NOW)
    assert [(one.part, one.index) for one in taken.refused] == [("printing", 0), ("printing", 2)]
    assert "more than impressions" in taken.refused[0].reason
    assert len([fact for fact in taken.arrival.facts if fact.kind == "printing"]) == 1


def test_a_printer_says_which_gateway_speaks_for_it(printers):
    assert device(printers.context.store, PRINTER).relayed_by == "a" * 32


def test_a_printers_page_says_what_it_does_not_count(printers, reader):
    silent = DeviceId("9" * 32)
    totals = [read(TODAY - DAY_S, 10, restarted=True), read(TODAY, 310)]
    printers.context.store.write([at_unit(silent, "Métropole/DSI", totals)])
    for_ink, for_toner = (reader.get(f"/devices/{one}").text for one in (OTHER, silent))
    both_sides, colour = "does not count what it prints on both sides", "does not count colour separately"
    assert (both_sides in for_ink, colour in for_ink) == (True, False)  # ink is one by page
    assert (both_sides in for_toner, colour in for_toner) == (True, True)


def test_a_printers_page_names_its_gateway_and_links_to_none_that_is_not_there(printers, reader):
    gateway = device(printers.context.store, DeviceId("a" * 32))
    assert f">{gateway.name}</a>" in reader.get(f"/devices/{PRINTER}").text
    body = dict(printers.context.store.latest_of("device", PRINTER).body)
    moved = Fact("device", PRINTER, NOW, body | {"relayed_by": "7" * 32})
    printers.context.store.append([moved])
    page = reader.get(f"/devices/{PRINTER}").text
    assert "<dd>777777</dd>" in page
    assert f"/devices/{'7' * 32}" not in page


def test_what_is_left_is_on_the_printers_page_and_what_is_unknown_stays_unknown(printers, client_of):
    left = [
        {"kind": "toner", "colour": "black", "level": 0.59},
        {"kind": "toner", "colour": "cyan", "level": 0.05},
        {"kind": "waste toner", "colour": None, "level": None},
        {"kind": "drum", "colour": "PhotoConductor", "level": None},
    ]
    reading = read(TODAY + 60, 6001, supplies=left)
    printers.context.store.append([Fact("printing", PRINTER, NOW, reading)])
    client = client_of(printers.context)
    page = client.get(f"/devices/{PRINTER}?lang=en").text
    rows = [row.split("</tr>")[0] for row in page.split("Supply levels, read")[1].split("<tr>")[2:6]]
    assert ["59" in rows[0], "badge" in rows[0], "badge" in rows[1]] == [True, False, True]
    assert ["unknown" in row and "%" not in row for row in rows] == [False, False, True, True]
    french = client.get(f"/devices/{PRINTER}?lang=fr").text
    assert "Niveaux des consommables, relevés le" in french
    assert "inconnu" in french
    assert "Supply levels" not in client.get(f"/devices/{OTHER}?lang=en").text
