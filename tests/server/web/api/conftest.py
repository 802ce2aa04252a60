"""A collector of two communes, and a device of one of them."""

import pytest

from ...conftest import DAY_S
from .identity_world import LAST, A, World, slots


@pytest.fixture
def world(empty, client_of):
    return World(empty, client_of)


@pytest.fixture
def victim(world):
    """A machine of A that reported for three days, up to now."""
    made = world.machine(A)
    made.enrols(hostname="victim")
    made.reports(slots=slots(LAST - 3 * DAY_S, LAST), inventory=made.inventory())
    return made
