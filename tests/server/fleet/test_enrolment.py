"""Secrets let machines in until they are revoked or expire, and every machine is one device."""

import re
import threading
from dataclasses import replace

import pytest
from parcimetre_agent.report import EnrolRequest, HardwareIdentity
from parcimetre_factors.errors import UnknownZone
from parcimetre_server.fleet.devices import device
from parcimetre_server.fleet.enrolment import (
    BadSecret,
    Enrolment,
    UnknownSecret,
    all_secrets,
    create_secret,
    revoke_secret,
)
from parcimetre_server.fleet.joins import all_joins
from parcimetre_server.fleet.retirement import retire
from parcimetre_server.organisation.org import sites, units


def asks(secret, number=1, fingerprint=True, **about):
    """A machine's request."""
    hardware = HardwareIdentity(f"{number:032x}", "none", f"{number:064x}" if fingerprint else None)
    return EnrolRequest(1, secret, hardware, "laptop", "0.1.0", **about)


def test_a_secret_makes_its_unit_and_site_and_is_never_stored(empty):
    made, text = create_secret(empty, "Métropole/Ville", "Hôtel de Ville", zone="FR")
    assert text.startswith("ps_")
    assert units(empty.store) == ["Métropole", "Métropole/Ville"]
    assert sites(empty.store)["Hôtel de Ville"].zone == "FR"
    assert all_secrets(empty.store) == [made]
    assert text not in repr(empty.store.history("secret"))


def test_a_secret_for_an_unknown_zone_makes_nothing_of_use(empty):
    with pytest.raises(UnknownZone, match="XX"):
        create_secret(empty, "Ville", "Somewhere", zone="XX")
    assert all_secrets(empty.store) == []


def test_an_existing_site_keeps_its_zone_unless_told(empty):
    create_secret(empty, "A", "Shared", zone="DE")
    create_secret(empty, "B", "Shared")
    assert sites(empty.store)["Shared"].zone == "DE"


def test_a_device_stands_where_its_secret_says(empty):
    _, text = create_secret(empty, "Métropole/Ville", "Mairie")
    found = device(empty.store, Enrolment(empty).enrol(asks(text, hostname="pc-7")))
    assert (found.org_unit, found.site, found.hostname) == ("Métropole/Ville", "Mairie", "pc-7")
    assert (found.enrolled_at, found.retired_at) == (empty.now(), None)


def test_the_same_machine_gets_its_device_back_and_says_nothing_new(empty):
    _, text = create_secret(empty, "Ville")
    enrolment = Enrolment(empty)
    first = enrolment.enrol(asks(text))
    assert enrolment.enrol(asks(text)) == first
    assert Enrolment(empty).enrol(asks(text)) == first, "a restarted collector knows it too"
    assert len(empty.store.history("device")) == 1


def test_a_machine_that_proves_who_it_is_moves_to_the_unit_of_another_secret(empty, clock_at):
    enrolment = Enrolment(empty)
    _, first = create_secret(empty, "A")
    _, second = create_secret(empty, "B")
    began = empty.now()
    moved = enrolment.enrol(asks(first))
    clock_at(began + 1000)
    assert enrolment.enrol(asks(second), moved) == moved
    found = device(empty.store, moved)
    assert (found.org_unit, found.enrolled_at) == ("B", began)
    assert [stay.org_unit for stay in found.stays] == ["A", "B"], "what it did before stays with its unit"


def test_a_machine_that_does_not_prove_it_is_a_new_one_with_another_units_secret(empty):
    enrolment = Enrolment(empty)
    _, first = create_secret(empty, "A")
    _, second = create_secret(empty, "B")
    known, new = enrolment.enrol(asks(first)), enrolment.enrol(asks(second))
    assert known != new
    assert [device(empty.store, key).org_unit for key in (known, new)] == ["A", "B"]
    (join,) = all_joins(empty.store)
    assert (join.earlier, join.later, join.state) == (known, new, "waiting")


def test_machines_enrolling_at_once_with_the_same_hardware_are_one_device(empty):
    _, text = create_secret(empty, "Ville")
    enrolment, found = Enrolment(empty), []
    threads = [threading.Thread(target=lambda: found.append(enrolment.enrol(asks(text)))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize("reason", ["unknown", "revoked on", "expired on"])
def test_a_secret_that_does_not_hold_is_refused_with_the_mend(empty, clock_at, reason):
    made, text = create_secret(empty, "Ville", expires_at=empty.now() + 3600)
    if reason == "unknown":
        text = "ps_wrong"
    elif reason == "revoked on":
        revoke_secret(empty, made.id)
    else:
        clock_at(made.expires_at)
    with pytest.raises(BadSecret, match=reason) as told:
        Enrolment(empty).enrol(asks(text))
    assert "create another" in str(told.value)
    assert told.value.status == 403
    assert empty.store.latest("device") == {}


def test_a_secret_revoked_elsewhere_is_refused_at_once(empty):
    made, text = create_secret(empty, "Ville")
    enrolment = Enrolment(empty)
    enrolment.enrol(asks(text))
    revoke_secret(empty, made.id)
    with pytest.raises(BadSecret):
        enrolment.enrol(asks(text, number=2))


def test_a_secret_keeps_the_day_it_was_first_revoked(empty, clock_at):
    made, _ = create_secret(empty, "Ville")
    once = revoke_secret(empty, made.id)
    clock_at(empty.now() + 86_400)
    assert revoke_secret(empty, made.id) == once
    with pytest.raises(UnknownSecret, match="list"):
        revoke_secret(empty, "nonsense")


def test_a_retired_device_comes_back_only_with_a_secret_made_since(empty, clock_at):
    _, before = create_secret(empty, "Ville")
    enrolment = Enrolment(empty)
    gone = enrolment.enrol(asks(before))
    clock_at(empty.now() + 60)
    retire(empty.store, gone, empty.now())
    with pytest.raises(BadSecret, match="retired"):
        enrolment.enrol(asks(before))
    _, since = create_secret(empty, "Ville")
    assert enrolment.enrol(asks(since)) == gone
    assert device(empty.store, gone).retired_at is None


def test_an_enrolment_reads_no_more_of_a_large_fleet_than_of_a_small_one(empty):
    _, text = create_secret(empty, "Ville")

    class Counting:
        def __init__(self, store):
            self.store, self.asked = store, []

        def __getattr__(self, name):
            self.asked.append(name)
            return getattr(self.store, name)

    counting = Counting(empty.store)
    enrolment = Enrolment(replace(empty, store=counting))
    for number in range(50):
        enrolment.enrol(asks(text, number))
    assert counting.asked.count("latest") == 1
    assert not [name for name in counting.asked if re.match("history|span|activit", name)]
