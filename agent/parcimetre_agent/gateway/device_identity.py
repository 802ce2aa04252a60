"""Identity of any device behind a gateway: maker, model, serial number as a hash, name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from ..identification.fillers import is_filler_serial
from ..identification.hashes import serial_hash
from ..identification.names import printable, without_maker
from ..report import Inventory, OperatingSystem, Printer, SensorOutcome, System
from .answers import UPTIME, Answers
from .makers import Maker
from .meters import PowerMeters
from .taps import Tap

Kind = Literal["printer", "network", "server", "pdu", "ups"]


@dataclass(frozen=True)
class KnownDevice:
    """Who a device is: found once, and again when its serial number or its maker changes.

    `key` identifies it: the keyed hash of its serial number, else its address and model.
    `meters` is where a device states its power, `poe` whether it feeds others over its ports. `taps` are the
    outlets or ports that state what they give, `intake` where a power unit states what it takes.
    `hardware` is what a server is made of, `states` whether a printer has its maker's power state.
    `asset_hash` is of the serial number alone.
    """

    key: str
    object_id: str
    index: int
    maker: str
    model: str | None
    serial_hash: str | None
    name: str | None
    printer: Printer | None = None
    category: Kind = "printer"
    meters: PowerMeters | None = None
    poe: bool = False
    taps: Sequence[Tap] = ()
    intake: Sequence[Tap] = ()
    hardware: dict[str, Any] | None = None
    states: bool = False
    asset_hash: str | None = None


def device_key(serial: str | None, address: str) -> str:
    """Return the key of a device: its serial number as a hash, else a hash of its address."""
    return serial or serial_hash("address", address) or address


def first_serial(stated: Iterable[str | None]) -> str | None:
    """Return the first serial number that is not a placeholder."""
    return next((serial for serial in stated if not is_filler_serial(serial)), None)


def uptime_s(answers: Answers) -> float | None:
    """Return the seconds since the device's network part started; None where it does not say."""
    value = answers.get(UPTIME)
    return float(value) if isinstance(value, (int, float)) and value >= 0 else None


def first_model(answers: Answers, oids: Iterable[str], maker: Maker | None) -> str | None:
    """Return the first model that is stated, without its maker's name before it."""
    model = next(filter(None, (printable(answers.get(oid)) for oid in oids)), None)
    return model if maker is None else without_maker(model, maker.name)


def base_inventory(found: KnownDevice, taken_at: int, outcomes: list[SensorOutcome]) -> Inventory:
    """Return the device as the report carries it: a hash of its serial number, and no address."""
    return Inventory(
        taken_at=taken_at,
        category=found.category,
        virtual="none",
        system=System(
            maker=found.maker, model=found.model, serial_hash=found.serial_hash, asset_hash=found.asset_hash
        ),
        os=OperatingSystem("none"),
        printer=found.printer,
        outcomes=outcomes,
    )
