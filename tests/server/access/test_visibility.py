"""The rules of visibility alone: what a reader may see of each kind of fact."""

from dataclasses import dataclass, field
from typing import get_args

import pytest
from parcimetre_server.access.visibility import BY_ROLE, RULES, is_visible, visible_part
from parcimetre_server.access.visible_periods import ALWAYS
from parcimetre_server.base.periods import LAST_SECOND
from parcimetre_server.base.scope import Scope
from parcimetre_server.organisation.transfers import Placement
from parcimetre_server.store.records import Fact, FactKind

A, B = "M/A", "M/B"
OURS, LEFT, THEIRS = "ours", "left", "theirs"
LEFT_AT = 1000


@dataclass
class History:
    """One device that always was here, one that left, and one of others."""

    sites: frozenset[str] = frozenset({"Here"})
    known: dict = field(default_factory=lambda: {OURS: ALWAYS, LEFT: ((0, LEFT_AT),)})

    def periods(self, source):
        return self.known.get(source, ())

    def placements(self, fact):
        return [Placement(A, "Here", 0, last) for _, last in self.periods(fact.key)]

    def is_known(self, device_id):
        return device_id in self.known

    def whole(self, device_id):
        return device_id


def seen(kind, key=OURS, at=1, scope=Scope(A), **body):  # noqa: B008  frozen
    return is_visible(scope, Fact(kind, key, at, body), History())


def test_a_kind_without_a_rule_is_hidden_from_everybody():
    for kind in set(get_args(FactKind)) - RULES.keys():
        assert not seen(kind, scope=Scope(A))
        assert not seen(kind, scope=Scope(None, "analyst"))


def test_readers_of_everything_see_all_that_has_a_rule_but_reports_of_higher_roles():
    for kind in RULES.keys() - BY_ROLE:
        assert seen(kind, THEIRS, scope=Scope(None, "viewer"))
    assert not seen("report", org_unit=None, role="admin", scope=Scope(None, "viewer"))
    assert seen("report", org_unit=None, role="viewer", scope=Scope(None, "viewer"))


@pytest.mark.parametrize("kind", ["grid", "setting"])
def test_what_belongs_to_nobody_is_for_everybody(kind):
    assert seen(kind, "anything")


@pytest.mark.parametrize("kind", ["device", "lineage", "inventory", "purchase", "outlet", "feeding"])
def test_what_describes_a_device_goes_with_it_also_once_it_has_left(kind):
    about = {"org_unit": A, "site": "Here"}
    assert [seen(kind, key, **about) for key in (OURS, LEFT, THEIRS)] == [True, True, False]


@pytest.mark.parametrize("kind", ["self_cost", "losses", "printing"])
def test_what_was_recorded_after_a_device_has_left_is_hidden(kind):
    assert [seen(kind, LEFT, at) for at in (LEFT_AT - 1, LEFT_AT)] == [True, False]
    assert not seen(kind, THEIRS)


def test_a_dead_letter_is_its_device_s_while_it_was_here():
    assert [seen("dead_letter", "letter", at, device=LEFT) for at in (1, LEFT_AT)] == [True, False]


def test_what_was_attached_before_a_device_came_is_seen_and_after_it_has_left_is_not():
    assert [seen("attached", LEFT, at) for at in (-1, LEFT_AT - 1, LEFT_AT)] == [True, True, False]


def test_units_transfers_and_sites_are_those_of_the_scope():
    assert seen("org_unit", f"{A}/C")
    assert not seen("org_unit", "M")
    assert [seen("transfer", THEIRS, org_unit=unit) for unit in (A, B)] == [True, False]
    assert [seen("site", site) for site in ("Here", "There")] == [True, False]


def test_contracts_of_a_unit_above_hold_here_too():
    units = {A: True, "M": True, f"{A}/C": True, B: False, None: True}
    assert {unit: seen("contract", site=None, org_unit=unit) for unit in units} == units
    assert [seen("contract", site=site, org_unit=None) for site in ("Here", "There")] == [True, False]


def test_a_report_says_no_more_than_its_reader_may_see():
    def of(unit, role, scope):
        return seen("report", scope=scope, org_unit=unit, role=role)

    assert of(f"{A}/C", "analyst", Scope(A, "analyst"))
    assert not of(f"{A}/C", "admin", Scope(A, "analyst"))
    assert not of("M", "viewer", Scope(A, "admin"))
    assert [of(unit, "viewer", Scope(A, "viewer")) for unit in (A, f"{A}/C")] == [True, False]


@pytest.mark.parametrize("kind", ["schedule", "delivery"])
def test_addresses_of_recipients_are_for_admins_of_their_unit(kind):
    scopes = [Scope(A, "admin"), Scope(A, "analyst"), Scope(B, "admin"), Scope(None, "admin")]
    assert [seen(kind, scope=scope, org_unit=A) for scope in scopes] == [True, False, False, True]


def part(kind, key, scope, **body):
    return visible_part(scope, Fact(kind, key, 1, body), History()).body


def test_a_host_name_is_for_admins_while_the_device_is_here():
    about = {"hostname": "name", "org_unit": B, "site": "There"}
    here = {**about, "org_unit": A, "site": "Here"}
    assert part("device", OURS, Scope(A, "admin"), **here) == here
    assert part("device", OURS, Scope(A, "analyst"), **here) == {**here, "hostname": None}
    assert part("device", LEFT, Scope(A, "admin"), **about) == {**here, "hostname": None}
    assert History().placements(Fact("device", OURS, 1, {}))[-1].last == LAST_SECOND


def test_ids_of_other_units_devices_are_hidden():
    assert part("monitor", "m", Scope(A), machines=[THEIRS, OURS]) == {"machines": [OURS]}
    assert part("outlet", "o", Scope(A), feeder=OURS) == {"feeder": OURS}
    assert THEIRS not in str(part("outlet", "o", Scope(A), feeder=THEIRS))
    assert THEIRS not in str(part("feeding", "o", Scope(A), device=THEIRS))
    assert part("feeding", "o", Scope(A), device=None) == {"device": None}
