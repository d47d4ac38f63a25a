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
Numbers = NDArray[np.float64]

LEVEL = 0.95
# Draws behind an interval: its ends are then steady to a hundredth of its width or so.
_DRAWS = 2000
_SEED = 20261122
# From fewer than this many of a stratum nothing is said about the others of it.
LEAST = 30
# So small a part of all may be looked at by too few: the interval then has it as clean and as bad.
_SMALL = 0.02


@dataclass(frozen=True)
class Sample:
    """Texts in strata, and what is known of them, a row each.

    `looked` says whether a person judged a text, `remove` whether it should not be read (false
    where nobody looked). Within a `stratum` (a small number from 0) all had the same chance, or
    each the one that `chance` says, above 0 for those looked at.
    """

    stratum: Whole
    looked: Flags
    remove: Flags
    chance: Numbers | None = None

    def where(self, which: Flags) -> "Sample":
        """Return those texts for which `which` is true."""
        chance = None if self.chance is None else self.chance[which]
        return Sample(self.stratum[which], self.looked[which], self.remove[which], chance)

    @property
    def weight(self) -> Numbers:
        """How many texts each one looked at stands for, but for a factor a stratum; else 0."""
        weight = self.looked.astype(np.float64)
        if self.chance is not None:
            weight[self.looked] = 1 / self.chance[self.looked]
        return weight

    def cells(self, which: Flags) -> list["Cell"]:
        """Count the texts of `which` by stratum; strata without any are left out."""
        return self.by_group((~which).astype(np.int8), 2)[0]

    def by_group(self, group: NDArray[np.int8], groups: int) -> list[list["Cell"]]:
        """Count the texts of each group, a number a text, as `cells` does."""
        size = int(self.stratum.max(initial=0)) + 1
        place = group.astype(np.int16) * np.int16(size) + self.stratum.astype(np.int16)
        texts = np.bincount(place, minlength=groups * size)
        # Most texts nobody looked at.
        rows = np.flatnonzero(self.looked)
        place, remove = place[rows], self.remove[rows]
        weight = np.ones(len(rows)) if self.chance is None else 1.0 / self.chance[rows]
        many, bad = (np.bincount(place[s], minlength=len(texts)) for s in (..., remove))
        all_, squares, found = (
            np.bincount(place, w, minlength=len(texts))
            for w in (weight, weight**2, weight * remove)
        )
        cells = [
            Cell(int(n), int(k), int(r), a / w if k else None, w**2 / w2 if k else None)
            for n, k, r, w, w2, a in zip(texts, many, bad, all_, squares, found, strict=True)
        ]
        return [
            [cell for cell in cells[first : first + size] if cell.texts]
            for first in range(0, groups * size, size)
        ]


@dataclass(frozen=True)
class Cell:
    """The texts of one stratum: how many, how many of them were looked at, and found wanting.

    `share` is the share found wanting, weighted by the chance of each (Hájek's estimate), and
    `effective` how many looks of one chance tell as much (Kish); left out, all had one chance.
    """

    texts: int
    looked: int
    remove: int
    share: float | None = None
    effective: float | None = None

    @property
    def rate(self) -> float:
        """The share found wanting; NaN where nobody looked."""
        if not self.looked:
            return math.nan
        return self.remove / self.looked if self.share is None else self.share

    @property
    def missing(self) -> int:
        """How many more looks it needs: LEAST, or all that it has."""
        return max(0, min(LEAST, self.texts) - self.looked)


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

    Each stratum needs LEAST, or all that it has. Strata that are a small part of all together need
    none: with them, the worst and the best are reckoned.
    """
    thin = [cell for cell in cells if cell.missing]
    if sum(cell.texts for cell in thin) <= _SMALL * sum(cell.texts for cell in cells):
        return 0
    return sum(cell.missing for cell in thin)


def number(cells: Sequence[Cell], *, ahead: bool = False, level: float = LEVEL) -> Estimate:
    """Estimate how many texts of `cells` should not be read, or `ahead` of as many to come.

    The value is the stratified estimate: each stratum's share among those looked at, times its
    texts. The interval is that of independent Beta-binomial draws for the unseen of each stratum
    under Jeffreys' prior (Brown, Cai and DasGupta, Statistical Science 16, 2001), so that what
    was looked at counts as it is, and a stratum looked at as a whole adds no doubt.
    """
    if short := missing(cells):
        return _unknown(short)
    part = _part(cells, ahead)
    low, high = _interval(part.drawn, level)
    return Estimate(part.value, min(low, part.value), max(high + part.unknown, part.value))


def share(
    some: Sequence[Cell], others: Sequence[Cell], *, ahead: bool = False, level: float = LEVEL
) -> Estimate:
    """Estimate which share of all texts that should not be read is among `some`.

    `others` are the rest; so the recall of a policy is the share among what it keeps from readers.
    """
    if short := missing([*some, *others]):
        return _unknown(short)
    a, b = _part(some, ahead), _part(others, ahead, seed=_SEED + 1)
    if a.value + b.value == 0:
        # Nothing found that should not be read: nobody can say which share of nothing.
        return _unknown(LEAST)
    value = a.value / (a.value + b.value)
    low, _ = _interval(_of(a.drawn, b.drawn + b.unknown), level)
    _, high = _interval(_of(a.drawn + a.unknown, b.drawn), level)
    return Estimate(value, min(low, value), max(high, value))


def enough_for(share_at_most: float, *, level: float = LEVEL) -> int:
    """How many texts without a single find show that at most this share would be one.

    The rule of three, exactly: (1 - share) ** n = 1 - level, one-sided.
    """
    if not 0 < share_at_most < 1:
        return 0
    return math.ceil(math.log(1 - level) / math.log1p(-share_at_most))


@dataclass(frozen=True)
class _Part:
    """How many texts should not be read: the middle, draws, and how many more it might be."""

    value: float
    drawn: Numbers
    unknown: int


def _part(cells: Sequence[Cell], ahead: bool, *, seed: int = _SEED) -> _Part:
    chance = np.random.default_rng(seed)
    drawn = np.zeros(_DRAWS)
    value = told = 0.0
    unknown = 0
    for cell in cells:
        known, unseen = (0, cell.texts) if ahead else (cell.remove, cell.texts - cell.looked)
        drawn += known
        value += known
        if cell.missing:
            unknown += unseen
            continue
        value += unseen * cell.rate
        told += cell.texts
        if unseen:
            effective = cell.looked if cell.effective is None else cell.effective
            finds = cell.rate * effective
            rate = chance.beta(finds + 0.5, max(effective - finds, 0.0) + 0.5, _DRAWS)
            drawn += chance.binomial(unseen, rate)
    if told:
        # In the middle, what is not known is like the rest.
        value += unknown * value / told
    return _Part(value, drawn, unknown)


def _of(some: Numbers, others: Numbers) -> Numbers:
    return np.where(some + others > 0, some / np.maximum(some + others, 1), 0.0)


def _interval(drawn: NDArray[np.float64], level: float) -> tuple[float, float]:
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
