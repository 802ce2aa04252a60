"""Whatever is asked wrongly over HTTP is answered with a problem document, by a collector that goes on."""

import httpx

PROBLEM = "application/problem+json"
BAD_REQUESTS = [
    ("POST", "/v1/enrol", {"json": {}}, 409, "unknown-schema"),
    ("POST", "/v1/enrol", {"json": {"schema": 3}}, 409, "unknown-schema"),
    ("POST", "/v1/enrol", {"json": {"schema": 1}}, 422, "bad-enrolment"),
    ("POST", "/v1/enrol", {"content": b"{"}, 422, "bad-enrolment"),
    ("POST", "/v1/enrol", {"content": b"", "headers": {"Content-Encoding": "br"}}, 415, "bad-encoding"),
    ("POST", "/v1/enrol", {"content": b"x" * 1_100_000}, 413, "too-large"),
    ("POST", "/v1/reports", {"json": {}}, 401, "bad-credential"),
    ("POST", "/v1/reports", {"headers": {"Authorization": "Bearer x"}}, 401, "bad-credential"),
    ("GET", "/v1/devices/nobody", {}, 404, "unknown-device"),
    ("GET", "/v1/footprint", {"params": {"from": "yesterday"}}, 400, "bad-period"),
    ("GET", "/v1/footprint", {"params": {"group_by": "mood"}}, 422, "invalid-request"),
    ("GET", "/v1/grid/XX", {}, 404, "unknown-zone"),
    ("GET", "/v1/factors/nothing", {}, 404, "unknown-factor"),
    ("GET", "/v1/explain", {"params": {"device": "nobody"}}, 404, "unknown-device"),
    ("GET", "/v1/nothing", {}, 404, None),
    ("DELETE", "/v1/devices", {}, 405, None),
]


def problem(answer: httpx.Response) -> dict[str, object]:
    """The document, after its form was checked (RFC 9457)."""
    assert answer.headers["content-type"] == PROBLEM, answer.text
    told = answer.json()
    assert set(told) == {"type", "title", "status", "detail"}
    assert told["status"] == answer.status_code
    assert told["detail"]
    assert "\n" not in told["detail"]
    return told


def test_every_bad_request_is_a_problem_document_and_the_collector_goes_on(collector):
    with httpx.Client(base_url=collector.url) as client:
        for method, path, about, status, kind in BAD_REQUESTS:
            told = problem(client.request(method, path, **about))
            assert (told["status"], told["type"]) == (status, f"/problems/{kind}" if kind else "about:blank")
        assert client.get("/readyz").is_success
    assert "Traceback" not in collector.log.read_text()
