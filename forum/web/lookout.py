"""Looks each minute for what admins should know: counts the days that are over, fits what was asked
for, opens and clears alarms."""

import asyncio
import contextlib
from collections.abc import Callable, Mapping, Sequence

import structlog
from anyio import to_thread

from forum import alarms, scoredays
from forum.database import Database
from forum.settings import Settings
from forum.web import gently
from moderation import calibrations, limits

log = structlog.get_logger("forum.lookout")

# How often it looks, in seconds.
LOOK_EVERY = 60.0


class Lookout:
    """This server's looks. Several servers may look at once: each alarm is opened by one of them.

    `waiting` counts the open alarms that nobody has acknowledged, for the menu of admins.
    """

    def __init__(self, database: Database, settings: Settings) -> None:
        self._database = database
        self._settings = settings
        self._memory = alarms.Memory()
        self.waiting = 0

    async def watch(self) -> None:
        """Count what is open, and look again and again, until cancelled."""
        work: Callable[[], object] = self.count
        while True:
            try:
                await to_thread.run_sync(work)
            # Alarms are late for a while; the next look tries again.
            except Exception as problem:
                log.error("alarms_wait", problem=type(problem).__name__)
            # A server that has just started lets its worker begin before it says that none works.
            await asyncio.sleep(LOOK_EVERY)
            # Of many days, as after an update, in steps. What goes wrong a look meets again, and
            # tells of it.
            with contextlib.suppress(Exception):
                await gently.go(scoredays.catching_up(self._database, self._settings.zone))
            work = self.look

    def look(self) -> None:
        """Look once, and note what there is to see."""
        for prepare in (self._count_days, self._fit):
            try:
                prepare()
            # What is known without it is looked at all the same.
            except Exception as problem:
                log.exception("alarms_not_prepared", problem=type(problem).__name__)
        with self._database.reading() as session:
            found = alarms.look(
                session,
                zone=self._settings.zone,
                mails=self._settings.mails,
                memory=self._memory,
            )
            is_news = alarms.is_news(session, found)
        if is_news:
            with self._database.writing() as session:
                alarms.settle(session, found, calls=bool(self._settings.alarm_webhook))
        self.count()

    def count(self) -> Mapping[alarms.Kind, int]:
        """Count what is open and nobody has acknowledged; also after somebody has."""
        with self._database.reading() as session:
            counts = alarms.count_waiting(session)
        self.waiting = sum(counts.values())
        return counts

    @property
    def drifts(self) -> tuple[alarms.Reckoned, Sequence[scoredays.Series]] | None:
        """What drifted when this server reckoned it last, and what for; None before."""
        return self._memory.drifts

    def _count_days(self) -> None:
        scoredays.catch_up(self._database, self._settings.zone)

    def _fit(self) -> None:
        """Fit the scores to what people decided, where somebody asked or enough is new."""
        with self._database.reading() as session:
            newest, at_least = calibrations.proposal(session), limits.in_force(session)[1].decisions
            asked = newest is not None and newest.fitted_at is None
            if not asked and calibrations.new_decisions(session, at_most=at_least) < at_least:
                return
        with self._database.writing() as session:
            proposal = calibrations.ask(session)
        if proposal is None:
            return
        with self._database.reading() as session:
            known = calibrations.loaded(session)
            refits = calibrations.refit(session, known) if known else []
        with self._database.writing() as session:
            calibrations.propose(session, proposal.id, refits)
