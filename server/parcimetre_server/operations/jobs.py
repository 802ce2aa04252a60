"""Scheduled jobs of a collector.

The past week's reports are published each Monday morning, in the organisation's time zone. Each day, reports
that late records changed are corrected, older data is rolled up, and old names of persons are removed. Each
hour, the store is cleaned up and the fleet's monitors are marked. Every five minutes, servers that report by
themselves and by a gateway are merged. Every minute, due deliveries are made. If several collectors share a
store, each of these jobs runs on one of them, under a lease. Every collector keeps the first page of a large
fleet in its cache.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from secrets import token_hex

from apscheduler.schedulers.background import BackgroundScheduler

from ..access.access_record import remove_old_looks
from ..access.context import Context
from ..access.ended_sessions import prune_ended
from ..analysis.overview import refresh_cached_overview
from ..base.errors import ParcimetreError
from ..base.metrics import Meters
from ..base.periods import DAY_S
from ..fleet.monitors_at_home import settle
from ..fleet.server_twins import join_servers
from ..ingest.dead_letters import prune
from ..reports.deliveries import make_due_deliveries
from ..reports.publishing import HOUR, due_week, publish, republish
from ..reports.stored import Publication
from ..store.leases import run_once
from .old_names import remove_old_names
from .retention import roll_up_older

LOG = logging.getLogger(__name__)
LATE_S = 6 * 3600
PREPARED_MINUTES = 4


def start_jobs(context: Context, meters: Meters | None = None) -> Callable[[], None]:
    """Start the scheduler, and return a function that stops it.

    A report that was missed while the collector was down is published at once.
    """
    zone = context.zone
    scheduler = BackgroundScheduler(
        timezone=zone, job_defaults={"misfire_grace_time": LATE_S, "coalesce": True}
    )
    holder = token_hex(8)

    def leased(job: str, occasion: Callable[[Context], str], work: Callable[[Context], bool]) -> None:
        """Run a job if this collector gets its lease; otherwise try again when the other lease has ended."""
        try:
            measured = partial(_measured, meters or Meters(), job, partial(work, context))
            again_s = run_once(context.store, job, occasion(context), holder, measured)
        except Exception:  # the edge of a loop that must survive
            LOG.exception("the job %s failed; it will be tried again at its next run", job)
            return
        if again_s:
            at = datetime.now(UTC) + timedelta(seconds=again_s)
            again = [job, occasion, work]
            scheduler.add_job(leased, "date", again, run_date=at, id=job, replace_existing=True)

    soon = datetime.now(UTC)
    scheduler.add_job(
        leased,
        "cron",
        ["weekly_report", _due_week, _past_week],
        hour=HOUR,
        next_run_time=soon,
    )
    scheduler.add_job(
        leased, "cron", ["restate", _day, _late_records], hour=HOUR, minute=30, next_run_time=soon
    )
    scheduler.add_job(leased, "interval", ["deliver", _minute, _deliver], minutes=1, next_run_time=soon)
    scheduler.add_job(leased, "interval", ["tidy", _hour, _tidy], hours=1, next_run_time=soon)
    scheduler.add_job(leased, "interval", ["displays", _hour, _settle], hours=1, next_run_time=soon)
    scheduler.add_job(leased, "interval", ["retention", _day, _retain], hours=1, next_run_time=soon)
    scheduler.add_job(leased, "interval", ["names", _day, _names], hours=1, next_run_time=soon)
    scheduler.add_job(leased, "interval", ["servers", _five_minutes, _join], minutes=5, next_run_time=soon)
    scheduler.add_job(_prepare, "interval", [context], minutes=PREPARED_MINUTES, next_run_time=soon)
    scheduler.start()

    def stop() -> None:
        """Wait for the running job, then stop."""
        scheduler.shutdown()

    return stop


def _measured(meters: Meters, job: str, work: Callable[[], bool]) -> bool:
    """Run a job, record its outcome and duration, and return whether it succeeded."""
    outcome = []

    def run() -> bool:
        """Run the job once."""
        outcome.append(work())
        return outcome[0]

    meters.run(job, run)
    return outcome[0]


def _hour(context: Context) -> str:
    return str(context.now() // 3600)


def _day(context: Context) -> str:
    return str(context.now() // DAY_S)


def _five_minutes(context: Context) -> str:
    return str(context.now() // 300)


def _minute(context: Context) -> str:
    return str(context.now() // 60)


def _due_week(context: Context) -> str:
    return due_week(context.now(), context.zone)


def _survived(failure: str, work: Callable[[], object]) -> bool:
    """Run a part of a loop that must survive; log a failure, and return whether there was none."""
    try:
        work()
    except Exception:
        LOG.exception(failure)
        return False
    return True


def _tidy(context: Context) -> bool:
    """Compact the store, and delete dead letters that are too old and sessions that have expired."""

    def tidy() -> None:
        """Compact the store, then delete dead letters and ended sessions."""
        context.store.tidy(context.now())
        prune(context.store, context.now())
        prune_ended(context.store, context.now())

    return _survived("cleaning up the store failed; it will be tried again in an hour", tidy)


def _settle(context: Context) -> bool:
    """Mark the monitors that belong to the fleet."""
    failure = "updating the monitors failed; it will be tried again in an hour"
    return _survived(failure, lambda: settle(context))


def _join(context: Context) -> bool:
    """Merge the servers that report by themselves and by a gateway."""
    failure = "merging servers that report twice failed; it will be tried again in five minutes"

    def join() -> None:
        """Merge, and log how many."""
        joined = join_servers(context)
        if joined:
            LOG.info(
                "%d servers that also report through a gateway were merged with their second record", joined
            )

    return _survived(failure, join)


def _retain(context: Context) -> bool:
    """Roll up older quarter hours to hours, and older hours to days."""

    def roll_up() -> None:
        """Roll up by the ages in the settings."""
        settings = context.settings
        done = roll_up_older(context, settings.keep_slots_days, settings.keep_hours_days)
        if done.to_hours or done.to_days:
            LOG.info("%d days of devices were rolled up to hours, %d to days", done.to_hours, done.to_days)

    return _survived("rolling up older data failed; it will be tried again in an hour", roll_up)


def _names(context: Context) -> bool:
    """Remove old entries of the access record, and old names of persons."""

    def remove() -> None:
        """Remove by the ages in the settings."""
        settings, store, now = context.settings, context.store, context.now()
        looks = remove_old_looks(store, now, settings.keep_access_record_days)
        names = remove_old_names(store, now, settings.keep_names_days)
        if looks or names:
            LOG.info("%d looks were removed from the access record, names from %d facts", looks, names)

    return _survived("removing old names failed; it will be tried again in an hour", remove)


def _prepare(context: Context) -> None:
    """Compute the first page into the cache of this collector, so that its next reader does not wait."""
    failure = "preparing the first page failed; it will be tried again in a few minutes"
    _survived(failure, lambda: refresh_cached_overview(context))


def _past_week(context: Context) -> bool:
    """Publish the missing reports of the past week; a failure is logged and tried again."""
    return _log_published("weekly report", lambda: publish(context, _due_week(context)))


def _late_records(context: Context) -> bool:
    """Correct reports that late records changed; a failure is logged and tried again the next day."""
    return _log_published("corrected weekly report", lambda: republish(context))


def _log_published(what: str, work: Callable[[], list[Publication]]) -> bool:
    """Publish, and log each published report; return whether it succeeded."""
    try:
        for publication in work():
            unit, role = publication.target
            LOG.info("%s %s: %s, revision %d for the role %s", what, publication.report.week,
                     unit or "everything", publication.revision, role)  # fmt: skip
    except (ParcimetreError, OSError) as error:
        LOG.error("publishing the %s failed: %s; it will be tried again", what, error)
        return False
    except Exception:  # the edge of a loop that must survive
        LOG.exception("publishing the %s failed; it will be tried again", what)
        return False
    return True


def _deliver(context: Context) -> bool:
    """Make the deliveries that are due."""
    failure = "delivering reports failed; it will be tried again in a minute"
    return _survived(failure, lambda: make_due_deliveries(context))
