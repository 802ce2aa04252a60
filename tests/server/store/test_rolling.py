"""Quarter hours added up and given back: no sum changes, whatever is done again and in whatever order."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parcimetre_server.store.rolling import HOUR_OF, NO_MEAN, PIECES, STATES, Quarters, spread
from parcimetre_server.store.rolling import roll as roll_pieces

SLOT_S = 900
WEEKDAY = np.where((np.arange(96) >= 24) & (np.arange(96) < 76), 0, 1)


def roll(day, hours, parts=WEEKDAY):
    return roll_pieces(day, HOUR_OF if hours == 1 else parts, PIECES[hours])


@st.composite
def days(draw):
    """Any day of records as the format allows them, with one channel that counts now and then."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    has = rng.random(96) < draw(st.sampled_from([0.0, 0.03, 0.5, 1.0]))
    cuts = np.sort(rng.integers(0, SLOT_S + 1, (96, STATES)), axis=1)
    states = np.diff(cuts, axis=1, prepend=0)
    states[:, 0] += states.sum(axis=1) == 0
    awake_s = states[:, :2].sum(axis=1)
    deciles = rng.multinomial(awake_s, [0.1] * 10)
    seconds = np.where(has[:, None], np.hstack([states, deciles]), 0)
    counted_s = np.where(has & (rng.random(96) < 0.6), rng.integers(1, SLOT_S + 1, 96), 0)
    joules = draw(st.sampled_from([1e-310, 1e-9, 0.3, 1e7])) * rng.random(96)
    means = np.where(has[:, None] & (rng.random((96, 5)) < 0.8), rng.integers(0, 2000, (96, 5)), NO_MEAN)
    return Quarters(seconds, means, np.where(counted_s > 0, joules, 0.0)[None], counted_s[None])


def same(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in vars(one))


@settings(max_examples=150, deadline=None)
@given(days(), st.sampled_from([1, 24]))
def test_what_is_given_back_adds_up_to_the_same_and_could_have_been_sent(day, hours):
    sums = roll(day, hours)
    given_ = spread(sums)
    assert same(roll(given_, hours), sums)
    assert (given_.seconds[:, :STATES].any(axis=1) == day.seconds[:, :STATES].any(axis=1)).all()
    assert given_.seconds.min() >= 0
    assert given_.seconds[:, :STATES].sum(axis=1).max() <= SLOT_S
    assert (given_.seconds[:, STATES:].sum(axis=1) <= given_.seconds[:, :2].sum(axis=1)).all()
    assert given_.counted_s.max() <= SLOT_S
    assert not given_.energy_j[given_.counted_s == 0].any()
    assert given_.seconds.sum() == day.seconds.sum()
    assert given_.energy_j.sum() == pytest.approx(math.fsum(day.energy_j[0]), rel=1e-14, abs=1e-320)


@settings(max_examples=100, deadline=None)
@given(days())
def test_a_day_given_back_by_quarter_hour_then_kept_by_hour_is_the_same_day(day):
    as_day = roll(spread(roll(day, 1)), 24)
    assert same(roll(spread(roll(spread(as_day), 1)), 24), as_day)


def test_an_hour_is_shared_equally_among_the_quarters_that_have_a_record():
    seconds, means = np.zeros((96, 14), np.int64), np.full((96, 5), NO_MEAN)
    seconds[[0, 1, 3], 0] = 900, 300, 600
    energy_j, counted_s = np.zeros((1, 96)), np.zeros((1, 96), np.int64)
    energy_j[0, 0], counted_s[0, 0] = 9000.0, 900
    means[0, 0] = 500
    found = spread(roll(Quarters(seconds, means, energy_j, counted_s), 1))
    assert found.seconds[:4, 0].tolist() == [600, 600, 0, 600]
    assert found.counted_s[0, :4].tolist() == [300, 300, 0, 300]
    assert found.energy_j[0, :4].tolist() == pytest.approx([3000, 3000, 0, 3000])
    assert found.means[:4, 0].tolist() == [500, 500, NO_MEAN, 500]


def test_a_day_keeps_apart_what_was_used_in_working_hours_and_at_night():
    seconds, means = np.zeros((96, 14), np.int64), np.full((96, 5), NO_MEAN)
    seconds[:, 2] = 900
    energy_j, counted_s = np.full((1, 96), 9.0), np.full((1, 96), 900)
    energy_j[0, WEEKDAY == 0] = 90.0
    sums = roll(Quarters(seconds, means, energy_j, counted_s), 24)
    assert sums.energy_j.tolist() == [[52 * 90.0, 44 * 9.0, 0.0, 0.0]]
    assert spread(sums).energy_j[0] == pytest.approx(energy_j[0])
