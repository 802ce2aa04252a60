"""Calibrations of power models by laptop model, from the fleet's own use on battery.

They become factors over `client_power.csv`, in a folder that is imported like an organisation's own tables:
figures change when they are adopted, and name the set. Simulated devices are not used.
"""

from __future__ import annotations

import csv
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from parcimetre_factors.hardware.description import Hardware
from parcimetre_factors.power.calibration import (
    PREFIX,
    TABLE,
    BatterySession,
    Calibration,
    calibrate,
    model_key,
    session,
)
from parcimetre_factors.power.model import client
from parcimetre_factors.power.power_supply import supply
from parcimetre_factors.tables.factor_set import COLUMNS, Source

from ...access.context import Context
from ...base.periods import Span
from ...configuration.factor_sets import adopted_folder, import_tables
from ...fleet.device import Device
from ...fleet.devices import devices
from ...fleet.hardware import hardware, is_virtual
from ...organisation import merges
from ...organisation.left_out import leaving_out

SOURCE = Source(
    "fleet-battery-sessions", "the organisation itself", "Battery sessions of its own laptops", "",
    "https://parcimetre.invalid/battery-sessions", "own data", "",
)  # fmt: skip
BATTERY_CLASS = "laptop"


@dataclass(frozen=True)
class ModelCalibration:
    """The hardware of a laptop model, and its calibration."""

    hardware: Hardware
    calibration: Calibration


def calibrate_models(context: Context, span: Span) -> list[ModelCalibration]:
    """Return the calibration of each model with enough time on battery, in the order of their names."""
    sessions: dict[tuple[str, frozenset[str]], list[BatterySession]] = {}
    models: dict[tuple[str, frozenset[str]], Hardware] = {}
    for described, on_battery in _sessions(context, span):
        models.setdefault(model_key(described), described)
        sessions.setdefault(model_key(described), []).append(on_battery)
    calibrated = []
    for model, of_model in sessions.items():
        error = context.factors.get(supply(models[model], context.factors).error)
        calibration = calibrate(of_model, error.rel_sd)
        if calibration is not None:
            calibrated.append(ModelCalibration(models[model], calibration))
    return sorted(calibrated, key=lambda one: _subject(one.hardware))


def _sessions(context: Context, span: Span) -> Iterator[tuple[Hardware, BatterySession]]:
    """Each device's time on battery, with its hardware without any calibration."""
    asked = {found.id: found for found in devices(context.store).values() if _is_usable(found)}
    for device_id, activity in merges.activities(context.store, asked, span.first, span.last):
        found: tuple[Hardware, BatterySession] | None = None
        with leaving_out(device_id, "time on battery"):
            described = hardware(asked[device_id])
            if described.maker and described.model:
                modelled_j = client(described, context.factors).energy_j(activity)
                found = described, session(activity, modelled_j, supply(described, context.factors))
        if found is not None:
            yield found


def _is_usable(device: Device) -> bool:
    return device.category == BATTERY_CLASS and not device.simulated and not is_virtual(device)


def save_as_candidate(context: Context, found: Iterable[ModelCalibration], span: Span) -> str:
    """Save calibrations as the candidate, over the adopted tables; return its id. Raises BadFactorRow."""
    data_dir = context.settings.data_dir
    folder = adopted_folder(data_dir).with_name("calibrated.new")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    if adopted_folder(data_dir).is_dir():
        shutil.copytree(adopted_folder(data_dir), folder, dirs_exist_ok=True)
    _write(folder / f"{TABLE}.csv", COLUMNS, [_row(one, span) for one in found])
    _write(folder / "sources.csv", tuple(SOURCE.__dataclass_fields__), [_source(span)])
    try:
        return import_tables(data_dir, folder).id
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _row(found: ModelCalibration, span: Span) -> Mapping[str, object]:
    calibration, subject = found.calibration, _subject(found.hardware)
    days = " to ".join(_day(second) for second in (span.first, span.last))
    return dict.fromkeys(COLUMNS, "") | {
        "id": f"{PREFIX}{_slug(subject)}", "subject": subject, "stage": "use",
        "value": f"{calibration.ratio:.6g}", "low": f"{calibration.low:.6g}",
        "high": f"{calibration.high:.6g}", "unit": "1", "per": "device", "source": SOURCE.id,
        "range_basis": "source: spread between devices (Student) and error of the power supply",
        "locator": f"{calibration.devices} devices, {calibration.hours:.0f} h on battery, {days}",
        "year": _day(span.last)[:4],
    }  # fmt: skip


def _source(span: Span) -> dict[str, object]:
    last = _day(span.last)
    return vars(SOURCE) | {"year": last[:4], "retrieved": last[:7]}


def _write(file: Path, columns: tuple[str, ...], rows: Iterable[Mapping[str, object]]) -> None:
    """Write rows of a table after its rows with other ids."""
    fresh = {str(row["id"]): row for row in rows}
    before = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
    others = [row for row in csv.DictReader(before) if row["id"] not in fresh]
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, columns, lineterminator="\n", extrasaction="ignore", restval="")
        writer.writeheader()
        writer.writerows([*others, *fresh.values()])


def _subject(described: Hardware) -> str:
    return f"{described.maker}|{described.model}"


def _slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _day(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).date().isoformat()
