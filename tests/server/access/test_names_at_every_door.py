"""Names with controls, bidi characters or paths: refused where people give them, escaped where stored."""

import gzip
import json
import logging
import re

import pytest
from click.testing import CliRunner
from parcimetre_server.cli import parcimetre
from parcimetre_server.fleet.devices import device
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.organisation.org import sites, units
from parcimetre_server.store.records import Fact

BAD = ["a\nb", "a\x1b[2Jb", "a\u202eb", "a\\b", "..", "x" * 10_000]
RAW = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
FORM_KEY = re.compile(r'name="form_key" value="([^"]+)"')
LINE = "supplier,product,kg_per_kwh,at_meter,evidence,from\n"


def run(fleet, *words):
    """A command on the fleet's folder."""
    return CliRunner().invoke(parcimetre, [*words, "--data-dir", str(fleet.context.settings.data_dir)])


@pytest.mark.parametrize("bad", BAD)
def test_commands_refuse_a_bad_name(fleet, tmp_path, bad):
    contract = tmp_path / "contract.csv"
    contract.write_text(f'{LINE}"{bad}",P,0.02,yes,E,2026-01-01\n', encoding="utf-8")
    for words in (
        ("org", "create", bad),
        ("org", "create", f"Métropole/{bad}"),
        ("org", "site", bad, "--zone", "FR"),
        ("enrolment-secret", "create", "--org-unit", bad),
        ("enrolment-secret", "create", "--org-unit", "Métropole", "--site", bad),
        ("token", "create", "--name", bad, "--role", "viewer", "--everything"),
        ("report", "schedule", "add", "--mail", f"{bad}\n@b.example", "--everything"),
        ("grid", "contract", "add", str(contract)),
    ):
        done = run(fleet, *words)
        assert done.exit_code, words
        assert not RAW.search(done.output)
    known = [*units(fleet.context.store), *sites(fleet.context.store)]
    assert not [name for name in known if bad in name]


@pytest.mark.parametrize("bad", BAD)
def test_forms_and_the_api_refuse_a_bad_name(fleet, reader, bad):
    key = FORM_KEY.search(reader.get("/admin").text)[1]
    sent = {
        "/admin/units": {"path": f"Métropole/{bad}"},
        "/admin/sites": {"name": bad, "zone": "FR"},
        "/admin/tokens": {"name": bad, "role": "viewer", "org_unit": "", "days": ""},
        "/devices/filters": {"name": bad, "query": "q=x"},
    }
    for path, fields in sent.items():
        assert reader.post(path, data={"form_key": key, **fields}).status_code in (400, 422), path
    schedule = {"to": f"{bad}\n@b.example"}
    assert reader.post("/v1/reports/schedules", json=schedule).status_code in (400, 422)


@pytest.mark.parametrize("bad", ["pc\x1b[31m\n", "../pc", "pc\u202e", "x" * 3000])
def test_a_bad_host_name_loses_no_enrolment_and_is_named_in_the_log(empty, client_of, caplog, bad):
    caplog.set_level(logging.WARNING)
    _, secret = create_secret(empty, "Ville")
    body = {
        "schema": 1, "secret": secret, "hardware": {"install_id": "1" * 32, "virtual": "none"},
        "category": "laptop", "agent_version": "0.1.0", "hostname": bad,
    }  # fmt: skip
    answer = client_of(empty).post(
        "/v1/enrol", content=gzip.compress(json.dumps(body).encode()), headers={"Content-Encoding": "gzip"}
    )
    assert answer.status_code == 200, answer.text
    name = device(empty.store, answer.json()["device_id"]).hostname
    assert len(name) <= 255
    assert not RAW.search(name)
    assert "/" not in name
    assert answer.json()["device_id"] in caplog.text


@pytest.fixture
def hostile(fleet):
    """The fleet with names of an earlier release, when none were refused."""
    store, unit = fleet.context.store, "Métropole/A\x1b]0;x\x07\u202eB"
    body = store.latest_of("device", fleet.laptop).body
    about = {"org_unit": unit, "hostname": "pc\x1b[2J\u202e<b>\"'\n", "site": "S\x9b\n\u2066"}
    store.append([
        Fact("org_unit", unit, fleet.now, {}),
        Fact("site", about["site"], fleet.now, {"zone": "FR"}),
        Fact("device", fleet.laptop, fleet.now, {**body, **about}),
    ])  # fmt: skip
    return fleet


def test_pages_show_stored_names_escaped(hostile, client_of):
    reader = client_of(hostile.context)
    about = (f"/devices/{hostile.laptop}", f"/explain?device={hostile.laptop}&period=today")
    for path in ("/", "/devices", "/admin", "/agents", "/reports/weekly/2026-W47", *about):
        answer = reader.get(path)
        assert answer.status_code == 200, path
        assert not RAW.search(answer.text), path
        assert '<b>"' not in answer.text
    assert "pc\\u001b[2J\\u202e" in reader.get("/devices").text
    for name in ("csv", "json", "html"):
        answer = reader.get(f"/v1/reports/weekly/2026-W47?format={name}")
        assert answer.status_code == 200
        assert not RAW.search(answer.text), name


@pytest.mark.parametrize("as_json", [(), ("--json",)], ids=["table", "json"])
def test_terminals_get_no_raw_escapes(hostile, as_json):
    for words in (
        ("devices",),
        ("devices", "show", hostile.laptop),
        ("footprint", "--group-by", "org_unit"),
        ("footprint", "--group-by", "device"),
        ("explain", "--device", hostile.laptop),
        ("org", "list"),
        ("sql", "select * from devices"),
        ("devices", "show", "no\x1b[31m\u202e"),
    ):
        done = run(hostile, *words, *as_json)
        assert not RAW.search(done.output), words
    listed = run(hostile, "devices", *as_json)
    assert "u202e" in listed.output
    if as_json:
        assert "\u202e" in json.dumps(json.loads(listed.stdout), ensure_ascii=False)


@pytest.mark.parametrize("words", [
    ("footprint", "--group-by", "org_unit", "--csv"), ("sql", "select * from devices", "--csv"),
])  # fmt: skip
def test_terminals_get_no_raw_escapes_in_csv(hostile, words):
    done = run(hostile, *words)
    assert done.exit_code == 0, done.output
    assert "u202e" in done.output
    assert not RAW.search(done.output)
