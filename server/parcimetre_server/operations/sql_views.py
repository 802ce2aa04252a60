"""Read-only SQL over the embedded store: its views, and tables computed for the period of a query.

Slots are packed and footprints are computed, so both are laid out as temporary tables, for one period and
only where the query names them. The names and columns of TABLES and of the views are a stable interface.

While presence data is switched off, these tables have no slots of personal machines, `device_days` no first
and last slot of theirs, and the store's own tables cannot be read.
"""

from __future__ import annotations

import re
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from parcimetre_factors.activity import Activity
from parcimetre_factors.criteria import Criterion

from ..access.context import Context
from ..access.presence import is_personal
from ..base.errors import ParcimetreError
from ..base.periods import Span
from ..base.query_cost import TooManyRows, check_cost, query_cost
from ..fleet.device import Device
from ..fleet.devices import devices
from ..fleet.outlets import energy
from ..footprint.compute import compute_footprint, shown_days
from ..footprint.query import FootprintQuery
from ..footprint.result import FootprintResult
from ..organisation import merges
from ..organisation.connections import ConnectionMap
from ..store.embedded import FILE
from ..store.records import DeviceId

Row = Sequence[object]
TABLES: Mapping[str, str] = {
    "slots": "device TEXT, start INTEGER, display_on_s INTEGER, display_off_s INTEGER, asleep_s INTEGER,"
    " off_s INTEGER",
    "slot_energy": "device TEXT, start INTEGER, source TEXT, scope TEXT, quality TEXT, energy_j REAL,"
    " duration_s INTEGER",
    "footprint_days": "day TEXT, org_unit TEXT, category TEXT, stage TEXT, criterion TEXT, energy_kwh REAL,"
    " value REAL, low REAL, high REAL, unit TEXT",
}
DEAD_LETTERS = """
    CREATE TEMP VIEW dead_letters AS
    SELECT body ->> 'device' AS device, recorded_at, body ->> 'part' AS part, body ->> 'index' AS "index",
           body ->> 'reason' AS reason
    FROM facts WHERE kind = 'dead_letter'
"""
DEVICE_DAYS = """
    CREATE TEMP VIEW device_days AS
    SELECT device, day, iif(device IN (SELECT id FROM temp.exempt), first_slot, NULL) AS first_slot,
           iif(device IN (SELECT id FROM temp.exempt), last_slot, NULL) AS last_slot, covered_s
    FROM main.device_days
"""
HIDDEN_COLUMNS = frozenset({"first_slot", "last_slot"})
INSIDE_VIEWS_ONLY = frozenset({
    "facts", "latest_facts", "sealed_day", "open_day", "hourly_day", "whole_day", "device_number",
})  # fmt: skip
ALLOWED = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)


MOST_ROWS = 2_000_000
LONGEST_S = 600.0
STEPS = 100_000  # of SQLite's machine between two looks at the clock


class BadQuery(ParcimetreError):
    """A query that is not valid, or would change something."""


@dataclass(frozen=True)
class Answer:
    """Rows of a query."""

    columns: tuple[str, ...]
    rows: list[Row]


def ask(context: Context, query: str, within: Span, longest_s: float = LONGEST_S) -> Answer:
    """Answer one SELECT within `longest_s` seconds; tables that need a period are filled for `within`.

    Raises BadQuery, and TooManyRows before too many slots are read.
    """
    with closing(_reading(context.settings.data_dir)) as db:
        if not context.sees_presence:
            _hide_presence(db, context)
        for name, fill in FILLS.items():
            if re.search(rf"\b{name}\b", query, re.IGNORECASE):
                columns = TABLES[name]
                db.execute(f"CREATE TEMP TABLE {name} ({columns})")
                marks = ", ".join("?" * len(columns.split(",")))
                db.executemany(f"INSERT INTO temp.{name} VALUES ({marks})", fill(context, within))  # noqa: S608
        db.commit()
        db.execute("PRAGMA query_only = ON")
        deadline_s = time.monotonic() + longest_s
        db.set_progress_handler(lambda: time.monotonic() > deadline_s, STEPS)
        db.set_authorizer(_authorizer(context.sees_presence))
        try:
            found = db.execute(query)
            rows = found.fetchmany(MOST_ROWS + 1)
            if len(rows) > MOST_ROWS:
                raise TooManyRows(
                    f"the answer has more than {MOST_ROWS} rows: choose a shorter period with --from and "
                    "--to, or sum them up with group by"
                )
            return Answer(tuple(name for name, *_ in found.description or ()), rows)
        except (sqlite3.Error, sqlite3.Warning) as error:
            raise BadQuery(_explain_failure(error)) from None


def _hide_presence(db: sqlite3.Connection, context: Context) -> None:
    """Show `device_days` without the first and last slot of personal machines."""
    db.execute("CREATE TEMP TABLE exempt (id TEXT PRIMARY KEY)")
    db.executemany("INSERT INTO temp.exempt VALUES (?)", ((key,) for key in _exempt(context)))
    db.execute(DEVICE_DAYS)


def _exempt(context: Context) -> set[str]:
    """Return the ids of devices, and of outlets that feed only such, that are nobody's own."""
    known = devices(context.store)
    free = {key for key, one in known.items() if not is_personal(one)}
    outlets = {
        key
        for outlet in ConnectionMap.of(context.store).outlets
        if {one.device for one in outlet.feeds} <= free
        for key in outlet.ids
    }
    history = merges.MergeHistory.of(context.store)
    parts = {key for whole in free for key in history.members(whole)}
    return {*free, *outlets, *parts}


def _authorizer(sees_presence: bool) -> Callable[..., int]:
    """Return what allows reading only; without presence data the store's own tables through views only."""

    def allowed(
        action: int, table: str | None, column: str | None, base: str | None, view: str | None
    ) -> int:
        """Answer for one access."""
        if action not in ALLOWED:
            return sqlite3.SQLITE_DENY
        if sees_presence or action != sqlite3.SQLITE_READ or not column:
            return sqlite3.SQLITE_OK  # without a column, as by count(*), no value is read
        is_own = table in INSIDE_VIEWS_ONLY and view is None
        hidden = (table, base) == ("device_days", "main") and view is None and column in HIDDEN_COLUMNS
        return sqlite3.SQLITE_DENY if is_own or hidden else sqlite3.SQLITE_OK

    return allowed


def _explain_failure(error: Exception) -> str:
    if "interrupted" in str(error):
        return "the query takes too long: choose a shorter period with --from and --to, or fewer rows to join"
    if "not authorized" in str(error) or "prohibited" in str(error):
        return f"the query is refused ({error}): only SELECT is answered, nothing can be changed here"
    return f"invalid query: {error}. See docs/en/sql.md for tables and columns."


def _reading(data_dir: Path) -> sqlite3.Connection:
    """Open a separate, read-only connection to the store."""
    db = sqlite3.connect(f"{(data_dir / FILE).absolute().as_uri()}?mode=ro", uri=True)
    db.execute("PRAGMA temp_store = MEMORY")
    db.execute(DEAD_LETTERS)
    return db


def _activities(context: Context, within: Span) -> Iterator[tuple[DeviceId, Activity]]:
    """Yield the slots of every device, with the energy of its outlets."""
    store, wiring = context.store, ConnectionMap.of(context.store)
    outlets = {key for outlet in wiring.outlets for key in outlet.ids}
    shown = None if context.sees_presence else _exempt(context)
    spans = {
        key: span
        for key, span in merges.spans(store).items()
        if key not in outlets and (shown is None or key in shown)
    }
    check_cost(
        query_cost(within, "total", spans.values(), by_slot=True), "choose a shorter period: --from, --to"
    )
    fed = (key for key in wiring.hung if key not in outlets and (shown is None or key in shown))
    ids = [*spans, *(key for key in fed if key not in spans)]
    return energy.activities(store, wiring, ids, within.first, within.last)


def _slots(context: Context, within: Span) -> Iterator[Row]:
    for device, found in _activities(context, within):
        seconds = (found.start, found.display_on_s, found.display_off_s, found.asleep_s, found.off_s)
        columns = (column.astype(int).tolist() for column in seconds)
        yield from ((device, *row) for row in zip(*columns, strict=True))


def _slot_energy(context: Context, within: Span) -> Iterator[Row]:
    for device, found in _activities(context, within):
        starts = found.start.tolist()
        for channel in found.measured:
            named = (channel.source, channel.scope, channel.quality)
            counted = zip(starts, channel.energy_j.tolist(), channel.duration_s.tolist(), strict=True)
            yield from ((device, start, *named, energy_j, int(s)) for start, energy_j, s in counted if s)


def _footprint_days(context: Context, within: Span) -> Iterator[Row]:
    """Yield every criterion by day, org unit, category and stage."""
    for criterion in Criterion:
        query = FootprintQuery(within, criterion, "day")
        found = compute_footprint(context, shown_days(context, query) or query)
        for (org_unit, category), part in _parts(found):
            for row in part.rows("stage"):
                yield (
                    row.period, org_unit, category, row.group, str(criterion), row.energy_kwh, row.value,
                    row.low, row.high, row.unit,
                )  # fmt: skip


def _parts(found: FootprintResult) -> Iterator[tuple[tuple[str, str], FootprintResult]]:
    """Yield the figures of the devices of each org unit and category."""

    def of(device: Device) -> tuple[str, str]:
        """Return the org unit and category of a device."""
        return device.org_unit, device.category

    for key in sorted({of(figure.device) for figure in found.single_devices}):
        yield key, replace(found, cohorts=tuple(one for one in found.single_devices if of(one.device) == key))


FILLS: Mapping[str, Callable[[Context, Span], Iterator[Row]]] = {
    "slots": _slots,
    "slot_energy": _slot_energy,
    "footprint_days": _footprint_days,
}
