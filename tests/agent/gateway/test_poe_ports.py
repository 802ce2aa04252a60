"""Names of PoE ports: the maker's, never what people typed."""

import pytest
from parcimetre_agent.gateway.makers import maker_of
from parcimetre_agent.gateway.poe_ports import name_oids, ports

ARUBA, CISCO, MIKROTIK = (maker_of(f"1.3.6.1.4.1.{enterprise}.1").poe for enterprise in (47196, 9, 14988))


def called(table, powers, told, parts=None):
    """The names of ports whose names a switch tells."""
    oids = name_oids(table, powers, parts or {})
    names = {oid: told.get(row, "") for row, oid in oids.items()}
    return [tap.outlet for tap in ports(table, powers, oids, names)]


@pytest.mark.parametrize(
    "name", ["1/1/5", "Gi1/0/5", "GigabitEthernet1/0/5", "ge-0/0/5", "A5", "1:39", "Port 5"]
)
def test_a_name_of_a_makers_form_is_taken(name):
    assert called(ARUBA, {"1.5": 4200}, {"1.5": name}) == [name]


@pytest.mark.parametrize(
    "name", ["bureau de M. Martin", "martin", "M.Martin 5", "éclairage5", "", "a" * 80, "1" * 80]
)
def test_what_may_have_been_typed_is_not(name):
    assert called(ARUBA, {"1.5": 4200}, {"1.5": name}) == ["port 1/5"]


def test_two_ports_of_one_name_stay_two():
    told = {"1.5": "Gi1/0/5", "1.6": "Gi1/0/5"}
    assert called(ARUBA, {"1.5": 4200, "1.6": 300}, told) == ["port 1/5", "port 1/6"]


def test_a_row_that_names_no_part_is_known_by_its_numbers():
    assert called(CISCO, {"1.1": 5, "1.2": 5}, {"1.1": "Gi1/0/1"}, {"1.1": 1010, "1.2": 0}) == [
        "Gi1/0/1",
        "port 1/2",
    ]


def test_names_that_an_admin_gives_to_interfaces_are_not_asked_for():
    assert name_oids(MIKROTIK, {"2": 31}, {}) == {}
    (tap,) = ports(MIKROTIK, {"2": 31}, {}, {})
    assert (tap.outlet, tap.watts) == ("port 2", 0.1)
