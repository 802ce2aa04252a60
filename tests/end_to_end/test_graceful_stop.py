"""A collector told to stop answers what has arrived: what is answered is stored, the rest may be resent."""

import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from parcimetre_agent.report import SLOT_S, Report, Slot
from parcimetre_agent.sending import wire_json
from parcimetre_server.store.embedded import open_store
from parcimetre_server.store.records import DeviceId

MACHINES, REPORTS = 10, 20
EPOCH = int(time.time()) // SLOT_S * SLOT_S


def document(machine, number):
    """A report of one slot."""
    slot = Slot(EPOCH - (number + 1) * SLOT_S, 900, 0, 0, 0, 0)
    about = {"sent_at": int(time.time()), "agent_version": "0.1.0", "schema": 1}
    return wire_json.as_json(Report(device_id=machine.device_id, slots=[slot], **about))


@pytest.mark.slow
def test_sigterm_amid_200_reports_loses_none_that_was_answered(collector, machine):
    machines = [machine() for _ in range(MACHINES)]
    everything = [(one, number) for number in range(REPORTS) for one in machines]

    def send(which):
        """Status of the answer, or None where there was none."""
        index, (one, number) = which
        if index == len(everything) // 4:
            collector.terminate()
        try:
            return one.post(document(one, number)).status_code
        except httpx.HTTPError:
            return None

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(send, enumerate(everything)))
    collector.stop()
    assert set(answers) <= {200, 503, None}
    assert 200 in answers
    answered = {pair for pair, status in zip(everything, answers, strict=True) if status == 200}
    assert held(collector, machines) >= {(one.device_id, number) for one, number in answered}
    collector.start()
    for one, number in everything:
        told = one.post(document(one, number)).json()
        assert told["accepted"] + told["duplicates"] == 1
        assert (one, number) not in answered or told["duplicates"] == 1
    collector.stop()
    assert held(collector, machines) == {(one.device_id, number) for one, number in everything}
    assert "Traceback" not in collector.log.read_text()


def held(collector, machines):
    """Device and number of every slot in the store."""
    store = open_store(collector.folder)
    found = {
        (one.device_id, (EPOCH - start) // SLOT_S - 1)
        for one in machines
        for start in store.activity(DeviceId(one.device_id), 0, EPOCH).start.tolist()
    }
    store.close()
    return found
