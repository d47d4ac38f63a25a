"""How many mistakes a draw leaves possible: exact bounds for draws without replacement. Pure.

The bound is hypergeometric, since a band is finite and no case is drawn twice. Who looks again
after each further draw, and stops when the bound suits, is wrong more often than the bound says;
so the looks are set beforehand, and share the error among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp, lgamma

# A band in which more than eleven draws had to be rejected is not clean.
MOST_LOOKS = 12


@dataclass(frozen=True)
class Look:
    """A moment that was set beforehand: after so many draws, with so much of the error."""

    number: int
    draws: int
    error: float
    # With so many found it still passes, while nobody else takes cases away.
    allows: int


def at_most_found(size: int, marked: int, draws: int, found: int) -> float:
    """The probability that a draw from `size`, `marked` of them, holds `found` marked or fewer."""
    first = max(0, draws - (size - marked))
    last = min(found, marked, draws)
    whole = _log_choices(size, draws)
    terms = (
        exp(_log_choices(marked, n) + _log_choices(size - marked, draws - n) - whole)
        for n in range(first, last + 1)
    )
    return min(1.0, sum(terms))


def most_marked(size: int, draws: int, found: int, error: float) -> int:
    """The upper bound of how many of `size` are marked, where a draw held `found` of them.

    It is the greatest number with which so few would be found more often than `error`; the truth
    is above it at most that often.
    """
    low, high = found, size - draws + found
    while low < high:
        middle = (low + high + 1) // 2
        if at_most_found(size, middle, draws, found) > error:
            low = middle
        else:
            high = middle - 1
    return low


def looks(size: int, limit: float, error: float) -> Iterator[Look]:
    """Yield the looks at a band of this size, until it is drawn whole, or there were MOST_LOOKS.

    The first passes if nothing was found, the second with one found, and so on; the first has half
    of the error, the second a quarter, so that all of them together err at most that often.
    """
    draws, number = 0, 0
    while draws < size and number < MOST_LOOKS:
        number += 1
        error /= 2
        draws = max(draws + 1, _draws_for(size, number - 1, limit, error))
        yield Look(number, draws, error, number - 1)


def _draws_for(size: int, found: int, limit: float, error: float) -> int:
    low, high = min(found + 1, size), size
    while low < high:
        middle = (low + high) // 2
        left = most_marked(size, middle, found, error) - found
        if left <= limit * (size - middle):
            high = middle
        else:
            low = middle + 1
    return high


def _log_choices(size: int, chosen: int) -> float:
    return lgamma(size + 1) - lgamma(chosen + 1) - lgamma(size - chosen + 1)
