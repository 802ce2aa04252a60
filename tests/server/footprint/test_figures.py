"""What holds for figures of any devices with any activity: they scale, add up, and invent nothing."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from parcimetre_agent import report
from parcimetre_factors.activity import SLOT_S, Activity, MeasuredEnergy
from parcimetre_factors.criteria import Criterion, Stage
from parcimetre_factors.service_life.amortisation import Policy
from parcimetre_factors.service_life.purchase import StatedPurchase
from parcimetre_server.base.periods import DAY_S, Span, cut
from parcimetre_server.fleet.device import Device
from parcimetre_server.footprint.contributions import GROUPINGS
from parcimetre_server.footprint.device_footprints import (
    QueryContext,
    cohort_footprints,
    cohort_use,
    group_into_cohorts,
)
from parcimetre_server.footprint.energy_use import join_slots
from parcimetre_server.footprint.grid_intensity import Grid
from parcimetre_server.footprint.hardware_model import hardware_models
from parcimetre_server.footprint.result import FootprintResult
from parcimetre_server.store.records import DeviceId

NOW = 1795514827  # Tuesday 2026-11-24, 10:07:07 UTC
LAST = NOW // DAY_S * DAY_S
FIRST, N = LAST - 2 * DAY_S, 2 * 96
WHOLE = Span(FIRST, LAST)
SYSTEMS = [("Dell Inc.", "Latitude 5420"), ("Dell Inc.", "PowerEdge R740"), ("Acme", "X1"), (None, None)]
COUNTERS = [
    ("pdu", "wall_ac", "measured"),
    ("battery", "battery", "measured"),
    ("rapl", "package", "measured"),
]
any_fleet = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def machines(draw):
    """A device of any category, model, purchase and end, with what it recorded in two days."""
    category = draw(st.sampled_from(["laptop", "desktop", "server", "monitor", "virtual_machine", "other"]))
    system = report.System(*draw(st.sampled_from(SYSTEMS)))
    inventory = report.Inventory(
        taken_at=FIRST, category=category, virtual="none", system=system,
        os=report.OperatingSystem("Linux", "Debian GNU/Linux 12"),
        cpus=[report.Cpu("Intel Xeon Gold 6134", draw(st.integers(1, 4)), 8, 16)],
        memory=[report.MemoryModule(16_384)] * draw(st.integers(1, 4)),
        disks=[report.Disk(960_000_000_000, "ssd")],
    )  # fmt: skip
    bought = draw(
        st.none() | st.builds(StatedPurchase, st.integers(LAST - 2000 * DAY_S, LAST), st.booleans())
    )
    retired = draw(st.none() | st.integers(FIRST, LAST))
    device = Device(
        DeviceId(draw(st.text("abcdef0123456789", min_size=32, max_size=32))), category,
        draw(st.sampled_from(["M/A", "M/B/C"])), draw(st.sampled_from(["Mairie", "École"])),
        "FR", None, False, "kvm" if category == "virtual_machine" else "none", FIRST - 9 * DAY_S, "1",
        retired, inventory,
        bought, draw(st.booleans()),
    )  # fmt: skip
    return device, draw(
        st.builds(recorded, st.integers(0, 2**32), st.lists(st.sampled_from(COUNTERS), max_size=2))
    )


def recorded(seed, counters):
    """Some of the slots, each cut at random into states, with a load and some counters."""
    random = np.random.default_rng(seed)
    start = FIRST + SLOT_S * np.flatnonzero(random.random(N) < random.random())
    n = len(start)
    states = np.floor(random.dirichlet(np.ones(5), n) * SLOT_S)
    load = random.dirichlet(np.ones(10), n) * states[:, :2].sum(axis=1, keepdims=True)
    measured = tuple(
        MeasuredEnergy(*counter, random.random(n) * 1e5, np.floor(random.random(n) * 901))
        for counter in dict.fromkeys(counters)
    )
    return Activity(start, *states[:, :4].T, load, measured)


def part(activity, inside):
    """The slots of an activity that a mask keeps."""
    measured = tuple(
        replace(m, energy_j=m.energy_j[inside], duration_s=m.duration_s[inside]) for m in activity.measured
    )
    names = ("start", "display_on_s", "display_off_s", "asleep_s", "off_s", "load_deciles_s")
    return Activity(*(getattr(activity, name)[inside] for name in names), measured)


def made(context, known, span=WHOLE, interval="total", criterion=Criterion.GWP, policy=Policy.SERVICE_LIFE):
    """Figures of devices with their activity within a span."""
    periods = cut(span, interval, context.zone)
    query_context = QueryContext(
        hardware_models(context.factors),
        Grid(context, span, criterion),
        periods,
        NOW,
        policy,
        context.zone,
    )

    def figure(device, activity):
        inside = part(activity, (activity.start >= span.first) & (activity.start < span.last))
        (cohort,) = group_into_cohorts([(device, FIRST - 9 * DAY_S)], query_context)
        slots = join_slots([inside if len(inside.start) else None])
        use = cohort_use(cohort, query_context, slots, periods)
        return cohort_footprints(cohort, query_context, use, slots)

    return FootprintResult(
        criterion, "location", periods, context.factors, policy, tuple(figure(*one) for one in known)
    )


FLEETS = st.lists(machines(), min_size=1, max_size=3, unique_by=lambda machine: machine[0].id)
POLICIES, CRITERIA = st.sampled_from(list(Policy)), st.sampled_from(list(Criterion))


@any_fleet
@given(FLEETS, POLICIES, CRITERIA, st.sampled_from(GROUPINGS), st.sampled_from(["total", "day", "hour"]))
def test_parts_add_up_to_the_whole(empty, known, policy, criterion, group_by, interval):
    total = made(empty, known, criterion=criterion, policy=policy).total()
    rows = made(empty, known, interval=interval, criterion=criterion, policy=policy).rows(group_by)
    assert math.fsum(row.value or 0.0 for row in rows) == pytest.approx(total.value or 0.0, rel=1e-9)
    assert math.fsum(row.energy_kwh for row in rows) == pytest.approx(total.energy_kwh, rel=1e-9)


@any_fleet
@given(machines(), POLICIES, CRITERIA, st.integers(2, 50))
def test_many_devices_that_are_alike_are_one_so_many_times(empty, machine, policy, criterion, many):
    device, activity = machine
    alike = [(replace(device, id=DeviceId(f"{i:032x}")), activity) for i in range(many)]
    one = made(empty, [machine], criterion=criterion, policy=policy).total()
    all_of_them = made(empty, alike, criterion=criterion, policy=policy).total()
    assert (one.value is None) == (all_of_them.value is None)
    for name in ("value", "low", "high") if one.value is not None else ():
        assert getattr(all_of_them, name) == pytest.approx(many * getattr(one, name), rel=1e-9)
    assert (all_of_them.coverage, all_of_them.measured_share) == pytest.approx(
        (one.coverage, one.measured_share)
    )


@any_fleet
@given(FLEETS, POLICIES, CRITERIA, st.integers(1, N - 1))
def test_splitting_a_period_changes_nothing(empty, known, policy, criterion, slot):
    at = FIRST + slot * SLOT_S
    whole, *halves = (
        made(empty, known, span, criterion=criterion, policy=policy).total()
        for span in (WHOLE, Span(FIRST, at), Span(at, LAST))
    )
    assert math.fsum(half.value or 0.0 for half in halves) == pytest.approx(whole.value or 0.0, rel=1e-9)
    assert math.fsum(half.energy_kwh for half in halves) == pytest.approx(whole.energy_kwh, rel=1e-9)


@any_fleet
@given(machines(), POLICIES, CRITERIA)
def test_what_no_factor_knows_is_not_available_and_never_0(empty, machine, policy, criterion):
    figures = made(empty, [machine], criterion=criterion, policy=policy)
    (figure,) = figures.single_devices
    rows = {row.group: row for row in figures.rows("stage")}
    known = {stage for of, stage in figure.model.embodied.by_stage if of == criterion}
    if figure.reconditioned is not None:
        known.add(Stage.MANUFACTURING)
    for stage in figure.absent - known:
        assert stage not in rows or rows[stage].value is None
    if criterion == Criterion.PE:
        assert figure.use is None
        assert Stage.USE in figures.total().absent
    if not known and figure.use is None:
        assert figures.total().value is None


@any_fleet
@given(machines(), CRITERIA, st.floats(0.01, 100))
def test_impact_of_use_scales_with_the_energy_counted(empty, machine, criterion, times):
    device, activity = machine
    wall = MeasuredEnergy(
        "pdu", "wall_ac", "measured", activity.covered_s * 30.0, np.full(len(activity.start), 900.0)
    )
    device = replace(device, category="desktop", virtual="none")
    once, more = (
        made(empty, [(device, replace(activity, measured=(counter,)))], criterion=criterion).single_devices[0]
        for counter in (wall, replace(wall, energy_j=wall.energy_j * times))
    )
    assert more.energy_j.sum() == pytest.approx(times * once.energy_j.sum())
    if once.use is None:
        assert more.use is None
    else:
        assert more.use.sum() == pytest.approx(times * once.use.sum())
