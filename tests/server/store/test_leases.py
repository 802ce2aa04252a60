"""Jobs once among several collectors, and taken over from one that was killed."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from parcimetre_server.store.clickhouse import open_store
from parcimetre_server.store.interface import Lease
from parcimetre_server.store.leases import run_once

HOLDS = """
import sys, time
from parcimetre_server.store.leases import run_once
from parcimetre_server.store.clickhouse import open_store
def work():
    print("at work", flush=True)
    time.sleep(600)
run_once(open_store(sys.argv[1], "s3cret"), "weekly", "W1", "killed", work, lease_s=3)
"""


@pytest.fixture
def nodes(urls):
    """Two collectors' views of one store."""
    opened = [open_store(urls, "s3cret", create=True) for _ in range(2)]
    yield opened
    for store in opened:
        store.close()


def test_a_job_is_done_once_for_each_occasion(nodes):
    done = []
    for occasion in ("W1", "W1", "W2"):
        for name, store in zip("ab", nodes, strict=True):
            assert run_once(store, "weekly", occasion, name, lambda at=occasion: done.append(at) is None) == 0
    assert done == ["W1", "W2"]


def test_of_many_that_come_at_once_one_works(nodes):
    done = []

    def come(n):
        return run_once(nodes[n % 2], "weekly", "W1", f"node{n}", lambda: done.append(n) is None)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(come, range(8)))
    assert len(done) == 1


def test_a_job_that_failed_is_free_at_once(nodes):
    one, other = nodes
    assert run_once(one, "weekly", "W1", "a", lambda: False) == 0
    assert run_once(other, "weekly", "W1", "b", lambda: True) == 0
    assert other.lease("weekly").done == "W1"


def test_a_lease_is_renewed_while_its_job_runs(nodes):
    one, other = nodes
    seen = []

    def work():
        first = one.lease("weekly").term
        while one.lease("weekly").term < first + 3:
            seen.append(run_once(other, "weekly", "W1", "b", lambda: pytest.fail("two at work")))
        return True

    run_once(one, "weekly", "W1", "a", work, lease_s=2)
    assert all(again_s > 0 for again_s in seen)
    assert other.lease("weekly").done == "W1"


def test_a_killed_collectors_job_is_taken_over_once_its_lease_is_over(nodes, urls):
    store, _ = nodes
    killed = subprocess.Popen([sys.executable, "-c", HOLDS, urls], stdout=subprocess.PIPE, text=True)
    assert killed.stdout.readline() == "at work\n"
    assert run_once(store, "weekly", "W1", "other", lambda: pytest.fail("not yet")) > 0
    killed.kill()
    killed.communicate()
    done = []
    while not done:
        run_once(store, "weekly", "W1", "other", lambda: done.append(1) is None)
    assert store.lease("weekly").done == "W1"


def test_who_slept_with_an_old_term_in_mind_holds_nothing(nodes):
    one, other = nodes
    for term in (1, 2, 3):
        assert one.take_lease("weekly", Lease(term, "a", 60))
    assert not other.take_lease("weekly", Lease(1, "b", 60))
    assert not other.take_lease("weekly", Lease(3, "b", 60))
    assert one.lease("weekly").holder == "a"


@pytest.mark.parametrize("word", ["a|b", "a'b", "é"])
def test_a_lease_is_made_of_plain_words(nodes, word):
    with pytest.raises(ValueError, match="plain words"):
        nodes[0].take_lease("weekly", Lease(1, word))
