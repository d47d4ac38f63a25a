"""Work that nobody waits for, done in steps beside the requests."""

import asyncio
from collections.abc import Iterator
from time import monotonic

from anyio import to_thread

# After each step it rests so many times as long as the step took: a site that has just been updated
# may have the past days of years to count, and those who ask for pages meanwhile hardly notice.
_RESTS = 4


async def go(steps: Iterator[object]) -> None:
    """Go through the steps, each on a worker thread; cancelled, it ends after the one it is at."""
    end = object()
    while True:
        began = monotonic()
        if await to_thread.run_sync(next, steps, end) is end:
            return
        await asyncio.sleep(_RESTS * (monotonic() - began))
