"""Estimates of what should not be read, on sites whose truth we know."""

import math

import numpy as np
import pytest

from moderation import estimates
from moderation.estimates import Cell, Sample

HELD, REPORTED, DRAWN_OFTEN, DRAWN_SELDOM = range(4)


def a_site(seed):
    """20,000 texts: the worse, the likelier held or reported; of the rest some are drawn."""
    chance = np.random.default_rng(seed)
    n = 20_000
    score = chance.beta(0.6, 5.0, n)
    remove = chance.random(n) < score**1.3
    held = score > 0.35
    reported = ~held & remove & (chance.random(n) < 0.3)
    near = ~held & ~reported & (score > 0.2)
    stratum = np.select([held, reported, near], [HELD, REPORTED, DRAWN_OFTEN], DRAWN_SELDOM)
    drawn = chance.random(n) < np.array([0.97, 1.0, 0.15, 0.05])[stratum]
    return Sample(stratum, drawn, remove & drawn), remove, score


def test_intervals_hold_the_truth_as_often_as_they_say():
    inside = []
    for seed in range(20):
        sample, remove, score = a_site(seed)
        for limit in (0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5):
            above = score >= limit
            for which in (above, ~above):
                found = estimates.number(sample.cells(which))
                if found.known:
                    inside.append(found.low <= (remove & which).sum() <= found.high)
            found = estimates.share(sample.cells(above), sample.cells(~above))
            if found.known:
                inside.append(found.low <= (remove & above).sum() / remove.sum() <= found.high)

    assert len(inside) > 250
    assert 0.93 <= np.mean(inside) <= 0.97


def test_people_who_see_only_what_is_held_do_not_make_the_rest_look_clean():
    sample, remove, _ = a_site(1)
    everything = np.ones(len(remove), dtype=bool)

    found = estimates.number(sample.cells(everything))
    naive = sample.remove.sum()

    assert naive < found.low <= remove.sum() <= found.high


def test_what_was_looked_at_as_a_whole_leaves_no_doubt():
    found = estimates.number([Cell(50, 50, 7)])

    assert (found.value, found.low, found.high) == (7, 7, 7)


def test_of_texts_to_come_none_was_looked_at():
    found = estimates.number([Cell(50, 50, 50)], ahead=True)

    assert found.value == 50
    assert found.low < 50


def test_too_few_looked_at_say_how_many_more():
    found = estimates.number([Cell(10_000, 12, 0), Cell(8, 3, 1)])

    assert not found.known
    assert found.missing == 18 + 5
    assert math.isnan(found.value)


def test_of_nothing_there_is_no_share():
    assert not estimates.share([Cell(100, 100, 0)], [Cell(100, 100, 0)]).known


@pytest.mark.parametrize(("share", "texts"), [(0.01, 299), (0.02, 149), (0.05, 59)])
def test_the_rule_of_three(share, texts):
    assert estimates.enough_for(share) == texts
    assert (1 - share) ** texts <= 0.05 < (1 - share) ** (texts - 1)
