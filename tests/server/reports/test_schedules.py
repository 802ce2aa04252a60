"""Who gets reports: stated by admins of the org unit, by the command or the API, and by nobody else."""

import json

import pytest
from click.testing import CliRunner
from parcimetre_server.base.scope import UnknownOrgUnit
from parcimetre_server.cli import parcimetre
from parcimetre_server.reports.schedules import BadSchedule, add, schedules

A = "Métropole/Ville"


def test_a_recipient_named_twice_is_one_with_the_new_formats(fleet):
    store = fleet.context.store
    first = add(store, 1, A, "mail", "a@b.example", "fr", ["pdf"])
    again = add(store, 2, A, "mail", "a@b.example", "fr", ["csv"])
    assert (first.id, again.formats, again.created_at) == (again.id, ("csv",), 1)
    assert schedules(store) == [again]


@pytest.mark.parametrize(
    ("way", "to", "formats", "why"),
    [("mail", "nobody", ["pdf"], "not a valid e-mail address"),
     ("mail", "a@b.example\nBcc: c@d.example", [], "control"),
     ("mail", "a@b.example, c@d.example", [], "not a valid e-mail address"),
     ("folder", "relative/path", ["csv"], "not an absolute path"),
     ("webhook", "ftp://x", ["json"], "https://"), ("webhook", "https://[x", ["json"], "https://"),
     ("folder", "/tmp/x", [], "needs a format"), ("mail", "a@b.example", ["docx"], "not a valid format"),
     ("pigeon", "x", ["pdf"], "not a valid way")],
)  # fmt: skip
def test_what_cannot_be_sent_to_is_refused_with_the_mend(fleet, way, to, formats, why):
    with pytest.raises(BadSchedule, match=why):
        add(fleet.context.store, 1, None, way, to, "fr", formats)


def test_an_org_unit_that_does_not_exist_is_refused(fleet):
    with pytest.raises(UnknownOrgUnit):
        add(fleet.context.store, 1, "Nowhere", "mail", "a@b.example", "fr", [])


def test_the_command_adds_lists_and_removes(fleet):
    def run(*words):
        where = ["--data-dir", str(fleet.context.settings.data_dir), "--json"]
        made = CliRunner().invoke(parcimetre, ["report", "schedule", *words, *where])
        assert made.exit_code == 0, made.output
        return json.loads(made.output)

    made = run("add", "--mail", "a@b.example", "--unit", A, "--lang", "fr", "--format", "pdf")
    assert run("list") == [made]
    assert run("remove", made["id"])["ended_at"] is not None
    assert run("list") == []


def test_an_admin_of_a_commune_names_recipients_of_its_subtree_only(asking):
    admin = asking("admin")
    made = admin.post("/v1/reports/schedules", json={"to": "it@a.example"})
    assert made.status_code == 201
    assert made.json()["org_unit"] == "Métropole/Aubeclair"
    for unit in ("Métropole/Boisverre", "Métropole", "Nowhere"):
        answer = admin.post("/v1/reports/schedules", json={"to": "it@a.example", "org_unit": unit})
        assert answer.status_code == 404, unit
    assert [one["to"] for one in admin.get("/v1/reports/schedules").json()["schedules"]] == ["it@a.example"]
    ended = admin.request("DELETE", f"/v1/reports/schedules/{made.json()['id']}")
    assert ended.json()["ended_at"] is not None


@pytest.mark.parametrize("role", ["viewer", "analyst"])
def test_others_neither_see_nor_name_recipients(asking, role):
    asking("admin").post("/v1/reports/schedules", json={"to": "it@a.example"})
    reader = asking(role)
    assert reader.get("/v1/reports/schedules").status_code == 403
    assert reader.post("/v1/reports/schedules", json={"to": "me@a.example"}).status_code == 403
    assert "it@a.example" not in reader.get("/v1/reports").text


@pytest.mark.parametrize(
    "wanted", [{"way": "folder", "to": "/etc/x"}, {"way": "webhook", "to": "http://10.0.0.1/"}]
)
def test_a_communes_admin_makes_the_collector_neither_write_nor_call(asking, wanted):
    assert asking("admin").post("/v1/reports/schedules", json=wanted).status_code == 403
