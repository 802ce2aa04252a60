"""What outlets gave, on every engine: kept like slots, the energy of what hangs there, erased for good."""

from parcimetre_agent.report import SLOT_S, Energy, Slot
from parcimetre_server.fleet.deletion import delete
from parcimetre_server.fleet.outlets.energy import activities, span
from parcimetre_server.fleet.outlets.records import outlet_id
from parcimetre_server.organisation.connections import ConnectionMap
from parcimetre_server.store.interface import Store
from parcimetre_server.store.records import DeviceId, WriteBatch

from tests.server.fleet.outlets.feeders import enrol, feed, gave, hang

START = 1_700_000_000 // 86_400 * 86_400
STARTS = range(START, START + 8 * SLOT_S, SLOT_S)
SWITCH, PHONE, PDU = (DeviceId(letter * 32) for letter in "abc")


def read(store: Store) -> dict[str, list[float]]:
    """The measured energy of each device by slot."""
    found = activities(store, ConnectionMap.of(store), [SWITCH, PHONE, PDU], START, START + 8 * SLOT_S)
    return {key: sum(one.energy_j for one in activity.measured).tolist() for key, activity in found}


def test_what_a_switch_gave_is_the_phone_s_and_no_more_the_switch_s(store: Store) -> None:
    wall = Energy("energy_object", "wall_ac", "measured", 45_000.0, 900)
    enrol(store, SWITCH, "network", [Slot(at, 0, 900, 0, 0, 0, energy=[wall]) for at in STARTS])
    enrol(store, PHONE, "phone")
    enrol(store, PDU, "pdu")
    feeds = [feed(at, "3", 5400, "poe", 600 if at == START else 900) for at in STARTS]
    assert [(one.accepted, one.duplicates) for one in gave(store, SWITCH, feeds, START)] == [(8, 0)]
    assert [(one.accepted, one.duplicates) for one in gave(store, SWITCH, feeds, START)] == [(0, 8)]
    gave(store, PDU, [feed(at, name, 900) for at in STARTS for name in "12"], START)
    hang(store, SWITCH, "3", PHONE)
    hang(store, PDU, "1", PHONE, first=STARTS[4])
    assert read(store) == {
        SWITCH: [45_000.0, *[39_600.0] * 7], PHONE: [*[5400.0] * 3, *[6300.0] * 4],
    }  # fmt: skip
    assert span(store, ConnectionMap.of(store), PHONE) == (STARTS[0], STARTS[-1])
    store.write([WriteBatch(PHONE, [Slot(START, 0, 900, 0, 0, 0)])])
    assert read(store)[PHONE] == [0.0, *[5400.0] * 3, *[6300.0] * 4]
    store.tidy(START + 100 * 86_400)
    store.roll_up(START // 86_400 + 1, 1)
    assert sum(read(store)[SWITCH]) + sum(read(store)[PHONE]) == sum([45_000.0] * 8) + 4 * 900
    delete(store, PDU, "sold", START)
    assert outlet_id(PDU, "1") not in store.spans()
    assert store.latest("outlet").keys() == {outlet_id(SWITCH, "3")}
    assert sum(read(store)[SWITCH]) + sum(read(store)[PHONE]) == sum([45_000.0] * 8)
