"""Published reports as they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from ..base.errors import ParcimetreError
from ..base.scope import Role
from ..store.fact_schema import ReportBody, ServedSettings, body_of
from ..store.interface import Store
from ..store.records import Fact
from .content import WeeklyReport
from .published_form import from_published, to_published
from .schedules import schedules

Target = tuple[str | None, Role]
WHOLE_TARGET: Target = (None, "admin")


class NotPublished(ParcimetreError):
    """A report that nobody has published."""

    status = 404
    kind = "not-published"


@dataclass(frozen=True)
class Publication:
    """An edition of a report: what was told, to readers of which role, and what it was computed with.

    `recorded_s` are the seconds with a record that the store held of the week, and `stated` is how often it
    was said whose records are whose: what comes late makes either more.
    """

    role: Role
    edition: int
    published_at: int
    recorded_s: int
    served: ServedSettings
    report: WeeklyReport
    stated: int = 0

    @property
    def key(self) -> str:
        """What tells it apart from others; its editions have the same one."""
        return key_of(self.report.week, (self.report.org_unit, self.role))

    @property
    def target(self) -> Target:
        """Whose report it is."""
        return self.report.org_unit, self.role


def key_of(week: str, target: Target) -> str:
    """The key of the fact that holds a report."""
    unit, role = target
    return f"{week}|{role}|{unit or ''}"


def publications(store: Store) -> list[Publication]:
    """The latest edition of each report that the store shows, the latest week first."""
    found = map(_publication, store.latest("report").values())
    return sorted(found, key=lambda one: (one.report.week, one.report.org_unit or ""), reverse=True)


def publication(store: Store, week: str, target: Target) -> Publication:
    """The latest edition of a report. Raises NotPublished."""
    fact = store.latest_of("report", key_of(week, target))
    if fact is None:
        unit, role = target
        raise NotPublished(
            f"no report of {week} is published for {unit or 'everything'} and the role {role}; "
            "`parcimetre report list` lists those that are"
        )
    return _publication(fact)


def of_week(store: Store, week: str) -> list[Publication]:
    """The same of one week: no other is read."""
    asked = dict.fromkeys([WHOLE_TARGET, *((one.org_unit, one.role) for one in schedules(store, ended=True))])
    found = (of_key(store, key_of(week, target)) for target in asked)
    return sorted(filter(None, found), key=lambda one: one.report.org_unit or "", reverse=True)


def of_key(store: Store, key: str) -> Publication | None:
    """The latest edition of the report that a fact's key names, if there is one."""
    fact = store.latest_of("report", key)
    return None if fact is None else _publication(fact)


def fact_of(publication: Publication, now: int) -> Fact:
    """Return the fact that stores an edition."""
    body: ReportBody = {
        "org_unit": publication.report.org_unit,
        "role": publication.role,
        "edition": publication.edition,
        "published_at": publication.published_at,
        "recorded_s": publication.recorded_s,
        "served": publication.served,
        "stated": publication.stated,
        "report": to_published(publication.report),
    }
    return Fact("report", publication.key, now, body)


def _publication(fact: Fact) -> Publication:
    body = body_of(fact, ReportBody)
    return Publication(
        role=cast(Role, body["role"]),
        edition=body["edition"],
        published_at=body["published_at"],
        recorded_s=body["recorded_s"],
        served=body["served"],
        report=from_published(body["report"]),
        stated=body["stated"],
    )
