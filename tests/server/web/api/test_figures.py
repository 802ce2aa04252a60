"""The figures' API: its contract, and problem documents where there is no answer."""

import pytest

ROW = {
    "group", "period", "energy_kwh", "value", "low", "high", "unit", "coverage", "measured_share",
    "factor_set", "absent", "simulated", "extrapolated", "electricity", "grid_tiers",
}  # fmt: skip
PROBLEM = {"type", "title", "status", "detail"}


def test_footprint_answers_with_the_contract_of_rows(reader):
    answer = reader.get("/v1/footprint", params={"group_by": "category", "interval": "day"}).json()
    assert answer["rows"]
    assert all(set(row) == ROW for row in answer["rows"])


def test_footprint_without_parameters_is_the_total_of_seven_days(reader):
    answer = reader.get("/v1/footprint").json()
    assert [row["group"] for row in answer["rows"]] == ["all"]
    assert 7 * 86_400 <= answer["to"] - answer["from"] <= 7 * 86_400 + 900


def test_explain_is_the_figure_of_footprint(reader, fleet):
    asked = {"from": "2026-11-20", "to": "2026-11-22"}
    rows = reader.get("/v1/footprint", params=asked | {"group_by": "device"}).json()["rows"]
    told = reader.get("/v1/explain", params=asked | {"device": fleet.laptop}).json()
    assert told["value"] == pytest.approx(
        next(r["value"] for r in rows if r["group"] == fleet.laptop), rel=1e-9
    )
    assert told["term"]["label"] == "footprint of a device"


def test_explain_of_an_org_unit_names_its_devices(reader, fleet):
    told = reader.get("/v1/explain", params={"org_unit": "Métropole/DSI"}).json()
    assert {term["ref"] for term in told["term"]["inputs"]} == {fleet.server, fleet.silent}


@pytest.mark.parametrize(
    ("path", "status", "says"),
    [
        ("/v1/footprint?from=yesterday", 400, "give a date"),
        ("/v1/footprint?from=2026-11-20&to=2026-11-19", 400, "not before"),
        ("/v1/footprint?group_by=colour", 422, "group_by"),
        ("/v1/footprint?criterion=noise", 422, "criterion"),
        ("/v1/footprint?device=nobody", 404, "nobody"),
        ("/v1/explain?device=nobody", 404, "nobody"),
        ("/v1/factors/nothing", 404, "nothing"),
        ("/v1/grid/XX", 404, "known: AT"),
        ("/v1/grid/FR?from=2020-01-01", 400, "choose a shorter one"),
        ("/v1/reports/weekly/2026-W99", 400, "2026-W47"),
        ("/v1/reports/weekly/2026-W47?format=docx", 406, "html or pdf"),
    ],
)
def test_what_cannot_be_answered_is_a_problem_document(reader, path, status, says):
    answer = reader.get(path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) >= PROBLEM
    assert says in answer.json()["detail"]


def test_factors_are_found_by_their_words(reader, fleet):
    found = reader.get("/v1/factors", params={"q": "grid FR"}).json()
    assert found["factor_set_version"] == fleet.context.factors.version
    assert 0 < found["count"] < len(fleet.context.factors.factors)
    one = reader.get(f"/v1/factors/{found['factors'][0]['id']}").json()
    assert one == found["factors"][0]
    assert one["source"]["url"]


def test_factors_without_words_are_all(reader, fleet):
    assert reader.get("/v1/factors").json()["count"] == len(fleet.context.factors.factors)


def test_the_grid_tells_each_slot_and_how_well_it_is_known(reader):
    told = reader.get("/v1/grid/FR", params={"from": "2026-11-20", "to": "2026-11-21"}).json()
    assert len(told["slots"]) == 96
    assert told["unit"] == "kg CO2 eq/kWh"
    assert {slot["tier"] for slot in told["slots"]} <= {"slot", "profile", "year"}
    assert all(0 < slot["value"] < 1.2 for slot in told["slots"])


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_weekly_report_is_one_file_in_the_language_asked_for(reader, language):
    answer = reader.get("/v1/reports/weekly/2026-W47", params={"lang": language})
    assert f'<html lang="{language}">' in answer.text
    assert "<style>" in answer.text
    assert "sha256-" in answer.headers["content-security-policy"]


def test_the_weekly_report_is_there_for_machines(reader):
    told = reader.get("/v1/reports/weekly/2026-W47", params={"format": "json"}).json()
    assert told["provisional"] is False
    assert sum(row["value"] for row in told["by_category"]) == pytest.approx(told["total"]["value"])
