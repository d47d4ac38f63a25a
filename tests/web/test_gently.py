"""Work that nobody waits for stands back while somebody waits for an answer."""

import asyncio
import time
from collections.abc import Iterator

import anyio
import pytest

from forum.web import gently

pytestmark = pytest.mark.anyio


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


async def test_no_further_step_begins_while_people_ask_for_pages() -> None:
    steps = Steps(takes=0.05)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(gently.go, iter(steps))
        while not steps.done:
            gently.asked()
            await asyncio.sleep(0.005)
        for _ in range(100):
            gently.asked()
            await asyncio.sleep(0.005)
        assert steps.done == 1
    # Nobody asks any more, so it came to its end.
    assert steps.done == 3


async def test_steps_come_to_their_end_though_people_never_cease_to_ask() -> None:
    steps = Steps(takes=0.001)
    async with anyio.create_task_group() as tasks:

        async def ask() -> None:
            while True:
                gently.asked()
                await asyncio.sleep(0.001)

        tasks.start_soon(ask)
        await gently.go(iter(steps))
        tasks.cancel_scope.cancel()
    assert steps.done == 3
