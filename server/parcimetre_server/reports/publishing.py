"""Publishing of weekly reports: first revisions, and corrected ones where late data moves a figure."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from parcimetre_factors.tables.factor_set import FactorSet

from ..access.context import Context
from ..access.served_settings import settings_of_figures, with_served_settings
from ..base.errors import ParcimetreError
from ..base.org_path import within
from ..base.periods import DAY_S, HOUR_S, Span, week_of, week_span, weeks_later
from ..base.scope import Scope
from ..configuration.factor_sets import of_id
from ..store.errors import StoreUnusable
from ..store.interface import Store
from ..store.records import FactKind
from .content import Correction, MovedFigure, WeeklyReport
from .published_form import rounded
from .schedules import schedules
from .stored import WHOLE_TARGET, Publication, Target, fact_of, key_of, publications
from .weekly import SETTLED_S, compute_week, weekly_report

LOG = logging.getLogger(__name__)
HOUR = 7
MOVED = 0.01
OWNERSHIP: tuple[FactKind, ...] = ("transfer", "lineage", "feeding", "join")
FIGURES = {"org_unit": "by_unit", "category": "by_category", "stage": "by_stage"}


class FactorSetGone(ParcimetreError):
    """A report whose factor set is no longer installed."""


def due_week(now: int, zone: ZoneInfo) -> str:
    """Return the last week whose report is due: on the Monday after it, at 7 o'clock local time."""
    local = datetime.fromtimestamp(now, zone)
    return weeks_later(week_of(int((local - timedelta(hours=HOUR)).timestamp()), zone), -1, zone)


def targets(store: Store, due_at: int) -> list[Target]:
    """Return the targets of reports: everything for admins, and those of schedules created in time."""
    scheduled = ((one.org_unit, one.role) for one in schedules(store) if one.created_at <= due_at)
    return list(dict.fromkeys([WHOLE_TARGET, *scheduled]))


def publish(context: Context, week: str) -> list[Publication]:
    """Publish and return a week's unpublished reports. A week without devices has none."""
    store = context.store
    last = week_span(week, context.zone).last
    wanted = targets(store, last + HOUR * HOUR_S)
    missing = [target for target in wanted if store.latest_of("report", key_of(week, target)) is None]
    if not missing or not any(first < last for first, _ in store.spans().values()):
        return []
    first = list(_first_revisions(context, week, missing))
    if not any(publication.report.devices for publication in first):
        return []
    _store(context, first)
    return first


def _first_revisions(context: Context, week: str, wanted: Iterable[Target]) -> Iterator[Publication]:
    """The first revisions of a week's reports, from results that are computed once for all of them."""
    recorded_s, ownership_facts = (
        recorded_seconds(context.store, week_span(week, context.zone)),
        count_ownership_facts(context.store),
    )
    earlier = _earlier(context, weeks_later(week, -1, context.zone))
    whole = compute_week(context, week, None, earlier)
    for unit, role in wanted:
        scope = Scope(unit, role)
        with alone(week, role):
            if not scope.sees_devices:
                report = _report_for(context, week, (unit, role), earlier)
            else:
                reader = context if role == "admin" else context.within(scope)
                results = whole if scope.whole else whole.redacted_for(scope)
                report = rounded(weekly_report(reader, week, unit, results))
            served = settings_of_figures(context.settings)
            yield Publication(role, 1, context.now(), recorded_s, served, report, ownership_facts)


@contextmanager
def alone(week: str, role: str) -> Iterator[None]:
    """Log a fault of one report, so that it stops no other; it is tried again at the next run."""
    try:
        yield
    except StoreUnusable:
        raise
    except Exception:
        LOG.exception("a report of %s for the role %s failed; the others go on", week, role)


def _report_for(context: Context, week: str, target: Target, earlier: FactorSet | None) -> WeeklyReport:
    """The report of a target, rounded as it is stored."""
    unit, role = target
    root = unit if role != "viewer" else _widest_of_viewers(context.store, unit)
    reader = context.within(Scope(root, role))
    results = compute_week(reader, week, unit, earlier)
    return rounded(weekly_report(reader, week, unit, results.withheld_where_hidden()))


def _widest_of_viewers(store: Store, org_unit: str | None) -> str | None:
    """Return the widest org unit at or above one whose viewers ever got reports.

    All that is published for viewers is sums of the blocks of that unit, so that nothing can be computed from
    several reports together.
    """
    every = {one.org_unit for one in schedules(store, ended=True) if one.role == "viewer"}
    above = [unit for unit in every if unit is None or (org_unit is not None and within(org_unit, unit))]
    return min([*above, org_unit], key=lambda unit: -1 if unit is None else len(unit))


def _earlier(context: Context, week: str) -> FactorSet | None:
    """The factor set that a week was published with, None where it is not installed."""
    fact = context.store.latest_of("report", key_of(week, WHOLE_TARGET))
    return None if fact is None else of_id(context.settings.data_dir, fact.body["report"]["factor_set"])


def recorded_seconds(store: Store, span: Span) -> int:
    """Return the seconds with a record on the UTC days that a span touches."""
    return int(store.coverage(span.first // DAY_S, (span.last - 1) // DAY_S).covered_s.sum())


def count_ownership_facts(store: Store) -> int:
    """Return the number of transfers, merges, joins and outlet assignments in the store."""
    return sum(len(store.history(kind)) for kind in OWNERSHIP)


def republish(context: Context) -> list[Publication]:
    """Publish and return corrected revisions of reports that late data moved; finalise settled ones.

    Reports whose factor set is no longer installed stay as they are.
    """
    corrected: list[Publication] = []
    now, ownership_facts = context.now(), count_ownership_facts(context.store)
    for found in publications(context.store):
        if found.report.state == "final":
            continue
        with alone(found.report.week, found.role):
            later = _next_revision(context, found, ownership_facts)
            if later is None and now >= found.report.span.last + SETTLED_S:
                _store(context, [replace(found, report=replace(found.report, state="final"))])
            if later is not None:
                _store(context, [later])
                corrected.append(later)
    return corrected


def _next_revision(context: Context, found: Publication, ownership_facts: int) -> Publication | None:
    """The next revision of a report, None where no figure moved."""
    recorded_s = recorded_seconds(context.store, found.report.span)
    if not has_late_facts(found, recorded_s, ownership_facts):
        return None
    try:
        report = recompute(context, found)
    except FactorSetGone as error:
        LOG.warning("%s", error)
        return None
    moved = tuple(moved_figures(found.report, report))
    if not moved:
        return None
    correction = Correction(found.revision, found.published_at, moved)
    return replace(
        found,
        revision=found.revision + 1,
        published_at=context.now(),
        recorded_s=recorded_s,
        report=replace(report, restated=correction),
        stated=ownership_facts,
    )


def has_late_facts(found: Publication, recorded_s: int, ownership_facts: int) -> bool:
    """Return whether records or ownership facts came after a report was published."""
    return (recorded_s, ownership_facts) != (found.recorded_s, found.stated)


def recompute(context: Context, found: Publication) -> WeeklyReport:
    """Return a report computed from the present store with its factors and settings. Raises FactorSetGone."""
    factors = of_id(context.settings.data_dir, found.report.factor_set)
    if factors is None:
        raise FactorSetGone(
            f"the report of {found.report.week} was computed with the factor set "
            f"{found.report.factor_set}, which is not installed. Install the version of Parcimètre "
            "that contains it."
        )
    settings = with_served_settings(context.settings, found.served)
    then = replace(context, factors=factors, settings=settings)
    earlier = _earlier(then, weeks_later(found.report.week, -1, settings.zone))
    return _report_for(then, found.report.week, found.target, earlier)


def moved_figures(before: WeeklyReport, after: WeeklyReport) -> Iterator[MovedFigure]:
    """Return the totals, and figures of org units, categories and stages, that moved by more than 1 %."""
    pairs = [("total", "", before.total.value, after.total.value, before.total.unit),
             ("energy", "", before.total.energy_kwh, after.total.energy_kwh, "kWh")]  # fmt: skip
    for what, name in FIGURES.items():
        rows_before = {row.group: row.value for row in getattr(before, name)}
        rows_after = {row.group: row.value for row in getattr(after, name)}
        for group in dict.fromkeys([*rows_before, *rows_after]):
            pairs.append((what, group, rows_before.get(group), rows_after.get(group), before.total.unit))
    for what, group, was, now, unit in pairs:
        first, last = was or 0.0, now or 0.0
        if abs(last - first) > MOVED * max(abs(first), abs(last)):
            yield MovedFigure(what, group, first, last, unit)


def _store(context: Context, publications: Iterable[Publication]) -> None:
    context.store.append([fact_of(publication, context.now()) for publication in publications])
