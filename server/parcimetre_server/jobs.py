"""What runs when: the past week's report, each Monday morning in the organisation's time zone; older time
rolled up, each day; the store's own tidying, and which monitors are the fleet's, each hour. Where several
collectors share a store, each runs on one of them, under a lease.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from secrets import token_hex

from apscheduler.schedulers.background import BackgroundScheduler

from .collector import Collector
from .dead_letters import prune
from .errors import ParcimetreError
from .home_displays import settle
from .i18n import LANGUAGES, Language
from .leases import run_once
from .meters import Meters
from .periods import DAY_S, week_of, weeks_later
from .reports.html import html
from .reports.weekly import weekly
from .retention import retain

LOG = logging.getLogger(__name__)
HOUR = 7
LATE_S = 6 * 3600


def start_jobs(collector: Collector, meters: Meters | None = None) -> Callable[[], None]:
    """Start the scheduler; what it returns stops it.

    A report that was missed while the collector was down is made up for at once.
    """
    zone = collector.zone
    scheduler = BackgroundScheduler(
        timezone=zone, job_defaults={"misfire_grace_time": LATE_S, "coalesce": True}
    )
    holder = token_hex(8)

    def leased(job: str, occasion: Callable[[Collector], str], work: Callable[[Collector], bool]) -> None:
        """Run a job if it is this collector's turn; look again once another's lease is over."""
        try:
            measured = partial(_measured, meters or Meters(), job, partial(work, collector))
            again_s = run_once(collector.store, job, occasion(collector), holder, measured)
        except Exception:  # the edge of a loop that must survive
            LOG.exception("the job %s could not be run; it is tried again next time", job)
            return
        if again_s:
            at = datetime.now(UTC) + timedelta(seconds=again_s)
            again = [job, occasion, work]
            scheduler.add_job(leased, "date", again, run_date=at, id=job, replace_existing=True)

    scheduler.add_job(
        leased, "cron", ["weekly_report", _last_week, _past_week], day_of_week="mon", hour=HOUR,
        next_run_time=datetime.now(UTC),
    )  # fmt: skip
    scheduler.add_job(leased, "interval", ["tidy", _hour, _tidy], hours=1, next_run_time=datetime.now(UTC))
    scheduler.add_job(
        leased, "interval", ["displays", _hour, _settle], hours=1, next_run_time=datetime.now(UTC)
    )
    scheduler.add_job(
        leased, "interval", ["retention", _day, _retain], hours=1, next_run_time=datetime.now(UTC)
    )
    scheduler.start()

    def stop() -> None:
        """Wait for the job that runs, then end."""
        scheduler.shutdown()

    return stop


def _measured(meters: Meters, job: str, work: Callable[[], bool]) -> bool:
    """Run a job and remember how it went; says whether it was done."""
    outcome = []

    def run() -> bool:
        """The job itself."""
        outcome.append(work())
        return outcome[0]

    meters.run(job, run)
    return outcome[0]


def _hour(collector: Collector) -> str:
    return str(collector.now() // 3600)


def _day(collector: Collector) -> str:
    return str(collector.now() // DAY_S)


def _last_week(collector: Collector) -> str:
    zone = collector.zone
    return weeks_later(week_of(collector.now(), zone), -1, zone)


def _tidy(collector: Collector) -> bool:
    """Let the store take less room; a failure is logged and tried again the next hour."""
    try:
        collector.store.tidy(collector.now())
        prune(collector.store, collector.now())
    except Exception:  # the edge of a loop that must survive
        LOG.exception("the store could not be tidied; it is tried again in an hour")
        return False
    return True


def _settle(collector: Collector) -> bool:
    """Mark the monitors that are the fleet's; a failure is logged and tried again the next hour."""
    try:
        settle(collector)
    except Exception:  # the edge of a loop that must survive
        LOG.exception("the monitors could not be looked through; it is tried again in an hour")
        return False
    return True


def _retain(collector: Collector) -> bool:
    """Roll up what is old enough; a failure is logged and tried again the next hour."""
    settings = collector.settings
    try:
        done = retain(collector.store, collector.now(), settings.keep_slots_days, settings.keep_hours_days)
    except Exception:  # the edge of a loop that must survive
        LOG.exception("older time could not be rolled up; it is tried again in an hour")
        return False
    if done.to_hours or done.to_days:
        LOG.info("%d days of devices were rolled up to hours, %d to days", done.to_hours, done.to_days)
    return True


def _past_week(collector: Collector) -> bool:
    """Write the past week's reports where they are missing; a failure is logged and tried again next time."""
    try:
        written = write_weekly(collector, _last_week(collector))
    except (ParcimetreError, OSError) as error:
        LOG.error("the weekly report could not be written: %s; it is tried again at the next start", error)
        return False
    except Exception:  # the edge of a loop that must survive
        LOG.exception("the weekly report could not be written")
        return False
    for path in written:
        LOG.info("weekly report written to %s", path)
    return True


def weekly_files(data_dir: Path, week: str) -> dict[Language, Path]:
    """Where a week's report is kept in each language."""
    return {language: data_dir / "reports" / f"weekly-{week}.{language}.html" for language in LANGUAGES}


def write_weekly(collector: Collector, week: str) -> list[Path]:
    """Write a week's report in each language, unless it is there; returns the files written.

    A week in which no device was in service has no report.
    """
    files = weekly_files(Path(collector.settings.data_dir), week)
    missing = {language: path for language, path in files.items() if not path.exists()}
    if not missing:
        return []
    report = weekly(collector, week)
    if not report.devices:
        return []
    for language, path in missing.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        draft.write_text(html(report, collector, language), encoding="utf-8")
        draft.replace(path)
    return list(missing.values())
