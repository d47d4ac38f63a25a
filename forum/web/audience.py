"""Keeps the review queue in step with who reads which thread and with the hour, and the counts of
the work in step with the log."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping
from time import monotonic

import structlog
from sqlalchemy.orm import Session

from forum import articles, workload
from forum.database import Database
from forum.web import gently
from forum.web.live import Live
from moderation import quality, review_queue

log = structlog.get_logger("forum.audience")

# How often it looks, and how often it says again what has not changed, in seconds.
LOOK_EVERY = 10.0
SAY_EVERY = review_queue.AUDIENCE_LASTS.total_seconds() / 2


class Audience:
    """Counts this server's readers by thread and lets urgent cases rise with them."""

    def __init__(self, database: Database, live: Live) -> None:
        self._database = database
        self._live = live
        # Servers count apart: each knows the readers who are connected to it.
        self._server = secrets.token_hex(8)
        self._said: dict[str, int] = {}
        self._said_at = 0.0

    async def watch(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            try:
                await gently.go(self.steps(self._live.reading()))
            # The order waits; the queue does not.
            except Exception as problem:
                log.error("order_waits", problem=type(problem).__name__)
            await asyncio.sleep(LOOK_EVERY)

    def steps(self, reading: Mapping[str, int]) -> Iterator[None]:
        """Write down how many read which thread, by slug, let the places follow, and count the
        hours of work that are over; each step is a transaction of its own."""
        again = bool(reading) and monotonic() - self._said_at > SAY_EVERY
        if reading != self._said or again:
            with self._database.writing() as session:
                self._say(session, reading)
            self._said, self._said_at = dict(reading), monotonic()
        with self._database.reading() as session:
            behind = review_queue.is_behind(session)
        while behind:
            with self._database.writing() as session:
                behind = review_queue.catch_up(session)
            yield
        with self._database.reading() as session:
            behind = workload.is_behind(session)
        while behind:
            with self._database.writing() as session:
                behind = workload.catch_up(session)
            yield
        with self._database.reading() as session:
            counting = quality.is_behind(session)
        while counting:
            with self._database.writing() as session:
                counting = quality.count_on(session)
            yield

    def _say(self, session: Session, reading: Mapping[str, int]) -> None:
        ids = articles.ids(session, reading)
        by_id = {ids[slug]: count for slug, count in reading.items() if slug in ids}
        review_queue.count_readers(session, self._server, by_id)
