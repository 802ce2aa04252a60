"""Which addresses are asked: those that were named, and no other."""

import pytest
from parcimetre_agent.base.errors import BadSettings
from parcimetre_agent.gateway.targets import hosts


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("10.1.2.7", ["10.1.2.7"]),
        ("printer-3.example.org", ["printer-3.example.org"]),
        ("10.1.2.0/30", ["10.1.2.1", "10.1.2.2"]),
        ("10.1.2.254-10.1.3.1", ["10.1.2.254", "10.1.2.255", "10.1.3.0", "10.1.3.1"]),
        ("10.1.2.9-11", ["10.1.2.9", "10.1.2.10", "10.1.2.11"]),
        ("fd00::1-fd00::3", ["fd00::1", "fd00::2", "fd00::3"]),
    ],
    ids=["address", "name", "network", "range", "last-byte", "ipv6"],
)
def test_a_named_entry_is_its_addresses(named, expected):
    assert hosts(named) == expected


@pytest.mark.parametrize(
    "named", ["", "10.1.2.9-3", "10.1.2.0/99", "10.1.2.1-fd00::1", "10.0.0.0/8", "10.0.0.1-10.9.0.0"]
)
def test_what_makes_no_sense_or_is_too_much_is_refused_in_a_sentence(named):
    with pytest.raises(BadSettings):
        hosts(named)
