"""Whether scores are spread as they used to be, and whether a day's share is one to expect.

Plain functions on numpy arrays; nothing here knows a database. Scores are counted in bands (EDGES),
day by day, in a reference and at present.

- How far: the population stability index, the sum of (p - q) ln(p / q) over the bands. Below 0.1
  it is called small, above 0.25 large (Siddiqi, Credit Risk Scorecards, 2006; Yurdakul, Statistical
  Properties of Population Stability Index, 2018, on what chance alone gives).
- Whether chance gives so much: Pearson's two-sample chi-square, over bands in which at least five
  are expected. Comments of a day resemble each other, so its own tables would cry wolf. Where they
  see anything, whole days are dealt anew between reference and present (a permutation test; Good,
  Permutation, Parametric and Bootstrap Tests, 2005), until ten deals gave as much (Besag and
  Clifford, Biometrika 1991). It asks only that days could have come in another order.
- Many series: Holm (Scandinavian Journal of Statistics 1979), which needs no independence.
- Many days: the permitted error is spent evenly over LOOKS days and then anew (Lan and DeMets,
  Biometrika 1983, the spending function alpha t). So within four weeks chance alone raises any
  alarm at all in at most ERROR of all sites, about once in a year and a half.
- A share to expect: the beta-binomial, how much days differ estimated by moments (Kleinman, JASA
  1973; Williams, Applied Statistics 1982).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import erfc, exp, lgamma, log, sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Narrow where most scores lie: a band of a twentieth below 0.1 would hold nearly all of them.
_LOW = (0, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.2, 0.25)
EDGES = np.array([*_LOW, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1])
BANDS = len(EDGES) - 1

ERROR = 0.05
LOOKS = 28
# Nothing is said of fewer comments in either time, nor of a reference of fewer days.
FEWEST = 200
# From so many days in all a week can be dealt in 100,000 ways: enough for what is corrected for.
FEWEST_DAYS = 21
# And a share to expect takes so many days.
FEWEST_SHARES = 7
_EXPECTED = 5.0
_DRAWS = 20_000
# Above this p the tables of chi-square decide: after the correction nothing is left of it.
_CLEAR = 0.01
_DEALS, _FIRST, _AT_ONCE, _ENOUGH = 100_000, 200, 10_000, 10


def binned(scores: Floats) -> Ints:
    """Return which band each score of 0..1 lies in, (n,); -1 where there is none (NaN)."""
    bands = np.searchsorted(EDGES[1:-1], scores, side="right").astype(np.int64)
    return np.where(np.isnan(scores), -1, bands)


@dataclass(frozen=True)
class Drift:
    """How the scores of one series at present differ from those of the reference.

    `reference` and `present`: (BANDS,) comments by band. `psi`: see above. `p`: how often chance
    alone gives so much, for this series and this day alone.
    """

    reference: Ints
    present: Ints
    psi: float
    p: float


def compare(reference: Ints, present: Ints) -> Drift | None:
    """Compare days of counts, (days, BANDS) each. None where too little is known to say anything.

    The same days give the same.
    """
    days = np.concatenate([reference, present])
    is_now = np.arange(len(days)) >= len(reference)
    is_any = days.sum(axis=1) > 0
    days, is_now = days[is_any], is_now[is_any]
    before, now = days[~is_now].sum(axis=0), days[is_now].sum(axis=0)
    if len(days) < FEWEST_DAYS or min(before.sum(), now.sum()) < FEWEST:
        return None
    group = _groups(before + now, min(before.sum(), now.sum()) / (before.sum() + now.sum()))
    many = int(group[-1]) + 1
    grouped = np.array([np.bincount(group, day, many) for day in days])
    present_sum = grouped[is_now].sum(axis=0)
    psi = _psi(np.array([grouped[~is_now].sum(axis=0), present_sum]))
    if many < 2:
        return Drift(before, now, psi, 1.0)
    found = float(_chi_square(present_sum[None, :], grouped.sum(axis=0))[0])
    p = chi_square_beyond(found, many - 1)
    return Drift(before, now, psi, p if p > _CLEAR else _dealt(grouped, int(is_now.sum()), found))


def _dealt(days: Floats, present: int, found: float) -> float:
    """How often so many `present` of the days, (days, groups), dealt at random, differ as much."""
    total, as_much, dealt = days.sum(axis=0), 0, 0
    for deals in _deals(len(days), present):
        sums = deals.astype(np.float64) @ days
        as_much += int((_chi_square(sums, total) >= found * (1 - 1e-9)).sum())
        dealt += len(deals)
        if as_much >= _ENOUGH:
            break
    # The deal that there was is one of them.
    return (as_much + 1) / (dealt + 1)


def _deals(days: int, present: int) -> Iterator[npt.NDArray[np.bool_]]:
    """Yield deals, (deals, days) whether a day is of the present: a few, which mostly tell enough,
    and then all of _DEALS."""
    yield _dealt_out(days, present, _FIRST)
    # Most series have the same days, and may share them.
    every = _dealt_out(days, present, _DEALS)
    for start in range(_FIRST, _DEALS, _AT_ONCE):
        yield every[start : start + _AT_ONCE]


@lru_cache(maxsize=2)
def _dealt_out(days: int, present: int, deals: int) -> npt.NDArray[np.bool_]:
    chance, found = np.random.default_rng(0), np.zeros((deals, days), dtype=np.bool_)
    for start in range(0, deals, _AT_ONCE):
        some = found[start : start + _AT_ONCE]
        lots = chance.random(some.shape, dtype=np.float32)
        np.put_along_axis(some, lots.argpartition(present, axis=1)[:, :present], True, axis=1)
    return found


def _groups(counts: Ints, share: float) -> Ints:
    """Join neighbouring bands until the smaller time, with `share` of all, expects enough in each.

    (BANDS,): the number of each band's group, from 0 on.
    """
    group, number, inside = np.zeros(len(counts), dtype=np.int64), 0, 0.0
    for band, count in enumerate(counts):
        group[band] = number
        inside += share * count
        if inside >= _EXPECTED:
            number, inside = number + 1, 0.0
    # What is left over at the end is no group of its own.
    return np.minimum(group, max(number - 1, 0))


def _chi_square(some: Floats, total: Floats) -> Floats:
    """Pearson's statistic of each row of `some`, (rows, groups), against the rest of `total`."""
    many, of = some.sum(axis=1), total.sum()
    apart = some - many[:, None] * (total / of)
    weight = np.maximum(many * (of - many), 1.0)
    return np.asarray((apart**2 / total).sum(axis=1) * of**2 / weight)


def _psi(two: Floats) -> float:
    # Half a comment more in each band, so that an empty one is not infinitely far.
    shares = (two + 0.5) / (two + 0.5).sum(axis=1, keepdims=True)
    return float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())


def chi_square_beyond(value: float, freedom: int) -> float:
    """Return the probability that chi-square with so many degrees of freedom is beyond `value`.

    The finite sums for whole degrees (Abramowitz and Stegun 1964, 26.4.4 and 26.4.5).
    """
    if value <= 0:
        return 1.0
    half = value / 2
    odd = freedom % 2
    found = erfc(sqrt(half)) if odd else 0.0
    for step in range((freedom - odd) // 2):
        power = step + odd / 2
        found += exp(power * log(half) - half - lgamma(power + 1))
    return min(1.0, found)


def corrected(p: Floats) -> Floats:
    """Correct the p of all series of a day, (n,), for their number and for the days; 0..1.

    Where one is at most ERROR there is drift: see above how often that happens by chance.
    """
    order = np.argsort(p)
    holm = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    found = np.empty(len(p))
    found[order] = np.minimum(holm * LOOKS, 1.0)
    return found


@dataclass(frozen=True)
class Expected:
    """A share to expect, 0..1, and between which limits it stays but for the permitted error."""

    value: float
    low: float
    high: float


def expected_share(hits: Floats, totals: Floats, size: int, *, error: float) -> Expected | None:
    """Return which share of `size` comments to expect on a day like those before.

    `hits` of `totals` on each day before, (days,). It leaves the limits by chance on a share
    `error` of days. None where there are too few days or comments. The same days give the same.
    """
    known = totals > 0
    hits, totals = hits[known], totals[known]
    many = totals.sum()
    if len(totals) < FEWEST_SHARES or many < FEWEST or size < 1:
        return None
    share = float(hits.sum() / many)
    inside = np.clip(share, 0.5 / many, 1 - 0.5 / many)
    variance = inside * (1 - inside)
    excess = ((hits - totals * inside) ** 2 / (totals * variance)).sum() - (len(totals) - 1)
    scale = many - (totals**2).sum() / many - (len(totals) - 1)
    alike = float(np.clip(excess / scale, 0.0, 0.99)) if scale > 0 else 0.0
    # The mean of the days before is not known exactly either: as if from so many comments.
    effective = many**2 / (totals * (1 + (totals - 1) * alike)).sum()
    chance = np.random.default_rng(0)
    drawn = chance.beta(inside * effective + 0.5, (1 - inside) * effective + 0.5, _DRAWS)
    if alike > 1e-9:
        drawn = np.clip(drawn, 1e-9, 1 - 1e-9)
        apart = (1 - alike) / alike
        drawn = chance.beta(drawn * apart, (1 - drawn) * apart)
    found = chance.binomial(size, drawn) / size
    low, high = np.quantile(found, [error / 2, 1 - error / 2])
    return Expected(share, float(low), float(high))
