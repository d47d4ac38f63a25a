"""A second classifier that scores beside the first: it decides nothing and delays nothing."""

import contextlib
import os
import threading
from time import monotonic

import structlog

from moderation import lineup, rescoring, scoring_queue
from moderation.classifier import Classifier
from moderation.reading import Quotables
from moderation.rescoring import Rescoring
from moderation.worker import Transaction

log = structlog.get_logger("moderation.shadow")

# A shadow that has so many texts before it is too slow for the site.
TOO_FAR = rescoring.NEWEST // 2


class Shadow:
    """Reads the newest texts once they were judged, while nothing waits for the first classifier.

    Whatever goes wrong here is a warning in the log; the next round tries again.
    """

    def __init__(
        self,
        transaction: Transaction,
        classifier: Classifier,
        *,
        look_every: float = 2.0,
        quotables: Quotables = lambda _session, _cases: {},
    ) -> None:
        self.transaction = transaction
        self.classifier = classifier
        self.look_every = look_every
        self.behind = 0
        self._rescoring = Rescoring(transaction, quotables)
        self._row = 0
        # Whether it has once read all there was, and so could have kept up since.
        self._kept_up = False
        self._looked_at = -look_every
        self._stopping = threading.Event()

    @property
    def scored(self) -> int:
        """How many texts it has scored."""
        return self._rescoring.scored

    @property
    def failures(self) -> int:
        """How many texts broke it."""
        return self._rescoring.failures

    def stop(self) -> None:
        """Tell the shadow to end after the present batch."""
        self._stopping.set()

    def run(self) -> None:
        """Work until told to stop, at the lowest priority that the system gives this thread."""
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), 19)
        while not self._stopping.is_set():
            try:
                busy = self.round() > 0
            # The database may be away, or anything else.
            except Exception as problem:
                log.warning("shadow_round_failed", problem=type(problem).__name__)
                busy = False
            if not busy:
                self._stopping.wait(self.look_every)

    def round(self) -> int:
        """Score one small batch; return how many texts, 0 if none is left or others go first."""
        with self.transaction() as session:
            if scoring_queue.waits(session):
                return 0
            row = lineup.row_of(session, self.classifier.name, self.classifier.version)
            if row != self._row:
                lineup.shadows(session, row)
            if monotonic() - self._looked_at >= self.look_every:
                self._looked_at = monotonic()
                self.behind = rescoring.behind(session, row)
        self._row = row
        if self._kept_up and self.behind > TOO_FAR:
            log.warning("shadow_behind", classifier=self.classifier.name, texts=self.behind)
            self._kept_up = False
        done = self._rescoring.round(self.classifier, row)
        self._kept_up = self._kept_up or not done
        return done
