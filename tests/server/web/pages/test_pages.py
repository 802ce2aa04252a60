"""The pages as a reader gets them: their language, their safety, their structure."""

import re
from html.parser import HTMLParser

import pytest

VOID = {"meta", "link", "br", "input", "img", "hr"}


class Checked(HTMLParser):
    """Collects what the tests ask about, and refuses tags that do not close."""

    def __init__(self):
        super().__init__()
        self.open, self.starts = [], []

    def handle_starttag(self, tag, attrs):
        self.starts.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.starts.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def checked(text):
    parser = Checked()
    parser.feed(text)
    assert parser.open == []
    return parser.starts


def paths(fleet):
    return [
        "/", "/?period=today&criterion=adpe", "/?org_unit=M%C3%A9tropole/Ville",
        "/factors", "/factors?q=grid", "/docs", "/reports/weekly/2026-W47", "/reports/weekly/2026-W48",
        "/reports/weekly/2020-W10", "/devices?list=unmatched", "/factors/diff", "/admin", "/agents",
        f"/explain?device={fleet.laptop}&period=today", "/explain?org_unit=M%C3%A9tropole/DSI",
        f"/devices/{fleet.laptop}", f"/devices/{fleet.guest}?criterion=pe",
        f"/devices/{fleet.server}?period=today", f"/devices/{fleet.silent}?period=30d",
    ]  # fmt: skip


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_page_is_whole_and_says_its_language(reader, fleet, language):
    for path in paths(fleet):
        answer = reader.get(path, headers={"accept-language": language})
        assert answer.status_code == 200, path
        assert dict(checked(answer.text))["html"] == {"lang": language}


def test_pages_need_nothing_from_elsewhere_and_run_no_scripts(reader, fleet):
    for path in paths(fleet):
        answer = reader.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        for tag, attributes in checked(answer.text):
            assert tag not in {"script", "iframe", "object"}
            assert "style" not in attributes
            assert not any(name.startswith("on") for name in attributes)
            if tag in {"link", "img"}:
                assert attributes.get("href", attributes.get("src")).startswith("/static/")


def test_tables_have_captions_and_headings_and_pictures_have_words(reader, fleet):
    for path in paths(fleet):
        found = checked(reader.get(path).text)
        tags = [tag for tag, _ in found]
        assert tags.count("table") == tags.count("caption")
        assert tags.count("h1") == 1
        assert all(attributes.get("scope") in {"row", "col"} for tag, attributes in found if tag == "th")
        for tag, attributes in found:
            if tag == "svg":
                assert attributes.get("aria-hidden") == "true" or attributes.get("aria-label")
        assert found[[tag for tag, _ in found].index("a")][1]["href"] == "#content"


@pytest.mark.slow
def test_links_lead_somewhere(reader, fleet):
    for path in paths(fleet):
        for tag, attributes in checked(reader.get(path).text):
            href = attributes.get("href", "")
            if tag == "a" and href.startswith("/"):
                assert reader.get(href).status_code == 200, f"{href} on {path}"


def test_references_of_the_tree_are_on_the_page(reader, fleet):
    found = checked(reader.get(f"/devices/{fleet.guest}").text)
    ids = {attributes["id"] for _, attributes in found if "id" in attributes}
    assert {a["href"][1:] for tag, a in found if tag == "a" and a["href"].startswith("#")} <= ids


def test_the_chosen_language_is_remembered_and_the_page_kept(reader):
    answer = reader.get("/?period=today&lang=fr", headers={"accept-language": "en"})
    assert "aria-current" in answer.text
    assert re.search(r'href="/\?period=today&amp;lang=en"', answer.text)
    assert '<html lang="fr">' in reader.get("/", headers={"accept-language": "en"}).text


def test_french_readers_see_decimal_commas(reader):
    assert re.search(r"\d,\d+\u00a0kWh", reader.get("/?lang=fr").text)


def test_simulated_devices_are_marked_and_virtual_ones_called_estimated(reader, fleet):
    text = reader.get("/?lang=en").text
    assert "Some of the devices on this page are simulated" in text
    assert text.count("estimated share of a typical host</span>") == 1
    assert "Everything on this page is simulated" in reader.get(f"/devices/{fleet.guest}").text
    assert "simulated" not in reader.get(f"/devices/{fleet.laptop}").text


def test_names_of_devices_and_units_cannot_break_the_page(reader, fleet):
    store = fleet.context.store
    fact = store.latest("device")[fleet.laptop]
    nasty = fact.body | {"hostname": '"><script>alert(1)</script>', "org_unit": "Métropole/<b>&"}
    store.append([type(fact)("device", fleet.laptop, fleet.now, nasty)])
    for path in ("/", f"/devices/{fleet.laptop}", "/reports/weekly/2026-W47", "/v1/reports/weekly/2026-W47"):
        assert "<script>" not in reader.get(path).text
        assert "<b>" not in reader.get(path).text


def test_an_empty_collector_says_what_to_expect(empty, client_of):
    text = client_of(empty).get("/?lang=en").text
    assert "No device has reported yet" in text


def test_unknown_static_files_are_not_found(reader):
    assert reader.get("/static/parcimetre.css").headers["content-type"].startswith("text/css")
    assert reader.get("/static/../base.html").status_code == 404


@pytest.mark.parametrize(("language", "word"), [("en", "estimate"), ("fr", "estimation")])
def test_an_estimate_is_said_to_be_one_on_the_page_of_factors_and_in_an_explanation(
    reader, fleet, language, word
):
    badge = f'<span class="badge warn">{word}</span>'
    spoken = {"accept-language": language}
    assert badge in reader.get("/factors?q=coverage.own", headers=spoken).text
    assert badge not in reader.get("/factors?q=grid.fr.2024.gwp", headers=spoken).text
    assert badge in reader.get(f"/devices/{fleet.laptop}", headers=spoken).text


def test_the_version_of_the_factors_stands_beside_their_id(reader, fleet):
    factors = fleet.context.factors
    for path in ("/", "/factors", "/reports/weekly/2026-W47"):
        assert f"{factors.version} <code>{factors.id}</code>" in reader.get(path).text
