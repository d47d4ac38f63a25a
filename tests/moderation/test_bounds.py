"""Bounds for draws without replacement: known values, edges, and how often they are wrong."""

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.bounds import MOST_LOOKS, at_most_found, looks, most_marked

BANDS = st.integers(1, 60).flatmap(
    lambda size: st.tuples(st.just(size), st.integers(0, size), st.integers(1, size))
)


@given(BANDS, st.integers(0, 60))
def test_the_probability_is_that_of_counting_every_draw(band, found):
    size, marked, draws = band
    ways = sum(
        comb(marked, n) * comb(size - marked, draws - n) for n in range(min(found, draws) + 1)
    )
    expected = ways / comb(size, draws)
    assert at_most_found(size, marked, draws, found) == pytest.approx(expected, abs=1e-9)


# Reckoned with scipy.stats.hypergeom.cdf.
@pytest.mark.parametrize(
    ("size", "draws", "found", "error", "most"),
    [
        (100, 10, 0, 0.05, 24),
        (100, 50, 0, 0.05, 4),
        (1000, 100, 0, 0.05, 28),
        (1000, 100, 2, 0.05, 59),
        (10_000, 149, 0, 0.05, 197),
        (50_000, 184, 0, 0.025, 990),
        (50_000, 300, 5, 0.05, 1733),
        (1_000_000, 149, 0, 0.05, 19_903),
    ],
)
def test_known_values(size, draws, found, error, most):
    assert most_marked(size, draws, found, error) == most
    assert at_most_found(size, most, draws, found) > error
    assert at_most_found(size, most + 1, draws, found) <= error


def test_a_band_that_was_drawn_whole_leaves_nothing_open():
    assert most_marked(20, 20, 3, 0.05) == 3
    assert most_marked(1, 1, 0, 0.05) == 0


@pytest.mark.parametrize(("size", "limit"), [(1, 0.02), (40, 0.02), (5_000, 0.02), (50_000, 0.1)])
def test_looks_are_set_beforehand_and_share_the_error(size, limit):
    found = list(looks(size, limit, 0.05))
    assert [look.draws for look in found] == sorted({look.draws for look in found})
    assert found[-1].draws == size or len(found) == MOST_LOOKS
    assert sum(look.error for look in found) <= 0.05
    for look in found:
        left = most_marked(size, look.draws, look.allows, look.error) - look.allows
        assert left <= limit * (size - look.draws)


def test_the_first_look_at_a_large_band_needs_some_two_hundred_clean_draws():
    first, second, *_ = looks(50_000, 0.02, 0.05)
    assert (first.draws, first.error, first.allows) == (183, 0.025, 0)
    assert (second.error, second.allows) == (0.0125, 1)
    assert 300 < second.draws < 330


@pytest.mark.parametrize(
    ("size", "marked", "draws"), [(300, 9, 80), (300, 40, 60), (2000, 60, 150)]
)
def test_the_bound_is_below_the_truth_as_seldom_as_it_says(size, marked, draws):
    chance = random.Random(4)
    wrong = sum(
        most_marked(size, draws, sum(n < marked for n in chance.sample(range(size), draws)), 0.05)
        < marked
        for _ in range(500)
    )
    # 5 % and what chance adds in 500 tries: three standard errors.
    assert wrong / 500 <= 0.05 + 0.03


@pytest.mark.parametrize("marked", [31, 40, 60])
def test_who_goes_on_until_it_unlocks_is_still_seldom_wrong(marked):
    """With more left than the limit allows, look after look: all of them together."""
    size, limit, chance = 1000, 0.03, random.Random(7)
    plan = list(looks(size, limit, 0.05))
    most = {}

    def passes(look, found):
        if (look, found) not in most:
            most[look, found] = most_marked(size, look.draws, found, look.error)
        return most[look, found] - found <= limit * (size - look.draws)

    wrong = 0
    for _ in range(500):
        order = [n < marked for n in chance.sample(range(size), size)]
        for look in plan:
            found = sum(order[: look.draws])
            if found <= look.allows and passes(look, found):
                wrong += marked - found > limit * (size - look.draws)
                break
    assert wrong / 500 <= 0.05 + 0.03
