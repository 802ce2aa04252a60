"""Every route and role, with odd names asked for and stored: no internal error, nothing raw or foreign."""

import csv
import io
import json
import re
import zipfile
from urllib.parse import quote

import pytest
from fastapi.routing import APIRoute
from parcimetre_server.access.tokens import create_token
from parcimetre_server.base.scope import ROLES
from parcimetre_server.fleet.joins import Join
from parcimetre_server.fleet.outlets.records import outlet_id
from parcimetre_server.reports.publishing import publish
from parcimetre_server.store.records import Fact
from pypdf import PdfReader

from tests.server.conftest import DAY_S, TODAY

from .conftest import OTHERS, A, B
from .test_walk import IN_A, IN_B, NOWHERE, WITHOUT_READER, all_routes

SUM = "{{7191*7193}}"
ODD = {
    "controls": "a\x00b\x1b[2J\r\nSet-Cookie: x=y\x9b",
    "bidi": "a\u202eb\u2066c\u200f",
    "10 kB": "x" * 10_000,
    "quotes": f"\"'`$(id)';--{SUM}%s%00",
    "tags": "<script>alert(1)</script><!--]]>",
    "a path": "../../etc/passwd",
    "a formula": "=1+1",
    "a picture": "\"><img src=x onerror='alert(1)'>",
}
HALF = "a\ud800b"
UNUSABLE = f"a0a0a0{7:026d}"
RAW = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
TAGS = ("<script>alert", "<img src=x", "\"'`$(id)", str(7191 * 7193))
FOREIGN = (*OTHERS, "Strangerb")
PARTS = re.compile(r"\{(\w+)(?::path)?\}")
PLACES = {"week": "2026-W47", "zone": "FR", "name": "parcimetre.css", "step": "approve"}
FORM_KEY = re.compile(r'name="form_key" value="([^"]+)"')
WEEK = "/v1/reports/weekly/2026-W47"
FIELDS = {
    "/admin/units": ("path", "file"),
    "/admin/sites": ("name", "zone"),
    "/admin/secrets": ("revoke", "org_unit", "site", "days", "planned"),
    "/admin/secrets/{id}": ("step",),
    "/admin/tokens": ("revoke", "name", "org_unit", "role", "days"),
    "/admin/recipients": ("revoke", "to", "org_unit", "role", "language", "formats"),
    "/admin/joins": ("join", "step"),
    "/factors/adopt": ("set", "reason"),
    "/devices/filters": ("name", "query", "forget"),
    "/login": ("token", "next"),
}
READERS = [*(pytest.param(role, unit, id=f"{role} of {unit}") for unit in (A, None) for role in ROLES),
           pytest.param(None, None, id="nobody")]  # fmt: skip
SHARE = 4  # each reader makes one in so many of the odd requests; admins every other one that changes
TELLING = {
    "/v1/contracts": "admin", "/v1/outlets": "technician", "/v1/reports/schedules": "admin",
    "/v1/dead-letters": "admin", "/v1/joins": "admin", "/v1/agents": "technician", "/admin": "admin",
    "/v1/devices": "technician", "/access-record": "dpo", "/v1/access-record": "dpo", "/devices": "analyst",
    "/devices.csv": "technician", "/admin/joins": "admin", "/metrics": "technician",
}  # fmt: skip


def name_facts(store, now, key, unit, odd, i):
    """What an earlier release stored of a device and of what is around it, each name an odd one."""
    device, inventory = (store.latest_of(kind, key).body for kind in ("device", "inventory"))
    path, site, outlet, seen = f"{unit}/{odd}", odd, f"{odd}{i}", odd[:200]
    system = {**inventory["system"], "maker": seen, "model": seen, "board": seen, "bios_date": seen}
    display = {"maker": seen, "product": seen, "name": seen, "year": 2021, "serial_hash": f"{i:064x}",
               "width_mm": 500, "height_mm": 300, "built_in": False}  # fmt: skip
    monitor, tail = f"{key[:6]}{i + 50:026d}", f"{key[0]}{i}"
    letter = {"device": key, "part": "slots", "index": 0, "reason": odd, "record": {odd: odd},
              "hash_form": "organisation"}  # fmt: skip
    hung = outlet_id(key, outlet)
    sent = {
        "week": "2026-W47", "org_unit": unit, "role": "viewer", "edition": 1, "schedule": f"to{tail}",
        "way": "mail", "to": f"{odd}@a.example", "state": "failed", "attempts": 3, "at": now,
        "next_at": None, "reason": odd,
    }  # fmt: skip
    later = f"{key[:6]}{i + 1 if i % 8 < 4 else i - 4:026d}"
    join = vars(Join("machine", key, later, odd, now))
    return [
        Fact("org_unit", path, now, {}),
        Fact("site", site, now, {"zone": "FR"}),
        Fact("device", key, now, {**device, "org_unit": path, "site": site, "hostname": odd, "secret": odd,
                                  "agent_version": odd}),
        Fact("inventory", key, now, {**inventory, "system": system, "os": {"family": seen, "name": seen},
                                     "cpus": [{**inventory["cpus"][0], "name": seen}]}),
        Fact("monitor", monitor, now, {"display": display, "since": now - DAY_S, "machines": [key],
                                 "retired_at": None, "scrapped": False, "hash_form": "organisation"}),
        Fact("attached", key, now, {"at": now - DAY_S, "monitors": [monitor]}),
        Fact("secret", odd + tail, now, {"id": odd + tail, "hash": "0" * 64, "org_unit": path, "site": site,
                                         "created_at": now, "expires_at": None, "revoked_at": None,
                                         "planned": None, "most": None}),
        Fact("token", odd + tail, now, {"id": odd + tail, "hash": "0" * 64, "name": odd, "role": "viewer",
                                        "org_unit": path, "created_at": now, "expires_at": None,
                                        "revoked_at": None}),
        Fact("schedule", f"to{tail}", now, {"id": f"to{tail}", "org_unit": path, "role": "viewer",
                                            "way": "mail", "to": f"{odd}@a.example", "language": "fr",
                                            "formats": ["pdf"], "created_at": now - 9 * DAY_S,
                                            "ended_at": None}),
        Fact("delivery", f"sent{tail}", now, {"key": f"sent{tail}", **sent}),
        Fact("contract", f"c{tail}", now, {
            "supplier": odd, "product": odd, "kg_per_kwh": 0.02, "low": None, "high": None, "at_meter": True,
            "evidence": odd, "first": 1, "last": None, "recorded": odd, "site": None, "org_unit": path}),
        Fact("outlet", hung, now, {"feeder": key, "outlet": outlet, "scope": odd, "source": odd,
                                   "since": now}),
        Fact("feeding", hung, now, {"device": key, "from": now}),
        Fact("dead_letter", f"letter{tail}", now, letter),
        Fact("audit", key, now, {"act": "transferred", "who": odd, "before": {odd: odd},
                                 "after": {"org_unit": path, "site": site}, "reason": odd}),
        Fact("look", f"{now}-{tail}", now, {"who": odd, "way": "token", "detail": "days", "device": key,
                                            "org_unit": path, "what": odd}),
        Fact("losses", key, now, {"dropped": 1, "coarsened": 1, "refused": 1, "damaged": 1,
                                  "set_aside": [{"reason": odd, "slots": 1, "start": TODAY}]}),
        Fact("join", later, now, join),
    ]  # fmt: skip


@pytest.fixture
def odd_names(communes):
    """Both communes with stored names of all these kinds, from a time when none was refused, and a report."""
    store, now = communes.context.store, communes.context.now()
    for i, odd in enumerate(ODD.values()):
        store.append(name_facts(store, now, f"a0a0a0{i:026d}", f"{A}/Mairie", odd, i))
    for i, odd in enumerate([*ODD.values()][:5], start=8):
        of_b = f"Strangerb{odd}"
        store.append(name_facts(store, now, f"b0b0b0{i:026d}", f"{B}/Secretariatb", of_b, i))
    body = store.latest_of("inventory", UNUSABLE).body
    store.append([Fact("inventory", UNUSABLE, now, {**body, "os": {"family": "x", "name": "x" * 10_000}})])
    publish(communes.context, "2026-W47")
    return communes


@pytest.fixture
def reader_of(asking, odd_names):
    """Make a reader by role and org unit, None for everything; without a role one who has no token."""

    def make(role, unit):
        if role is None:
            return asking()
        return asking(token=create_token(odd_names.context, f"{role} walking", role, unit)[1])

    return make


def api_routes(app):
    """Every route, its method, and the names of its parameters of the query."""
    for route in all_routes(app):
        if isinstance(route, APIRoute):
            for method in sorted(route.methods - {"HEAD"}):
                yield method, route.path, [one.alias for one in route.dependant.query_params]


def with_places(path, device):
    """A path with what it asks for, as it is usual."""
    return PARTS.sub(lambda found: PLACES.get(found[1], device), path)


def percent(text):
    """A text in percent encoding, halves of characters too, which no browser sends."""
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def spelt(path, odd):
    """A path with an odd name wherever it asks for something."""
    return PARTS.sub(lambda _: percent(odd[:500]), path)


def form(fields):
    """A form as a browser sends it."""
    text = "&".join(f"{name}={percent(value)}" for name, value in fields.items())
    return {"content": text, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}


def as_json(body):
    """A body in JSON, in which halves of characters are possible."""
    return {"content": json.dumps(body), "headers": {"Content-Type": "application/json"}}


def usual_requests(app, device):
    """Every route that shows something, with what is usual and in all its forms."""
    for method, path, _ in api_routes(app):
        if method == "GET":
            yield method, with_places(path, device), {}
    for form in ("html", "json", "csv", "xlsx", "pdf"):
        yield "GET", WEEK, {"format": form, "lang": "fr"}
    for group in ("org_unit", "site", "category", "device", "stage", "component", "power_source", "model"):
        yield "GET", "/v1/footprint", {"group_by": group, "from": "2026-11-18"}
    yield "GET", "/v1/devices", {"limit": "2"}
    yield "GET", "/v1/joins", {"state": "all"}
    yield "GET", "/v1/explain", {"device": device}
    yield "GET", "/explain", {"device": device, "period": "7d"}
    yield "GET", "/devices", {"list": "duplicate", "q": "a"}
    yield "GET", "/devices.csv", {"list": "unmatched"}
    yield "GET", "/v1/printing", {"group_by": "org_unit"}


def odd_requests(app, odd):
    """Every route that shows something, with an odd name in its path or in one of its parameters."""
    for method, path, names in api_routes(app):
        if method != "GET":
            continue
        if "{" in path:
            yield method, spelt(path, odd), {}
        for name in [*names, *(("list", "q", "sort", "filter") if path.startswith("/devices") else ())]:
            yield method, f"{with_places(path, IN_A)}?{name}={percent(odd)}", {}


def odd_posts(app, odd, form_key):
    """Every route that changes something, with an odd name in its path, in each field and in its JSON."""
    for method, path, _ in api_routes(app):
        if method == "GET" or path == "/logout":
            continue
        usual, named = with_places(path, IN_A), spelt(path, odd)
        for field in FIELDS.get(path, ()):
            yield method, usual, form({"form_key": form_key, field: odd})
        if path in FIELDS:
            every = dict.fromkeys(FIELDS[path], odd)
            yield method, usual, form({"form_key": form_key, **every})
            yield method, usual, form({"form_key": odd})
            yield method, named, form({"form_key": form_key, **every})
        else:
            yield method, named, {}
            yield method, usual, as_json({odd: HALF})
            yield from ((method, usual, as_json(body)) for body in bodies(path, odd))


def bodies(path, odd):
    """Bodies in JSON for a route, an odd name in each of their texts."""
    if path == "/v1/outlets":
        line = {"feeder": odd[:255], "outlet": odd[:40], "device": odd[:255], "from": odd[:10]}
        yield from ({"outlets": [line], "dry_run": dry} for dry in (True, False))
        yield {"outlets": [{**line, "feeder": IN_A}, {**line, "feeder": IN_B}]}
    elif path == "/v1/reports/schedules":
        yield {"to": odd[:500]}
        yield {"to": "it@a.example", "org_unit": odd[:400]}
        yield from ({"to": "it@a.example", name: odd} for name in ("way", "language", "role"))
    elif path == "/v1/estimate":
        yield {"kind": odd, "model": odd, odd: odd}
        yield {"category": "laptop", "model": odd, "maker": odd, "zone": odd, "cpu": odd}
    elif path == "/v1/enrol":
        yield {"schema": 1, "secret": odd, "hardware": {"install_id": odd, "virtual": odd}, "hostname": odd,
               "category": odd, "agent_version": odd, odd: odd}  # fmt: skip
    yield {odd: odd}
    yield odd
    yield [odd]


def text_of(answer):
    """What an answer says, its sheets unpacked."""
    if answer.content.startswith(b"%PDF"):
        return "".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.content)).pages)
    if not answer.content.startswith(b"PK"):
        return answer.text
    with zipfile.ZipFile(io.BytesIO(answer.content)) as sheets:
        return "".join(sheets.read(name).decode() for name in sheets.namelist())


def check(answer, asked, of_one_commune):
    """An answer is none of an internal error, tells nothing of others and shows nothing raw."""
    text, about = text_of(answer).replace(IN_B, "what was asked for"), answer.headers.get("content-type", "")
    assert answer.status_code < 500, asked
    told = "".join(f"{name}: {value}\n" for name, value in answer.headers.multi_items())
    assert not [value for value in answer.headers.values() if RAW.search(value) or "\n" in value], asked
    if of_one_commune:
        assert not [word for word in FOREIGN if word in text + told], asked
    if about not in ("application/json", "application/pdf"):
        assert not RAW.search(text), (asked, RAW.search(text))
    if "text/html" in about:
        assert not [tag for tag in TAGS if tag in text], asked
    if "text/csv" in about:
        cells = [cell for row in csv.reader(io.StringIO(text.lstrip("\ufeff"))) for cell in row]
        assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))], asked
    if answer.content.startswith(b"PK"):
        assert "<f>" not in text, asked


def key_of_forms(reader):
    """The key of the reader's forms, from any page that has one."""
    found = FORM_KEY.search(reader.get("/admin").text) or FORM_KEY.search(reader.get("/devices").text)
    return found[1] if found else "none"


@pytest.mark.slow
@pytest.mark.parametrize(("role", "unit"), READERS)
def test_what_is_stored_with_odd_names_is_shown_whole_and_to_its_own_readers(reader_of, role, unit):
    reader = reader_of(role, unit)
    answered = 0
    for device in (*(f"a0a0a0{i:026d}" for i in range(len(ODD))), IN_B, NOWHERE):
        wanted = usual_requests(reader.app, device) if device == IN_A else of_device(device)
        for method, path, params in wanted:
            answer = reader.request(method, path, params=params)
            check(answer, (path, params), unit is not None or role is None)
            answered += answer.status_code == 200
            assert answer.status_code != 422 or device == UNUSABLE, (path, params, answer.text)
            if role is None and path not in WITHOUT_READER and "/static" not in path:
                assert answer.status_code in (303, 401), path
    assert answered > (15 if role else 2)


@pytest.mark.slow
def test_odd_names_leave_no_device_out_of_figures(reader_of):
    answer = reader_of("admin", None).get("/v1/footprint").json()
    assert {one["device"] for one in answer["left_out"]} == {UNUSABLE, f"a0a0a0{57:026d}"}


@pytest.mark.slow
@pytest.mark.parametrize(("path", "role"), TELLING.items())
def test_the_walk_would_find_what_is_foreign(reader_of, path, role):
    text = reader_of(role, None).get(path, params={"state": "all"} if "joins" in path else {}).text
    assert "Strangerb" in text


def of_device(device):
    """What there is to see of one device."""
    for path in ("/v1/devices/{}", "/devices/{}"):
        yield "GET", path.format(device), {}
    for path in ("/v1/explain", "/explain", "/v1/outlets", "/v1/dead-letters", "/v1/access-record",
                 "/access-record", "/v1/footprint"):  # fmt: skip
        yield "GET", path, {"device": device}


@pytest.mark.slow
@pytest.mark.parametrize(("role", "unit"), READERS)
def test_no_odd_name_asked_for_fails_tells_of_others_or_is_shown_raw(reader_of, role, unit):
    reader = reader_of(role, unit)
    key = key_of_forms(reader) if role else "none"
    begin = [None, *ROLES].index(role) + (unit is None)
    share = 2 if role == "admin" else SHARE
    for i, odd in enumerate((*ODD.values(), HALF), start=begin):
        shown = [*odd_requests(reader.app, odd)][i % SHARE :: SHARE]
        changing = [*odd_posts(reader.app, odd, key)][i % share :: share]
        for method, path, sent in (*shown, *changing):
            answer = reader.request(method, path, **sent)
            check(answer, (method, path, sent), unit is not None or role is None)
