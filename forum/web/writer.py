"""Writing transactions, in the order in which they are asked for."""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from anyio import CapacityLimiter, to_thread

from forum.database import Act, Database, Outcome
from forum.web.live import Live

log = structlog.get_logger("forum.writer")

# How many of SQLite's transactions are committed together at most.
TOGETHER = 64
# After so many turns of the loop in which nobody came, nobody is on the way: a request takes three
# from its bytes to here.
SETTLED = 4
# How many run at once on PostgreSQL, which gathers commits by itself.
AT_ONCE = 8


class Writer:
    """Runs writing transactions on worker threads; readers see what they wrote on return.

    SQLite has one writer: what arrives while it writes, or together, is committed together, since
    a commit waits for the disk as long for fifty comments as for one.
    """

    def __init__(self, database: Database, live: Live) -> None:
        self._database = database
        self._live = live
        self._waiting: list[tuple[Act, asyncio.Future[Any]]] = []
        self._gathering: asyncio.Task[None] | None = None
        self._limiter: CapacityLimiter | None = None

    async def write(self, act: Act) -> Any:
        """Return `act(session)` once it is committed, or raise what it raised."""
        if not self._database.is_sqlite:
            # A limiter belongs to the running loop, which is not there yet when this is made.
            self._limiter = self._limiter or CapacityLimiter(AT_ONCE)
            return await to_thread.run_sync(self._one, act, limiter=self._limiter)
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append((act, answer))
        if self._gathering is None:
            self._gathering = asyncio.create_task(self._gather())
        return await answer

    def _one(self, act: Act) -> Any:
        with self._database.writing() as session:
            answer = act(session)
        self._tell()
        return answer

    async def _gather(self) -> None:
        try:
            while self._waiting:
                await self._settle()
                these, self._waiting = self._waiting[:TOGETHER], self._waiting[TOGETHER:]
                try:
                    outcomes = await to_thread.run_sync(self._many, [act for act, _ in these])
                except Exception as all_failed:
                    outcomes = [(None, all_failed)] * len(these)
                for (_, answer), (result, problem) in zip(these, outcomes, strict=True):
                    # Cancelled when whoever asked has gone; it is written all the same.
                    if answer.cancelled():
                        continue
                    if problem is None:
                        answer.set_result(result)
                    else:
                        answer.set_exception(problem)
        finally:
            self._gathering = None

    async def _settle(self) -> None:
        """Wait for those who are about to ask, and only while the loop has them at hand.

        Everybody who waited for a commit is answered at once, so what they do next comes together,
        too. The first of it would else be committed alone, and the rest would wait for that.
        """
        many = turns = 0
        while turns < SETTLED and many < TOGETHER:
            await asyncio.sleep(0)
            turns = turns + 1 if len(self._waiting) == many else 0
            many = len(self._waiting)

    def _many(self, acts: Sequence[Act]) -> list[Outcome]:
        outcomes = self._database.write_together(acts)
        self._tell()
        return outcomes

    def _tell(self) -> None:
        try:
            self._live.look()
        # It is written: whoever asked must not hear that it failed. The watch looks again.
        except Exception as problem:
            log.error("live_updates_wait", problem=type(problem).__name__)
