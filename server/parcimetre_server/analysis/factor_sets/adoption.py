"""Adoption of a factor set: put the candidate in force, with an entry in the audit log."""

from __future__ import annotations

from parcimetre_factors.tables.factor_set import FactorSet

from ...access.context import Context
from ...base.errors import ParcimetreError
from ...configuration import factor_sets
from ...organisation.audit import entry


class AnotherCandidate(ParcimetreError):
    """A candidate other than the one the reader reviewed."""

    status = 409
    kind = "another-candidate"


def adopt(context: Context, looked_at: str | None = None) -> FactorSet:
    """Put the candidate in force: for commands at once, for a running collector at its next start.

    `looked_at` is the id of the reviewed set. Raises NothingImported, BadFactorRow and AnotherCandidate.
    """
    data_dir = context.settings.data_dir
    found, before = factor_sets.candidate(data_dir), factor_sets.in_force(data_dir)
    if looked_at not in (None, found.id):
        raise AnotherCandidate(
            f"the candidate is now {found.id}, not {looked_at}: review its effect before adopting it"
        )
    factor_sets.adopt(data_dir)
    change = {"set": before.id}, {"set": found.id}
    context.store.append([entry("factors adopted", found.id, context.now(), *change)])
    return found
