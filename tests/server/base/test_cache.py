"""The one cache: bounded, computed once for all who wait, emptied for good."""

import gc
from threading import Barrier, Event, Thread

import pytest
from parcimetre_server.base.cache import Cache, CachePerOwner, all_caches, clear_all


def cache(most=3, **about):
    return Cache("test", "Never stale.", most, **about)


def in_threads(*works):
    threads = [Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    return threads


def joined(threads):
    for thread in threads:
        thread.join(10)
    assert not any(thread.is_alive() for thread in threads)


def test_what_was_used_longest_ago_goes_first():
    values = cache()
    for key in "abc":
        values.put(key, key.upper())
    values.get("a")
    values.put("d", "D")
    assert [values.get(key) for key in "abcd"] == ["A", None, "C", "D"]
    assert (len(values), values.weight) == (3, 3)


def test_weights_are_bounded_and_what_is_too_heavy_is_not_stored():
    values = cache(most=10, weigh=len)
    values.put("a", "x" * 6)
    values.put("a", "x" * 5)
    values.put("b", "x" * 5)
    assert values.weight == 10
    values.put("b", "x" * 11)
    assert (values.get("b"), values.weight) == (None, 5)


def test_a_stored_value_is_returned_while_it_is_valid():
    values, computed = cache(), []

    def compute():
        computed.append(1)
        return len(computed)

    assert values.get_or_compute("a", compute) == values.get_or_compute("a", compute) == 1
    assert values.get_or_compute("a", compute, lambda value: value > 1) == 2
    assert values.get("a") == 2


def test_who_asks_for_the_same_meanwhile_waits_and_others_do_not():
    values, computed, together, go = cache(), [], Barrier(5), Event()

    def compute():
        computed.append(1)
        go.wait(10)
        return "value"

    def ask():
        together.wait(10)
        assert values.get_or_compute("a", compute) == "value"

    threads = in_threads(*[ask] * 4)
    together.wait(10)
    assert values.get_or_compute("b", lambda: "other") == "other"
    go.set()
    joined(threads)
    assert len(computed) == 1
    assert not values._turns


def test_a_failure_is_raised_and_the_next_one_computes_again():
    values = cache()
    with pytest.raises(ZeroDivisionError):
        values.get_or_compute("a", lambda: 1 // 0)
    assert values.get_or_compute("a", lambda: "value") == "value"


def test_one_step_of_an_update_runs_at_a_time_on_the_value_before():
    values = cache()
    joined(in_threads(*[lambda: values.update("a", lambda before: (before or 0) + 1)] * 8))
    assert values.get("a") == 8


def test_what_was_being_computed_when_the_cache_was_emptied_is_not_stored():
    values = cache()

    def compute():
        clear_all()
        return "of before"

    assert values.get_or_compute("a", compute) == "of before"
    epoch = values.epoch
    values.clear()
    values.put("b", "of before", epoch)
    assert len(values) == values.weight == 0


def test_each_owner_has_a_cache_that_goes_with_it():
    class Owner:
        """Anything that can be referred to weakly."""

    caches, owner, other = CachePerOwner("of an owner", "Never stale.", 1), Owner(), Owner()
    caches.of(owner).put("a", "value")
    assert caches.of(owner).get("a") == "value"
    assert caches.of(other).get("a") is None
    del owner
    gc.collect()
    assert len(caches._caches) == 1


def test_every_cache_has_a_name_and_a_rule_of_one_sentence(fleet):
    assert all_caches()
    for one in all_caches():
        assert one.name
        assert one.stale.endswith(".")
        assert one.stale.count(". ") == 0
