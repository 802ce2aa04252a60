"""Schedules of the weekly report: recipient, org unit, role, language, formats and channel."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

from ..base.errors import ParcimetreError
from ..base.i18n import LANGUAGES, Language
from ..base.names import text_fault
from ..base.org_path import clean_path
from ..base.scope import REPORT_ROLES, WHOLE, Role, Scope
from ..organisation import audit
from ..organisation.org import units
from ..store.interface import Store
from ..store.records import Fact
from .formats import FORMATS, Format

Channel = Literal["mail", "folder", "webhook"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
ID_LENGTH = 10
MOST_CHARACTERS = 500
ADDRESS = re.compile(r"[^\s@<>,;:\"\\()\[\]]+@[^\s@<>,;:\"\\()\[\]]+\.[^\s@<>,;:\"\\()\[\].]+")


Known = TypeVar("Known", bound=str)


class BadSchedule(ParcimetreError):
    """An invalid recipient, channel, language or format."""


class UnknownSchedule(ParcimetreError):
    """No schedule of that id, or none that the reader may see."""

    status = 404
    kind = "unknown-schedule"


@dataclass(frozen=True)
class Schedule:
    """A recipient of an org unit's weekly reports (of everything where it is None), from `created_at` on.

    The report has what a reader with `role` may see of the unit. `to` is a mail address, a folder or a URL.
    Times are seconds UTC.
    """

    id: str
    org_unit: str | None
    role: Role
    way: Channel
    to: str
    language: Language
    formats: tuple[Format, ...]
    created_at: int
    ended_at: int | None = None


def schedules(store: Store, ended: bool = False) -> list[Schedule]:
    """Return the schedules in force, oldest first, and with `ended` those that are not."""
    stored = (_schedule(fact) for fact in store.latest("schedule").values())
    shown = (one for one in stored if ended or one.ended_at is None)
    return sorted(shown, key=lambda one: (one.created_at, one.id))


def schedule(store: Store, schedule_id: str) -> Schedule:
    """Return the schedule of that id. Raises UnknownSchedule."""
    fact = store.latest_of("schedule", schedule_id)
    if fact is None:
        raise UnknownSchedule(f"there is no schedule {schedule_id!r}: `parcimetre report schedule list`")
    return _schedule(fact)


def add(
    store: Store,
    now: int,
    org_unit: str | None,
    way: str,
    to: str,
    language: str,
    formats: Sequence[str],
    role: str = "viewer",
    scope: Scope = WHOLE,
) -> Schedule:
    """Add a recipient from the next report on, and return the schedule; a known one gets the new formats.

    The org unit must be in `scope`. Raises BadSchedule and UnknownOrgUnit.
    """
    unit = None if org_unit is None else _known_unit(store, org_unit, scope)
    known_way = _one_of(way, CHANNELS, "way")
    to = _recipient(known_way, to.strip())
    said = _one_of(language, LANGUAGES, "language")
    wanted = tuple(dict.fromkeys(_one_of(name, FORMATS, "format") for name in formats))
    if not wanted and known_way != "mail":
        raise BadSchedule(f"a {known_way} needs a format: {', '.join(FORMATS)}")
    level: Role = _one_of(role, REPORT_ROLES, "role")
    digest = hashlib.sha256("\0".join((unit or "", level, known_way, to, said)).encode()).hexdigest()
    made = Schedule(digest[:ID_LENGTH], unit, level, known_way, to, said, wanted, now)
    before = store.latest_of("schedule", made.id)
    if before is not None and before.body["ended_at"] is None:
        made = replace(made, created_at=before.body["created_at"])
    if before is None or _schedule(before) != made:
        _store(store, made, now, "recipient added", before.body if before else {})
    return made


def end(store: Store, schedule_id: str, now: int) -> Schedule:
    """End a schedule and return it. Raises UnknownSchedule."""
    ended = schedule(store, schedule_id)
    if ended.ended_at is None:
        before, ended = as_json(ended), replace(ended, ended_at=now)
        _store(store, ended, now, "recipient removed", before)
    return ended


def as_json(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as JSON."""
    return asdict(schedule) | {"formats": list(schedule.formats)}


def _store(store: Store, made: Schedule, now: int, act: audit.Act, before: Mapping[str, Any]) -> None:
    """Store a schedule with an entry of the audit log, which has no personal address."""
    body = as_json(made)
    entry = audit.entry(act, made.id, now, before, body, hidden=("id", "to"))
    store.append([Fact("schedule", made.id, now, body), entry])


def _schedule(fact: Fact) -> Schedule:
    body = dict(fact.body)
    return Schedule(**body | {"formats": tuple(body["formats"])})


def _one_of(given: str, known: Iterable[Known], what: str) -> Known:
    names = list(known)
    for name in names:
        if name == given:
            return name
    raise BadSchedule(f"{given!r} is not a valid {what} (choose from: {', '.join(names)})")


def _known_unit(store: Store, org_unit: str, scope: Scope) -> str:
    """The unit's clean path. Raises UnknownOrgUnit where the scope does not cover it."""
    unit = clean_path(org_unit)
    of_devices = (str(fact.body.get("org_unit")) for fact in store.latest("device").values())
    scope.check_unit(unit, (*units(store), *of_devices))
    return unit


def _recipient(way: Channel, to: str) -> str:
    """The recipient, if valid for the channel. Raises BadSchedule."""
    fault = text_fault(to, MOST_CHARACTERS) if to else "it is empty"
    if fault:
        raise BadSchedule(f"{to[:MOST_CHARACTERS]!r} is not a valid recipient: {fault}")
    match way:
        case "mail" if not ADDRESS.fullmatch(to):
            raise BadSchedule(f"{to!r} is not a valid e-mail address (example: it@example.org)")
        case "folder" if not Path(to).is_absolute():
            raise BadSchedule(f"{to!r} is not an absolute path: give the full path of the folder")
        case "webhook":
            try:
                parts = urlsplit(to)
            except ValueError:
                parts = urlsplit("")
            if parts.scheme not in ("https", "http") or not parts.hostname:
                raise BadSchedule(f"{to!r} is not a valid server address: give one that begins with https://")
    return to
