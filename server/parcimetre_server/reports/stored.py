"""Published reports in the store: read the latest revisions, and the fact that stores one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from ..access.disclosure import RULE
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
    """A published revision of a report, for readers of a role, with the settings it was computed with.

    `recorded_s` are the recorded seconds that the store had of the week, `stated` is the number of ownership
    facts: late ones increase either. `disclosure_rule` is the version of the rule that hid small groups.
    """

    role: Role
    revision: int
    published_at: int
    recorded_s: int
    served: ServedSettings
    report: WeeklyReport
    stated: int = 0
    disclosure_rule: int = RULE

    @property
    def key(self) -> str:
        """The key of its fact, the same for all revisions."""
        return key_of(self.report.week, (self.report.org_unit, self.role))

    @property
    def target(self) -> Target:
        """Org unit and role of its readers."""
        return self.report.org_unit, self.role


def key_of(week: str, target: Target) -> str:
    """Return the key of the fact that stores a report."""
    unit, role = target
    return f"{week}|{role}|{unit or ''}"


def publications(store: Store) -> list[Publication]:
    """Return the latest revision of each report in the store, the latest week first."""
    found = map(_publication_of, store.latest("report").values())
    return sorted(found, key=lambda one: (one.report.week, one.report.org_unit or ""), reverse=True)


def publication(store: Store, week: str, target: Target) -> Publication:
    """Return the latest revision of a report. Raises NotPublished."""
    fact = store.latest_of("report", key_of(week, target))
    if fact is None:
        unit, role = target
        raise NotPublished(
            f"no report of {week} is published for {unit or 'everything'} and the role {role}; "
            "`parcimetre report list` lists the published reports"
        )
    return _publication_of(fact)


def of_week(store: Store, week: str) -> list[Publication]:
    """Return the latest revisions of one week, reading no other."""
    asked = dict.fromkeys([WHOLE_TARGET, *((one.org_unit, one.role) for one in schedules(store, ended=True))])
    found = (of_key(store, key_of(week, target)) for target in asked)
    return sorted(filter(None, found), key=lambda one: one.report.org_unit or "", reverse=True)


def of_key(store: Store, key: str) -> Publication | None:
    """Return the latest revision under a fact's key, None where there is none."""
    fact = store.latest_of("report", key)
    return None if fact is None else _publication_of(fact)


def fact_of(publication: Publication, now: int) -> Fact:
    """Return the fact that stores a revision."""
    body: ReportBody = {
        "org_unit": publication.report.org_unit,
        "role": publication.role,
        "edition": publication.revision,
        "published_at": publication.published_at,
        "recorded_s": publication.recorded_s,
        "served": publication.served,
        "stated": publication.stated,
        "disclosure_rule": publication.disclosure_rule,
        "report": to_published(publication.report),
    }
    return Fact("report", publication.key, now, body)


def _publication_of(fact: Fact) -> Publication:
    body = body_of(fact, ReportBody)
    return Publication(
        role=cast(Role, body["role"]),
        revision=body["edition"],
        published_at=body["published_at"],
        recorded_s=body["recorded_s"],
        served=body["served"],
        report=from_published(body["report"]),
        stated=body["stated"],
        disclosure_rule=body["disclosure_rule"],
    )
