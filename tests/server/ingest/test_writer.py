"""Group commit: nothing is acknowledged before it is on disk, and nothing grows without bound."""

import threading
from concurrent.futures import Future, wait
from pathlib import Path

import pytest
from parcimetre_agent.report import Slot
from parcimetre_server.ingest.writer import NotStored, Overloaded, Writer
from parcimetre_server.store.embedded import EmbeddedStore, open_store
from parcimetre_server.store.records import DeviceId, WriteBatch

DEVICE = DeviceId("a" * 32)
PATIENCE_S = 30


def arrival(number: int) -> WriteBatch:
    """One slot of its own."""
    return WriteBatch(DEVICE, [Slot(number * 900, 900, 0, 0, 0, 0)])


class SlowStore:
    """The real store behind a gate, which counts its commits."""

    def __init__(self, store: EmbeddedStore) -> None:
        self.store, self.gate, self.commits = store, threading.Event(), []
        self.entered = threading.Event()

    def write(self, arrivals):
        self.entered.set()
        assert self.gate.wait(PATIENCE_S)
        self.commits.append(len(arrivals))
        return self.store.write(arrivals)


@pytest.fixture
def slow(tmp_path: Path):
    store = open_store(tmp_path, create=True)
    yield SlowStore(store)
    store.close()


def test_an_acknowledged_arrival_is_in_the_store(slow):
    slow.gate.set()
    writer = Writer(slow, 10)
    assert writer.submit(arrival(1)).result(PATIENCE_S).accepted == 1
    assert list(slow.store.activity(DEVICE, 0, 10_000).start) == [900]
    writer.close()


def test_the_arrivals_of_one_report_are_committed_together_and_counted_as_one(slow):
    slow.gate.set()
    writer = Writer(slow, 10)
    outlet = WriteBatch(DeviceId("b" * 32), [Slot(900, 900, 0, 0, 0, 0)])
    merged = writer.submit(arrival(1), outlet, outlet).result(PATIENCE_S)
    assert (merged.accepted, merged.duplicates) == (2, 1)
    assert slow.commits == [3]
    writer.close()


def test_what_waits_is_committed_together_and_answered_each_for_itself(slow):
    writer = Writer(slow, 100)
    first = writer.submit(arrival(0))
    assert slow.entered.wait(PATIENCE_S)
    others = [writer.submit(arrival(number % 20)) for number in range(1, 41)]
    slow.gate.set()
    wait([first, *others], PATIENCE_S)
    assert slow.commits == [1, 40]
    assert sum(future.result().accepted for future in others) == 19
    assert sum(future.result().duplicates for future in others) == 21
    writer.close()


def test_a_full_queue_says_when_to_come_again(slow):
    writer = Writer(slow, 2)
    taken: list[Future] = [writer.submit(arrival(0))]
    assert slow.entered.wait(PATIENCE_S)
    taken += [writer.submit(arrival(1)), writer.submit(arrival(2))]
    with pytest.raises(Overloaded) as told:
        writer.submit(arrival(3))
    assert int(told.value.headers["Retry-After"]) > 0
    assert told.value.status == 503
    slow.gate.set()
    writer.close()
    assert all(future.result().accepted == 1 for future in taken)


def test_reports_being_received_are_bounded_too(slow):
    writer = Writer(slow, 1)
    with writer.admit(), pytest.raises(Overloaded), writer.admit():
        pass
    with writer.admit():
        pass
    writer.close()


def test_a_batch_that_cannot_be_written_is_not_acknowledged_and_the_next_one_is(tmp_path):
    class FullDisk:
        full = True

        def write(self, arrivals):
            if self.full:
                raise OSError(28, "No space left on device")
            return store.write(arrivals)

    store, disk = open_store(tmp_path, create=True), FullDisk()
    writer = Writer(disk, 10)
    with pytest.raises(NotStored, match="No space left"):
        writer.submit(arrival(1)).result(PATIENCE_S)
    disk.full = False
    assert writer.submit(arrival(1)).result(PATIENCE_S).accepted == 1
    writer.close()
    store.close()


def test_closing_writes_what_waits_and_takes_nothing_more(slow):
    writer = Writer(slow, 100)
    waiting = [writer.submit(arrival(number)) for number in range(20)]
    closing = threading.Thread(target=writer.close)
    closing.start()
    slow.gate.set()
    closing.join(PATIENCE_S)
    assert all(future.done() and future.result().accepted == 1 for future in waiting)
    with pytest.raises(Overloaded):
        writer.submit(arrival(99))


def test_a_client_that_hangs_up_does_not_stop_the_others(slow):
    writer = Writer(slow, 100)
    writer.submit(arrival(0))
    assert slow.entered.wait(PATIENCE_S)
    gone, stayed = writer.submit(arrival(1)), writer.submit(arrival(2))
    assert gone.cancel()
    slow.gate.set()
    assert stayed.result(PATIENCE_S).accepted == 1
    assert writer.submit(arrival(3)).result(PATIENCE_S).accepted == 1
    writer.close()
