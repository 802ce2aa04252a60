"""The agents of a fleet: versions, when heard, what they hold back, what they may not read, what they cost.

What measuring costs is the agent's processor time at what one busy processor thread adds to the device's
power by its own model, and at the mean of the grid's last week. Its share of disk and network is not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from parcimetre_agent.report import SLOT_S
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.power.power_sources import LOAD_STATES

from ..access.context import Context
from ..base.periods import Span
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from ..fleet.devices import devices
from ..fleet.lookup import chosen
from ..fleet.silence import is_silent, last_heard_at
from ..footprint.energy_use import Array
from ..footprint.grid_intensity import Grid
from ..footprint.grouping import add_up
from ..footprint.hardware_model import Errors, HardwareModel, hardware_models
from ..footprint.uncertainty import bounds
from ..store.records import Body, DeviceId

DAY_S = 86_400
GRID_DAYS = 7
BUSIEST = LOAD_STATES.index("decile9")
BETWEEN_DECILES = 0.9
NAMED = 5
LOST = ("dropped", "coarsened", "refused", "damaged")


@dataclass(frozen=True)
class MeasuringCost:
    """What measuring costs a day; `low` and `high` bound 95 % of the kg CO2 eq.

    Those are None where no factor knows the grid; `peak_rss_mib` is the highest of the agents asked for.
    """

    agents: int
    cpu_s_per_day: float
    bytes_per_day: float
    peak_rss_mib: float
    energy_kwh_per_day: float
    gwp_kgco2e_per_day: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Denial:
    """A sensor or power source that is there, but not for the agent; `grant` says what would mend it."""

    sensor: str
    grant: str
    detail: str | None = None


@dataclass(frozen=True)
class Agent:
    """One device's agent; `last_seen` is when it was last heard, seconds UTC, None if never.

    `waiting` is None where it has not reported since the collector started; `lost` is None where it never
    lost anything.
    """

    device: DeviceId
    name: str
    org_unit: str
    version: str
    last_seen: int | None
    silent: bool
    waiting: int | None
    denied: tuple[Denial, ...]
    lost: Body | None
    cost: MeasuringCost | None


@dataclass(frozen=True)
class SharedDenial:
    """A denial and its mend, with the number of devices that share it and some of them."""

    sensor: str
    grant: str
    count: int
    some: tuple[tuple[DeviceId, str], ...]


@dataclass(frozen=True)
class FleetAgents:
    """All agents that were asked for, and what they come to."""

    agents: tuple[Agent, ...]
    versions: Mapping[str, int]
    work: tuple[SharedDenial, ...]
    lost: Mapping[str, int]
    cost: MeasuringCost | None


@dataclass(frozen=True)
class _AgentUse:
    cpu_s: float
    bytes_sent: float
    peak_rss_mib: float
    energy_j: float
    by_errors: Mapping[Errors, float] | None


def fleet_agents(context: Context, org_unit: str | None = None) -> FleetAgents:
    """Every agent of an org unit's subtree, or of the fleet; retired devices have none."""
    found = [
        one
        for one in chosen(devices(context.store), org_unit)
        if one.retired_at is None and one.driven_by is None
    ]
    return _agents(context, found)


def agent_of(context: Context, device: Device) -> Agent | None:
    """The agent of one device; a monitor has none."""
    if device.driven_by is not None:
        return None
    return _agents(context, [device]).agents[0]


def measuring_cost(context: Context, found: Iterable[Device]) -> MeasuringCost | None:
    """What the agents of some devices cost together; None where none has told."""
    return _cost(_spent(context, list(found)).values(), context)


def _agents(context: Context, found: list[Device]) -> FleetAgents:
    spent = _spent(context, found)
    made = tuple(_agent(context, found, spent))
    told = [agent.lost for agent in made if agent.lost]
    return FleetAgents(
        made,
        dict(Counter(agent.version for agent in made).most_common()),
        tuple(_work(made)),
        {name: sum(lost[name] for lost in told) for name in LOST},
        _cost(spent.values(), context),
    )


def _agent(
    context: Context, found: Collection[Device], spent: Mapping[DeviceId, _AgentUse]
) -> Iterator[Agent]:
    losses, heard = context.store.latest("losses"), last_heard_at(context, found)
    for one in found:
        contact, last_seen = context.seen.of(one.id), heard.get(one.id)
        yield Agent(
            device=one.id,
            name=one.name,
            org_unit=one.org_unit,
            version=one.agent_version,
            last_seen=last_seen,
            silent=is_silent(context, one, last_seen),
            waiting=contact.waiting if contact else None,
            denied=tuple(_denied(one)),
            lost=losses[one.id].body if one.id in losses else None,
            cost=_cost([spent[one.id]], context) if one.id in spent else None,
        )


def _denied(device: Device) -> Iterator[Denial]:
    for outcome in device.inventory.outcomes if device.inventory else ():
        if outcome.state == "denied":
            yield Denial(outcome.sensor, outcome.grant or "", outcome.detail)


def _work(made: Iterable[Agent]) -> Iterator[SharedDenial]:
    """Denials with the same mend together, the one that most devices share first."""
    groups: dict[tuple[str, str], list[Agent]] = {}
    for agent in made:
        for denial in agent.denied:
            groups.setdefault((denial.sensor, denial.grant), []).append(agent)
    for (sensor, grant), those in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        yield SharedDenial(sensor, grant, len(those), tuple((one.device, one.name) for one in those[:NAMED]))


def busy_thread_w(profile: HardwareModel) -> float:
    """Watts that one busy processor thread adds, by the device's own power model."""
    watts = profile.watts
    if "decile0" not in watts or "decile9" not in watts:
        return 0.0
    threads = sum(cpu.units * (cpu.threads or cpu.cores or 1) for cpu in profile.hardware.cpus)
    return max(0.0, watts["decile9"].value - watts["decile0"].value) / BETWEEN_DECILES / max(1, threads)


def _spent(context: Context, found: Iterable[Device]) -> dict[DeviceId, _AgentUse]:
    """What a day of each agent takes, of those that told and over some time."""
    costs, known = context.store.latest("self_cost"), hardware_models(context.factors)
    now = context.now() // SLOT_S * SLOT_S
    grid = Grid(context, Span(now - GRID_DAYS * DAY_S, now), Criterion.GWP)
    means: dict[str, Mapping[Errors, float] | None] = {}
    spent = {}
    for one in found:
        body = costs[one.id].body if one.id in costs else {}
        prefix = "sum_" if body.get("sum_period_s") else ""
        days = body.get(prefix + "period_s", 0.0) / DAY_S
        if days:
            if one.zone not in means:
                means[one.zone] = _mean(grid, one.zone)
            cpu_s, sent = body[prefix + "cpu_s"] / days, body[prefix + "bytes_sent"] / days
            profile, per_kwh = known.of_device(one), means[one.zone]
            energy_j = cpu_s * busy_thread_w(profile)
            spent[one.id] = _AgentUse(
                cpu_s, sent, body["peak_rss_mib"], energy_j, _impact(energy_j, profile, per_kwh)
            )
    return spent


def _mean(grid: Grid, zone: str) -> Mapping[Errors, float] | None:
    """Mean kg CO2 eq per kWh of a zone, by the errors it carries; None where no factor knows the zone."""
    slots = grid.of(zone)
    return None if slots is None else {errors: float(kg.mean()) for errors, kg in slots.parts.items()}


def _impact(
    energy_j: float, profile: HardwareModel, per_kwh: Mapping[Errors, float] | None
) -> Mapping[Errors, float] | None:
    """kg CO2 eq of some energy by the errors it carries: those of the watts at full load, and the grid's."""
    if per_kwh is None:
        return None
    busy = {errors: float(watts[BUSIEST]) for errors, watts in profile.watts_by_errors.items()}
    kwh = energy_j / J_PER_KWH / (sum(busy.values()) or 1.0)
    return {
        tuple(sorted((*own, *errors))): kwh * watts * kg
        for own, watts in busy.items()
        for errors, kg in per_kwh.items()
    }


def _cost(those: Iterable[_AgentUse], context: Context) -> MeasuringCost | None:
    spent = list(those)
    if not spent:
        return None
    by_errors: dict[Errors, Array] = {}
    for one in spent:
        add_up(by_errors, {errors: np.array([kg]) for errors, kg in (one.by_errors or {}).items()})
    ((low, high),) = bounds([by_errors], 1, context.factors)
    told = any(one.by_errors is not None for one in spent)
    return MeasuringCost(
        agents=len(spent),
        cpu_s_per_day=sum(one.cpu_s for one in spent),
        bytes_per_day=sum(one.bytes_sent for one in spent),
        peak_rss_mib=max(one.peak_rss_mib for one in spent),
        energy_kwh_per_day=sum(one.energy_j for one in spent) / J_PER_KWH,
        gwp_kgco2e_per_day=float(sum(kg[0] for kg in by_errors.values())) if told else None,
        low=float(low[0]) if told else None,
        high=float(high[0]) if told else None,
    )
