"""Estimates from audits: by hand, and how often their intervals hold where the truth is known."""

import math

import numpy as np
import pytest

from moderation import sampling
from moderation.sampling import Sample

# Four judges, twelve units, 0 where one did not judge: Krippendorff, "Computing Krippendorff's
# Alpha-Reliability" (2011), section C.
FOUR_JUDGES = np.array(
    [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, 0, 0, 0],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, 0, 3],
        [0, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, 0],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, 0],
    ]
).T - 1  # fmt: skip


def sample(size, hits, n, share=1.0):
    return Sample(size, np.array([1.0] * hits + [0.0] * (n - hits)), np.full(n, share))


def test_alpha_is_that_of_the_book():
    assert sampling.alpha(FOUR_JUDGES) == pytest.approx(0.743, abs=0.0005)


def test_alpha_by_hand():
    # Two judges, ten units, they differ on two; 0: 10 times, 1: 10 times.
    codes = np.array([[0, 0]] * 4 + [[1, 1]] * 4 + [[0, 1]] * 2)
    # 1 - (20 - 1) * 4 / (10 * 10 * 2)
    assert sampling.alpha(codes) == pytest.approx(1 - 19 * 4 / 200)
    assert math.isnan(sampling.alpha(np.zeros((5, 2), int)))
    assert math.isnan(sampling.alpha(np.array([[0, -1], [1, -1]])))


def test_a_unit_of_weight_two_counts_as_two():
    twice = np.array([[0, 0], [0, 0], [0, 1], [0, 1], [1, 1], [1, 1]])
    weighted = sampling.alpha(twice[::2], np.full(3, 2.0))
    plain = sampling.alpha(twice[::2])
    assert weighted == pytest.approx(plain), "equal weights change nothing"
    codes = np.array([[0, 0], [0, 1], [1, 1]])
    assert sampling.alpha(codes, np.array([9.0, 1.0, 9.0])) > plain


def test_wilson_by_hand():
    # 8 of 10 (Brown, Cai, DasGupta, 2001).
    low, high = sampling.wilson(0.8, 10)
    assert (low, high) == (pytest.approx(0.4902, abs=5e-5), pytest.approx(0.9433, abs=5e-5))
    assert sampling.wilson(0, 10)[0] == 0
    assert sampling.wilson(0.5, 0) == (0.0, 1.0)


def test_a_share_is_weighted_by_how_rarely_its_cases_were_drawn():
    # One in a hundred of the first, one in ten of the second.
    mixed = Sample(200, np.array([1.0, 0.0]), np.array([0.01, 0.1]))
    assert mixed.share == pytest.approx(100 / 110)
    assert mixed.effective == pytest.approx(110**2 / (100**2 + 10**2))


def test_figures_by_hand():
    samples = {
        "published": sample(8000, 1, 100, 0.0125),
        "near": sample(1000, 10, 100, 0.1),
        "held": sample(800, 400, 800),
        "rejected": sample(200, 45, 50, 0.25),
    }
    found = sampling.figures(samples)
    bad = 80 + 100 + 400 + 180
    assert found.precision["published"].value == pytest.approx((9000 - 180) / 9000)
    assert found.precision["held"].value == pytest.approx(0.5)
    assert found.precision["rejected"].value == pytest.approx(0.9)
    assert found.recall["published"].value == pytest.approx((9000 - 180) / (10_000 - bad))
    assert found.recall["rejected"].value == pytest.approx(180 / bad)
    assert found.caught.value == pytest.approx(580 / bad)
    for each in (*found.precision.values(), *found.recall.values(), found.caught):
        assert each.low <= each.value <= each.high


def test_where_too_little_is_known_it_says_how_much_is_missing():
    empty = sample(5000, 0, 0)
    assert sampling.of_share(empty).needed == 97
    few = sampling.of_share(sample(5000, 5, 10))
    # The interval of ten is some 0.26 to either side: 10 * 2.6 ** 2.
    assert 55 <= few.needed <= 65
    assert sampling.of_share(sample(5000, 200, 400)).needed == 0
    found = sampling.figures(dict.fromkeys(("published", "near", "held", "rejected"), empty))
    assert math.isnan(found.caught.value)
    assert found.caught.needed == 4 * 97
    with pytest.raises(ValueError, match="above 0"):
        sample(10, 1, 2, 0.0)


def audited(chance):
    """Audit a site of known truth; return its samples, and how many are bad in each stratum."""
    sizes = {"published": 20_000, "near": 2000, "held": 1000, "rejected": 400}
    rates = {"published": 0.01, "near": 0.1, "held": 0.5, "rejected": 0.9}
    shares = {"published": 0.02, "near": 0.1, "held": 0.95, "rejected": 0.4}
    samples, bad = {}, {}
    for name, size in sizes.items():
        bad[name] = int(chance.binomial(size, rates[name]))
        hits = int(chance.binomial(bad[name], shares[name]))
        others = int(chance.binomial(size - bad[name], shares[name]))
        samples[name] = sample(size, hits, hits + others, shares[name])
    return samples, bad


def test_the_intervals_hold_the_truth_as_often_as_they_say():
    """A site of known truth is audited, 20 times with each of 20 seeds."""
    recall, precision = [], []
    for seed in range(20):
        chance = np.random.default_rng(seed)
        for _ in range(20):
            samples, bad = audited(chance)
            found = sampling.of_ratio(
                [("held", 1), ("rejected", 1)], [(name, 1) for name in samples], samples
            )
            truth = (bad["held"] + bad["rejected"]) / sum(bad.values())
            recall.append(found.low <= truth <= found.high)
            found = sampling.of_share(samples["rejected"])
            precision.append(found.low <= bad["rejected"] / 400 <= found.high)
    # 400 runs: two standard errors are 2.2 points. Wilson's knows nothing of finite numbers: of
    # 400, of which 160 were looked at, it holds more often than it says.
    assert 0.93 <= np.mean(recall) <= 0.972
    assert np.mean(precision) >= 0.95


def test_the_interval_of_agreement_holds_the_truth():
    held = []
    for seed in range(20):
        chance = np.random.default_rng(seed)
        # Each of two judges is right nine times in ten, half of the cases are to be rejected.
        truth = chance.integers(0, 2, (10, 300, 1))
        codes = np.where(chance.random((10, 300, 2)) < 0.9, truth, 1 - truth)
        for each in codes:
            found = sampling.of_agreement(each, np.ones(300), draws=100)
            # They agree with 0.82, by chance with 0.5.
            held.append(found.low <= 0.64 <= found.high)
    assert np.mean(held) >= 0.91
