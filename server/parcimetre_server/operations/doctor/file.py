"""The embedded store's file, read without changing it: whole or not, its layout, days and slots."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from ...base.periods import DAY_S
from ...store.embedded import FILE, LAYOUT, store_bytes
from . import Finding, failed, ok, warning

FUTURE_S = 2 * 3600
LATE_DAYS = 2
SPAN = "SELECT min(first_slot), max(last_slot) FROM device_number"
DAYS = """
    SELECT (SELECT count(*) FROM open_day), (SELECT count(*) FROM sealed_day),
           (SELECT min(id) >> 24 FROM open_day)
"""
RESTORE = "move it away and restore a backup"


def findings(data_dir: Path, now: int) -> Iterator[Finding]:
    """Findings about the file; the last ones are left out where the first fail."""
    file = data_dir / FILE
    if not file.exists():
        yield failed("store", f"{file} is not there", f"start `parcimetre serve --data-dir {data_dir}` once")
        return
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as db:
            yield from _inside(db, file, store_bytes(data_dir), now)
    except sqlite3.OperationalError as error:
        yield failed("store", f"{file}: {error}", f"give this user write access to {data_dir}, or {RESTORE}")
    except sqlite3.DatabaseError as error:
        yield failed("store", f"{file} is damaged: {error}", RESTORE)


def _inside(db: sqlite3.Connection, file: Path, size: int, now: int) -> Iterator[Finding]:
    (wrong,) = db.execute("PRAGMA quick_check(1)").fetchone()
    if wrong != "ok":
        yield failed("store", f"{file} is damaged: {' '.join(wrong.split())}", RESTORE)
        return
    (layout,) = db.execute("PRAGMA user_version").fetchone()
    if layout > LAYOUT:
        yield failed(
            "store", f"{file} has layout {layout}, newer than {LAYOUT}", "install the newer Parcimètre"
        )
        return
    if layout < LAYOUT:
        yield warning(
            "store", f"{file} has the old layout {layout}", "the collector migrates it when it starts"
        )
        return
    yield ok("store", f"{file}, {size / 2**20:.1f} MiB, undamaged, layout {layout}")
    opened, sealed, oldest = db.execute(DAYS).fetchone()
    yield _days(opened, sealed, oldest, now)
    first, last = db.execute(SPAN).fetchone()
    yield from _slots(first, last, now)


def _days(opened: int, sealed: int, oldest: int | None, now: int) -> Finding:
    told = f"{opened:,} open, {sealed:,} sealed"
    if oldest is not None and oldest < now // DAY_S - LATE_DAYS:
        mend = "the collector seals them each hour: check that it runs, and its log"
        return warning(
            "device-days", f"{told}; the oldest open one is {now // DAY_S - oldest} days old", mend
        )
    return ok("device-days", told)


def _slots(first: int | None, last: int | None, now: int) -> Iterator[Finding]:
    if first is None or last is None:
        yield warning("slots", "none yet", "enrol machines: `parcimetre enrolment-secret create`")
        return
    told = f"{_utc(first)} to {_utc(last)}"
    if last > now + FUTURE_S:
        mend = "set this machine's clock with NTP; if it is right now, it was wrong before"
        yield failed("clock", f"clock shows {_utc(now)}, but the store has slots of {_utc(last)}", mend)
    elif last < now - DAY_S:
        mend = "check that the collector runs and that agents can reach it"
        yield warning("slots", f"{told}; none for {(now - last) // 3600} hours", mend)
    else:
        yield ok("slots", told)


def _utc(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%d %H:%M UTC")
