"""What a viewer could once compute of a single device from figures of groups, over HTTP."""

from dataclasses import asdict
from itertools import combinations, permutations
from types import SimpleNamespace

import pytest
from parcimetre_agent import report
from parcimetre_server.access.opening import open_context
from parcimetre_server.access.tokens import create_token
from parcimetre_server.base.periods import DAY_S
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.grid import supply_contracts
from parcimetre_server.reports import publishing, schedules
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from tests.server.conftest import NOW, SLOT_S, TODAY, Reader, inventory

FIRST = TODAY - 7 * DAY_S - 3600  # midnight in Paris
DAYS = 7
LAST = FIRST + DAYS * DAY_S
CONTRACT = {"supplier": "S", "product": "P", "kg_per_kwh": "0.02", "at_meter": "yes", "evidence": "E",
            "from": "2026-01-01"}  # fmt: skip


@pytest.fixture
def office(tmp_path, clock_at, client_of):
    """A collector whose devices a test adds, and a viewer of all of it."""
    context = open_context(Settings(tmp_path / "office", organisation="M"), create=True)
    context.store.append([
        Fact("site", name, FIRST - DAY_S, {"zone": zone})
        for name, zone in (("Here", "FR"), ("There", "FR"), ("Abroad", "DE"))
    ])  # fmt: skip
    context.store.append([Fact("org_unit", path, FIRST - DAY_S, {}) for path in ("M", "M/A", "M/B", "M/C")])
    app = client_of(context).app
    made = SimpleNamespace(context=context, energy_kwh={})
    made.viewer, made.admin = (
        Reader(app, create_token(context, role, role, None)[1]) for role in ("viewer", "admin")
    )

    def add(unit="M/A", category="desktop", site="Here", days=range(DAYS), measured=False):
        """A device that is awake for a slot of its own on some days."""
        i = len(made.energy_kwh)
        key = DeviceId(f"{i:032x}")
        energy = [report.Energy("pdu", "wall_ac", "measured", 50_000.0 + 7919.0 * i, 900)] if measured else []
        awake_s = 300 + 37 * i % 600
        slots = [
            report.Slot(FIRST + day * DAY_S + (36 + i) * SLOT_S, awake_s, 0, 0, 900 - awake_s, 0,
                        [awake_s, *[0] * 9], energy=list(energy))
            for day in days
        ]  # fmt: skip
        body = {
            "category": category, "org_unit": unit, "site": site, "hostname": f"host{i}", "simulated": False,
            "virtual": "none", "install_id": key, "enrolled_at": slots[0].start, "agent_version": "0.1.0",
        }  # fmt: skip
        told = Fact("inventory", key, FIRST - DAY_S, asdict(inventory(category)))
        facts = [Fact("device", key, FIRST - DAY_S, body), told]
        context.store.write([WriteBatch(key, slots, facts)])
        made.energy_kwh[key] = None
        return key

    made.add = add
    yield made
    context.store.close()


def rows(reader, **asked):
    answer = reader.get("/v1/footprint", params={"from": FIRST, "to": LAST, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def truth(office, name="energy_kwh", **asked):
    """What each device used, for an admin."""
    return [row[name] for row in rows(office.admin, group_by="device", **asked) if row[name]]


def is_of_one(figure, single):
    """Whether a figure is that of a single device within 1 %."""
    return any(abs(figure - one) <= 0.01 * one for one in single)


@pytest.mark.parametrize("electricity", ["location", "market"])
def test_the_grid_tiers_of_a_group_are_not_those_of_its_one_device_in_another_zone(office, electricity):
    for _ in range(7):
        office.add()
    alone = office.add(site="Abroad")
    single = [row["energy_kwh"] for row in rows(office.admin, group_by="device") if row["group"] == alone]
    for row in rows(office.viewer, electricity=electricity):
        for tiers in row["grid_tiers"].values():
            assert not is_of_one(sum(tiers.values()) * row["energy_kwh"], single)


def test_a_contract_s_share_is_not_that_of_the_one_device_it_supplies(office):
    for _ in range(7):
        office.add()
    office.add(site="There")
    supply_contracts.add_contracts(
        office.context.store, [{**CONTRACT, "site": "There"}], office.context.zone, NOW
    )
    single = truth(office)
    (row,) = rows(office.viewer, electricity="market")
    (whole,) = rows(office.viewer)
    shares = [share for tiers in row["grid_tiers"].values() for share in tiers.values()]
    assert shares
    for share in shares:
        assert not is_of_one(share * row["energy_kwh"], single)
        assert not is_of_one(whole["energy_kwh"] - share * row["energy_kwh"], single)


def test_the_measured_share_is_not_that_of_the_one_device_that_is_measured(office):
    for _ in range(7):
        office.add()
    office.add(measured=True)
    single = truth(office)
    for interval in ("day", "total"):
        for row in rows(office.viewer, interval=interval):
            share = row["measured_share"]
            assert share is None or not is_of_one(share * row["energy_kwh"], truth(office, interval=interval))
    for row in rows(office.viewer, group_by="power_source"):
        assert not row["energy_kwh"] or not is_of_one(row["energy_kwh"], single)


def test_a_unit_of_one_device_in_an_earlier_period_is_not_the_rest_of_the_unit_above(office):
    for _ in range(7):
        office.add("M/A")
    office.add("M/B")
    for _ in range(5):
        office.add("M/B", days=range(5, DAYS))
    earlier = {"to": FIRST + 5 * DAY_S}
    single = truth(office, **earlier)
    figures = [row["energy_kwh"] for row in rows(office.viewer, group_by="org_unit", **earlier)]
    for unit in (None, "M", "M/A", "M/B"):
        answer = office.viewer.get(
            "/v1/footprint", params={"from": FIRST, **earlier} | ({"org_unit": unit} if unit else {})
        )
        if answer.status_code == 200:
            figures += [row["energy_kwh"] for row in answer.json()["rows"]]
    assert figures
    assert not any(is_of_one(figure, single) for figure in figures)
    assert not any(is_of_one(abs(one - other), single) for one, other in combinations(figures, 2))


@pytest.mark.parametrize("interval", ["slot", "hour"])
def test_a_viewer_s_shortest_interval_is_a_day(office, interval):
    for _ in range(5):
        office.add()
    answer = office.viewer.get("/v1/footprint", params={"from": FIRST, "to": LAST, "interval": interval})
    assert answer.status_code == 403
    assert "a day" in answer.json()["detail"]


def test_periods_that_begin_or_end_within_a_day_are_those_of_whole_days(office):
    """A quarter hour in which one of six devices was awake is asked for as a period of its own."""
    for _ in range(6):
        office.add()
    at = FIRST + 2 * DAY_S + 36 * SLOT_S
    answer = office.viewer.get("/v1/footprint", params={"from": at, "to": at + SLOT_S}).json()
    assert (answer["from"], answer["to"]) == (FIRST + 2 * DAY_S, FIRST + 3 * DAY_S)
    (day,) = rows(office.viewer, **{"from": answer["from"], "to": answer["to"]})
    assert answer["rows"][0]["energy_kwh"] == day["energy_kwh"]


def test_what_is_used_today_is_not_shown_before_the_day_is_over(office):
    keys = [office.add() for _ in range(6)]
    asked = {"from": LAST - DAY_S, "to": NOW + DAY_S}
    before = rows(office.viewer, **asked)
    slots = [report.Slot(NOW // SLOT_S * SLOT_S - SLOT_S, 900, 0, 0, 0, 0, [900, *[0] * 9])]
    office.context.store.write([WriteBatch(keys[0], slots, [])])
    assert rows(office.viewer, **asked) == before
    report_ = office.viewer.get("/v1/reports/weekly/2026-W48", params={"format": "json"}).json()
    assert [row["period"] for row in report_["by_day"]] == ["2026-11-23"]


def test_a_sunday_on_which_one_of_a_unit_works_is_shown_with_other_units_only(office):
    for _ in range(6):
        office.add("M/A", days=range(5))
    office.add("M/A", days=range(6))
    for _ in range(6):
        office.add("M/B")
    days = rows(office.viewer, group_by="org_unit", interval="day")
    for i, name in enumerate(dict.fromkeys(row["period"] for row in days)):
        at = {"from": FIRST + i * DAY_S, "to": FIRST + (i + 1) * DAY_S}
        single = truth(office, **at)
        assert not any(is_of_one(row["energy_kwh"], single) for row in days if row["period"] == name)
    weeks = rows(office.viewer, group_by="org_unit")
    single = truth(office, **{"from": FIRST + 5 * DAY_S, "to": FIRST + 6 * DAY_S})
    for week in weeks:
        inside = [row["energy_kwh"] for row in days if row["group"] == week["group"]]
        for n in range(len(inside) + 1):
            for some in combinations(inside, n):
                assert not is_of_one(week["energy_kwh"] - sum(some), single)
    total = rows(office.admin)[0]["energy_kwh"]
    assert sum(week["energy_kwh"] for week in weeks) == pytest.approx(total)


def test_units_and_categories_together_do_not_tell_of_the_one_desktop_of_a_unit(office):
    """All laptops are in one unit, with a single desktop: unit minus laptops would be that desktop."""
    for _ in range(6):
        office.add("M/A", "laptop")
    office.add("M/A")
    for _ in range(6):
        office.add("M/B")
    single = truth(office)
    figures = [row["energy_kwh"] for group in ("org_unit", "category") for row in
               rows(office.viewer, group_by=group)]  # fmt: skip
    assert len(figures) > 2
    assert not any(is_of_one(one - other, single) for one, other in permutations(figures, 2))


def test_the_impact_of_a_scrapped_device_is_not_that_of_its_unit_on_the_day(office):
    keys = [office.add() for _ in range(8)]
    retire(office.context.store, keys[0], FIRST + 3 * DAY_S + 3600, scrapped=True)
    asked = {"group_by": "stage", "interval": "day"}
    of_one = max(row["value"] or 0.0 for row in rows(office.admin, device=keys[0], **asked))
    largest = max(row["value"] or 0.0 for row in rows(office.viewer, **asked))
    assert largest < 0.5 * of_one


def test_a_device_that_leaves_is_not_what_embodied_impact_its_unit_has_less_then(office):
    keys = [office.add() for _ in range(8)]
    retire(office.context.store, keys[0], FIRST + 3 * DAY_S, scrapped=False)
    asked = {"group_by": "stage", "interval": "day"}

    def by_day(reader, **which):
        """Manufacturing of the days before and after the one on which the device leaves."""
        found = [row["value"] for row in rows(reader, **asked, **which) if row["group"] == "manufacturing"]
        return found[1], found[3] if len(found) > 3 else 0.0

    before, after = by_day(office.viewer)
    of_one = by_day(office.admin, device=keys[0])[0]
    assert before > after > 0
    assert abs(before - after - of_one) > 0.02 * of_one


def test_servers_printers_and_network_devices_are_shown_however_few_they_are(office):
    for category in ("server", "printer", "network"):
        office.add("M/C", category)
    shown = {row["group"]: row["energy_kwh"] for row in rows(office.viewer, group_by="category")}
    assert set(shown) == {"server", "printer", "network"}
    assert sorted(shown.values()) == pytest.approx(sorted(truth(office)))
    values = [row["value"] for row in rows(office.viewer, group_by="category")]
    assert sorted(values) == pytest.approx(sorted(truth(office, "value")))
    for _ in range(4):
        office.add("M/C")
    again = {row["group"]: row["energy_kwh"] for row in rows(office.viewer, group_by="category")}
    assert again == pytest.approx(shown)


def test_the_tail_of_a_category_leaves_the_others_their_own_rows(office):
    """What viewers keep: 18 of 20 desktops by category, and every device in the total."""
    for _ in range(20):
        office.add("M/A")
    for _ in range(3):
        office.add("M/A", "laptop")
    shown = {row["group"]: row["energy_kwh"] for row in rows(office.viewer, group_by="category")}
    assert set(shown) == {"desktop", "small_groups"}
    assert sum(shown.values()) == pytest.approx(sum(truth(office)))
    of_desktops = {row["group"]: row["energy_kwh"] for row in rows(office.admin, group_by="category")}[
        "desktop"
    ]
    assert 0.8 * of_desktops < shown["desktop"] < of_desktops


@pytest.mark.parametrize(("of_unit", "withheld"), [(6, True), (9, False)])
def test_reports_of_a_unit_and_of_all_do_not_leave_the_few_of_its_neighbour(office, of_unit, withheld):
    """Reports are for anybody who gets them: of two that viewers get, the blocks are the same."""
    for _ in range(of_unit):
        office.add("M/A")
    few = [office.add("M/B") for _ in range(3)]
    store = office.context.store
    for unit in (None, "M/A"):
        schedules.add(store, 1, unit, "mail", "a@b.example", "fr", [], "viewer")
    published = {one.target: one.report for one in publishing.publish(office.context, "2026-W47")}
    whole, part = published[None, "viewer"], published["M/A", "viewer"]
    assert part.withheld is withheld
    week = {"from": whole.span.first, "to": whole.span.last}
    of_few = sum(
        row["energy_kwh"] for row in rows(office.admin, group_by="device", **week) if row["group"] in few
    )
    rest = whole.total.energy_kwh - part.total.energy_kwh
    assert rest == pytest.approx(whole.total.energy_kwh) if withheld else rest > 1.2 * of_few
