"""How many comments should not be read, reckoned from those that people looked at.

People look at a part only, and not at any part: at what was held, at what was reported, and at
what the blind audit drew by chance. So texts are put into strata within which those looked at
were drawn by the same chance, and each stratum stands for itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Flags = NDArray[np.bool_]
Whole = NDArray[np.int64]

LEVEL = 0.95
# Draws behind an interval: its ends are then steady to a hundredth of its width or so.
_DRAWS = 2000
_SEED = 20261122
# From fewer than this many of a stratum nothing is said about the others of it.
LEAST = 30


@dataclass(frozen=True)
class Sample:
    """Texts in strata, and what is known of them, a row each.

    `looked` says whether a person judged a text, `remove` whether it should not be read (false
    where nobody looked). Within a `stratum` (a small number from 0) all had the same chance.
    """

    stratum: Whole
    looked: Flags
    remove: Flags

    def where(self, which: Flags) -> "Sample":
        """Return those texts for which `which` is true."""
        return Sample(self.stratum[which], self.looked[which], self.remove[which])

    def cells(self, which: Flags) -> list["Cell"]:
        """Count the texts of `which` by stratum; strata without any are left out."""
        size = int(self.stratum.max(initial=-1)) + 1
        texts, looked, remove = (
            np.bincount(self.stratum[some], minlength=size)
            for some in (which, which & self.looked, which & self.looked & self.remove)
        )
        return [
            Cell(int(n), int(k), int(r)) for n, k, r in zip(texts, looked, remove, strict=True) if n
        ]


@dataclass(frozen=True)
class Cell:
    """The texts of one stratum: how many, how many of them were looked at, and found wanting."""

    texts: int
    looked: int
    remove: int


@dataclass(frozen=True)
class Estimate:
    """A number of texts, or a share, with the interval that holds it at LEVEL.

    `missing` says how many more texts have to be looked at before anything can be said; then the
    other three are NaN.
    """

    value: float
    low: float
    high: float
    missing: int = 0

    @property
    def known(self) -> bool:
        return not self.missing

    def by(self, many: float) -> "Estimate":
        """Return it divided: a share of so many, or a number a day."""
        if not many:
            return self
        return Estimate(self.value / many, self.low / many, self.high / many, self.missing)


def _unknown(missing: int) -> Estimate:
    return Estimate(math.nan, math.nan, math.nan, missing)


def missing(cells: Sequence[Cell]) -> int:
    """How many more texts must be looked at before anything can be said of all of `cells`.

    Each stratum needs LEAST, or all that it has.
    """
    return sum(max(0, min(LEAST, cell.texts) - cell.looked) for cell in cells)


def number(cells: Sequence[Cell], *, ahead: bool = False, level: float = LEVEL) -> Estimate:
    """Estimate how many texts of `cells` should not be read, or `ahead` of as many to come.

    The value is the stratified estimate: each stratum's share among those looked at, times its
    texts. The interval is that of independent Beta-binomial draws for the unseen of each stratum
    under Jeffreys' prior (Brown, Cai and DasGupta, Statistical Science 16, 2001), so that what
    was looked at counts as it is, and a stratum looked at as a whole adds no doubt.
    """
    if short := missing(cells):
        return _unknown(short)
    value = sum(c.texts * c.remove / c.looked for c in cells if c.looked)
    low, high = _interval(_drawn(cells, ahead), level)
    return Estimate(value, min(low, value), max(high, value))


def share(
    some: Sequence[Cell], others: Sequence[Cell], *, ahead: bool = False, level: float = LEVEL
) -> Estimate:
    """Estimate which share of all texts that should not be read is among `some`.

    `others` are the rest; so the recall of a policy is the share among what it keeps from readers.
    """
    if short := missing(some) + missing(others):
        return _unknown(short)
    first, second = (
        sum(c.texts * c.remove / c.looked for c in cells if c.looked) for cells in (some, others)
    )
    if first + second == 0:
        # Nothing found that should not be read: nobody can say which share of nothing.
        return _unknown(LEAST)
    a, b = _drawn(some, ahead), _drawn(others, ahead, seed=_SEED + 1)
    value = first / (first + second)
    with np.errstate(invalid="ignore"):
        drawn = np.where(a + b > 0, a / np.maximum(a + b, 1), 0.0)
    low, high = _interval(drawn, level)
    return Estimate(value, min(low, value), max(high, value))


def enough_for(share_at_most: float, *, level: float = LEVEL) -> int:
    """How many texts without a single find show that at most this share would be one.

    The rule of three, exactly: (1 - share) ** n = 1 - level, one-sided.
    """
    if not 0 < share_at_most < 1:
        return 0
    return math.ceil(math.log(1 - level) / math.log1p(-share_at_most))


def _drawn(cells: Sequence[Cell], ahead: bool, *, seed: int = _SEED) -> NDArray[np.float64]:
    chance = np.random.default_rng(seed)
    total = np.zeros(_DRAWS)
    for cell in cells:
        known, unseen = (0, cell.texts) if ahead else (cell.remove, cell.texts - cell.looked)
        total += known
        if unseen:
            rate = chance.beta(cell.remove + 0.5, cell.looked - cell.remove + 0.5, _DRAWS)
            total += chance.binomial(unseen, rate)
    return total


def _interval(drawn: NDArray[np.float64], level: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
