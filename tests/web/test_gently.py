"""Work that nobody waits for stands back while somebody waits for an answer."""

import asyncio
import time
from collections.abc import Iterator

from anyio import create_task_group
from anyio.from_thread import start_blocking_portal

from forum.web import gently


class Steps:
    """Three steps, each of which takes a while; `done` says how many are."""

    def __init__(self, takes: float) -> None:
        self.done = 0
        self._takes = takes

    def __iter__(self) -> Iterator[None]:
        for _ in range(3):
            time.sleep(self._takes)
            self.done += 1
            yield


def test_no_further_step_begins_while_people_ask_for_pages() -> None:
    steps = Steps(takes=0.05)

    async def ask_for_a_while() -> int:
        async with create_task_group() as tasks:
            tasks.start_soon(gently.go, iter(steps))
            while not steps.done:
                gently.asked()
                await asyncio.sleep(0.005)
            for _ in range(100):
                gently.asked()
                await asyncio.sleep(0.005)
            return steps.done

    # On a thread of its own: a browser of another test may have a loop on this one.
    with start_blocking_portal() as portal:
        assert portal.call(ask_for_a_while) == 1
    # Nobody asks any more, so it came to its end.
    assert steps.done == 3


def test_steps_come_to_their_end_though_people_never_cease_to_ask() -> None:
    steps = Steps(takes=0.001)

    async def ask() -> None:
        while True:
            gently.asked()
            await asyncio.sleep(0.001)

    async def ask_until_the_end() -> None:
        async with create_task_group() as tasks:
            tasks.start_soon(ask)
            await gently.go(iter(steps))
            tasks.cancel_scope.cancel()

    with start_blocking_portal() as portal:
        portal.call(ask_until_the_end)
    assert steps.done == 3
