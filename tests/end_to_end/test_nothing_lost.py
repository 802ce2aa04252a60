"""Whatever is wrong on an agent's side, what it measured waits in its spool and arrives once it is mended."""

import subprocess
import sys
import time

import pytest
from parcimetre_agent.recording.slot import SlotRecord
from parcimetre_agent.recording.spool import Spool
from parcimetre_agent.report import SLOT_S
from parcimetre_server.store.embedded import open_store

DAY_S = 86_400
EARLIER = 8
AHEAD = f"""
import sys, time
right = time.time
time.time = lambda: right() + {DAY_S}
from parcimetre_agent.cli import main
sys.exit(main())
"""


@pytest.fixture
def backlog(agent):
    """Starts of slots that wait in the agent's spool; it has not enrolled yet."""
    agent.folder.mkdir(mode=0o700)
    last = int(time.time()) // SLOT_S * SLOT_S - SLOT_S
    starts = [last - i * SLOT_S for i in range(EARLIER)][::-1]
    records = [SlotRecord(start, 0, 900, 0, 0, 0, [900, *([0] * 9)], None, []) for start in starts]
    Spool(str(agent.folder)).put(records, [], None, time.time())
    return starts


def stored(collector, first, last):
    """Starts of all slots the collector has, of whatever device, in a period."""
    store = open_store(collector.folder)
    found = [activity.start.tolist() for _, activity in store.activities(store.latest("device"), first, last)]
    store.close()
    return [start for starts in found for start in starts]


def complaint(done):
    """The one sentence on standard error of a command that needs a person."""
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr.strip()


def wrong(collector, agent):
    agent.hold("ps_of-another-collector")
    return "check the secret file"


def revoked(collector, agent):
    told = collector.secret()
    agent.hold(told["secret"])
    assert collector.command("enrolment-secret", "revoke", told["id"]).returncode == 0
    return f"enrolment secret {told['id']} was revoked"


def expired(collector, agent):
    made = collector.command("enrolment-secret", "create", "--org-unit", "A", "--expires", "2020-01-01")
    agent.hold(made.stdout)
    return "expired on 2020-01-01"


def empty(collector, agent):
    agent.hold("")
    return "write the enrolment secret into it"


@pytest.mark.parametrize("damage", [wrong, revoked, expired, empty], ids=lambda damage: damage.__name__)
def test_a_secret_that_does_not_let_in_costs_no_slot(collector, agent, backlog, damage):
    good = agent.secret_file.read_text()
    told = damage(collector, agent)
    assert told in complaint(agent.once())
    assert agent.status()["slots"] >= EARLIER
    agent.hold(good)
    done = agent.once()
    assert done.returncode == 0, done.stderr
    assert agent.status()["slots"] == 0
    assert stored(collector, backlog[0], backlog[-1] + SLOT_S) == backlog


def test_a_clock_a_day_ahead_costs_no_slot_measured_before(collector, agent, backlog):
    enrolled = agent.enrol()
    assert enrolled.returncode == 0, enrolled.stderr
    line = [sys.executable, "-c", AHEAD, "once", *agent.about]
    ahead = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
    said = complaint(ahead)
    assert "clock" in said
    assert "ahead of the collector's" in said
    assert agent.status()["slots"] >= EARLIER
    done = agent.once()
    assert done.returncode == 0, done.stderr
    assert "in the future; set the machine's clock" in done.stdout
    assert stored(collector, backlog[0], backlog[-1] + SLOT_S) == backlog
    assert stored(collector, int(time.time()) + DAY_S // 2, int(time.time()) + 2 * DAY_S) == []


def test_a_credential_of_a_collector_that_lost_its_key_is_renewed_with_the_secret(collector, agent, backlog):
    assert agent.enrol().returncode == 0
    collector.stop()
    (collector.folder / "credential.key").unlink()
    collector.start()
    done = agent.once()
    assert done.returncode == 0, done.stderr
    assert stored(collector, backlog[0], backlog[-1] + SLOT_S) == backlog


def test_a_damaged_spool_is_put_beside_and_measuring_goes_on(agent):
    agent.folder.mkdir(mode=0o700)
    spool = agent.folder / "spool.sqlite"
    spool.write_bytes(b"no database " * 500)
    assert agent.once("--print").returncode == 0
    assert spool.read_bytes().startswith(b"no database")
    assert agent.once().returncode == 0
    assert (agent.folder / "spool.sqlite.damaged").read_bytes().startswith(b"no database")


def test_a_spool_of_a_newer_agent_is_left_as_it_is(agent, backlog):
    spool = agent.folder / "spool.sqlite"
    with Spool(str(agent.folder))._transaction() as db:
        db.execute("pragma user_version = 99")
    before = spool.read_bytes()
    said = complaint(agent.once())
    assert str(spool) in said
    assert "install a newer agent" in said
    assert spool.read_bytes() == before
