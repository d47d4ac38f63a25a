"""Counts in memory how often something is done: tries of passwords, uses of API keys."""

from collections import OrderedDict, deque
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


class Quotas:
    """Lets each holder of an API key through so many times in any minute."""

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._used: dict[int, deque[float]] = {}

    def take(self, holder: int, a_minute: int) -> int:
        """Count a use and return 0, or return in how many seconds the next one is free."""
        now = self._clock()
        used = self._used.setdefault(holder, deque())
        while used and used[0] <= now - 60:
            used.popleft()
        if len(used) >= a_minute:
            # The one that has to go before there is room again.
            return int(used[len(used) - a_minute] + 60 - now) + 1
        used.append(now)
        return 0
