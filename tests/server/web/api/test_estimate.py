"""`POST /v1/estimate`: an object, an array, JSON Lines."""

import json

import pytest

LAPTOP = {"class": "laptop", "maker": "Dell Inc.", "model": "Latitude 5420"}


def test_one_object_is_answered_with_one(reader):
    answer = reader.post("/v1/estimate", json=LAPTOP)
    assert answer.status_code == 200
    assert answer.json()["evidence"]["embodied"] == "product"


def test_three_offers_are_compared_in_one_call_and_in_order(reader):
    offers = [LAPTOP, {"class": "nonsense"}, {"class": "laptop"}]
    answers = reader.post("/v1/estimate", json=offers).json()
    assert ["error" in answer for answer in answers] == [False, True, False]
    assert answers[0]["embodied"]["gwp"]["value"] != answers[2]["embodied"]["gwp"]["value"]


@pytest.mark.parametrize("content_type", ["application/x-ndjson", "application/json"])
def test_lines_are_answered_with_lines_and_a_bad_one_stops_nothing(reader, content_type):
    body = f"{json.dumps(LAPTOP)}\nnot json\n\n{json.dumps(LAPTOP)}\n"
    answer = reader.post("/v1/estimate", content=body, headers={"content-type": content_type})
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert ["error" in one for one in told] == [False, True, False]


def test_too_much_at_once_is_refused_with_the_limit(reader):
    answer = reader.post("/v1/estimate", json=[{}] * 10_001)
    assert answer.status_code == 413
    assert "10000" in answer.json()["detail"]
