"""Drift: chance alone raises few alarms, a real change is found, and a share to expect is met."""

import numpy as np
import pytest
from scipy.stats import chi2

from moderation.drift import (
    BANDS,
    EDGES,
    ERROR,
    LOOKS,
    binned,
    chi_square_beyond,
    compare,
    corrected,
    expected_share,
)

REFERENCE, PRESENT, SERIES = 28, 7, 2


def days_of(chance, shape, days, *, a_day=120, alike=150.0):
    """Counts by day and band; the smaller `alike`, the more the days differ among themselves."""
    spread = np.diff(EDGES ** (1 / shape))
    return np.array(
        [chance.multinomial(a_day, chance.dirichlet(spread * alike + 1e-9)) for _ in range(days)]
    )


def looked_at(series, day):
    """The corrected p of a day: the last week against the four weeks before it."""
    found = [
        compare(one[day - PRESENT - REFERENCE : day - PRESENT], one[day - PRESENT : day])
        for one in series
    ]
    return corrected(np.array([one.p for one in found])), found


@pytest.mark.parametrize("freedom", [1, 2, 3, 8, 19])
@pytest.mark.parametrize("value", [0.0, 0.3, 4.0, 40.0, 900.0])
def test_chi_square_is_that_of_the_books(freedom, value):
    assert chi_square_beyond(value, freedom) == pytest.approx(chi2.sf(value, freedom), rel=1e-9)


def test_a_score_at_an_edge_lies_above_it_and_none_lies_nowhere():
    assert binned(np.array([0.0, 0.005, 0.3, 1.0, np.nan])).tolist() == [0, 1, 11, BANDS - 1, -1]


def test_holm_and_the_days_are_corrected_for():
    assert corrected(np.array([1e-4, 0.01, 1e-5])) == pytest.approx(
        [2e-4 * LOOKS, 0.01 * LOOKS, 3e-5 * LOOKS]
    )


def test_chance_alone_raises_an_alarm_within_four_weeks_at_most_as_often_as_stated():
    sites, alarmed = 20, 0
    for seed in range(sites):
        chance = np.random.default_rng(seed)
        series = [days_of(chance, 6.0, REFERENCE + PRESENT + LOOKS) for _ in range(SERIES)]
        first = REFERENCE + PRESENT
        alarmed += any(
            looked_at(series, day)[0].min() <= ERROR for day in range(first, first + LOOKS)
        )
    # Of 20 sites one may; 4 or more happen by chance in fewer than one in sixty such tests.
    assert alarmed < 4


def test_a_real_change_of_one_label_is_found_and_no_other_is_named():
    found, others = 0, 0
    for seed in range(6):
        chance = np.random.default_rng(seed)
        series = [days_of(chance, 6.0, REFERENCE + PRESENT) for _ in range(SERIES)]
        # The mean score rises from 0.14 to 0.25.
        series[1][-PRESENT:] = days_of(chance, 3.0, PRESENT)
        p, each = looked_at(series, REFERENCE + PRESENT)
        found += p[1] <= ERROR
        others += int((np.delete(p, 1) <= ERROR).sum())
        assert each[1].psi > 0.2 > each[0].psi
    assert (found, others) == (6, 0)


def test_of_too_few_comments_or_days_nothing_is_said():
    chance = np.random.default_rng(1)
    few = days_of(chance, 6.0, 7, a_day=20)
    many = days_of(chance, 6.0, 28)
    assert compare(many, few) is None
    assert compare(many[:13], many[:7]) is None
    assert compare(many[:14], many[:7]) is not None


def test_bands_where_nobody_ever_was_do_not_break_it():
    counts = np.zeros((28, BANDS), dtype=np.int64)
    counts[:, 0] = 100
    found = compare(counts, counts[:7])
    assert (found.psi, found.p) == (pytest.approx(0), 1.0)


def test_the_share_to_expect_holds_on_new_days():
    """Days that differ as much as those before: a day in twenty leaves limits of 95 in 100."""
    outside, days = 0, 0
    for seed in range(15):
        chance = np.random.default_rng(seed)
        totals = chance.integers(300, 900, 38).astype(float)
        hits = chance.binomial(totals.astype(int), chance.beta(8, 72, 38)).astype(float)
        for day in range(28, 38):
            said = expected_share(hits[:28], totals[:28], int(totals[day]), error=0.05)
            outside += not said.low <= hits[day] / totals[day] <= said.high
            days += 1
    assert 0.01 < outside / days < 0.1


def test_without_days_nothing_is_expected():
    assert expected_share(np.array([1.0]), np.array([10.0]), 10, error=0.05) is None
    nothing = expected_share(np.zeros(10), np.full(10, 100.0), 100, error=0.05)
    assert nothing.value == 0
    assert nothing.high < 0.05
