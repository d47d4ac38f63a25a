"""Estimates from a sample whose probabilities are known: shares with intervals, agreement.

Plain functions on numpy arrays; nothing here knows a database. All intervals are of 95 %.

- A share of one stratum is Hájek's estimate: the mean weighted by 1 / probability (Särndal,
  Swensson, Wretman: Model Assisted Survey Sampling, 1992, 5.7). Its interval is Wilson's (1927),
  with Kish's effective size in place of the count (Korn and Graubard, Survey Methodology 1998, do
  so with Clopper and Pearson's).
- Ratios over several strata (precision and recall) are drawn by chance: for each stratum, the share
  among those not looked at from Jeffreys's posterior of a share, beta(x + 1/2, n - x + 1/2) with
  effective counts; those looked at are known. The interval runs between the 2.5th and the 97.5th of
  a hundred (Brown, Cai, DasGupta, Statistical Science 2001, on how well such intervals cover).
- Agreement is Krippendorff's alpha for names (Content Analysis, 2004, ch. 11), its interval from
  units drawn with replacement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, sqrt

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

Z = 1.959963984540054
# An interval that is wider to either side than this tells too little to be shown.
TOLERATED = 0.1
# No figure stands on fewer cases than these.
FEWEST = 30
_DRAWS = 2000


@dataclass(frozen=True)
class Sample:
    """What is known of one stratum: its size, and of each case looked at whether it has it.

    `size`: decisions in the stratum. `hits`: (n,) 0 or 1. `shares`: (n,) the probability with
    which each was drawn.
    """

    size: int
    hits: Floats
    shares: Floats

    def __post_init__(self) -> None:
        if self.hits.shape != self.shares.shape or self.hits.ndim != 1:
            raise ValueError("hits and shares need one number for each case")
        if len(self.shares) and not (self.shares.min() > 0 and self.shares.max() <= 1):
            raise ValueError("a share lies above 0 and is at most 1")
        if self.size < 0:
            raise ValueError("a size is not negative")

    @property
    def looked_at(self) -> int:
        return len(self.hits)

    @property
    def effective(self) -> float:
        """Kish's effective number of cases: as many of equal weight would tell as much."""
        if not len(self.shares):
            return 0.0
        weights = 1 / self.shares
        return float(weights.sum() ** 2 / (weights**2).sum())

    @property
    def share(self) -> float:
        """Hájek's estimate of the share that has it; NaN where nothing was looked at."""
        if not len(self.shares):
            return float("nan")
        weights = 1 / self.shares
        return float((weights * self.hits).sum() / weights.sum())


@dataclass(frozen=True)
class Estimate:
    """A figure from 0 to 1 with its interval, and how many cases it stands on.

    `needed`: how many more are needed, at least, before it is worth showing; 0 where it is.
    """

    value: float
    low: float
    high: float
    looked_at: int
    needed: int = 0


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's interval of a share seen in `n` cases; `n` may be an effective number."""
    if n <= 0:
        return 0.0, 1.0
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def missing(low: float, high: float, looked_at: int) -> int:
    """Return how many more cases it takes, at least, until an interval is narrow enough.

    Its half-width shrinks with the root of the number of cases.
    """
    if not looked_at:
        return ceil((Z / TOLERATED) ** 2 / 4)
    half = (high - low) / 2
    wanted = ceil(looked_at * (half / TOLERATED) ** 2) if half > TOLERATED else looked_at
    return max(wanted, FEWEST) - looked_at


def of_share(sample: Sample) -> Estimate:
    """Estimate the share of one stratum that has it."""
    if not sample.looked_at:
        return Estimate(float("nan"), 0.0, 1.0, 0, missing(0.0, 1.0, 0))
    low, high = wilson(sample.share, sample.effective)
    return _estimate(sample.share, low, high, sample.looked_at)


def _estimate(value: float, low: float, high: float, looked_at: int) -> Estimate:
    return Estimate(value, low, high, looked_at, missing(low, high, looked_at))


def totals(sample: Sample, draws: int, chance: np.random.Generator) -> tuple[float, Floats]:
    """Return how many of a stratum have it: the estimate, and (draws,) numbers it may be."""
    if not sample.size:
        return 0.0, np.zeros(draws)
    n = min(sample.looked_at, sample.size)
    share = sample.share if n else 0.5
    found = sample.effective * share if n else 0.0
    posterior = chance.beta(found + 0.5, sample.effective - found + 0.5, draws)
    # What was looked at is known; the rest may be otherwise.
    rest = sample.size - n
    return share * sample.size, share * n + posterior * rest


# A part of a total: a stratum, and whether those count that have it (1) or those that do not (0).
Parts = Sequence[tuple[str, int]]


def of_ratio(above: Parts, below: Parts, samples: Mapping[str, Sample], seed: int = 0) -> Estimate:
    """Estimate the sum of some parts by the sum of others.

    Recall of what is rejected is [("rejected", 1)] by [(stratum, 1) for every stratum]. The same
    seed draws the same numbers.
    """
    return _ratio(above, below, samples, _drawn(samples, seed))


_Drawn = Mapping[str, tuple[float, Floats]]


def _drawn(samples: Mapping[str, Sample], seed: int = 0) -> _Drawn:
    chance = np.random.default_rng(seed)
    return {name: totals(sample, _DRAWS, chance) for name, sample in samples.items()}


def _ratio(above: Parts, below: Parts, samples: Mapping[str, Sample], drawn: _Drawn) -> Estimate:
    def summed(parts: Parts) -> tuple[float, Floats]:
        point, many = 0.0, np.zeros(_DRAWS)
        for name, has in parts:
            estimate, numbers = drawn[name]
            size = samples[name].size
            point += estimate if has else size - estimate
            many = many + (numbers if has else size - numbers)
        return point, many

    involved = [samples[name] for name in dict(below) if samples[name].size]
    looked_at = sum(sample.looked_at for sample in involved)
    unseen = [sample for sample in involved if not sample.looked_at]
    (top, tops), (bottom, bottoms) = summed(above), summed(below)
    if unseen or bottom <= 0:
        short = missing(0.0, 1.0, 0) * max(len(unseen), 1)
        return Estimate(float("nan"), 0.0, 1.0, looked_at, short)
    low, high = np.quantile(tops / np.maximum(bottoms, 1e-12), [0.025, 0.975])
    value = top / bottom
    return _estimate(
        value, max(0.0, min(float(low), value)), min(1.0, max(float(high), value)), looked_at
    )


@dataclass(frozen=True)
class Figures:
    """How good the verdicts are, each by what somebody said who did not know of it.

    Precision: of those published, rejected, held, the share that people publish, reject, reject.
    Recall: of those that people publish, the share published; of those they reject, the share that
    was rejected, held, and either (`caught`).
    """

    precision: Mapping[str, Estimate]
    recall: Mapping[str, Estimate]
    caught: Estimate


def figures(samples: Mapping[str, Sample]) -> Figures:
    """Estimate from the strata published, near, held and rejected; a hit is one people reject."""
    stopped = [("held", 1), ("rejected", 1)]
    out = [("published", 0), ("near", 0)]
    bad = [(name, 1) for name in samples]
    good = [(name, 0) for name in samples]
    drawn = _drawn(samples)
    return Figures(
        precision={
            # Both sums of a stratum, of those that have it and that do not, are its size.
            "published": _ratio(out, [*out, ("published", 1), ("near", 1)], samples, drawn),
            "held": of_share(samples["held"]),
            "rejected": of_share(samples["rejected"]),
        },
        recall={
            "published": _ratio(out, good, samples, drawn),
            "held": _ratio([("held", 1)], bad, samples, drawn),
            "rejected": _ratio([("rejected", 1)], bad, samples, drawn),
        },
        caught=_ratio(stopped, bad, samples, drawn),
    )


def alpha(codes: Ints, weights: Floats | None = None) -> float:
    """Return Krippendorff's alpha for names: 1 is agreement, 0 what chance would give.

    `codes`: (units, judges), below 0 where a judge did not see a unit. `weights`: (units,), for
    units that were drawn with other probabilities. NaN where all said the same, or too few did.
    """
    weights = np.ones(len(codes)) if weights is None else weights
    return float(_alphas(codes, weights[None, :])[0])


def _alphas(codes: Ints, weights: Floats) -> Floats:
    """Return alpha by (draws,) for `weights` of (draws, units)."""
    kinds = np.unique(codes[codes >= 0])
    if len(kinds) < 2:
        return np.full(len(weights), np.nan)
    # How many judges gave a unit each name: (units, kinds).
    many = np.stack([(codes == kind).sum(axis=1) for kind in kinds], axis=1).astype(np.float64)
    judged = many.sum(axis=1)
    pairs = judged >= 2
    many, judged, weights = many[pairs], judged[pairs], weights[:, pairs]
    with np.errstate(invalid="ignore", divide="ignore"):
        # As many units as were judged, whatever the weights.
        weights = weights * ((weights > 0).sum(axis=1) / weights.sum(axis=1))[:, None]
        agreeing = weights @ ((many * (many - 1)).sum(axis=1) / (judged - 1))
        of_kind = weights @ many
        n = of_kind.sum(axis=1)
        expected = (n * n - (of_kind**2).sum(axis=1)) / (n - 1)
        found = 1 - (n - agreeing) / expected
    return np.where(expected > 0, found, np.nan)


def of_agreement(codes: Ints, weights: Floats, *, draws: int = 1000, seed: int = 0) -> Estimate:
    """Estimate alpha, its interval from units drawn with replacement; (units, judges), (units,)."""
    units = len(codes)
    value = alpha(codes, weights) if units else float("nan")
    if not np.isfinite(value):
        return Estimate(float("nan"), -1.0, 1.0, units, max(FEWEST - units, 1))
    chance = np.random.default_rng(seed)
    times = chance.multinomial(units, np.full(units, 1 / units), draws)
    drawn = _alphas(codes, times * weights)
    low, high = np.quantile(drawn[np.isfinite(drawn)], [0.025, 0.975])
    return _agreed(value, float(low), float(high), units)


def _agreed(value: float, low: float, high: float, units: int) -> Estimate:
    # Alpha of a few hundred units is never as sharp as a share: twice as wide is still worth it.
    half = (high - low) / 2
    wanted = ceil(units * (half / (2 * TOLERATED)) ** 2) if half > 2 * TOLERATED else units
    return Estimate(value, min(low, value), max(high, value), units, max(wanted, FEWEST) - units)
