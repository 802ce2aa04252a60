"""Languages: which one is meant, and that nothing is left in English for a French reader."""

from dataclasses import replace
from io import BytesIO
from itertools import product
from pathlib import Path

import parcimetre_server
import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from parcimetre_factors.activity import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.explanation.leaves import factor_leaf
from parcimetre_factors.explanation.term import leaf, walk
from parcimetre_factors.grid.intensity import intensity_term, zones
from parcimetre_factors.grid.market_based import Contract, market_term, with_contracts
from parcimetre_factors.grid.month_profile import month_profiles
from parcimetre_factors.grid.observations import GridObservation, collect_observations
from parcimetre_factors.hardware.description import Cpu, Disk, Gpu, Hardware, Memory, Printer
from parcimetre_factors.power.calibration import calibrated
from parcimetre_factors.service_life.amortisation import Policy, per_unit
from parcimetre_factors.service_life.purchase import ERRORS
from parcimetre_factors.tables.factor_set import FactorSet, load_factor_set
from parcimetre_server.base.i18n import Translator, language_of, language_of_environment
from parcimetre_server.footprint.hardware_model import hardware_models

PACKAGE = Path(parcimetre_server.__file__).parent
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2.ext:babel_extract")]
CATEGORIES = ("laptop", "desktop", "all_in_one", "mini_pc", "server", "tablet", "pdu", "other", "unheard of")
MODELS = (
    ("Dell Inc.", "Latitude 5420"),
    ("Dell Inc.", "Precision 14 5470"),
    ("Dell Inc.", "PowerEdge C4130"),
    (None, None),
)
CPUS = (
    (),
    (Cpu(None, 1, None, None),),
    (Cpu("Intel Xeon Gold 6130", 1, 16, 32),),
    (Cpu("Intel(R) Core(TM) i5-1145G7 @ 2.60GHz", 1, 4, 8),),
    (Cpu("Intel(R) Core(TM) i7-9750H CPU @ 2.60GHz", 1, 6, 12),),
    (Cpu("Intel(R) Xeon(R) CPU E5-2660 0 @ 2.20GHz", 2, 8, 16),),
)
DISKS = ((), (Disk("ssd", 512), Disk("hdd", 1000)))
KEYWORDS = {"_": None, "translator": None, "N_": None, "n_": (1, 2), "plural": (1, 2)}


def extracted():
    found = extract_from_dir(str(PACKAGE), method_map=METHODS, keywords=KEYWORDS)
    return {message for _, _, message, _, _ in found if message}


@pytest.fixture(scope="module")
def catalogue():
    text = (PACKAGE / "locale/fr/LC_MESSAGES/messages.po").read_bytes()
    return read_po(BytesIO(text), locale="fr")


def hardware_of_all_kinds():
    kinds = product(CATEGORIES, MODELS, CPUS, DISKS, (False, True))
    for category, (maker, model), cpus, disks, virtual in kinds:
        memory = (Memory(16, 2),) if cpus else ()
        yield Hardware(category, maker, model, None, cpus, memory, disks, virtual=virtual)
    yield from (Hardware("monitor"), Hardware("monitor", "Dell", "P2419H"), Hardware("printer"))
    yield Hardware("all_in_one", "Dell Inc.", "OptiPlex 7490 All-in-One Desktop")
    yield from (Hardware("desktop", "Dell Inc.", name) for name in ("Precision Tower 7820", "Wyse 5070"))
    yield Hardware("server", cpus=CPUS[1], memory=(Memory(16, 2),), gpus=(Gpu("NVIDIA RTX A4500"),))
    for category in ("laptop", "monitor", "desktop", "all_in_one"):
        yield Hardware(category, screen_inch=24 if category != "laptop" else 14)
        yield Hardware(category, None, None, None, CPUS[1], (Memory(16, 2),), DISKS[1], screen_inch=15)
    for category, kind in (("desktop", "workstation"), ("mini_pc", "thin_client"), ("projector", None)):
        yield Hardware(category, kind=kind)
    yield from (Hardware("printer", weight_kg=kg) for kg in (10, 50, 120))
    for marking, a3, model in (("laser", True, None), ("laser", False, "MX331adne"), ("inkjet", False, None)):
        yield Hardware("printer", "Lexmark", model, printer=Printer(marking, a3))
    yield from (Hardware("desktop", weight_kg=7, cpus=CPUS[1], memory=(Memory(8),), disks=DISKS[1]),)
    for case in ("tower", "blade"):
        yield Hardware("server", cpus=CPUS[1], memory=(Memory(16, 2),), case=case)


def grid_of_all_kinds(factors):
    """Terms of a slot under a contract, of one without, with a residual mix, and of a month's profile."""
    contract = Contract("c", "S", "P", 0.02, None, None, False, "E", 0, SLOT_S, "2026-01-01")
    known = with_contracts(factors, [contract, replace(contract, id="m", at_meter=True)])
    mixes = [replace(factors.get("grid.fr.2023.gwp"), id="residual")]
    days = [GridObservation(i * SLOT_S, "test", kg_per_kwh=0.05) for i in range(21 * 96)]
    (month,) = month_profiles("FR", collect_observations(days), factors, "L", "2026-01-01")
    profile = [*factors.table("grid_profile"), *month.rows]
    for tables in ({}, {"grid_residual": mixes}, {"grid_profile": profile}):
        laid = FactorSet("laid", {**known.tables, **tables}, known.facts, known.sources)
        for start in (0, SLOT_S):
            for held in (contract, replace(contract, id="m", at_meter=True)):
                yield market_term(intensity_term("FR", start, laid), start, "FR", [held], laid)


@pytest.fixture(scope="module")
def said():
    """What the engine says of hardware and grids of all kinds: labels, evidence, notes, and why not."""
    factors = load_factor_set()
    mix = GridObservation(0, "test", {"gas": 1.0, "other": 1.0}, {"DE": 1.0})
    readings = [mix, GridObservation(SLOT_S, "test", kg_per_kwh=0.05)]
    terms = [
        intensity_term("FR", reading.start, factors, collect_observations(readings)) for reading in readings
    ]
    terms += [intensity_term(zone, 0, factors) for zone in zones(factors)]
    terms.append(intensity_term("FR", 0, factors, criterion=Criterion.ADPE))
    terms += grid_of_all_kinds(factors)
    terms += [factor_leaf("life", error, factors) for error in ERRORS.values() if error]
    words = set()
    for made in hardware_of_all_kinds():
        profile = hardware_models(factors).of(made)
        words |= {profile.embodied.note} | {other.why_not for other in profile.embodied.alternatives}
        terms += [*profile.watts.values(), *profile.embodied.by_stage.values()]
        terms += [profile.hours_per_year, profile.reconditioning.life_years]
        terms += profile.reconditioning.by_criterion.values()
        terms += [
            per_unit(policy, whole, profile.embodied.life_years, profile.hours_per_year)
            for policy in Policy
            for whole in profile.embodied.by_stage.values()
        ]
    watts = leaf("idle", 5.0, "W", "modelled")
    terms.append(calibrated(watts, factors.get("match.fuzzy.error")))
    below = [term for whole in terms for term in walk(whole)]
    words |= {text for term in below for text in (term.label, term.note, term.tier) if text}
    return words - {"", "life"}


def test_what_the_engine_says_is_in_french(catalogue, said):
    assert {text for text in said if not (entry := catalogue.get(text)) or not entry.string} == set()


def test_every_message_of_code_and_templates_is_in_french(catalogue):
    missing = [
        m
        for m in extracted()
        if not (entry := catalogue.get(m if isinstance(m, str) else m[0])) or not entry.string
    ]
    assert missing == []


def test_the_catalogue_has_no_message_that_nobody_says(catalogue, said):
    ids = {message.id for message in catalogue if message.id}
    assert ids - extracted() - said == set()


def test_translations_keep_the_places_to_fill(catalogue):
    for message in catalogue:
        source = message.id if isinstance(message.id, str) else message.id[1]
        target = message.string if isinstance(message.string, str) else message.string[1]
        assert places(source) == places(target), message.id


def places(text):
    return sorted(part.partition("}")[0] for part in text.split("{")[1:])


@pytest.mark.parametrize(
    ("query", "cookie", "accepted", "expected"),
    [
        ("fr", "en", "en", "fr"),
        (None, "fr", "en", "fr"),
        ("xx", None, "fr-FR,fr;q=0.9,en;q=0.8", "fr"),
        (None, None, "de, en;q=0.3, fr;q=0.8", "fr"),
        (None, None, "de;q=broken", "en"),
        (None, None, None, "en"),
    ],
)
def test_the_address_then_the_cookie_then_the_browser_decide(query, cookie, accepted, expected):
    assert language_of(query, cookie, accepted) == expected


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"LC_ALL": "fr_FR.UTF-8", "LANG": "C"}, "fr"),
        ({"LANG": "fr_BE"}, "fr"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_commands_speak_the_language_of_the_terminal(environment, expected):
    assert language_of_environment(environment) == expected


def test_a_message_fills_its_places():
    assert Translator("fr")("{low} to {high}", low=1, high=2) == "1 à 2"


def test_plural_follows_the_number():
    assert Translator("en").plural("{n} device", "{n} devices", 2) == "2 devices"
