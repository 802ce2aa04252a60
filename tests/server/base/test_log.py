"""A line an event, with the request's id, and nothing that a request carried."""

import json
import logging

import pytest
from parcimetre_server.base import log


@pytest.fixture
def line():
    """Formats a record."""

    def make(form, message, *args, exc_info=None):
        record = logging.LogRecord("parcimetre.x", logging.WARNING, __file__, 1, message, args, exc_info)
        return (log.JsonLine() if form == "json" else log.TextLine()).format(record)

    return make


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_event_is_one_line_whatever_it_says(line, form):
    try:
        raise ValueError("first\nsecond")
    except ValueError as error:
        told = line(form, "broken: %s", "a\nb\rc", exc_info=(type(error), error, error.__traceback__))
    assert len(told.splitlines()) == 1
    assert "ValueError" in told


def test_json_names_time_level_event_and_request(line):
    token = log.REQUEST_ID.set("r-1")
    told = json.loads(line("json", "queue of %d", 7))
    log.REQUEST_ID.reset(token)
    assert (told["level"], told["event"], told["request_id"]) == ("warning", "queue of 7", "r-1")
    assert told["time"].endswith("Z")


@pytest.mark.parametrize("path", ["/healthz", "/v1/devices", "/nothing-here", "/v1/reports"])
def test_every_answer_carries_the_request_id_that_was_given(reader, path):
    ask = reader.post if path == "/v1/reports" else reader.get
    assert ask(path, headers={"X-Request-Id": "proxy-4.2_x"}).headers["x-request-id"] == "proxy-4.2_x"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "a\tb", "é".encode()])
def test_an_id_that_cannot_stand_in_a_log_is_replaced(reader, given):
    first, second = (
        reader.get("/healthz", headers={"X-Request-Id": given}).headers["x-request-id"] for _ in range(2)
    )
    assert len(first) == len(second) == 16
    assert first != second
