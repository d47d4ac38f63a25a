"""Keeps the public log, the report and what came of policies in step with the days."""

import asyncio
from datetime import tzinfo

import structlog
from anyio import to_thread

from forum import transparency
from forum.database import Database
from forum.web import gently
from moderation import predictions

log = structlog.get_logger("forum.daybook")

# How often it looks whether a day is over, in seconds; a look that finds nothing asks little.
LOOK_EVERY = 60.0


async def watch(database: Database, zone: tzinfo) -> None:
    """Look again and again, until cancelled."""
    while True:
        try:
            await gently.go(transparency.catching_up(database, zone))
            await to_thread.run_sync(_compare, database)
        # The page is older for a while; the next look tries again.
        except Exception as problem:
            log.error("day_not_kept", problem=type(problem).__name__)
        await asyncio.sleep(LOOK_EVERY)


def _compare(database: Database) -> None:
    """Keep what came of a policy whose week is over; mostly there is none."""
    with database.reading() as session:
        due = predictions.is_due(session)
    if due:
        with database.writing() as session:
            predictions.settle(session)
