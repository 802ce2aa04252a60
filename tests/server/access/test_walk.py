"""Every route, asked by a reader of commune A: nothing of commune B, nor that it is there."""

import re
from itertools import product

import pytest
from fastapi.routing import APIRoute
from parcimetre_server.access.tokens import create_token
from parcimetre_server.web.app import routers

A, B = "Métropole/Aubeclair", "Métropole/Boisverre"
OTHERS = ("Boisverre", "Secretariatb", "Schoolb", "Siteofb", "hostofb", "b0b0b0", "Fournisseurb", "Modelb")
IN_A, IN_B, NOWHERE = "a0a0a0" + "0" * 26, "b0b0b0" + "8".zfill(26), "c0c0c0" + "8".zfill(26)
PLACES = {"week": "2026-W48", "zone": "FR", "name": "parcimetre.css", "step": "approve"}
FOR_AGENTS = {"/v1/enrol", "/v1/reports"}
WITHOUT_READER = {*FOR_AGENTS, "/healthz", "/readyz", "/login", "/login/oidc", "/login/callback", "/logout",
                  "/logout/provider", "/static/{name}"}  # fmt: skip
GROUPINGS = ("org_unit", "site", "category", "device", "stage", "component", "power_source", "model")


def all_routes(app):
    """Every route there is: those of api/ and pages/, and the app's own."""
    own = [route for route in app.routes if hasattr(route, "methods")]
    return [*own, *(route for router in routers() for route in router.routes)]


def routes(app):
    """Method and path of every route, of the OpenAPI document or not."""
    found = {(method, route.path) for route in all_routes(app) for method in route.methods - {"HEAD"}}
    listed = {(m.upper(), path) for path, methods in app.openapi()["paths"].items() for m in methods}
    assert listed <= found
    return sorted(found)


def addresses(app, device):
    """Every route with its places filled, with the queries that could tell of others."""
    for method, path in routes(app):
        filled = path
        for name, value in {**PLACES, "device_id": device, "id": device}.items():
            filled = filled.replace(f"{{{name}}}", value)
        assert "{" not in filled, f"say in PLACES what to put into {path}"
        yield method, filled
        if method == "GET":
            asked = [f"group_by={g}" for g in GROUPINGS] if path == "/v1/footprint" else []
            asked += ["format=json", "electricity=market", "q=b", f"device={device}", "interval=day"]
            yield from ((method, f"{filled}?{query}") for query in asked)


@pytest.mark.parametrize(
    "role", ["analyst", *(pytest.param(one, marks=pytest.mark.slow) for one in ("viewer", "admin"))]
)
def test_no_route_tells_a_reader_of_one_commune_anything_of_another(asking, role):
    reader = asking(role)
    answered = 0
    for method, address in addresses(reader.app, IN_A):
        answer = reader.request(method, address)
        text = answer.text + str(answer.headers)
        assert not [word for word in OTHERS if word in text], (method, address)
        assert answer.status_code < 500, (method, address)
        answered += answer.status_code == 200
    assert answered > len(routes(reader.app))


@pytest.mark.slow
def test_the_walk_would_find_each_word_of_others(asking, communes):
    everything = asking(token=create_token(communes.context, "all", "admin", None)[1])
    told = "".join(everything.request(*asked).text for asked in addresses(everything.app, IN_B))
    assert [word for word in OTHERS if word not in told] == []


@pytest.mark.slow
@pytest.mark.parametrize("role", ["viewer", "analyst", "admin"])
def test_what_belongs_to_others_is_answered_like_what_does_not_exist(asking, role):
    reader = asking(role)
    theirs = [*addresses(reader.app, IN_B)]
    nobody = [*addresses(reader.app, NOWHERE)]
    for (method, one), (_, other) in zip(theirs, nobody, strict=True):
        if IN_B in one:
            said, known = (reader.request(method, address) for address in (one, other))
            assert said.status_code == known.status_code, one
            assert without_form_key(said.text.replace(IN_B, NOWHERE)) == without_form_key(known.text), one


def without_form_key(page):
    """A page without the key of its forms, which holds the second at which it was made."""
    return re.sub(r'(name="form_key" value=)"[^"]*"', r"\1", page)


@pytest.mark.parametrize("unit", [B, f"{B}/Schoolb", "Métropole", "Métropole/Nowhere"])
@pytest.mark.parametrize("role", ["viewer", "analyst", "admin"])
def test_org_units_out_of_scope_are_not_found_on_any_route(asking, role, unit):
    reader = asking(role)
    taking = [
        route.path
        for route in all_routes(reader.app)
        if isinstance(route, APIRoute) and any(p.alias == "org_unit" for p in route.dependant.query_params)
    ]
    assert {"/", "/v1/footprint", "/v1/devices", "/v1/explain", "/reports/weekly/{week}"} <= set(taking)
    for path in taking:
        answer = reader.get(path.replace("{week}", "2026-W48"), params={"org_unit": unit})
        assert answer.status_code == 404 or (role == "viewer" and answer.status_code == 403), path
        if answer.status_code == 404:
            assert answer.json()["detail"].startswith(f"org unit {unit!r} does not exist")


@pytest.mark.slow
@pytest.mark.parametrize("role", ["viewer", "analyst"])
def test_host_names_are_told_to_admins_only(asking, role):
    reader = asking(role)
    for method, address in addresses(reader.app, IN_A):
        assert "hostofa" not in reader.request(method, address).text, address
    assert "hostofa0" in asking("admin").get("/v1/devices").text


@pytest.mark.slow
def test_no_route_shows_a_viewer_a_single_device(asking):
    reader = asking("viewer")
    for method, address in addresses(reader.app, IN_A):
        answer = reader.request(method, address)
        assert "a0a0a0" not in answer.text.replace(IN_A, ""), address
        if IN_A in address:
            other = reader.request(method, address.replace(IN_A, NOWHERE))
            assert answer.status_code == other.status_code, address
            assert answer.text.replace(IN_A, NOWHERE) == other.text, address


@pytest.mark.parametrize("address", ["127.0.0.1", "192.0.2.7"])
def test_without_a_token_every_route_but_those_of_agents_and_of_login_asks_who_it_is(asking, address):
    nobody = asking(address=address)
    for method, path in routes(nobody.app):
        if path not in WITHOUT_READER or (method, path) == ("GET", "/v1/reports"):
            answer = nobody.request(method, path.format(**PLACES, device_id=IN_A, id=IN_A))
            assert answer.status_code == 401, path
            assert answer.headers["www-authenticate"] == "Bearer"


def test_documents_of_the_api_tell_nothing_of_the_fleet(asking):
    for role, path in product(("viewer", "admin"), ("/docs", "/openapi.json")):
        text = asking(role).get(path).text
        assert not [word for word in (*OTHERS, "a0a0a0", "hostofa", "Siteofa") if word in text]
