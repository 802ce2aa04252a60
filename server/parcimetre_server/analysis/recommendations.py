"""Where action pays most: machines that used electricity for nothing in a week, and thirsty models."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from ..access.disclosure import FEWEST, DisclosureControl
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from .idle_use import ENOUGH_S, EnergyAmount, IdlePattern

Kind = Literal["left_on", "idle_server", "above_usual"]
ABOVE_USUAL_RATIO = 1.3  # times the median watts of a category
LEAST_KWH = 0.05


@dataclass(frozen=True)
class Action:
    """Something that would spare electricity each week; `gwp_kgco2e` is of use alone.

    `subject` is an org unit for what was left on, a model for what draws more than usual (`ratio` times the
    median of its category), and for a single machine its id, which `name` then tells apart.
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
class _Spared:
    """What one device adds to an action."""

    key: tuple[Kind, str, str]
    device: Device
    amount: EnergyAmount
    ratio: float | None = None


def recommend_actions(
    found: Sequence[IdlePattern], eur_per_kwh: float, most: int, guard: DisclosureControl | None, below: str
) -> tuple[Action, ...]:
    """The actions that would spare most electricity, the greatest first.

    Org units are the ones right below `below`. Behind a guard, actions are those of categories of the whole
    scope, each with FEWEST devices or more, and there are none of a part of it.
    """
    if guard is not None and guard.part:
        return ()
    groups: defaultdict[tuple[Kind, str, str], list[_Spared]] = defaultdict(list)
    for spared in (*_left_on(found, below), *_idle_servers(found), *_thirsty(found)):
        kind, subject, category = spared.key
        groups[kind, subject if guard is None else "", category].append(spared)
    made = [_action(key, members, eur_per_kwh) for key, members in sorted(groups.items())]
    shown = (one for one in made if one.energy_kwh >= LEAST_KWH and (guard is None or one.devices >= FEWEST))
    return tuple(sorted(shown, key=lambda one: -one.energy_kwh)[:most])


def _left_on(found: Iterable[IdlePattern], below: str) -> Iterator[_Spared]:
    depth = len(below.split("/")) + 1 if below else 1
    for habit in found:
        if habit.left_on.energy_kwh > 0:
            unit = "/".join(habit.device.org_unit.split("/")[:depth])
            yield _Spared(("left_on", unit, habit.device.category), habit.device, habit.left_on)


def _idle_servers(found: Iterable[IdlePattern]) -> Iterator[_Spared]:
    for habit in found:
        if habit.idle_server.energy_kwh > 0:
            device = habit.device
            yield _Spared(("idle_server", device.id, device.category), device, habit.idle_server)


def _thirsty(found: Iterable[IdlePattern]) -> Iterator[_Spared]:
    """Devices whose watts awake are far beyond the median of their category, by what is beyond."""
    by_category: defaultdict[str, list[tuple[IdlePattern, float]]] = defaultdict(list)
    for habit in found:
        if habit.awake_s >= ENOUGH_S and habit.device.virtual == "none":
            watts = habit.awake.energy_kwh * J_PER_KWH / habit.awake_s
            by_category[habit.device.category].append((habit, watts))
    for category, members in by_category.items():
        usual_w = median(watts for _, watts in members)
        for habit, watts in members if len(members) >= FEWEST else ():
            if watts > ABOVE_USUAL_RATIO * usual_w > 0:
                beyond = 1 - usual_w / watts
                amount = EnergyAmount(habit.awake.energy_kwh * beyond, habit.awake.gwp_kgco2e * beyond)
                key: tuple[Kind, str, str] = ("above_usual", _model(habit.device), category)
                yield _Spared(key, habit.device, amount, watts / usual_w)


def _model(device: Device) -> str:
    system = device.inventory.system if device.inventory else None
    return " ".join(filter(None, (system.maker, system.model) if system else ()))


def _action(key: tuple[Kind, str, str], members: Sequence[_Spared], eur_per_kwh: float) -> Action:
    kind, subject, category = key
    kwh = sum(one.amount.energy_kwh for one in members)
    ratios = [one.ratio for one in members if one.ratio is not None]
    name = members[0].device.name if kind == "idle_server" and subject else ""
    kg = sum(one.amount.gwp_kgco2e for one in members)
    ratio = sum(ratios) / len(ratios) if ratios else None
    return Action(kind, subject, category, len(members), kwh, kg, kwh * eur_per_kwh, ratio, name)
