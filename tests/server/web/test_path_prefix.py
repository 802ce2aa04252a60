"""A path prefix behind a proxy that takes it off or leaves it: nothing in an answer leads outside it."""

from dataclasses import replace

import pytest
from parcimetre_server.access.tokens import create_token
from parcimetre_server.base.errors import BadSetting
from parcimetre_server.web.app import build
from parcimetre_server.web.path_prefix import with_public_links

from tests.server.conftest import Reader
from tests.server.web.link_walker import walk

PUBLIC = "https://intranet.example.org/parcimetre"
HTML = {"accept": "text/html"}


@pytest.fixture
def context(fleet):
    """The fleet's collector, published under a prefix."""
    return replace(fleet.context, settings=replace(fleet.context.settings, public_url=PUBLIC))


@pytest.fixture(params=["/parcimetre", ""], ids=["as it came", "taken off"])
def asked(request):
    """What of the prefix is left when the proxy passes a request on."""
    return request.param


@pytest.fixture
def admin(context, client_of):
    """An admin's client of the app."""
    token = create_token(context, "admin", "admin", None)[1]
    return Reader(client_of(context).app, token)


def test_no_link_leads_outside_the_prefix(admin, asked):
    def get(address):
        path = address.removeprefix(PUBLIC) or "/"
        return admin.get(asked + path, headers=HTML)

    found = walk(get, f"{PUBLIC}/")
    assert found.outside == set()
    assert found.broken() == {}
    for part in (
        "/devices/",
        "/static/",
        "/admin",
        "/v1/",
        "/explain",
        "/openapi.json",
        "/docs",
        "/reports/weekly/",
    ):
        assert any(address.startswith(PUBLIC + part) for address in found.answers), part
    assert {f"{PUBLIC}/logout", f"{PUBLIC}/admin/units"} <= found.posts


def test_redirects_cookies_and_problems_have_the_prefix(context, client_of, asked):
    reader = client_of(context)
    token = create_token(context, "admin", "admin", None)[1]
    reader.app.state.context = context
    answer = Reader(reader.app, address="192.0.2.1").get(f"{asked}/v1/devices")
    assert answer.status_code in (401, 403)
    assert answer.json()["type"].startswith("/parcimetre/problems/")
    begun = reader.post(f"{asked}/login", data={"token": token, "next": "/devices"})
    assert begun.headers["location"] == "/parcimetre/devices"
    assert "; Path=/parcimetre;" in begun.headers["set-cookie"]
    language = reader.get(f"{asked}/?lang=fr", headers=HTML)
    assert all("; Path=/parcimetre;" in f"{cookie};" for cookie in language.headers.get_list("set-cookie"))
    left = reader.post(f"{asked}/logout")
    assert left.headers["location"] == "/parcimetre/login"
    assert "; Path=/parcimetre;" in left.headers["set-cookie"]


def test_a_last_slash_is_taken_off_within_the_prefix(admin, asked):
    answer = admin.get(f"{asked}/agents/?x=1", headers={"host": "192.0.2.9:8787"})
    assert (answer.status_code, answer.headers["location"]) == (307, "/parcimetre/agents?x=1")


def test_what_is_not_there_is_named_as_it_was_asked_for(admin, asked):
    assert "/parcimetre/nothing" in admin.get(f"{asked}/nothing").json()["detail"]
    assert admin.get("/parcimetrexyz").status_code == 404


def test_the_prefix_alone_is_the_first_page(admin):
    assert admin.get("/parcimetre", headers=HTML).status_code == 200


def test_openapi_names_the_prefix_as_its_server(context, admin, asked):
    app = build(context)
    app.state.writer.close()
    schema = app.openapi()
    assert schema["servers"] == [{"url": "/parcimetre"}]
    assert "/v1/devices" in schema["paths"]
    assert PUBLIC in admin.get(f"{asked}/docs").text


def test_agents_and_probes_are_answered_under_the_prefix(admin, asked):
    assert admin.get(f"{asked}/healthz").status_code == 200
    assert admin.post(f"{asked}/v1/reports", json={}).status_code == 401
    assert admin.post(f"{asked}/v1/enrol", json={"schema": 1}).status_code == 422


@pytest.mark.parametrize("name", ["x-forwarded-prefix", "x-script-name", "x-forwarded-host"])
def test_no_header_of_a_client_sets_a_prefix(fleet, client_of, name):
    text = client_of(fleet.context).get("/", headers={**HTML, name: "/evil"}).text
    assert "evil" not in text


@pytest.mark.parametrize("path", ["/v1", "/devices/x", "/static", "/login", "/openapi.json"])
def test_a_prefix_that_begins_like_a_path_of_the_collector_is_refused(fleet, path):
    settings = replace(fleet.context.settings, public_url=f"https://intranet.example.org{path}")
    with pytest.raises(BadSetting, match="is a path of the collector itself"):
        build(replace(fleet.context, settings=settings))


def test_text_that_looks_like_a_link_is_left_alone():
    page = (
        '<a href="/a" title="x">href=&#34;/b&#34; <b data-href="/c" class="/d"><a href="//e/f"><a href="#g">'
    )
    assert with_public_links(page, "/p") == page.replace('"/a"', '"/p/a"')
