"""Days of any form read together: each device has its own slots and counters, as its records say."""

import numpy as np
import pytest
from parcimetre_agent.report import SLOT_S, Energy, Slot
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.embedded.columns import activity
from parcimetre_server.store.errors import StoreUnusable
from parcimetre_server.store.records import DeviceId, WriteBatch

DAY_S, DAY = 86_400, 19_675
DAYS = 4  # rolled up to a day, to hours, sealed, open
CHANNELS = {
    "a" * 32: [("rapl", "package"), ("battery", "battery")],
    "b" * 32: [],
    "c" * 32: [("battery", "battery")],
    "d" * 32: [("pdu", "wall_ac"), ("rapl", "package")],
}


def records(key):
    """Slots with gaps; a channel counts in some of them only, and which comes first changes by day."""
    drawn = np.random.default_rng(int(key, 16) % 1000)
    for at in range(DAYS * 96):
        on_s, quiet_s = (int(n) for n in drawn.integers(0, 450, 2))
        if drawn.random() < 0.3:
            continue
        named = CHANNELS[key][:: -1 if at // 96 % 2 else 1]
        energy = [Energy(source, scope, "measured", float(drawn.integers(1, 9000)), on_s + 1)
                  for source, scope in named if drawn.random() < 0.8]  # fmt: skip
        deciles = [on_s // 3, *[0] * 8, on_s - on_s // 3]
        yield Slot(DAY * DAY_S + at * SLOT_S, on_s, 0, quiet_s, 0, 900 - on_s - quiet_s, deciles,
                   energy=energy)  # fmt: skip


@pytest.fixture
def store(tmp_path):
    made = open_store(tmp_path, create=True)
    made.write([WriteBatch(DeviceId(key), list(records(key))) for key in CHANNELS])
    made.tidy((DAY + 3) * DAY_S + 6 * 3600)
    made.roll_up(DAY + 2, 1)
    made.roll_up(DAY + 1, 24)
    yield made
    made.close()


def test_days_of_every_form_read_together_are_what_each_record_says(store):
    first, last = DAY * DAY_S + 10 * SLOT_S, (DAY + DAYS) * DAY_S - 5 * SLOT_S
    found = dict(store.activities([DeviceId(key) for key in CHANNELS], first, last))
    assert set(found) == set(CHANNELS)
    for key, read in found.items():
        slots = [slot for slot in store.slots(key, first, last) if slot.covered_s]
        assert read.start.tolist() == [slot.start for slot in slots]
        for name in ("display_on_s", "display_off_s", "asleep_s", "off_s"):
            assert getattr(read, name).tolist() == [getattr(slot, name) for slot in slots]
        assert read.load_deciles_s.tolist() == [slot.load_deciles_s or [0] * 10 for slot in slots]
        counted = {
            (m.source, m.scope, read.start[i]): (m.energy_j[i], m.duration_s[i])
            for m in read.measured
            for i in np.flatnonzero(m.duration_s).tolist()
        }
        assert counted == {(one.source, one.scope, slot.start): (one.energy_j, one.duration_s)
                           for slot in slots for one in slot.energy}  # fmt: skip


def test_a_device_without_days_has_no_slots():
    read = activity([], 0, DAY_S)
    assert len(read.start) == 0
    assert read.load_deciles_s.shape == (0, 10)


def test_a_damaged_day_is_told_with_the_file(store):
    with store._transaction():
        store._db.execute("UPDATE sealed_day SET records = x'00'")
    with pytest.raises(StoreUnusable, match="is damaged"):
        list(store.activities([DeviceId("a" * 32)], DAY * DAY_S, (DAY + DAYS) * DAY_S))
