"""Feeders and what hangs on them, for tests: facts and slots as the collector keeps them."""

from parcimetre_agent.report import Feed
from parcimetre_server.fleet.outlets.records import from_outlets, outlet_id
from parcimetre_server.store.records import Fact, WriteBatch

SLOT_S = 900


def feed(start, outlet, energy_j, scope="wall_ac", duration_s=900, source="pdu", quality="measured"):
    """What an outlet gave in a slot."""
    return Feed(start, outlet, scope, source, quality, float(energy_j), duration_s)


def gave(store, feeder, feeds, now):
    """Keep what a feeder says of its outlets."""
    found = from_outlets(feeder, list(feeds), store, now)
    assert not found.contradictions
    store.append(found.facts)
    return store.write(found.arrivals)


def hang(store, feeder, outlet, device, first=0, at=1):
    """Say what hangs on an outlet from a time on."""
    store.append([Fact("feeding", outlet_id(feeder, outlet), at, {"device": device, "from": first})])


def enrol(store, device_id, category, slots=(), org_unit="Métropole/DSI", **about):
    """A device that a gateway speaks for."""
    body = {
        "category": category, "org_unit": org_unit, "site": "Hôtel de Ville", "hostname": None,
        "simulated": False, "virtual": "none", "install_id": device_id, "enrolled_at": 0,
        "agent_version": "1",
    }  # fmt: skip
    store.write([WriteBatch(device_id, list(slots), [Fact("device", device_id, 1, body | about)])])
