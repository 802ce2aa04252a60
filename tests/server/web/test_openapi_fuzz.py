"""Requests made up from the OpenAPI document, right and wrong: no answer is an error of the collector."""

import os
from contextlib import suppress

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

EXAMPLES = int(os.environ.get("PARCIMETRE_FUZZ", "100")) // 10


@pytest.mark.slow
def test_no_request_made_up_from_the_document_meets_an_error_of_the_collectors_own(fleet, client_of):
    client = client_of(fleet.context)
    schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
    operations = [found.ok() for found in schema.get_all_operations()]
    assert {operation.path for operation in operations} == set(client.app.openapi()["paths"])
    for operation in operations:
        for mode in GenerationMode:
            with suppress(Unsatisfiable):  # without parameters nothing can be wrong
                _asked(client, operation, mode)


def _asked(client, operation, mode):
    """Ask it some dozen times; what the app raises is raised here."""

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case):
        about = case.as_transport_kwargs(base_url="http://127.0.0.1:8787")
        about.pop("cookies", None)
        if isinstance(about.get("data"), str | bytes):
            about["content"] = about.pop("data")
        answer = client.request(about.pop("method"), about.pop("url"), **about)
        assert answer.status_code < 500, (case.as_curl_command(), answer.text)

    ask()
