"""Verification of published reports: recompute their figures and compare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..access.context import Context
from ..access.disclosure import RULE
from ..base.errors import ParcimetreError
from ..base.scope import Scope
from .content import WeeklyReport
from .published_form import to_published
from .publishing import count_ownership_facts, has_late_facts, recompute, recorded_seconds
from .stored import Publication, Target, publication


class DisclosureRuleChanged(ParcimetreError):
    """A report for viewers that was published under an earlier rule of disclosure control."""


@dataclass(frozen=True)
class Difference:
    """A figure of a published report that differs from the recomputed one."""

    where: str
    published: Any
    computed: Any


@dataclass(frozen=True)
class Verification:
    """The differences of a recomputed report; `late` where records or ownership facts came since."""

    publication: Publication
    differences: tuple[Difference, ...]
    late: bool


def verify(context: Context, week: str, target: Target) -> Verification:
    """Recompute a published report and compare every figure.

    Raises NotPublished, FactorSetGone, and DisclosureRuleChanged for one whose small groups were hidden by an
    earlier rule.
    """
    found = publication(context.store, week, target)
    if not Scope(None, found.role).sees_devices and found.disclosure_rule != RULE:
        raise DisclosureRuleChanged(
            f"the report of {week} for the role {found.role} hides small groups by an earlier rule, so that "
            "its groups cannot be recomputed: verify the report for the role analyst or admin, which has the "
            "same records"
        )
    first, second = figures_of(found.report), figures_of(recompute(context, found))
    differences = tuple(_differences("", json.loads(first), json.loads(second))) if first != second else ()
    late = has_late_facts(
        found, recorded_seconds(context.store, found.report.span), count_ownership_facts(context.store)
    )
    return Verification(found, differences, late)


def figures_of(report: WeeklyReport) -> bytes:
    """Return the figures of a report as JSON bytes, without its state, correction and device names."""
    published: dict[str, Any] = {**to_published(report)}
    del published["state"], published["restated"]
    for named in (*(device for device, _ in published["greatest"]), *published["actions"]):
        del named["name"]
    return json.dumps(published, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _differences(where: str, one: Any, other: Any) -> Iterator[Difference]:
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*one, *other]):
            yield from _differences(f"{where}.{name}".lstrip("."), one.get(name), other.get(name))
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from _differences(f"{where}[{i}]", left, right)
    elif one != other:
        yield Difference(where, one, other)
