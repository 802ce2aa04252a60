"""Health of a fleet's agents: versions, last contact, backlog, denied sensors, losses and cost.

The cost of measuring is the agent's processor time times the power that one busy processor thread adds by the
device's own model, at the grid's mean intensity of the last week. Disk and network are not counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from parcimetre_agent.report import SLOT_S, SelfCost
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.power.power_sources import LOAD_STATES
from pydantic import TypeAdapter

from ..access.context import Context
from ..base.periods import DAY_S, Span
from ..base.units import J_PER_KWH
from ..fleet.device import Device
from ..fleet.devices import devices
from ..fleet.lookup import chosen
from ..fleet.silence import is_silent, last_heard_at, shown_time
from ..footprint.energy_use import Array
from ..footprint.grid_intensity import Grid
from ..footprint.grouping import add_up
from ..footprint.hardware_model import Errors, HardwareModel, HardwareModels, hardware_models
from ..footprint.uncertainty import bounds
from ..organisation.left_out import leaving_out
from ..store.records import Body, DeviceId, Fact

GRID_DAYS = 7
BUSIEST = LOAD_STATES.index("decile9")
BETWEEN_DECILES = 0.9
NAMED = 5
SELF_COST = TypeAdapter(SelfCost)
COST_FIELDS = tuple(one.name for one in fields(SelfCost))
LOST = ("dropped", "coarsened", "refused", "damaged")


@dataclass(frozen=True)
class MeasuringCost:
    """Cost of measuring per day; `low` and `high` are the bounds of the 95 % interval in kg CO2 eq.

    The impact is None where no factor has the grid; `peak_rss_mib` is the highest of all agents.
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
    """A sensor or power source that the agent may not read; `grant` is the permission that fixes it."""

    sensor: str
    grant: str
    detail: str | None = None


@dataclass(frozen=True)
class Agent:
    """One device's agent; `last_seen` is when it was last heard, seconds UTC, None if never; that of a
    personal machine is the first second of that day for readers without presence data.

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
    """A denial and its fix, with the number of devices that share it and some of them."""

    sensor: str
    grant: str
    count: int
    some: tuple[tuple[DeviceId, str], ...]


@dataclass(frozen=True)
class FleetAgents:
    """The agents of a fleet, and their versions, denials, losses and cost together."""

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
    """Return the agents of an org unit's subtree, or of the fleet, without those of retired devices."""
    reporting = [
        device
        for device in chosen(devices(context.store), org_unit)
        if device.retired_at is None and device.driven_by is None
    ]
    return _agents(context, reporting)


def agent_of(context: Context, device: Device) -> Agent | None:
    """Return the agent of one device, None for a monitor."""
    if device.driven_by is not None:
        return None
    return _agents(context, [device]).agents[0]


def measuring_cost(context: Context, devices: Iterable[Device]) -> MeasuringCost | None:
    """Return the measuring cost of some devices' agents together; None where none reported it."""
    return _cost(_spent(context, list(devices)).values(), context)


def _agents(context: Context, devices: list[Device]) -> FleetAgents:
    spent = _spent(context, devices)
    agents = tuple(_agent(context, devices, spent))
    losses = [agent.lost for agent in agents if agent.lost]
    return FleetAgents(
        agents,
        dict(Counter(agent.version for agent in agents).most_common()),
        tuple(_work(agents)),
        {name: sum(lost[name] for lost in losses) for name in LOST},
        _cost(spent.values(), context),
    )


def _agent(
    context: Context, devices: Collection[Device], spent: Mapping[DeviceId, _AgentUse]
) -> Iterator[Agent]:
    losses, heard = context.store.latest("losses"), last_heard_at(context, devices)
    for device in devices:
        contact, last_seen = context.last_heard.get(device.id), heard.get(device.id)
        yield Agent(
            device=device.id,
            name=device.name,
            org_unit=device.org_unit,
            version=device.agent_version,
            last_seen=None if last_seen is None else shown_time(context, device, last_seen),
            silent=is_silent(context, device, last_seen),
            waiting=contact.waiting if contact else None,
            denied=tuple(_denied(device)),
            lost=_lost(context, device, losses),
            cost=_cost([spent[device.id]], context) if device.id in spent else None,
        )


def _lost(context: Context, device: Device, losses: Mapping[str, Fact]) -> Body | None:
    """Return what an agent lost, with times as the reader may see them; None where it told of nothing."""
    with leaving_out(device.id, "losses of its agent"):
        if device.id in losses:
            body = losses[device.id].body
            if not all(isinstance(body[name], int) for name in LOST):
                raise TypeError("a count is not a number")
            aside = [{**one, "start": shown_time(context, device, one["start"])} for one in body["set_aside"]]
            return {**body, "set_aside": aside}
    return None


def _denied(device: Device) -> Iterator[Denial]:
    for outcome in device.inventory.outcomes if device.inventory else ():
        if outcome.state == "denied":
            yield Denial(outcome.sensor, outcome.grant or "", outcome.detail)


def _work(agents: Iterable[Agent]) -> Iterator[SharedDenial]:
    """Denials grouped by their fix, the one shared by most devices first."""
    groups: dict[tuple[str, str], list[Agent]] = {}
    for agent in agents:
        for denial in agent.denied:
            groups.setdefault((denial.sensor, denial.grant), []).append(agent)
    for (sensor, grant), those in sorted(groups.items(), key=lambda group: (-len(group[1]), group[0])):
        yield SharedDenial(sensor, grant, len(those), tuple((one.device, one.name) for one in those[:NAMED]))


def busy_thread_w(model: HardwareModel) -> float:
    """Return the watts that one busy processor thread adds, by the device's own power model."""
    watts = model.watts
    if "decile0" not in watts or "decile9" not in watts:
        return 0.0
    threads = sum(cpu.units * (cpu.threads or cpu.cores or 1) for cpu in model.hardware.cpus)
    return max(0.0, watts["decile9"].value - watts["decile0"].value) / BETWEEN_DECILES / max(1, threads)


def _spent(context: Context, devices: Iterable[Device]) -> dict[DeviceId, _AgentUse]:
    """Use of each agent per day, of those that reported it over some time."""
    costs, models = context.store.latest("self_cost"), hardware_models(context.factors)
    now = context.now() // SLOT_S * SLOT_S
    grid = Grid(context, Span(now - GRID_DAYS * DAY_S, now), Criterion.GWP)
    means: dict[str, Mapping[Errors, float] | None] = {}
    spent = {}
    for device in devices:
        body = costs[device.id].body if device.id in costs else {}
        with leaving_out(device.id, "cost of its agent"):
            if device.zone not in means:
                means[device.zone] = _mean(grid, device.zone)
            use = _use(body, models, device, means[device.zone])
            if use is not None:
                spent[device.id] = use
    return spent


def _use(
    body: Body, models: HardwareModels, device: Device, per_kwh: Mapping[Errors, float] | None
) -> _AgentUse | None:
    """Return an agent's use per day, None where it reported none. Raises ValueError for what cannot be."""
    prefix = "sum_" if body.get("sum_period_s") else ""
    cost: dict[str, Any] = {name: body[name] for name in COST_FIELDS if body.get(name) is not None}
    if not cost.get(prefix + "period_s"):
        return None
    SELF_COST.validate_python(cost, strict=False)
    days = cost[prefix + "period_s"] / DAY_S
    cpu_s, sent = cost[prefix + "cpu_s"] / days, cost[prefix + "bytes_sent"] / days
    model = models.of_device(device)
    energy_j = cpu_s * busy_thread_w(model)
    return _AgentUse(cpu_s, sent, cost["peak_rss_mib"], energy_j, _impact(energy_j, model, per_kwh))


def _mean(grid: Grid, zone: str) -> Mapping[Errors, float] | None:
    """Mean kg CO2 eq per kWh of a zone, by the errors it carries; None where no factor knows the zone."""
    slots = grid.of(zone)
    return None if slots is None else {errors: float(kg.mean()) for errors, kg in slots.parts.items()}


def _impact(
    energy_j: float, model: HardwareModel, per_kwh: Mapping[Errors, float] | None
) -> Mapping[Errors, float] | None:
    """kg CO2 eq of some energy by the errors it carries: those of the watts at full load, and the grid's."""
    if per_kwh is None:
        return None
    busy = {errors: float(watts[BUSIEST]) for errors, watts in model.watts_by_errors.items()}
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
    has_impact = any(one.by_errors is not None for one in spent)
    return MeasuringCost(
        agents=len(spent),
        cpu_s_per_day=sum(one.cpu_s for one in spent),
        bytes_per_day=sum(one.bytes_sent for one in spent),
        peak_rss_mib=max(one.peak_rss_mib for one in spent),
        energy_kwh_per_day=sum(one.energy_j for one in spent) / J_PER_KWH,
        gwp_kgco2e_per_day=float(sum(kg[0] for kg in by_errors.values())) if has_impact else None,
        low=float(low[0]) if has_impact else None,
        high=float(high[0]) if has_impact else None,
    )
