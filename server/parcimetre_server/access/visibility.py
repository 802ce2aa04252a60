"""Which facts a reader may see, and how much of each: a pure rule for each kind of fact.

A rule takes the reader's scope, the fact, and what the history says of the scope. A kind without a rule is
hidden: a new one stays so until somebody says whose it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from ..base.periods import LAST_SECOND
from ..base.scope import Scope
from ..organisation.connections import elsewhere
from ..organisation.left_out import FAULTS
from ..organisation.transfers import Placement
from ..store.records import DeviceId, Fact, FactKind
from .visible_periods import ALWAYS, Period, is_inside


class History(Protocol):
    """What merges, transfers and connections say of a scope."""

    @property
    def sites(self) -> frozenset[str]:
        """Sites where a device of the scope is or was located."""

    def periods(self, source: DeviceId) -> tuple[Period, ...]:
        """Return when the records of an id are in scope."""

    def placements(self, fact: Fact) -> Sequence[Placement]:
        """Return the placements at units of the scope of the device that a fact states."""

    def is_known(self, device_id: DeviceId) -> bool:
        """Return whether a device, a part of it, or a monitor's computer ever was at a unit of the scope."""

    def whole(self, device_id: DeviceId) -> DeviceId:
        """Return the device that an id was merged into, else the id."""


Rule = Callable[[Scope, Fact, History], bool]


def is_visible(scope: Scope, fact: Fact, history: History) -> bool:
    """Return whether a reader of a scope may see a fact at all."""
    rule = RULES.get(fact.kind)
    if rule is None:
        return False
    if scope.root is None and fact.kind not in BY_ROLE:
        return True
    try:
        return rule(scope, fact, history)
    except FAULTS:  # a damaged fact: nobody can say whose it is
        return False


def visible_part(scope: Scope, fact: Fact, history: History) -> Fact:
    """Return a visible fact without what its reader may not see: host names, and ids of other units' devices.

    A device that has left the scope is at the last unit and site that it had in it.
    """
    if fact.kind == "monitor":
        stated = fact.body.get("machines")
        machines = [one for one in stated if history.is_known(one)] if isinstance(stated, list) else []
        return replace(fact, body={**fact.body, "machines": machines})
    if fact.kind in ID_IN_OUTLET_FACTS:
        return _without_other_device(fact, ID_IN_OUTLET_FACTS[fact.kind], history)
    return _device_in_scope(scope, fact, history) if fact.kind == "device" else fact


def _device_in_scope(scope: Scope, fact: Fact, history: History) -> Fact:
    periods = history.periods(DeviceId(fact.key)) if scope.root else ALWAYS
    if scope.sees_host_names and periods == ALWAYS:
        return fact
    last = history.placements(fact)[-1]
    is_here = last.last == LAST_SECOND
    hostname = fact.body.get("hostname") if scope.sees_host_names and is_here else None
    return replace(
        fact, body={**fact.body, "hostname": hostname, "org_unit": last.org_unit, "site": last.site}
    )


def _without_other_device(fact: Fact, name: str, history: History) -> Fact:
    """Return a fact of an outlet with a pseudonym for a feeder or device of other units."""
    key = fact.body[name]
    if key is None or history.is_known(history.whole(DeviceId(key))):
        return fact
    return replace(fact, body={**fact.body, name: elsewhere(history.whole(DeviceId(key)))})


def _everybody(_scope: Scope, _fact: Fact, _history: History) -> bool:
    return True


def _of_unit(scope: Scope, fact: Fact, _history: History) -> bool:
    return scope.covers(fact.key)


def _of_device(_scope: Scope, fact: Fact, history: History) -> bool:
    return history.is_known(DeviceId(fact.key)) and bool(history.placements(fact))


def _of_known_device(_scope: Scope, fact: Fact, history: History) -> bool:
    return history.is_known(DeviceId(fact.key))


def _while_in_scope(_scope: Scope, fact: Fact, history: History) -> bool:
    return is_inside(fact.recorded_at, history.periods(DeviceId(fact.key)))


def _before_it_left(_scope: Scope, fact: Fact, history: History) -> bool:
    """Return whether it was stated before the device left: what was attached when it came still is."""
    return fact.recorded_at < max((end for _, end in history.periods(DeviceId(fact.key))), default=0)


def _of_dead_letter(_scope: Scope, fact: Fact, history: History) -> bool:
    return is_inside(fact.recorded_at, history.periods(fact.body["device"]))


def _of_monitor(_scope: Scope, fact: Fact, history: History) -> bool:
    return any(map(history.is_known, fact.body["machines"]))


def _of_outlet(_scope: Scope, fact: Fact, history: History) -> bool:
    return bool(history.periods(DeviceId(fact.key)))


def _of_transfer(scope: Scope, fact: Fact, _history: History) -> bool:
    return scope.covers(str(fact.body["org_unit"]))


def _of_site(_scope: Scope, fact: Fact, history: History) -> bool:
    return fact.key in history.sites


def _of_contract(scope: Scope, fact: Fact, history: History) -> bool:
    site, org_unit = fact.body["site"], fact.body["org_unit"]
    if site is not None:
        return site in history.sites
    return org_unit is None or scope.touches(str(org_unit))


def _of_report(scope: Scope, fact: Fact, _history: History) -> bool:
    """Return whether a report says no more than its reader may see; a reader of sums gets none of a part."""
    org_unit = fact.body["org_unit"]
    if not scope.includes_reports_for(fact.body["role"]):
        return False
    return _covers(scope, org_unit) if scope.sees_devices else org_unit == scope.root


def _of_recipient(scope: Scope, fact: Fact, _history: History) -> bool:
    """Return whether a schedule or delivery, which holds addresses, is of the reader's own admin."""
    return scope.administers and _covers(scope, fact.body["org_unit"])


def _of_look(scope: Scope, fact: Fact, _history: History) -> bool:
    """Return whether a look was at devices of the reader's units, and they see the access record."""
    return scope.sees_access_record and _covers(scope, fact.body["org_unit"])


def _covers(scope: Scope, org_unit: str | None) -> bool:
    return scope.root is None or (org_unit is not None and scope.covers(org_unit))


BY_ROLE: frozenset[FactKind] = frozenset({"report", "schedule", "delivery", "look"})
ID_IN_OUTLET_FACTS: Mapping[FactKind, str] = {"outlet": "feeder", "feeding": "device"}
OF_A_DEVICE: Mapping[FactKind, Rule] = {
    "inventory": _of_known_device,
    "purchase": _of_known_device,
    "attached": _before_it_left,
    "self_cost": _while_in_scope,
    "losses": _while_in_scope,
    "printing": _while_in_scope,
}
RULES: Mapping[FactKind, Rule] = {
    **OF_A_DEVICE,
    "grid": _everybody,
    "setting": _everybody,
    "org_unit": _of_unit,
    "device": _of_device,
    "lineage": _of_known_device,
    "transfer": _of_transfer,
    "site": _of_site,
    "contract": _of_contract,
    "dead_letter": _of_dead_letter,
    "monitor": _of_monitor,
    "outlet": _of_outlet,
    "feeding": _of_outlet,
    "report": _of_report,
    "schedule": _of_recipient,
    "delivery": _of_recipient,
    "look": _of_look,
}
