"""Runs the scoring worker: loads the classifier, works, waits where something is missing."""

import threading
from collections.abc import Sequence
from datetime import timedelta
from time import monotonic

import structlog

from forum.quoting import quotables
from forum.settings import Settings
from forum.signals import witness
from moderation import calibrations
from moderation.classifier import Classifier, ClassifierUnavailable
from moderation.labels import Scores
from moderation.loading import load_classifier
from moderation.shadow import Shadow
from moderation.worker import Transaction, Worker

log = structlog.get_logger("forum.scoring")

# After how long a classifier that could not be loaded is tried again, in seconds.
TRY_AGAIN = 30.0

_LOADING = "The classifier is being loaded."


class TakingTurns:
    """A classifier for several threads: while one of them scores, the others wait."""

    def __init__(self, classifier: Classifier) -> None:
        self.name = classifier.name
        self.version = classifier.version
        self.labels = classifier.labels
        self.scripts = classifier.scripts
        self._classifier = classifier
        self._turn = threading.Lock()

    def score(self, texts: Sequence[str]) -> list[Scores]:
        with self._turn:
            return self._classifier.score(texts)


class Loader:
    """Gives the classifier as the site uses it, loaded when it is first asked for. For one thread.

    Raises ClassifierUnavailable while it cannot be loaded; after TRY_AGAIN it is tried again.
    """

    def __init__(self, transaction: Transaction, settings: Settings) -> None:
        self._transaction = transaction
        self._settings = settings
        self._classifier: Classifier | None = None
        self._failed_at = -TRY_AGAIN
        self.problem = _LOADING

    def __call__(self) -> Classifier:
        if self._classifier is None:
            if monotonic() - self._failed_at < TRY_AGAIN:
                raise ClassifierUnavailable(self.problem)
            try:
                self._classifier = load_classifier(self._settings.classifier)
            # Whatever a library raises while it loads, it is not there.
            except Exception as problem:
                self._failed_at, self.problem = monotonic(), _in_words(problem)
                log.error("classifier_unavailable", problem=self.problem)
                raise ClassifierUnavailable(self.problem) from problem
            self.problem = ""
            log.info(
                "classifier_loaded",
                classifier=self._classifier.name,
                version=self._classifier.version,
            )
        with self._transaction() as session:
            return calibrations.applied(session, self._classifier)


def _in_words(problem: Exception) -> str:
    if isinstance(problem, ClassifierUnavailable):
        return str(problem)
    return f"It cannot be loaded: {problem!r}"


class Scoring:
    """The worker with its classifier, in a thread of its own (`start`) or in this one (`run`).

    Without a classifier the site goes on: comments wait, unseen, and `problem` says why.
    """

    def __init__(self, transaction: Transaction, settings: Settings) -> None:
        self._transaction = transaction
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self.run, name="scoring", daemon=True)
        self._shadow_thread = threading.Thread(target=self._run_shadow, name="shadow", daemon=True)
        self.worker: Worker | None = None
        self.shadow: Shadow | None = None
        self.problem = _LOADING

    def start(self) -> None:
        """Work in a thread of its own until `stop`."""
        self._thread.start()

    def run(self) -> None:
        """Work until `stop` is called from elsewhere."""
        while not self._stopping.is_set():
            try:
                classifier = TakingTurns(load_classifier(self._settings.classifier))
            # Whatever a library raises while it loads, the worker must not end in silence.
            except Exception as problem:
                self.problem = _in_words(problem)
                log.error("classifier_unavailable", problem=self.problem)
                self._stopping.wait(TRY_AGAIN)
                continue
            self.worker = Worker(
                self._transaction,
                classifier,
                at_once=self._settings.score_at_once,
                lease_for=timedelta(seconds=self._settings.lease_seconds),
                quotables=quotables,
                witness=witness,
            )
            self.problem = ""
            log.info("scoring", classifier=classifier.name, version=classifier.version)
            if self._stopping.is_set():
                return
            if self._settings.shadow and not self._shadow_thread.is_alive():
                self._shadow_thread.start()
            self.worker.run()

    def _run_shadow(self) -> None:
        """Load the shadow and let it work. What goes wrong is a warning, and concerns nobody."""
        while not self._stopping.is_set():
            try:
                classifier = load_classifier(self._settings.shadow)
            except Exception as problem:
                log.warning("shadow_unavailable", problem=_in_words(problem))
                self._stopping.wait(TRY_AGAIN)
                continue
            self.shadow = Shadow(self._transaction, classifier, quotables=quotables)
            log.info("shadowing", classifier=classifier.name, version=classifier.version)
            if not self._stopping.is_set():
                self.shadow.run()

    def classifier(self) -> Classifier:
        """Return the worker's classifier, for another thread. Raises ClassifierUnavailable."""
        if self.worker is None:
            raise ClassifierUnavailable(self.problem)
        return self.worker.classifier

    def wake(self) -> None:
        """Say that something may be waiting."""
        if self.worker is not None:
            self.worker.wake()

    def stop(self) -> None:
        """End after the present batch, and wait for that a little."""
        self._stopping.set()
        if self.worker is not None:
            self.worker.stop()
        if self.shadow is not None:
            self.shadow.stop()
        for thread in (self._thread, self._shadow_thread):
            if thread.is_alive():
                thread.join(timeout=5)

    def trouble(self) -> str:
        """Return what keeps comments from being scored, in words; empty when all is well."""
        if self.problem:
            return self.problem
        if not self._thread.is_alive():
            return "The scoring worker has stopped."
        if self.worker is not None and monotonic() - self.worker.last_round > TRY_AGAIN:
            return "The scoring worker is stuck, or a batch takes very long."
        return ""
