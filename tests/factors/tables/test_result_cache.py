"""Results that are kept: the same as worked out anew, never another set's, never without end."""

from dataclasses import replace

import pytest
from parcimetre_factors.criteria import Criterion
from parcimetre_factors.embodied.components import processor
from parcimetre_factors.hardware.description import Cpu
from parcimetre_factors.tables.factor_set import FactorSet
from parcimetre_factors.tables.result_cache import cached_per_factor_set

XEON = Cpu("Intel Xeon Gold 6134", 2)


def test_what_is_kept_is_what_is_worked_out_anew(factors):
    for criterion in Criterion:
        first, again = (processor(XEON, criterion, factors) for _ in range(2))
        assert first is again
        assert first == processor.__wrapped__(XEON, criterion, factors)


def test_one_set_never_answers_for_another(factors):
    doubled = tuple(replace(f, value=2 * f.value, high=2 * f.high) for f in factors.table("components"))
    other = FactorSet("other", {**factors.tables, "components": doubled}, factors.facts, factors.sources)
    ours, theirs = (processor(XEON, Criterion.GWP, each).value for each in (factors, other))
    assert theirs == pytest.approx(2 * ours)


def test_ever_new_parts_fill_no_memory(factors):
    echo = cached_per_factor_set(lambda number, factors: (number, factors.id), most=10)
    assert [echo(number, factors) for number in range(100)] == [(number, factors.id) for number in range(100)]
    assert len(factors.results[echo.__wrapped__]) <= 10


def test_an_answer_of_none_is_kept_too(factors):
    calls = []
    nothing = cached_per_factor_set(lambda name, _: calls.append(name))
    assert (nothing("x", factors), nothing("x", factors)) == (None, None)
    assert calls == ["x"]
