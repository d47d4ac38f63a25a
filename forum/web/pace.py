"""Counts tries by key, in memory, to slow down whoever guesses."""

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

# More keys than this are not remembered: memory stays bounded however many try.
_KEYS = 20_000


class Pace:
    """Allows `tries` a key within `seconds`; the oldest keys are forgotten first."""

    def __init__(self, tries: int, seconds: float, clock: Callable[[], float] = monotonic) -> None:
        self.tries = tries
        self.seconds = seconds
        self._clock = clock
        self._seen: OrderedDict[str, list[float]] = OrderedDict()

    def wait(self, key: str) -> int:
        """Return for how many seconds this key must wait; 0 if it may try now."""
        recent = self._recent(key)
        if len(recent) < self.tries:
            return 0
        return max(1, int(recent[0] + self.seconds - self._clock()) + 1)

    def count(self, key: str) -> None:
        """Remember a try. Before it is made: many at once would all find the way free."""
        self._seen[key] = [*self._recent(key), self._clock()]
        self._seen.move_to_end(key)
        while len(self._seen) > _KEYS:
            self._seen.popitem(last=False)

    def take_back(self, key: str) -> None:
        """Forget the last try of a key: it was a good one."""
        if recent := self._seen.get(key):
            recent.pop()

    def forget(self, key: str) -> None:
        """Forget every try of a key."""
        self._seen.pop(key, None)

    def _recent(self, key: str) -> list[float]:
        since = self._clock() - self.seconds
        return [moment for moment in self._seen.get(key, ()) if moment > since]
