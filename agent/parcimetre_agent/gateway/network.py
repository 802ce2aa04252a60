"""Interpret the answers of a switch, router or access point: ENTITY-MIB (RFC 6933), PoE (RFC 3621)."""

from __future__ import annotations

from collections.abc import Sequence

from ..identification.hashes import asset_hash, serial_hash
from ..identification.names import first_word, printable
from ..report import Inventory, SensorOutcome
from . import device_identity
from .answers import DESCRIPTION, NAME, OBJECT_ID, UPTIME, Answers
from .device_identity import KnownDevice, device_key, first_model, first_serial
from .makers import Maker
from .meters import CHASSIS, POWER, STACK, UNMETERED, PowerMeters, of_class
from .taps import OUTLETS, tap_oids

SERVICES = "1.3.6.1.2.1.1.7.0"
BRIDGE_PORTS = "1.3.6.1.2.1.17.1.2.0"
POE_SUPPLIES = "1.3.6.1.2.1.105.1.3.1.1.3"
PARTS = "1.3.6.1.2.1.47.1.1.1.1"
PART_DESCRIPTIONS, PART_CLASSES, PART_NAMES = f"{PARTS}.2", f"{PARTS}.5", f"{PARTS}.7"
PART_SERIALS, PART_MODELS = f"{PARTS}.11", f"{PARTS}.13"
SWITCHES_OR_ROUTES = 0b110
SERIALS_TRIED = 4
POE = "network.poe"
WITH_POE = "its power includes the power it supplies through its ports (PoE)"
POE_UNCOUNTED = (
    "it supplies power through its ports (PoE), which is not counted: it does not report its own power"
)


def is_network(answers: Answers, poe: Answers, maker: Maker | None) -> bool:
    """Whether it switches or routes by its own word or its maker's kind, is a bridge, or feeds others."""
    services = answers.get(SERVICES)
    switches = isinstance(services, int) and services & SWITCHES_OR_ROUTES != 0
    by_maker = maker is not None and maker.network
    return bool(switches or by_maker or answers.get(BRIDGE_PORTS) or poe)


def chassis(classes: Answers) -> list[str]:
    """The indexes of what stands for the whole device in ENTITY-MIB: the stack first, then each chassis."""
    return [*of_class(classes, STACK), *of_class(classes, CHASSIS)]


def status_oids(known: KnownDevice, maker: Maker | None) -> list[str]:
    """What is asked at every poll: who answers, since when it runs, its power, and what it gives."""
    found = [
        *([] if known.meters is None else known.meters.oids),
        *tap_oids(known.taps),
        *tap_oids(known.intake),
    ]
    return [OBJECT_ID, NAME, UPTIME, *serial_oids([str(known.index)], maker), *found]


def identity_oids(found: Sequence[str], maker: Maker | None) -> list[str]:
    """What says who the device is; `found` are the indexes of its stack and chassis."""
    models = [f"{column}.{index}" for column in (PART_MODELS, PART_DESCRIPTIONS) for index in found]
    return [DESCRIPTION, NAME, *serial_oids(found, maker), *(maker.model if maker else ()), *models]


def serial_oids(found: Sequence[str], maker: Maker | None) -> list[str]:
    """Where its serial number may stand: that of its first chassis, then the maker's own."""
    return [*(f"{PART_SERIALS}.{index}" for index in found), *(maker.serial if maker else ())]


def identify_network_device(
    answers: Answers,
    host: str,
    found: Sequence[str],
    maker: Maker | None,
    power: PowerMeters | None,
    poe: bool,
) -> KnownDevice:
    """Who the device is, from its answers."""
    name = maker.name if maker else first_word(printable(answers.get(DESCRIPTION))) or "unknown"
    index = next((one for one in found if stated_serial(answers, [one], maker)), next(iter(found), "1"))
    serial = stated_serial(answers, [index], maker)
    hashed = serial_hash(name, serial)
    model = _model(answers, found, maker)
    key = device_key(hashed, f"{host} {name} {model}")
    return KnownDevice(
        key, str(answers.get(OBJECT_ID, "")), int(index), name, model, hashed, printable(answers.get(NAME)),
        category="network", meters=power, poe=poe, asset_hash=asset_hash(serial),
    )  # fmt: skip


def stated_serial(answers: Answers, found: Sequence[str], maker: Maker | None) -> str | None:
    """Return the first serial number that is one."""
    return first_serial(printable(answers.get(oid)) for oid in serial_oids(found, maker))


def is_same(answers: Answers, known: KnownDevice, maker: Maker | None) -> bool:
    """Whether nothing says that another device stands at the address now."""
    object_id = answers.get(OBJECT_ID)
    if object_id is not None and str(object_id) != known.object_id:
        return False
    hashed = serial_hash(known.maker, stated_serial(answers, [str(known.index)], maker))
    return hashed is None or hashed == known.serial_hash


def _model(answers: Answers, found: Sequence[str], maker: Maker | None) -> str | None:
    models = (f"{column}.{index}" for column in (PART_MODELS, PART_DESCRIPTIONS) for index in found)
    return first_model(answers, [*(maker.model if maker else ()), *models], maker)


def inventory(found: KnownDevice, taken_at: int, outcomes: list[SensorOutcome]) -> Inventory:
    """The device as the report has it, with what its power contains."""
    if found.meters is None:
        added = [SensorOutcome(POWER, "no_data", UNMETERED)]
    else:
        added = [] if POWER in {one.sensor for one in outcomes} else [SensorOutcome(POWER, "ok")]
    if found.poe:
        added.append(SensorOutcome(POE, "ok", WITH_POE if found.meters else POE_UNCOUNTED))
    if found.taps and OUTLETS not in {one.sensor for one in outcomes}:
        added.append(SensorOutcome(OUTLETS, "ok"))
    return device_identity.base_inventory(found, taken_at, [*outcomes, *added])
