"""Scores for whoever waits for the answer: one thread scores what many ask for."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

import structlog

from moderation.classifier import Classifier, ScoringFailed
from moderation.labels import Scores

log = structlog.get_logger("moderation.desk")

# A short text takes the classifier about as long as so many characters do.
_SHORTEST = 200
_CLOSED = "The desk is closed."


class Busy(Exception):
    """So much waits already that the answer would come too late."""


@dataclass(frozen=True)
class Scored:
    """The scores of the texts that were asked for, one mapping a text, and who gave them."""

    scores: Sequence[Scores]
    classifier: Classifier


@dataclass(frozen=True)
class _Asked:
    texts: Sequence[str]
    weight: int
    answer: "Future[Scored]" = field(default_factory=Future)


class Desk:
    """Takes texts from any thread and has them scored by one thread of its own.

    What waits is handed to the classifier together, up to `at_once` texts, in the order in which
    it came. At most `most_waiting` characters wait; whoever asks beyond that is refused at once.
    `classifier` is called in the desk's thread before each hand-over; it may take its time, and
    what it raises is what those who wait are told.
    """

    def __init__(
        self,
        classifier: Callable[[], Classifier],
        *,
        at_once: int = 16,
        most_waiting: int = 100_000,
    ) -> None:
        self._classifier = classifier
        self._at_once = at_once
        self._most_waiting = most_waiting
        self._waiting: deque[_Asked] = deque()
        # Of all that is asked and not answered, in characters.
        self._weight = 0
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Load the classifier before anybody asks."""
        with self._changed:
            self._begin()

    def ask(self, texts: Sequence[str]) -> "Future[Scored]":
        """Return the scores to come, in the order of the texts. Raises Busy.

        Cancelled before its turn, it is not scored. It fails with what the classifier raises.
        """
        asked = _Asked(texts, sum(max(len(text), _SHORTEST) for text in texts))
        with self._changed:
            if self._stopping:
                raise Busy(_CLOSED)
            # One alone may be as large as it likes, or it could never be asked.
            if self._weight and self._weight + asked.weight > self._most_waiting:
                raise Busy("Too much waits to be scored.")
            self._weight += asked.weight
            self._waiting.append(asked)
            self._begin()
            self._changed.notify()
        return asked.answer

    def stop(self) -> None:
        """Take no more, give up what waits, and wait a little for what is being scored."""
        with self._changed:
            self._stopping = True
            for asked in self._waiting:
                if asked.answer.set_running_or_notify_cancel():
                    asked.answer.set_exception(Busy(_CLOSED))
            self._waiting.clear()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(timeout=5)

    def _begin(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="desk", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        try:
            self._classifier()
        # Told to whoever asks, since it is tried again then.
        except Exception as problem:
            log.warning("no_classifier_yet", problem=str(problem))
        while these := self._next():
            self._answer([asked for asked in these if asked.answer.set_running_or_notify_cancel()])
            with self._changed:
                self._weight -= sum(asked.weight for asked in these)

    def _next(self) -> list[_Asked]:
        """Wait for something to do and return what is scored together; empty to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._stopping)
            if self._stopping:
                return []
            these = [self._waiting.popleft()]
            texts = len(these[0].texts)
            while self._waiting and texts + len(self._waiting[0].texts) <= self._at_once:
                these.append(self._waiting.popleft())
                texts += len(these[-1].texts)
            return these

    def _answer(self, these: Sequence[_Asked]) -> None:
        texts = [text for asked in these for text in asked.texts]
        try:
            classifier = self._classifier()
            scores = classifier.score(texts) if texts else []
            if len(scores) != len(texts):
                raise ScoringFailed(f"There are {len(scores)} scores for {len(texts)} texts.")
        # Whatever a library raises, whoever waits must hear of it, and the thread must go on.
        except Exception as problem:
            if len(these) == 1:
                these[0].answer.set_exception(problem)
                return
            # One text that breaks the classifier hurts its own request alone.
            for asked in these:
                self._answer([asked])
            return
        at = 0
        for asked in these:
            asked.answer.set_result(Scored(scores[at : at + len(asked.texts)], classifier))
            at += len(asked.texts)
