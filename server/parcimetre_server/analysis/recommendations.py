"""Recommendations by saved electricity: devices left on, idle servers, models with unusually high power."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

import numpy as np

from ..access.disclosure import FEWEST, DisclosureControl, is_safe
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from .idle_use import ENOUGH_S, EnergyAmount, IdlePattern

Kind = Literal["left_on", "idle_server", "above_usual"]
ABOVE_USUAL_RATIO = 1.3  # times the median watts of a category
LEAST_KWH = 0.05


@dataclass(frozen=True)
class Action:
    """An action and the electricity it would save each week; `gwp_kgco2e` is that of use alone.

    `subject` is an org unit for devices left on, a model for those with high power (`ratio` times the median
    of their category), and the id of a single server, which `name` then names.
    """

    kind: Kind
    subject: str
    category: str
    devices: int
    energy_kwh: float
    gwp_kgco2e: float
    eur: float
    ratio: float | None = None
    name: str = ""


@dataclass(frozen=True)
class _Saving:
    """The saving of one device, and the action it belongs to."""

    key: tuple[Kind, str, str]
    device: Device
    amount: EnergyAmount
    ratio: float | None = None


def recommend_actions(
    patterns: Sequence[IdlePattern],
    eur_per_kwh: float,
    most: int,
    disclosure: DisclosureControl | None,
    below: str,
) -> tuple[Action, ...]:
    """Return at most `most` actions, the greatest saving of electricity first.

    Org units are those right below `below`. Under disclosure control, actions are by category of the whole
    scope, each of enough devices, and there are none for a part of it.
    """
    if disclosure is not None and disclosure.asked_unit is not None:
        return ()
    groups: defaultdict[tuple[Kind, str, str], list[_Saving]] = defaultdict(list)
    for saving in (*_left_on(patterns, below), *_idle_servers(patterns), *_above_usual(patterns)):
        kind, subject, category = saving.key
        groups[kind, subject if disclosure is None else "", category].append(saving)
    actions = [
        _action(key, members, eur_per_kwh)
        for key, members in sorted(groups.items())
        if disclosure is None or is_safe(np.array([saving.amount.energy_kwh for saving in members]))
    ]
    shown = (action for action in actions if action.energy_kwh >= LEAST_KWH)
    return tuple(sorted(shown, key=lambda action: -action.energy_kwh)[:most])


def _left_on(patterns: Iterable[IdlePattern], below: str) -> Iterator[_Saving]:
    depth = len(below.split("/")) + 1 if below else 1
    for pattern in patterns:
        if pattern.left_on.energy_kwh > 0:
            unit = "/".join(pattern.device.org_unit.split("/")[:depth])
            yield _Saving(("left_on", unit, pattern.device.category), pattern.device, pattern.left_on)


def _idle_servers(patterns: Iterable[IdlePattern]) -> Iterator[_Saving]:
    for pattern in patterns:
        if pattern.idle_server.energy_kwh > 0:
            device = pattern.device
            yield _Saving(("idle_server", device.id, device.category), device, pattern.idle_server)


def _above_usual(patterns: Iterable[IdlePattern]) -> Iterator[_Saving]:
    """The excess of devices whose power awake is far above the median of their category."""
    by_category: defaultdict[str, list[tuple[IdlePattern, float]]] = defaultdict(list)
    for pattern in patterns:
        if pattern.awake_s >= ENOUGH_S and pattern.device.virtual == "none":
            watts = pattern.awake.energy_kwh * J_PER_KWH / pattern.awake_s
            by_category[pattern.device.category].append((pattern, watts))
    for category, members in by_category.items():
        usual_w = median(watts for _, watts in members)
        for pattern, watts in members if len(members) >= FEWEST else ():
            if watts > ABOVE_USUAL_RATIO * usual_w > 0:
                beyond = 1 - usual_w / watts
                amount = EnergyAmount(pattern.awake.energy_kwh * beyond, pattern.awake.gwp_kgco2e * beyond)
                key: tuple[Kind, str, str] = ("above_usual", _model(pattern.device), category)
                yield _Saving(key, pattern.device, amount, watts / usual_w)


def _model(device: Device) -> str:
    system = device.inventory.system if device.inventory else None
    return " ".join(filter(None, (system.maker, system.model) if system else ()))


def _action(key: tuple[Kind, str, str], members: Sequence[_Saving], eur_per_kwh: float) -> Action:
    kind, subject, category = key
    kwh = sum(saving.amount.energy_kwh for saving in members)
    ratios = [saving.ratio for saving in members if saving.ratio is not None]
    name = members[0].device.name if kind == "idle_server" and subject else ""
    kg = sum(saving.amount.gwp_kgco2e for saving in members)
    ratio = sum(ratios) / len(ratios) if ratios else None
    return Action(kind, subject, category, len(members), kwh, kg, kwh * eur_per_kwh, ratio, name)
