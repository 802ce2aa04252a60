"""Every route with odd names, asked for and stored: no internal error, nothing of others, nothing raw."""

import re
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute
from parcimetre_server.store.records import Fact

from .conftest import OTHERS, A
from .test_walk import IN_A, all_routes

ODD = {
    "controls": "a\x00b\x1b[2J\r\nSet-Cookie: x=y\x9b",
    "bidi": "a\u202eb\u2066c\u200f",
    "10 kB": "x" * 10_000,
    "quotes": "\"'`$(id)';--{{7*7}}%s%00",
    "tags": "<script>alert(1)</script><!--]]>",
    "a path": "../../etc/passwd",
}
RAW = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
PATHS = re.compile(r"\{(\w+)(?::path)?\}")


@pytest.fixture
def odd_names(communes):
    """Commune A with stored names of all these kinds, from a time when none was refused."""
    store, now = communes.context.store, communes.context.now()
    for i, odd in enumerate(ODD.values()):
        key = f"a0a0a0{i:026d}"
        body = store.latest_of("device", key).body
        unit, site = f"{A}/Mairie{odd}", f"Siteofa{odd}"
        store.append([
            Fact("org_unit", unit, now, {}),
            Fact("site", site, now, {"zone": "FR"}),
            Fact("device", key, now, {**body, "org_unit": unit, "site": site, "hostname": odd}),
        ])  # fmt: skip
    return communes


def asked(app, odd):
    """Method, path and parameters of every route with its names filled in."""
    for route in all_routes(app):
        if not isinstance(route, APIRoute):
            continue
        path = PATHS.sub(lambda _: quote(odd[:500], safe=""), route.path)
        names = [parameter.alias for parameter in route.dependant.query_params]
        for method in route.methods - {"HEAD"}:
            yield method, path, {}
            for name in names if method == "GET" else ():
                yield method, path, {name: odd}
        for name in names if "GET" in route.methods else ():
            yield "GET", PATHS.sub(lambda found: PLACES.get(found[1], IN_A), route.path), {name: odd}


PLACES = {"week": "2026-W48", "zone": "FR", "name": "parcimetre.css"}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ODD)
@pytest.mark.parametrize("role", ["viewer", "analyst", "admin"])
def test_no_odd_name_fails_tells_of_others_or_is_shown_raw(asking, odd_names, role, kind):
    reader = asking(role)
    for method, path, params in asked(reader.app, ODD[kind]):
        answer = reader.request(method, path, params=params)
        assert answer.status_code < 500, (method, path, params)
        assert not [word for word in OTHERS if word in answer.text], (method, path, params)
        if "text/html" in answer.headers.get("content-type", ""):
            assert not RAW.search(answer.text), (method, path, params)
            assert "<script>alert" not in answer.text


@pytest.mark.slow
@pytest.mark.parametrize("role", ["viewer", "analyst", "admin"])
def test_pages_of_stored_odd_names_are_whole(asking, odd_names, role):
    reader = asking(role)
    of_devices = [f"/devices/a0a0a0{i:026d}" for i in range(len(ODD))]
    for path in ("/", "/devices", "/agents", "/admin", "/reports/weekly/2026-W47", *of_devices):
        answer = reader.get(path)
        assert answer.status_code < 500, path
        if "text/html" in answer.headers["content-type"]:
            assert not RAW.search(answer.text), path
            assert "<script>alert" not in answer.text
