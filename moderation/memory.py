"""The scored texts of a site, kept in memory between questions, and brought up to date.

A million texts take some seconds to read and about 100 MB to keep; a part of them that is asked
about takes as much again at most. What came since is read by the log's numbers and added.
"""

import threading
from collections import deque
from collections.abc import Callable, Collection
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from time import monotonic

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from moderation import history, outlook, simulation
from moderation.goals import Outcome
from moderation.history import Codes, History, Whole
from moderation.outlook import Outlook
from moderation.policy import Policy
from moderation.simulation import Bins, Histogram
from moderation.tables import Decision, Score, time_of

# So many texts are kept at most, the newest.
AT_MOST = 1_000_000
# Where more than these wait to be read, these stand for them meanwhile.
AT_FIRST = 5_000
# Beyond so many changed cases everything is read anew.
_CHANGED = 20_000
_AT_ONCE = 500
# Read again: on PostgreSQL a line may appear after one with a higher number.
_LINES_BACK, _TIME_BACK = 500, timedelta(minutes=1)
# Looking for what is new takes this share of the time at most.
_LOOKING = 0.05


@dataclass(frozen=True, eq=False)
class Part:
    """Texts of a time and of some contexts, with what several questions about them need.

    `whole` says whether they are all that there are: else more is being read.
    """

    outlook: Outlook
    whole: bool

    @cached_property
    def bins(self) -> dict[str, Bins]:
        """The bin of each score, by label."""
        return simulation.all_bins(self.outlook.history)

    @cached_property
    def histograms(self) -> dict[str, Histogram]:
        return simulation.histograms(self.outlook.history)

    @cached_property
    def _judged(self) -> deque[tuple[Policy, Codes]]:
        # That of the policy in force and that of the one that is typed.
        return deque(maxlen=2)

    def judged(self, policy: Policy) -> Codes:
        """Return what `policy` makes of each text; the answers for two policies are kept."""
        for known, codes in tuple(self._judged):
            if known == policy:
                return codes
        codes = history.judge_all(self.outlook.history, policy)
        self._judged.append((policy, codes))
        return codes

    @cached_property
    def _predicted(self) -> deque[tuple[Policy, Outcome]]:
        return deque(maxlen=2)

    def predict(self, policy: Policy) -> Outcome:
        """Reckon what a day would be like under `policy`; two answers are kept as well."""
        for known, outcome in tuple(self._predicted):
            if known == policy:
                return outcome
        outcome = outlook.predict(self.outlook, policy, judged=self.judged(policy))
        self._predicted.append((policy, outcome))
        return outcome


class Memory:
    """Keeps what one classifier scored. Several threads may ask at once."""

    def __init__(self, reading: Callable[[], AbstractContextManager[Session]]) -> None:
        self._reading = reading
        self._lock = threading.Lock()
        self._classifier = 0
        self._kept = history.empty()
        self._whole = False
        self._loading = False
        # Up to which line of the log, and which moment, all is read.
        self._line, self._moment = 0, datetime.min.replace(tzinfo=UTC)
        self._look_again = 0.0
        self._part: tuple[object, Part] | None = None

    def part(
        self,
        session: Session,
        classifier_id: int,
        *,
        since: datetime | None = None,
        section: str = "",
        contexts: Collection[int] | None = None,
    ) -> Part:
        """Return the texts from `since` on in `contexts`, which `section` names.

        Where many have to be read first, those are the newest ones, and `load` is to be called.
        """
        with self._lock:
            if self._classifier != classifier_id:
                self._begin(session, classifier_id)
            elif self._whole and monotonic() >= self._look_again:
                self._look(session)
            kept, whole = self._kept, self._whole
            # By the hour, so that the next question finds the same part.
            if since is not None:
                since = since.replace(minute=0, second=0, microsecond=0)
            asked = (id(kept), since, section, contexts is None)
            if self._part is not None and self._part[0] == asked:
                return self._part[1]
        all_ = outlook.together(session, kept, cut=len(kept) == AT_MOST or not whole)
        some = since is not None or contexts is not None
        found = Part(outlook.within(all_, since=since, contexts=contexts) if some else all_, whole)
        with self._lock:
            if self._kept is kept:
                self._part = (asked, found)
        return found

    @property
    def waits(self) -> bool:
        """Whether there is more to read, and nobody reads it."""
        return bool(self._classifier) and not self._whole and not self._loading

    def load(self) -> None:
        """Read all of it, which may take long; whoever asks meanwhile gets the newest texts."""
        with self._lock:
            if not self.waits:
                return
            self._loading, classifier_id = True, self._classifier
        try:
            with self._reading() as session:
                reach = _reach(session)
                found = history.read(session, classifier_id, at_most=AT_MOST)
            with self._lock:
                if self._classifier == classifier_id:
                    self._keep(found, whole=True, reach=reach)
        finally:
            self._loading = False

    def _begin(self, session: Session, classifier_id: int) -> None:
        reach = _reach(session)
        found = history.read(session, classifier_id, at_most=AT_FIRST)
        self._classifier = classifier_id
        self._keep(found, whole=len(found) < AT_FIRST, reach=reach)

    def _keep(self, found: History, *, whole: bool, reach: tuple[int, datetime]) -> None:
        self._kept, self._whole, self._part = found, whole, None
        self._line, self._moment = reach

    def _look(self, session: Session) -> None:
        """Add what came since the last look."""
        began = monotonic()
        reach = _reach(session)
        changed = self._changed(session)
        if len(changed) > _CHANGED:
            self._whole = False
            return
        if len(changed):
            parts = [
                history.read(session, self._classifier, cases=changed[at : at + _AT_ONCE].tolist())
                for at in range(0, len(changed), _AT_ONCE)
            ]
            merged = history.replaced(self._kept, changed, parts, at_most=AT_MOST)
            if merged is not None:
                self._kept, self._part = merged, None
        self._line, self._moment = reach
        # Of few texts it takes next to nothing.
        if len(self._kept) > AT_FIRST:
            self._look_again = monotonic() + (monotonic() - began) / _LOOKING

    def _changed(self, session: Session) -> Whole:
        """Return the cases that were scored or decided since, in their order."""
        scored = session.scalars(
            select(Score.case_id).where(
                Score.scored_at >= self._moment - _TIME_BACK,
                Score.classifier_id == self._classifier,
            )
        )
        decided = session.scalars(
            select(Decision.case_id).where(Decision.id > self._line - _LINES_BACK)
        )
        found = np.unique(np.array([*scored, *decided], dtype=np.int64))
        if len(self._kept) == AT_MOST:
            found = found[found >= self._kept.case_id[0]]
        return found


def _reach(session: Session) -> tuple[int, datetime]:
    return session.scalar(select(func.max(Decision.id))) or 0, time_of(session)
