"""Take the inventory: every inventory sensor asked once, put together, with what each sensor answered."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from typing import Any, cast

from ..base.loading import concept, load
from ..base.outcome import Denied, Failed, NoData, Ok, Outcome
from ..report import Category, Inventory, OperatingSystem, SensorOutcome, System
from ..sensors import inventory as inventory_sensors
from ..sensors.machine import Machine


def take_inventory(
    machine: Machine, taken_at: int, use: dict[str, Outcome[Any]], displays: str = "all"
) -> Inventory:
    """The inventory now; `use` holds what activity sensors and power sources answered last.

    With displays = "none" it leaves out those that are plugged in; a built-in panel is part of the machine.
    """
    facts: dict[str, Any] = {}
    outcomes = dict(use)
    for module in load(inventory_sensors):
        outcome = _ask(module, machine)
        outcomes["inventory." + concept(module.__name__.rpartition(".")[2])] = outcome
        if isinstance(outcome, Ok):
            facts.update(outcome.value)
    virtual = str(facts.pop("virtual", "none"))
    if displays == "none":
        facts["displays"] = [one for one in facts.get("displays", ()) if one.built_in]
    category = _category(str(facts.pop("category", "other")), virtual, bool(facts.get("batteries")))
    return Inventory(
        taken_at=taken_at,
        category=cast(Category, category),
        virtual=virtual,
        system=facts.pop("system", System()),
        os=facts.pop("os", OperatingSystem("unknown")),
        outcomes=[reported_outcome(name, outcome) for name, outcome in sorted(outcomes.items())],
        **facts,
    )


def displays_hash(machine: Machine) -> str | None:
    """Changes when a display is plugged in or out; None where asking costs more than a glance, or fails."""
    for module in load(inventory_sensors):
        if concept(module.__name__.rpartition(".")[2]) == "displays":
            outcome = _ask(module, machine)
            seen = outcome.value["displays"] if isinstance(outcome, Ok) else []
            is_answered = isinstance(outcome, (Ok, NoData))
            return _hashed([asdict(one) for one in seen]) if is_answered else None
    return None


def content_hash(inventory: Inventory) -> str:
    """Changes when hardware does, or when a sensor begins or ceases to be denied or to fail."""
    faults = [one for one in inventory.outcomes if one.state in ("denied", "failed")]
    content = asdict(replace(inventory, taken_at=0, outcomes=faults))
    return _hashed(content)


def content_mark(inventory: Inventory, schema: int) -> str:
    """Changes when the content does, and when a collector begins to read a schema that carries more of it."""
    return f"{content_hash(inventory)}/{schema}"


def _hashed(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def reported_outcome(sensor: str, outcome: Outcome[Any]) -> SensorOutcome:
    """An outcome as the report carries it."""
    if isinstance(outcome, Ok):
        return SensorOutcome(sensor, "ok")
    if isinstance(outcome, Denied):
        return SensorOutcome(sensor, "denied", outcome.reason[:500], outcome.grant[:500])
    if isinstance(outcome, Failed):
        return SensorOutcome(sensor, "failed", outcome.reason[:500])
    return SensorOutcome(sensor, "no_data", outcome.reason[:500])


def _category(stated: str, virtual: str, has_battery: bool) -> str:
    """A guest is a virtual machine whatever its firmware says; a battery makes a laptop of the unknown."""
    if virtual != "none":
        return "virtual_machine"
    return "laptop" if stated == "other" and has_battery else stated


def _ask(module: Any, machine: Machine) -> Outcome[dict[str, Any]]:
    try:
        return cast("Outcome[dict[str, Any]]", module.read(machine))
    except Exception as error:  # noqa: BLE001 - one broken sensor must not hide the others; it is reported
        return Failed(f"{type(error).__name__}: {error}")
