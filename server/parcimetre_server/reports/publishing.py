"""Published reports: facts that say what was told of a week, restated where what came late moves a figure."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from parcimetre_factors.tables.factor_set import FactorSet

from ..access.context import Context
from ..access.served_settings import settings_of_figures, with_served_settings
from ..base.errors import ParcimetreError
from ..base.periods import DAY_S, HOUR_S, Span, week_of, week_span, weeks_later
from ..base.scope import Scope
from ..configuration.factor_sets import of_id
from ..footprint.compute import current_org_units
from ..store.interface import Store
from ..store.records import FactKind
from .content import Moved, Restated, WeeklyReport
from .published_form import rounded
from .schedules import schedules
from .stored import WHOLE_TARGET, Publication, Target, fact_of, key_of, publications
from .weekly import SETTLED_S, compute_week, weekly_report

LOG = logging.getLogger(__name__)
HOUR = 7
MOVED = 0.01
WHOSE: tuple[FactKind, ...] = ("transfer", "lineage", "feeding")
FIGURES = {"org_unit": "by_unit", "category": "by_category", "stage": "by_stage"}


class FactorSetGone(ParcimetreError):
    """A report whose factor set is not here any more."""


def due_week(now: int, zone: ZoneInfo) -> str:
    """The last week whose report is due: it is on the Monday after, at 7 o'clock of the organisation."""
    local = datetime.fromtimestamp(now, zone)
    return weeks_later(week_of(int((local - timedelta(hours=HOUR)).timestamp()), zone), -1, zone)


def targets(store: Store, due_at: int) -> list[Target]:
    """Whose reports are published: of everything for admins, and those that somebody asked for in time."""
    asked = ((one.org_unit, one.role) for one in schedules(store) if one.created_at <= due_at)
    return list(dict.fromkeys([WHOLE_TARGET, *asked]))


def publish(context: Context, week: str) -> list[Publication]:
    """Publish a week's reports that are not published yet, each once. A week without devices has none."""
    store = context.store
    last = week_span(week, context.zone).last
    wanted = targets(store, last + HOUR * HOUR_S)
    missing = [target for target in wanted if store.latest_of("report", key_of(week, target)) is None]
    if not missing or not any(first < last for first, _ in store.spans().values()):
        return []
    made = list(_computed(context, week, missing))
    if not any(one.report.devices for one in made):
        return []
    _keep(context, made)
    return made


def _computed(context: Context, week: str, wanted: Iterable[Target]) -> Iterator[Publication]:
    """The first editions of reports; the fleet is looked through once for all of them."""
    recorded_s, said = (
        recorded_seconds(context.store, week_span(week, context.zone)),
        count_ownership_facts(context.store),
    )
    earlier = _earlier(context, weeks_later(week, -1, context.zone))
    whole, units = compute_week(context, week, None, earlier), current_org_units(context)
    for unit, role in wanted:
        scope = Scope(unit, role)
        reader = context if role == "admin" else context.within(scope)
        report = rounded(
            weekly_report(reader, week, unit, whole if scope.whole else whole.redacted_for(scope, units))
        )
        yield Publication(
            role, 1, context.now(), recorded_s, settings_of_figures(context.settings), report, said
        )


def _report_for(context: Context, week: str, target: Target, earlier: FactorSet | None) -> WeeklyReport:
    """What a reader of a role is told of a unit, in the digits that are kept."""
    unit, role = target
    reader = context.within(Scope(unit, role))
    return rounded(weekly_report(reader, week, unit, compute_week(reader, week, unit, earlier)))


def _earlier(context: Context, week: str) -> FactorSet | None:
    """The factor set that a week was published with, where it is at hand."""
    fact = context.store.latest_of("report", key_of(week, WHOLE_TARGET))
    return None if fact is None else of_id(context.settings.data_dir, fact.body["report"]["factor_set"])


def recorded_seconds(store: Store, span: Span) -> int:
    """Seconds with a record on the days of UTC that a span touches."""
    return int(store.coverage(span.first // DAY_S, (span.last - 1) // DAY_S).covered_s.sum())


def count_ownership_facts(store: Store) -> int:
    """How often it was said where a device belongs, what it is one with, or on which outlet it hangs."""
    return sum(len(store.history(kind)) for kind in WHOSE)


def republish(context: Context) -> list[Publication]:
    """Restate the reports that what came late has moved, and settle those that no longer wait for anything.

    Returns the new editions. Reports whose factor set is gone stay as they are.
    """
    made: list[Publication] = []
    now, said = context.now(), count_ownership_facts(context.store)
    for found in publications(context.store):
        if found.report.state == "final":
            continue
        later = _next_revision(context, found, said)
        if later is None and now >= found.report.span.last + SETTLED_S:
            _keep(context, [replace(found, report=replace(found.report, state="final"))])
        if later is not None:
            _keep(context, [later])
            made.append(later)
    return made


def _next_revision(context: Context, found: Publication, said: int) -> Publication | None:
    """The next edition of a report, None where it need not be."""
    recorded_s = recorded_seconds(context.store, found.report.span)
    if not has_late_facts(found, recorded_s, said):
        return None
    try:
        report = recompute(context, found)
    except FactorSetGone as error:
        LOG.warning("%s", error)
        return None
    what = tuple(moved_figures(found.report, report))
    if not what:
        return None
    before = Restated(found.edition, found.published_at, what)
    return replace(
        found,
        edition=found.edition + 1,
        published_at=context.now(),
        recorded_s=recorded_s,
        report=replace(report, restated=before),
        stated=said,
    )


def has_late_facts(found: Publication, recorded_s: int, said: int) -> bool:
    return (recorded_s, said) != (found.recorded_s, found.stated)


def recompute(context: Context, found: Publication) -> WeeklyReport:
    """The report from what is stored now, with the factors and settings of then. Raises FactorSetGone."""
    factors = of_id(context.settings.data_dir, found.report.factor_set)
    if factors is None:
        raise FactorSetGone(
            f"the report of {found.report.week} was computed with the factor set {found.report.factor_set}, "
            "which is not here any more; install the version of Parcimètre that it came with"
        )
    settings = with_served_settings(context.settings, found.served)
    then = replace(context, factors=factors, settings=settings)
    earlier = _earlier(then, weeks_later(found.report.week, -1, settings.zone))
    return _report_for(then, found.report.week, found.target, earlier)


def moved_figures(before: WeeklyReport, after: WeeklyReport) -> Iterator[Moved]:
    """Totals, and figures of org units, categories and stages, that moved by more than 1 %."""
    pairs = [("total", "", before.total.value, after.total.value, before.total.unit),
             ("energy", "", before.total.energy_kwh, after.total.energy_kwh, "kWh")]  # fmt: skip
    for what, name in FIGURES.items():
        told_before = {row.group: row.value for row in getattr(before, name)}
        told_after = {row.group: row.value for row in getattr(after, name)}
        for group in dict.fromkeys([*told_before, *told_after]):
            pairs.append((what, group, told_before.get(group), told_after.get(group), before.total.unit))
    for what, group, was, now, unit in pairs:
        first, last = was or 0.0, now or 0.0
        if abs(last - first) > MOVED * max(abs(first), abs(last)):
            yield Moved(what, group, first, last, unit)


def _keep(context: Context, made: Iterable[Publication]) -> None:
    context.store.append([fact_of(publication, context.now()) for publication in made])
