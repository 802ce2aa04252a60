"""The wire format as it is documented: the JSON Schema, the pages, the collector and the agent agree."""

import importlib
import json
import pkgutil
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import parcimetre_server
import pytest
from jsonschema import Draft202012Validator
from parcimetre_agent.report import MAX_GAPS, MAX_SLOTS, SLOT_S, EnrolRequest, Report, ReportAnswer
from parcimetre_server.base.errors import ParcimetreError
from parcimetre_server.fleet.enrolment import create_secret
from parcimetre_server.ingest import plausibility
from parcimetre_server.web import request_body
from pydantic import TypeAdapter, ValidationError

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tools"))

from write_schema import FILE, MESSAGES, schema

SCHEMA = json.loads(FILE.read_text(encoding="utf-8"))
LANGUAGES = pytest.mark.parametrize("language", ["en", "fr"])
NOT_SERVED = ("parcimetre_server.demo", "parcimetre_server.cli")
SENT = (EnrolRequest, Report)


@cache
def adapter(message):
    """The collector's own validation of a message."""
    return TypeAdapter(message)


@cache
def validator(message):
    """Checks documents against one message's definition."""
    return Draft202012Validator({"$ref": f"#/$defs/{message.__name__}", "$defs": SCHEMA["$defs"]})


def page(language):
    """The page on the wire format."""
    return (ROOT / "docs" / language / "wire-format.md").read_text(encoding="utf-8")


def examples(language):
    """The page's JSON documents, in order: enrolment, answer, report, answer, refusal, problem."""
    return [json.loads(text) for text in re.findall(r"```json\n(.*?)```", page(language), re.DOTALL)]


def in_force(message, document):
    """Whether the collector's own validation takes it."""
    try:
        adapter(message).validate_json(json.dumps(document))
    except ValidationError:
        return False
    return True


def test_the_schema_in_the_documents_is_the_one_in_force():
    assert FILE.read_text(encoding="utf-8") == schema(), "run: make schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_the_schema_takes_no_field_that_it_does_not_know_from_an_agent():
    wanted, reached = [message.__name__ for message in SENT], set()
    while wanted:
        name = wanted.pop()
        reached.add(name)
        found = re.findall(r'"#/\$defs/(\w+)"', json.dumps(SCHEMA["$defs"][name]))
        wanted += [one for one in found if one not in reached]
    assert len(reached) > len(SENT)
    assert {
        name for name in reached if SCHEMA["$defs"][name].get("additionalProperties") is not False
    } == set()


def test_what_a_real_agent_would_send_fits_the_schema(tmp_path):
    line = [sys.executable, "-m", "parcimetre_agent", "once", "--print", "--data-dir", tmp_path / "none"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=True)
    validator(Report).validate(json.loads(done.stdout))


def _damages(document, path=()):
    """Paths of all values in a document."""
    yield path
    steps = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in steps:
        if isinstance(value, dict | list):
            yield from _damages(value, (*path, key))
        else:
            yield (*path, key)


def _changed(document, path, change):
    copy = json.loads(json.dumps(document))
    place = copy
    for step in path[:-1]:
        place = place[step]
    change(place, path[-1])
    return copy


def _unknown_field(place, key):
    if isinstance(place[key], dict):
        place[key]["user"] = "x"


CHANGES = {
    "left out": lambda place, key: place.pop(key),
    "null": lambda place, key: place.__setitem__(key, None),
    "text": lambda place, key: place.__setitem__(key, "x" * 600),
    "negative": lambda place, key: place.__setitem__(key, -1),
    "huge": lambda place, key: place.__setitem__(key, 10**15),
    "no": lambda place, key: place.__setitem__(key, False),
    "list": lambda place, key: place.__setitem__(key, [[]]),
    "object": lambda place, key: place.__setitem__(key, {}),
    "unknown field": _unknown_field,
}


def _broken_rules(message, document):
    """Findings about rules that a schema cannot express."""
    try:
        adapter(message).validate_json(json.dumps(document))
    except ValidationError as error:
        return [one for one in error.errors() if one["msg"].startswith("Value error")]
    return []


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize(("message", "number"), [(EnrolRequest, 0), (Report, 2)], ids=["enrol", "report"])
def test_schema_and_collector_refuse_the_same_damages(message, number, change):
    sound, told = examples("en")[number], []
    for path in _damages(sound):
        if path:
            broken = _changed(sound, path, change)
            if not _broken_rules(message, broken):
                agree = validator(message).is_valid(broken) == in_force(message, broken)
                told += [] if agree else [path]
    assert told == []


RULES = {
    "a fraction": ({"display_on_s": 600.0}, "valid integer"),
    "off the quarter hour": ({"start": 1795513501}, "quarter hour"),
    "states beyond the slot": ({"off_s": 1}, "add up to 901 s"),
    "nine deciles": ({"load_deciles_s": [0] * 9}, "10 or none"),
    "load beyond time awake": ({"load_deciles_s": [900, 1, *([0] * 8)]}, "more than 900 s awake"),
    "a channel twice": (
        {
            "energy": [{"source": "a", "scope": "gpu", "quality": "measured", "energy_j": 1, "duration_s": 1}]
            * 2
        },
        "twice",
    ),
}


@pytest.mark.parametrize(("about", "told"), RULES.values(), ids=RULES)
def test_rules_beyond_the_schema_are_the_collectors(about, told):
    document = examples("en")[2]
    document["slots"][0] |= about
    with pytest.raises(ValidationError, match=told):
        adapter(Report).validate_json(json.dumps(document))


@LANGUAGES
def test_examples_fit_the_schema_and_are_the_same_in_both_languages(language):
    found = examples(language)
    for message, document in zip((*MESSAGES, ReportAnswer), found, strict=False):
        validator(message).validate(document)
        assert in_force(message, document)
    assert found == examples("en")


def test_examples_are_answered_as_the_page_says(empty, client_of):
    enrol, enrolled, report, answer, refusal, problem = examples("en")
    client = client_of(empty)
    refused = client.post("/v1/enrol", json=enrol)
    assert (refused.status_code, refused.json()) == (problem["status"], problem)
    _, secret = create_secret(empty, "Métropole/Commune")
    told = client.post("/v1/enrol", json=enrol | {"secret": secret}).json()
    assert told.keys() == enrolled.keys()
    assert told["config"] == enrolled["config"]
    headers = {"Authorization": f"Bearer {told['credential']}"}
    report["device_id"] = told["device_id"]
    damaged = json.loads(json.dumps(report))
    damaged["slots"][0]["off_s"] = 1
    assert client.post("/v1/reports", json=damaged, headers=headers).json() == refusal
    again = client.post("/v1/reports", json=report, headers=headers).json()
    assert again["accepted"] + again["duplicates"] == answer["accepted"]
    assert again["accepted"] == 1


@LANGUAGES
def test_every_field_is_in_the_page(language):
    told = set(re.findall(r'[`".]([a-z_0-9]+)[`"]', page(language)))
    fields = {name for one in SCHEMA["$defs"].values() for name in one["properties"]}
    assert fields - told == set()


@LANGUAGES
def test_limits_in_the_page_are_those_in_force(language):
    text = re.sub(r"(?<=\d)[ ,](?=\d{3})", "", page(language))
    mebibytes = (request_body.MOST_RECEIVED >> 20, request_body.MOST_UNPACKED >> 20)
    seconds = (plausibility.AHEAD_S, plausibility.NEWEST_S, plausibility.NEWEST_S + SLOT_S)
    counts = (MAX_SLOTS, MAX_GAPS, plausibility.MOST_GAP_SLOTS, plausibility.OLDEST_S // 86_400)
    assert {*mebibytes, *seconds, *counts} <= set(map(int, re.findall(r"\d+", text)))


def _problems():
    """Kind and status of every error that the collector may answer with."""
    for module in pkgutil.walk_packages(parcimetre_server.__path__, "parcimetre_server."):
        if not module.name.startswith(NOT_SERVED):
            importlib.import_module(module.name)
    wanted, found = [ParcimetreError], set()
    while wanted:
        one = wanted.pop()
        wanted += one.__subclasses__()
        if not one.__module__.startswith(NOT_SERVED):
            found.add((one.kind, str(one.status)))
    return found


def _problems_in_words():
    """Kinds that the code gives without a class."""
    sources = Path(parcimetre_server.__file__).parent.rglob("*.py")
    return {
        kind for file in sources for kind in re.findall(r'"/problems/([a-z-]+)"', file.read_text("utf-8"))
    }


@LANGUAGES
def test_every_problem_is_in_the_page_with_its_status(language):
    told = set(re.findall(r"^\| `([a-z-]+)` \| (\d{3}) \|", page(language), re.MULTILINE))
    assert _problems() <= told
    assert {kind for kind, _ in told} == {kind for kind, _ in _problems()} | _problems_in_words()
