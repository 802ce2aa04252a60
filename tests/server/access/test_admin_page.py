"""Administration from pages: what an admin of a commune may change, and nothing beyond."""

import re

import pytest
from parcimetre_factors.tables.factor_set import COLUMNS, load_factor_set
from parcimetre_server.access.tokens import all_tokens, create_token
from parcimetre_server.configuration.factor_sets import import_tables, in_force
from parcimetre_server.fleet.enrolment import all_secrets
from parcimetre_server.organisation.audit import entries
from parcimetre_server.organisation.org import sites, units
from parcimetre_server.reports.schedules import schedules

A, B = "Métropole/Aubeclair", "Métropole/Boisverre"
FORM_KEY = re.compile(r'name="form_key" value="([^"]+)"')


def logged_in(asking, token):
    """A browser with the session of a token."""
    browser = asking()
    assert browser.post("/login", data={"token": token, "next": "/admin"}).status_code == 303
    return browser


@pytest.fixture
def browser(asking, communes):
    """The browser of commune A's admin."""
    return logged_in(asking, communes.tokens["admin"])


@pytest.fixture
def of_all(asking, communes):
    """The browser of an admin of everything."""
    return logged_in(asking, create_token(communes.context, "all", "admin", None)[1])


def send(browser, address, /, **fields):
    """Fill in a form of the page and send it."""
    key = FORM_KEY.search(browser.get("/admin").text)[1]
    files = fields.pop("files", None)
    return browser.post(address, data={"form_key": key, **fields}, files=files)


def test_only_admins_have_the_page_and_see_it_in_the_menu(asking):
    assert asking("admin").get("/admin").status_code == 200
    for role in ("viewer", "analyst"):
        assert asking(role).get("/admin").status_code == 403
        assert 'href="/admin"' not in asking(role).get("/").text


def test_the_page_shows_the_subtree_and_nothing_of_others(browser):
    text = browser.get("/admin").text
    assert "Mairie" in text
    assert "Siteofa" in text
    assert not [word for word in ("Boisverre", "Schoolb", "Siteofb") if word in text]


def test_org_units_are_created_in_the_subtree_only(browser, communes):
    assert send(browser, "/admin/units", path=f"{A}/Voirie").status_code == 303
    assert f"{A}/Voirie" in units(communes.context.store)
    for path in (f"{B}/Voirie", "Autre", "Métropole"):
        assert send(browser, "/admin/units", path=path).status_code == 404
    assert f"{B}/Voirie" not in units(communes.context.store)


@pytest.mark.parametrize("text", [
    f"org_unit\n{A}/Nord\n{A}/Sud\n",
    f"\ufefforg_unit;parent\nNord;{A}\nSud;{A}\n",
])  # fmt: skip
def test_org_units_come_from_a_csv_file(browser, communes, text):
    answer = send(browser, "/admin/units", files={"file": ("units.csv", text.encode())})
    assert answer.status_code == 303
    assert {f"{A}/Nord", f"{A}/Sud"} <= set(units(communes.context.store))


@pytest.mark.parametrize(("text", "told"), [
    ("name\nx\n", "line 1"),
    (f"org_unit\n{A}/Nord\n{A}//Sud\n", "line 3"),
    (f"org_unit\n{A}/Nord\n{B}/Sud\n", "not below your own org unit"),
])  # fmt: skip
def test_a_file_with_a_fault_creates_nothing_and_says_where(browser, communes, text, told):
    before = units(communes.context.store)
    answer = send(browser, "/admin/units", files={"file": ("units.csv", text.encode())})
    assert answer.status_code in (400, 404)
    assert told in answer.text
    assert units(communes.context.store) == before


def test_the_zone_of_a_site_is_moved_by_an_admin_of_everything_only(browser, of_all, communes):
    assert send(browser, "/admin/sites", name="Nouveau", zone="DE").status_code == 303
    assert send(browser, "/admin/sites", name="Siteofa", zone="DE").status_code == 403
    assert send(browser, "/admin/sites", name="Nulle part", zone="ZZ").status_code == 400
    assert send(of_all, "/admin/sites", name="Siteofa", zone="DE").status_code == 303
    known = sites(communes.context.store)
    assert (known["Nouveau"].zone, known["Siteofa"].zone) == ("DE", "DE")


def test_a_secret_is_shown_once_enrols_in_the_subtree_and_is_revoked(browser, communes):
    answer = send(browser, "/admin/secrets", org_unit=f"{A}/Mairie", site="Siteofa", days="90")
    (text,) = re.findall(r"ps_[\w-]+", answer.text)
    assert answer.headers["cache-control"] == "no-store"
    assert text not in browser.get("/admin").text
    (secret,) = all_secrets(communes.context.store)
    assert (secret.org_unit, secret.site) == (f"{A}/Mairie", "Siteofa")
    assert secret.expires_at == communes.context.now() + 90 * 86_400
    assert send(browser, "/admin/secrets", org_unit=f"{B}/Schoolb", site="").status_code == 404
    assert send(browser, "/admin/secrets", revoke=secret.id).status_code == 303
    assert all_secrets(communes.context.store)[0].revoked_at is not None


def test_a_token_opens_no_more_than_its_maker_sees(browser, asking, communes):
    answer = send(browser, "/admin/tokens", name="Tableau", role="analyst", org_unit="", days="30")
    (text,) = re.findall(r"pt_[\w-]+", answer.text)
    made = all_tokens(communes.context.store)[-1]
    assert (made.org_unit, made.role) == (A, "analyst")
    assert asking(token=text).get("/v1/devices").status_code == 200
    assert send(browser, "/admin/tokens", name="x", role="viewer", org_unit=B, days="30").status_code == 404


def test_tokens_and_secrets_of_others_cannot_be_revoked_nor_seen(browser, of_all, communes):
    token, _ = create_token(communes.context, "of B", "viewer", B)
    send(of_all, "/admin/secrets", org_unit=f"{B}/Schoolb", site="Siteofb", days="never")
    (secret,) = all_secrets(communes.context.store)
    text = browser.get("/admin").text
    assert token.id not in text
    assert secret.id not in text
    assert send(browser, "/admin/tokens", revoke=token.id).status_code == 404
    assert send(browser, "/admin/secrets", revoke=secret.id).status_code == 404
    assert all_secrets(communes.context.store)[0].revoked_at is None


def test_a_form_of_another_session_or_of_another_site_changes_nothing(browser, of_all, communes):
    key = FORM_KEY.search(of_all.get("/admin").text)[1]
    form = {"form_key": key, "path": f"{A}/Nord"}
    assert browser.post("/admin/units", data=form).status_code == 403
    own = {"form_key": FORM_KEY.search(browser.get("/admin").text)[1], "path": f"{A}/Nord"}
    foreign = {"sec-fetch-site": "cross-site", "origin": "https://elsewhere.example"}
    assert browser.post("/admin/units", data=own, headers=foreign).status_code == 403
    assert f"{A}/Nord" not in units(communes.context.store)


def test_what_is_done_is_in_the_audit_log_under_who_did_it(browser, communes):
    send(browser, "/admin/secrets", org_unit=f"{A}/Mairie", site="Siteofa", days="90")
    entry = communes.context.store.history("audit")[-1]
    assert (entry.body["act"], entry.body["who"]) == ("secret created", "admin")


def test_recipients_of_reports_are_named_for_the_subtree_and_no_other(browser, communes):
    asked = {"to": "elue@aubeclair.example", "role": "viewer", "language": "fr", "formats": "PDF, XLSX"}
    assert send(browser, "/admin/recipients", org_unit="", **asked).status_code == 303
    (made,) = schedules(communes.context.store)
    assert (made.org_unit, made.way, made.formats) == (A, "mail", ("pdf", "xlsx"))
    assert "elue@aubeclair.example" in browser.get("/admin").text
    assert send(browser, "/admin/recipients", org_unit=f"{B}/Schoolb", **asked).status_code == 404
    assert send(browser, "/admin/recipients", org_unit="", **asked | {"to": "nobody"}).status_code == 400
    (entry,) = entries(communes.context.store, made.id)
    assert (entry.act, entry.who) == ("recipient added", "admin")
    assert "elue" not in str(entry)


def test_a_recipient_is_removed_by_admins_of_the_org_unit_only(browser, of_all, communes):
    asked = {"to": "it@metropole.example", "role": "admin", "language": "en", "formats": ""}
    assert send(of_all, "/admin/recipients", org_unit="", **asked).status_code == 303
    (made,) = schedules(communes.context.store)
    assert "it@metropole.example" not in browser.get("/admin").text
    assert send(browser, "/admin/recipients", revoke=made.id).status_code == 404
    assert send(of_all, "/admin/recipients", revoke=made.id).status_code == 303
    assert schedules(communes.context.store) == []


@pytest.fixture
def candidate(communes, tmp_path):
    """Own tables that wait to be adopted; what it returns imports others in their place."""

    def imported(times):
        folder = tmp_path / str(times)
        folder.mkdir()
        one = next(f for f in load_factor_set().table("grid_year") if f.zone == "FR" and f.criterion == "gwp")
        row = (one.id, one.subject, one.stage, one.criterion, times * one.value, times * one.low,
               times * one.high, "source", one.unit, one.per, one.zone, one.year, one.source.id, "times",
               "")  # fmt: skip
        (folder / "grid_year.csv").write_text(f"{','.join(COLUMNS)}\n{','.join(map(str, row))}\n")
        return import_tables(communes.context.settings.data_dir, folder)

    imported.first = imported(2)
    return imported


def test_an_admin_of_everything_adopts_a_factor_set_after_a_look_at_its_effect(of_all, communes, candidate):
    data_dir, found = communes.context.settings.data_dir, candidate.first
    assert 'href="/factors/adopt"' in of_all.get("/factors/diff?after=candidate").text
    page = of_all.get("/factors/adopt?lang=en").text
    assert found.id in page
    assert "1 factor differs" in page
    assert in_force(data_dir).id != found.id
    answer = send(of_all, "/factors/adopt", set=found.id)
    assert (answer.status_code, answer.headers["location"]) == (303, "/factors?done=adopted")
    assert in_force(data_dir).id == found.id
    assert "after a restart" in of_all.get("/factors?done=adopted&lang=en").text
    (entry,) = entries(communes.context.store, found.id)
    assert (entry.act, entry.who, entry.after) == ("factors adopted", "all", {"set": found.id})
    assert "There is no candidate" in of_all.get("/factors/adopt?lang=en").text


def test_an_admin_of_a_part_adopts_nothing(browser, asking, communes, candidate):
    assert "/factors/adopt" not in browser.get("/factors/diff?after=candidate").text
    assert browser.get("/factors/adopt").status_code == 403
    assert send(browser, "/factors/adopt", set=candidate.first.id).status_code == 403
    for role in ("viewer", "analyst"):
        assert asking(role).get("/factors/adopt").status_code == 403
    assert in_force(communes.context.settings.data_dir).id != candidate.first.id


def test_a_set_is_not_adopted_unseen_nor_by_a_form_of_somebody_else(of_all, communes, candidate):
    data_dir, seen = communes.context.settings.data_dir, candidate.first
    other = candidate(3)
    answer = send(of_all, "/factors/adopt", set=seen.id)
    assert answer.status_code == 409
    assert other.id in answer.text
    assert of_all.post("/factors/adopt", data={"set": other.id}).status_code == 403
    assert of_all.post("/factors/adopt", data={"set": other.id, "form_key": "x"}).status_code == 403
    assert in_force(data_dir).id not in (seen.id, other.id)
    assert entries(communes.context.store, other.id) == []


def test_tables_that_do_not_fit_any_more_are_not_adopted_and_the_page_says_why(of_all, communes, candidate):
    folder = communes.context.settings.data_dir / "factors" / "candidate"
    (folder / "no_such_table.csv").write_text("id\n")
    answer = send(of_all, "/factors/adopt", set=candidate.first.id)
    assert answer.status_code == 400
    assert "no_such_table" in answer.text
