"""Logging in and out in a real browser, at a collector that trusts nobody."""

import pytest
from parcimetre_server.access.opening import open_context
from parcimetre_server.access.tokens import create_token
from parcimetre_server.configuration.settings import Settings

from tests.server.web.pages.conftest import serving

COOKIE = "parcimetre_session"
pytestmark = pytest.mark.slow


@pytest.fixture
def collector(tmp_path):
    """The address of a collector, and the first token."""
    context = open_context(Settings(tmp_path / "data"), create=True)
    with serving(context) as address:
        yield address, create_token(context, "Ada", "admin", None)[1]
    context.store.close()


def log_in(page, token):
    """Type a token into the login page."""
    page.fill("#token", token)
    page.click("form.login button")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_people_log_in_and_out_and_a_copy_of_the_cookie_is_worth_nothing(chromium, collector, language):
    address, token = collector
    with chromium.new_context(locale=language) as browser:
        page = browser.new_page()
        page.goto(f"{address}/devices?list=silent")
        assert page.url == f"{address}/login?next=%2Fdevices%3Flist%3Dsilent"
        assert "parcimetre token create" in page.inner_text("main")
        log_in(page, "pt_wrong")
        assert page.locator("[role=alert]").count() == 1
        log_in(page, token)
        assert page.url == f"{address}/devices?list=silent"
        assert "Ada" in page.inner_text("li.reader")
        (cookie,) = [one for one in browser.cookies() if one["name"] == COOKIE]
        assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
        page.click("form[action='/logout'] button")
        assert COOKIE not in {one["name"] for one in browser.cookies()}
        page.go_back()
        assert page.locator("li.reader").count() == 0
        browser.add_cookies([{key: cookie[key] for key in ("name", "value", "domain", "path")}])
        page.goto(f"{address}/devices")
        assert page.url == f"{address}/login?next=%2Fdevices"
