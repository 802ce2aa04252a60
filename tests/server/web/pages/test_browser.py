"""Every page in a real browser: both languages, light and dark, wide and narrow, by keyboard alone."""

import json
from urllib.parse import urlsplit

import pytest
from fastapi.responses import HTMLResponse
from parcimetre_server.web.app import routers

from tests.server.web.pages.conftest import AXE

WIDE, NARROW = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
LOOKS = {  # the last one is checked with axe: most of what it finds depends on neither language
    "en": (("dark", NARROW), ("light", NARROW), ("light", WIDE)),
    "fr": (("light", WIDE), ("dark", WIDE), ("dark", NARROW)),
}
MOST_BYTES = 300_000
MOST_STOPS = 400
QUERIES = {
    "/devices": ("", "list=silent", "list=duplicate", "list=unmatched&category=laptop"),
    "/explain": ("", "device={laptop}"),
    "/factors": ("q=grid.fr",),
    "/": ("", "org_unit=M%C3%A9tropole/DSI&period=30d"),
}
FOCUSABLE = "a[href], button, input:not([type=hidden]), select, textarea, summary"
UNSEEN = """selector => [...document.querySelectorAll(selector)].filter(one =>
    one.checkVisibility({visibilityProperty: true}) && !one.disabled && one.tabIndex >= 0).length"""
FOCUS = """() => {
    const one = document.activeElement, style = getComputedStyle(one);
    if (one === document.body) return null;
    const all = [...document.querySelectorAll('*')];
    return {at: all.indexOf(one), seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0};
}"""
AUDIT = """async () => {
    const found = await axe.run({resultTypes: ['violations']});
    return found.violations.filter(one => ['serious', 'critical'].includes(one.impact)).map(
        one => [one.id, one.nodes.slice(0, 3).map(node => node.html.slice(0, 200))]);
}"""


def pages():
    """The path of every page with the queries to try, from the routes that there are."""
    for router in routers():
        for route in router.routes:
            if (
                route.response_class is HTMLResponse
                and not route.path.startswith("/v1/")
                and "GET" in route.methods
            ):
                for query in QUERIES.get(route.path, ("",)):
                    yield route.path + (f"?{query}" if query else "")


PAGES = list(pages())


def filled(path, site):
    """The address of a page, its places filled."""
    known = {
        "secrets/{id}": f"secrets/{site.secret}", "{id}": site.laptop, "{week}": "2026-W47",
        "{laptop}": site.laptop,
    }  # fmt: skip
    for place, value in known.items():
        path = path.replace(place, value)
    assert "{" not in path, f"say what to put into {path}"
    return site.address + path


def be_reader_of(path, page, site):
    """Send the token of a data protection officer with what a page loads, where only that role sees it."""
    if path == "/access-record":
        page.set_extra_http_headers({"authorization": f"Bearer {site.dpo}"})


@pytest.fixture(params=["en", "fr"])
def look(request, chromium):
    """A tab of a browser that prefers a language, with what it asked for, got, and complained about."""
    page = chromium.new_page(locale=request.param, viewport=WIDE)
    page.language, page.asked, page.received, page.complaints = request.param, [], [], []
    page.on("request", lambda asked: page.asked.append(asked.url))
    page.on("response", lambda answer: page.received.append(answer))  # noqa: PLW0108  not a built-in
    page.on("console", lambda told: page.complaints.append(told.text))
    yield page
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_its_window_asks_nobody_else_and_can_be_read_by_everybody(path, look, site):
    address = filled(path, site)
    be_reader_of(path, look, site)
    assert look.goto(address).status == 200
    assert look.evaluate("document.documentElement.lang") == look.language
    assert {urlsplit(asked).netloc for asked in look.asked} == {urlsplit(address).netloc}
    assert sum(len(answer.body()) for answer in look.received) < MOST_BYTES
    for scheme, size in LOOKS[look.language]:
        look.emulate_media(color_scheme=scheme)
        look.set_viewport_size(size)
        assert look.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    look.evaluate(AXE.read_text(encoding="utf-8"))
    assert json.dumps(look.evaluate(AUDIT), indent=1) == "[]"
    assert look.complaints == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_used_with_the_keyboard_alone(path, chromium, site):
    page = chromium.new_page(viewport=WIDE)
    be_reader_of(path, page, site)
    page.goto(filled(path, site))
    there = min(page.evaluate(UNSEEN, FOCUSABLE), MOST_STOPS)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "#content"
    stops = set()
    for _ in range(there + 20):
        focus = page.evaluate(FOCUS)
        if focus is None:
            break
        assert focus["seen"], page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        stops.add(focus["at"])
        page.keyboard.press("Tab")
    assert len(stops) >= there
    page.close()
