"""Table of roles and their capabilities, for the page of administration and the documentation."""

from __future__ import annotations

from collections.abc import Iterator

from ..base.i18n import N_, Translator
from ..base.scope import CAPABILITIES, ROLES, Capability
from .labels import ROLE_LABELS

CAPABILITY_LABELS: dict[Capability, str] = {
    "sums": N_("sums of groups"),
    "devices": N_("single devices, by day"),
    "host_names": N_("host names"),
    "presence": N_("presence data, if switched on"),
    "access_record": N_("access record"),
    "administration": N_("administration"),
}
YES, NO = N_("yes"), "–"


def headings(say: Translator) -> list[str]:
    """Return the headings of the table."""
    return [say(N_("Role")), *(say(label) for label in CAPABILITY_LABELS.values())]


def role_rows(say: Translator) -> Iterator[tuple[str, str, list[str]]]:
    """Yield the name of each role, its key, and whether it has each capability."""
    for role in ROLES:
        has = [say(YES) if name in CAPABILITIES[role] else NO for name in CAPABILITY_LABELS]
        yield say(ROLE_LABELS[role]), role, has


def as_markdown(say: Translator) -> str:
    """Return the table as the documentation has it."""
    heads = headings(say)
    lines = [f"| {' | '.join(heads)} |", f"| {' | '.join('---' for _ in heads)} |"]
    lines += [f"| {name} (`{role}`) | {' | '.join(has)} |" for name, role, has in role_rows(say)]
    return "\n".join(lines)
