"""Who gets the weekly report: of which org unit, in which language and formats, and by which way."""

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
from ..base.org_path import clean_path
from ..base.scope import ROLES, WHOLE, Role, Scope
from ..organisation import audit
from ..organisation.org import units
from ..store.interface import Store
from ..store.records import Fact
from .formats import FORMATS, Format

Way = Literal["mail", "folder", "webhook"]
WAYS: tuple[Way, ...] = get_args(Way)
ID_LENGTH = 10
MOST_CHARACTERS = 500
ADDRESS = re.compile(r"[^\s@<>,;:\"\\()\[\]]+@[^\s@<>,;:\"\\()\[\]]+\.[^\s@<>,;:\"\\()\[\].]+")


Known = TypeVar("Known", bound=str)


class BadSchedule(ParcimetreError):
    """A recipient, way or format that reports cannot be sent by."""


class UnknownSchedule(ParcimetreError):
    """No schedule of that id, or none that the reader may see."""

    status = 404
    kind = "unknown-schedule"


@dataclass(frozen=True)
class Schedule:
    """A recipient of an org unit's weekly reports (of everything where it is None), from `created_at` on.

    The report says what a reader with `role` may see of the unit. `to` is an address of mail, a folder or a
    URL. Times are seconds UTC.
    """

    id: str
    org_unit: str | None
    role: Role
    way: Way
    to: str
    language: Language
    formats: tuple[Format, ...]
    created_at: int
    ended_at: int | None = None


def schedules(store: Store, ended: bool = False) -> list[Schedule]:
    """The schedules that hold, oldest first; with those that `ended`."""
    found = (_schedule(fact) for fact in store.latest("schedule").values())
    kept = (one for one in found if ended or one.ended_at is None)
    return sorted(kept, key=lambda one: (one.created_at, one.id))


def schedule(store: Store, schedule_id: str) -> Schedule:
    """The schedule of that id. Raises UnknownSchedule."""
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
    """Send somebody the reports from the next one on; a recipient that is known gets the new formats.

    The org unit is one that `scope` covers. Raises BadSchedule and UnknownOrgUnit.
    """
    unit = None if org_unit is None else _known_unit(store, org_unit, scope)
    known_way = _one_of(way, WAYS, "way")
    to = _recipient(known_way, to.strip())
    said = _one_of(language, LANGUAGES, "language")
    wanted = tuple(dict.fromkeys(_one_of(name, FORMATS, "format") for name in formats))
    if not wanted and known_way != "mail":
        raise BadSchedule(f"a {known_way} needs a format: {', '.join(FORMATS)}")
    level: Role = _one_of(role, ROLES, "role")
    digest = hashlib.sha256("\0".join((unit or "", level, known_way, to, said)).encode()).hexdigest()
    made = Schedule(digest[:ID_LENGTH], unit, level, known_way, to, said, wanted, now)
    before = store.latest_of("schedule", made.id)
    if before is not None and before.body["ended_at"] is None:
        made = replace(made, created_at=before.body["created_at"])
    if before is None or _schedule(before) != made:
        _keep(store, made, now, "recipient added", before.body if before else {})
    return made


def end(store: Store, schedule_id: str, now: int) -> Schedule:
    """Send no more by it. Raises UnknownSchedule."""
    found = schedule(store, schedule_id)
    if found.ended_at is None:
        before, found = as_json(found), replace(found, ended_at=now)
        _keep(store, found, now, "recipient removed", before)
    return found


def as_json(found: Schedule) -> dict[str, Any]:
    """A schedule for machines."""
    return asdict(found) | {"formats": list(found.formats)}


def _keep(store: Store, made: Schedule, now: int, act: audit.Act, before: Mapping[str, Any]) -> None:
    """Keep a schedule and who stated it; the log has no address of a person."""
    told = as_json(made)
    entry = audit.entry(act, made.id, now, before, told, hidden=("id", "to"))
    store.append([Fact("schedule", made.id, now, told), entry])


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
    """The unit's clean path. Raises UnknownOrgUnit where the scope covers none of that path."""
    unit = clean_path(org_unit)
    of_devices = (str(fact.body["org_unit"]) for fact in store.latest("device").values())
    scope.check_unit(unit, (*units(store), *of_devices))
    return unit


def _recipient(way: Way, to: str) -> str:
    """Where to send, if it can be one. Raises BadSchedule."""
    if not to or len(to) > MOST_CHARACTERS or any(ord(c) < 32 for c in to):
        raise BadSchedule(
            f"a recipient must have 1 to {MOST_CHARACTERS} characters and no control characters"
        )
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
