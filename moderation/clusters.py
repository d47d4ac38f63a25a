"""How two groups of threads differ, when texts of one thread are alike. Pure.

Comments under one article resemble each other, so texts are not drawn by chance, threads are. The
interval is the percentile interval of a bootstrap that draws whole threads with replacement, each
side by itself (Davison and Hinkley, Bootstrap Methods and their Application, 1997, 3.8).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Whole = NDArray[np.int64]
Numbers = NDArray[np.float64]

LEVEL = 0.95
# With fewer threads on a side the ends of an interval are a guess.
LEAST = 20
_DRAWS = 2000
_FEWEST_DRAWS = 400
# So many threads are drawn in all, at most; and so many at once.
_MOST = 40_000_000
_AT_ONCE = 2_000_000
_SEED = 20261127


@dataclass(frozen=True)
class Difference:
    """By how much a share is higher on the second side; the interval is None with few threads."""

    one: float
    other: float
    low: float | None
    high: float | None

    @property
    def value(self) -> float:
        return self.other - self.one


def differences(one: Whole, other: Whole) -> list[Difference]:
    """Compare the shares of each kind of text on two sides.

    Each side has a row a thread and a column a kind, counting texts. A side without a text has the
    share 0 of everything.
    """
    shares, drawn = [], []
    enough = min(len(one), len(other)) >= LEAST
    chance = np.random.default_rng(_SEED)
    for side in (one, other):
        shares.append(_share(side.sum(axis=0, keepdims=True))[0])
        if enough:
            drawn.append(_bootstrap(side, chance))
    if not enough:
        return [Difference(float(a), float(b), None, None) for a, b in zip(*shares, strict=True)]
    draws = min(len(drawn[0]), len(drawn[1]))
    apart = drawn[1][:draws] - drawn[0][:draws]
    ends = np.quantile(apart, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    return [
        Difference(float(a), float(b), float(low), float(high))
        for a, b, low, high in zip(*shares, *ends, strict=True)
    ]


def _share(counts: Whole) -> Numbers:
    texts = counts.sum(axis=1, keepdims=True)
    return np.asarray(counts / np.maximum(texts, 1))


def _bootstrap(side: Whole, chance: np.random.Generator) -> Numbers:
    """Return the shares, a row a draw of as many threads as there are."""
    threads = len(side)
    draws = max(_FEWEST_DRAWS, min(_DRAWS, _MOST // threads))
    even = np.full(threads, 1 / threads)
    found = []
    while draws > 0:
        many = min(draws, max(1, _AT_ONCE // threads))
        found.append(_share(chance.multinomial(threads, even, size=many) @ side))
        draws -= many
    return np.concatenate(found)
