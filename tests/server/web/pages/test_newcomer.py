"""Whoever has just installed it, on whatever day of the week, is refused no page of the menu."""

import re
from dataclasses import replace

import pytest
from parcimetre_server.access.opening import open_context
from parcimetre_server.configuration.settings import Settings
from parcimetre_server.store.records import DeviceId, Fact, WriteBatch

from tests.server.conftest import DAY_S, NOW, SLOT_S, TODAY, arrivals, slot

MONDAY = TODAY - 2 * DAY_S
DEVICE = DeviceId("b" * 32)


@pytest.mark.parametrize("earlier_days", [0, 30], ids=["enrolled today", "enrolled a month ago"])
@pytest.mark.parametrize("weekday", range(7))
def test_every_page_of_the_menu_is_shown(tmp_path, clock_at, client_of, weekday, earlier_days):
    now = MONDAY + weekday * DAY_S + (NOW - TODAY)
    clock_at(now)
    context = open_context(Settings(tmp_path / "data", trust_this_machine=True), create=True)
    began = now - earlier_days * DAY_S
    batch = next(one for one in arrivals() if any(fact.kind == "device" for fact in one.facts))
    facts = [
        Fact(
            fact.kind,
            DEVICE,
            began,
            {**fact.body, "enrolled_at": began} if fact.kind == "device" else fact.body,
        )
        for fact in batch.facts
        if fact.kind in ("device", "inventory")
    ]
    start = now // SLOT_S * SLOT_S - 4 * SLOT_S
    slots = [replace(slot(0), start=start + at * SLOT_S) for at in range(4)]
    context.store.append([Fact("site", "Hôtel de Ville", began, {"zone": "FR"})])
    context.store.write([WriteBatch(DEVICE, slots, facts)])
    reader = client_of(context)
    menu = re.search(r"<nav.*?</nav>", reader.get("/").text, re.DOTALL).group(0)
    paths = re.findall(r'href="(/[^"]*)"', menu)
    assert len(paths) >= 5
    for path in paths:
        answer = reader.get(path)
        while answer.status_code in (303, 307):
            answer = reader.get(answer.headers["location"])
        assert answer.status_code == 200, (path, answer.text[:300])
    context.store.close()
