"""What a running collector counts of itself: reports, commits, jobs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from . import clock
from .exposition import Histogram, Metric, counter, gauge

COMMIT_BOUNDS_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


@dataclass
class JobRun:
    """The latest run of a job; times are seconds UTC."""

    succeeded_at: int | None = None
    duration_s: float = 0.0
    failures: int = 0


@dataclass
class Meters:
    """Counters since the process began: reports by the event loop, commits by the writer."""

    reports: int = 0
    accepted: int = 0
    duplicates: int = 0
    refused: int = 0
    turned_away: int = 0
    commits: Histogram = field(default_factory=lambda: Histogram(COMMIT_BOUNDS_S))
    failed_commits: int = 0
    committed_at: int | None = None
    jobs: dict[str, JobRun] = field(default_factory=dict)

    def run(self, name: str, job: Callable[[], bool | None]) -> None:
        """Run a job and remember how it went; one that answers False has failed and said so itself."""
        run, begin = self.jobs.setdefault(name, JobRun()), time.perf_counter()
        succeeded = False
        try:
            succeeded = job() is not False
        finally:
            run.duration_s = time.perf_counter() - begin
            if succeeded:
                run.succeeded_at = clock.now()
            else:
                run.failures += 1

    def metrics(self) -> Iterator[Metric]:
        """What was counted, as families."""
        yield counter("parcimetre_reports_total", "Reports received, stored or not.", self.reports)
        yield counter("parcimetre_reports_turned_away_total", "Reports refused entirely.", self.turned_away)
        yield Metric(
            "parcimetre_slots_total", "counter", "Slots of stored reports, new or already stored.",
            [("", {"outcome": "accepted"}, self.accepted), ("", {"outcome": "duplicate"}, self.duplicates)],
        )  # fmt: skip
        yield counter(
            "parcimetre_records_refused_total",
            "Records refused one by one, stored as dead letters.",
            self.refused,
        )
        yield Metric(
            "parcimetre_commit_seconds",
            "histogram",
            "Duration of a commit to disk.",
            self.commits.samples(),
        )
        yield counter("parcimetre_commits_failed_total", "Failed commits.", self.failed_commits)
        if self.committed_at is not None:
            yield gauge(
                "parcimetre_commit_last_timestamp_seconds",
                "Time of the last commit of reports.",
                self.committed_at,
            )
        yield from self._of_jobs()

    def _of_jobs(self) -> Iterator[Metric]:
        runs = sorted(self.jobs.items())
        yield Metric(
            "parcimetre_job_last_success_timestamp_seconds", "gauge", "Time of a job's last successful run.",
            [("", {"task": name}, run.succeeded_at) for name, run in runs if run.succeeded_at is not None],
        )  # fmt: skip
        yield Metric(
            "parcimetre_job_duration_seconds", "gauge", "Duration of the latest run of a job.",
            [("", {"task": name}, run.duration_s) for name, run in runs],
        )  # fmt: skip
        yield Metric(
            "parcimetre_job_failures_total", "counter", "Failed runs of a job.",
            [("", {"task": name}, run.failures) for name, run in runs],
        )  # fmt: skip
