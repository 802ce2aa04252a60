"""A query that would answer or read too much is refused before anything is read, and says what to narrow."""

import pytest
from click.testing import CliRunner
from parcimetre_server.base import query_cost
from parcimetre_server.base.periods import Span
from parcimetre_server.cli import parcimetre
from parcimetre_server.operations.sql_views import BadQuery, ask

TOO_LONG = [
    "/v1/footprint?interval=slot&from=2023-01-01",
    "/v1/footprint?interval=slot&from=2010-01-01",
    "/v1/footprint?interval=hour&from=2010-01-01&group_by=stage",
    "/v1/printing?interval=slot&from=2023-01-01",
    "/v1/grid/FR?from=2023-01-01",
]
ENDLESS = "with recursive n(i) as (select 1 union all select i + 1 from n) select max(i) from n"


@pytest.fixture
def unread(fleet, monkeypatch):
    """The fleet, whose slots must not be read."""
    monkeypatch.setattr(type(fleet.context.store), "activities", lambda *_: pytest.fail("slots were read"))
    return fleet


@pytest.mark.parametrize("path", TOO_LONG)
def test_too_long_a_period_is_refused_at_once(unread, client_of, path):
    answer = client_of(unread.context).get(path)
    assert answer.status_code == 400
    assert answer.json()["type"] in ("/problems/too-many-rows", "/problems/bad-period")
    assert "shorter" in answer.json()["detail"]


@pytest.mark.parametrize("path", [
    "/v1/footprint?interval=hour&group_by=device&from=2026-11-20",
    "/v1/outlets?from=2026-11-01", "/v1/explain?org_unit=M%C3%A9tropole&from=2026-11-20",
    "/?period=7d", "/devices",
])  # fmt: skip
def test_every_question_has_a_bound(fleet, client_of, monkeypatch, path):
    """With a bound of nothing, whatever reads slots or sums of days is refused."""
    for name in ("MOST_CELLS", "MOST_SLOTS", "MOST_DEVICE_DAYS"):
        monkeypatch.setattr(query_cost, name, -1)
    answer = client_of(fleet.context).get(path)
    assert answer.status_code in (400, 200)
    assert answer.status_code == 400 or path.startswith("/v1/outlets")


def test_the_explanation_of_a_device_is_bounded(fleet, client_of, monkeypatch):
    monkeypatch.setattr("parcimetre_server.footprint.explanation.device.MOST_DAYS", 2)
    path = f"/v1/explain?device={fleet.laptop}"
    answer = client_of(fleet.context).get(f"{path}&from=2026-11-16")
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/too-many-rows")
    assert client_of(fleet.context).get(f"{path}&from=2026-11-23").status_code == 200


def test_sql_is_bounded_in_time_and_in_what_it_reads(fleet, monkeypatch):
    within = Span(fleet.today - 86_400, fleet.today)
    with pytest.raises(BadQuery, match="takes too long"):
        ask(fleet.context, ENDLESS, within, longest_s=0.2)
    monkeypatch.setattr(query_cost, "MOST_SLOTS", 10)
    told = CliRunner().invoke(
        parcimetre, ["sql", "select * from slots", "--data-dir", str(fleet.context.settings.data_dir)]
    )
    assert "choose a shorter period: --from, --to" in str(told.exception)
