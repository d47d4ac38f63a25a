"""Runs the scoring worker: loads the classifier, works, waits where something is missing."""

import threading
from datetime import timedelta
from time import monotonic

import structlog

from forum.settings import Settings
from moderation.classifier import ClassifierUnavailable, load_classifier
from moderation.worker import Transaction, Worker

log = structlog.get_logger("forum.scoring")

# After how long a classifier that could not be loaded is tried again, in seconds.
TRY_AGAIN = 30.0


class Scoring:
    """The worker with its classifier, in a thread of its own (`start`) or in this one (`run`).

    Without a classifier the site goes on: comments wait, unseen, and `problem` says why.
    """

    def __init__(self, transaction: Transaction, settings: Settings) -> None:
        self._transaction = transaction
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name="scoring", daemon=True)
        self.worker: Worker | None = None
        self.problem = "The classifier is being loaded."

    def start(self) -> None:
        """Work in a thread of its own until `stop`."""
        self._thread.start()

    def run(self) -> None:
        """Work until `stop` is called from elsewhere."""
        while not self._stopping.is_set():
            try:
                classifier = load_classifier(self._settings.classifier)
            # Whatever a library raises while it loads, the worker must not end in silence.
            except Exception as problem:
                known = isinstance(problem, ClassifierUnavailable)
                self.problem = str(problem) if known else f"It cannot be loaded: {problem!r}"
                log.error("classifier_unavailable", problem=self.problem)
                self._stopping.wait(TRY_AGAIN)
                continue
            self.worker = Worker(
                self._transaction,
                classifier,
                at_once=self._settings.score_at_once,
                lease_for=timedelta(seconds=self._settings.lease_seconds),
            )
            self.problem = ""
            log.info("scoring", classifier=classifier.name, version=classifier.version)
            if self._stopping.is_set():
                return
            self.worker.run()

    def wake(self) -> None:
        """Say that something may be waiting."""
        if self.worker is not None:
            self.worker.wake()

    def stop(self) -> None:
        """End after the present batch, and wait for that a little."""
        self._stopping.set()
        if self.worker is not None:
            self.worker.stop()
        if self._thread.is_alive():
            self._thread.join(timeout=5)

    def trouble(self) -> str:
        """Return what keeps comments from being scored, in words; empty when all is well."""
        if self.problem:
            return self.problem
        if not self._thread.is_alive():
            return "The scoring worker has stopped."
        if self.worker is not None and monotonic() - self.worker.last_round > TRY_AGAIN:
            return "The scoring worker is stuck, or a batch takes very long."
        return ""
