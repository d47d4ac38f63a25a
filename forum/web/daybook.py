"""Keeps the public log and the transparency report in step with the days."""

import asyncio
from datetime import tzinfo

import structlog
from anyio import to_thread

from forum import transparency
from forum.database import Database

log = structlog.get_logger("forum.daybook")

# How often it looks whether a day is over, in seconds; a look that finds nothing asks little.
LOOK_EVERY = 60.0


async def watch(database: Database, zone: tzinfo) -> None:
    """Look again and again, until cancelled."""
    while True:
        try:
            await to_thread.run_sync(transparency.catch_up, database, zone)
        # The page is older for a while; the next look tries again.
        except Exception as problem:
            log.error("day_not_kept", problem=type(problem).__name__)
        await asyncio.sleep(LOOK_EVERY)
