"""What runs when: the past week's report, each Monday morning in the organisation's time zone; the store's
own tidying, each hour.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from apscheduler.schedulers.background import BackgroundScheduler

from .collector import Collector
from .dead_letters import prune
from .errors import ParcimetreError
from .i18n import LANGUAGES, Language
from .meters import Meters
from .periods import week_of, weeks_later
from .reports.html import html
from .reports.weekly import weekly

LOG = logging.getLogger(__name__)
HOUR = 7
LATE_S = 6 * 3600


def start_jobs(collector: Collector, meters: Meters | None = None) -> Callable[[], None]:
    """Start the scheduler; what it returns stops it.

    A report that was missed while the collector was down is made up for at once.
    """
    zone, run = collector.zone, (meters or Meters()).run
    scheduler = BackgroundScheduler(
        timezone=zone, job_defaults={"misfire_grace_time": LATE_S, "coalesce": True}
    )
    scheduler.add_job(
        run, "cron", ["weekly_report", partial(_past_week, collector)],
        day_of_week="mon", hour=HOUR, next_run_time=datetime.now(UTC),
    )  # fmt: skip
    scheduler.add_job(
        run, "interval", ["tidy", partial(_tidy, collector)], hours=1, next_run_time=datetime.now(UTC)
    )
    scheduler.start()

    def stop() -> None:
        """Wait for the job that runs, then end."""
        scheduler.shutdown()

    return stop


def _tidy(collector: Collector) -> bool:
    """Let the store take less room; a failure is logged and tried again the next hour."""
    try:
        collector.store.tidy(collector.now())
        prune(collector.store, collector.now())
    except Exception:  # the edge of a loop that must survive
        LOG.exception("the store could not be tidied; it is tried again in an hour")
        return False
    return True


def _past_week(collector: Collector) -> bool:
    """Write the past week's reports where they are missing; a failure is logged and tried again next time."""
    try:
        zone = collector.zone
        written = write_weekly(collector, weeks_later(week_of(collector.now(), zone), -1, zone))
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
