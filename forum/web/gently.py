"""Work that nobody waits for, done in steps beside the requests."""

import asyncio
from collections.abc import Iterator
from time import monotonic

from anyio import to_thread

# After each step it rests, so many times as long as the step took: a site that has just been
# updated may have the past days of years to count. Then it waits until nobody has asked for
# anything for a moment, but not for ever: so few steps meet a page that they hardly slow any.
_RESTS = 4
_MOMENT = 0.1  # seconds
_RESTS_AT_MOST = 100

_last_asked = 0.0


def asked() -> None:
    """Note that somebody waits for an answer."""
    global _last_asked  # noqa: PLW0603 - of this process: its threads share one interpreter
    _last_asked = monotonic()


async def go(steps: Iterator[object]) -> None:
    """Go through the steps, each on a worker thread; cancelled, it ends after the one it is at."""
    end = object()
    while True:
        began = monotonic()
        if await to_thread.run_sync(next, steps, end) is end:
            return
        took = monotonic() - began
        latest = monotonic() + _RESTS_AT_MOST * took
        await asyncio.sleep(_RESTS * took)
        # No event: each question puts the moment off, and must cost those who ask nothing.
        while (now := monotonic()) < (then := min(latest, _last_asked + _MOMENT)):  # noqa: ASYNC110
            await asyncio.sleep(then - now)
