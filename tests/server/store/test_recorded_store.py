"""A store that was written at bb8efdf: today's code reads every fact and slot of it, and no figure moved.

`figures.json` was written at that commit. Where a change of factors or of the method moves figures on
purpose, write it again: PARCIMETRE_RECORD=1 .venv/bin/pytest tests/server/store/test_recorded_store.py
"""

import json
import os
from typing import get_args

import pytest
from parcimetre_server.base.periods import since_midnight
from parcimetre_server.reports.publishing import FactorSetGone
from parcimetre_server.reports.stored import publications
from parcimetre_server.reports.verification import DisclosureRuleChanged, verify
from parcimetre_server.store.records import FactKind

from .recorded_store import FIRST, NOW, RECORDED

FIGURES = RECORDED / "figures.json"
CRITERIA = ("gwp", "adpe", "pe")
GROUPINGS = ("org_unit", "site", "category", "device", "stage", "component", "power_source", "model")
LISTS = {
    "/v1/devices": "items", "/v1/agents": "agents", "/v1/outlets": "outlets", "/v1/contracts": None,
    "/v1/dead-letters": None, "/v1/reports": "reports", "/v1/reports/schedules": "schedules",
    "/v1/printing": "rows",
}  # fmt: skip
DIGITS = 10  # the order of a sum shows beyond them, as it differs between processors


def same(name, found):
    """Compare with what was recorded under a name; or record it."""
    found = json.loads(json.dumps(found), parse_float=rounded)
    known = json.loads(FIGURES.read_text(encoding="utf-8")) if FIGURES.exists() else {}
    if os.environ.get("PARCIMETRE_RECORD"):
        text = json.dumps(known | {name: found}, ensure_ascii=False, indent=1, sort_keys=True)
        FIGURES.write_text(text + "\n", encoding="utf-8")
    else:
        assert found == known[name]


def rounded(text):
    return float(f"{float(text):.{DIGITS - 1}e}")


def test_every_kind_of_fact_is_read(recorded):
    counts = {kind: len(recorded.store.history(kind)) for kind in get_args(FactKind)}
    same("facts", {kind: count for kind, count in counts.items() if count})


def test_every_list_has_what_it_had(recorded, client_of):
    reader = client_of(recorded)
    period = {"from": str(since_midnight(FIRST, recorded.zone).first), "to": str(NOW)}
    asked = {path: period if path in ("/v1/outlets", "/v1/printing") else {} for path in LISTS}
    answers = {path: reader.get(path, params=query).json() for path, query in asked.items()}
    same(
        "lists",
        {path: len(answer[LISTS[path]] if LISTS[path] else answer) for path, answer in answers.items()},
    )


@pytest.mark.slow
def test_slots_are_read_from_quarter_hours_and_from_sums_of_hours_and_days(recorded):
    store, kept = recorded.store, recorded.store.rolled_up()
    assert 0 < kept.days_before < kept.hours_before
    edges = [FIRST, kept.days_before * 86_400, kept.hours_before * 86_400, NOW]
    names = ("days", "hours", "quarter hours")
    same("slots", {name: summed(store, *edges[i : i + 2]) for i, name in enumerate(names)})


def summed(store, first, last):
    slots = [slot for device in sorted(store.spans()) for slot in store.slots(device, first, last)]
    return {
        "slots": len(slots),
        "covered_s": sum(slot.covered_s for slot in slots),
        "asleep_s": sum(slot.asleep_s for slot in slots),
        "load_s": [
            sum(deciles)
            for deciles in zip(*(s.load_deciles_s for s in slots if s.load_deciles_s), strict=True)
        ],
        "memory_used_mib": sum(slot.memory_used_mib or 0.0 for slot in slots),
        "energy_j": sum(one.energy_j for slot in slots for one in slot.energy),
    }


@pytest.mark.slow
@pytest.mark.parametrize("criterion", CRITERIA)
def test_no_total_moved(criterion, recorded, client_of):
    reader = client_of(recorded)
    query = {"criterion": criterion, "from": str(FIRST), "to": str(NOW)}
    by_group = {}
    for group_by in GROUPINGS:
        answer = reader.get("/v1/footprint", params=query | {"group_by": group_by}).json()
        names = ("energy_kwh", "value", "low", "high", "coverage", "measured_share")
        by_group[group_by] = {row["group"]: [row[name] for name in names] for row in answer["rows"]}
    same(f"footprint {criterion}", by_group)


@pytest.mark.slow
def test_published_reports_verify(recorded):
    found = publications(recorded.store)
    differences = {}
    for one in found:
        week, (unit, role) = one.report.week, one.target
        if one.report.factor_set != recorded.factors.id:
            with pytest.raises(FactorSetGone):
                verify(recorded, week, one.target)
            continue
        if role == "viewer":
            with pytest.raises(DisclosureRuleChanged):
                verify(recorded, week, one.target)
            continue
        told = verify(recorded, week, one.target)
        differences[f"{week} {role} {unit or ''}".strip()] = len(told.differences)
    known = json.loads(FIGURES.read_text(encoding="utf-8"))["differences of published reports"]
    assert differences == {name: count for name, count in known.items() if " viewer" not in name}
