"""Scores beside the verdict: a classifier reads what another one judged, and decides nothing."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import structlog
from sqlalchemy import Select, exists, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation.classifier import Classifier
from moderation.policy import Signal, Status, title_of
from moderation.quotes import Quotable
from moderation.reading import OUTSIDE_LANGUAGES, Evidence, Found, Quotables, read
from moderation.tables import Case, Score, Section

log = structlog.get_logger("moderation.rescoring")

# Few, so that after a batch it is soon seen that there are texts to decide on.
AT_ONCE = 4
# So many of the newest texts are read again; they stand for what comes in now.
NEWEST = 1000


@dataclass(frozen=True)
class _Text:
    case_id: int
    revision: int
    text: str


class Rescoring:
    """Goes through the newest scored texts, a batch each round, newest first.

    A text that breaks the classifier is passed over from then on, and counted in `failures`.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[Session]],
        quotables: Quotables,
        *,
        among: int = NEWEST,
    ) -> None:
        self._transaction = transaction
        self._quotables = quotables
        self._among = among
        self._broken: set[tuple[int, int]] = set()
        self.scored = 0
        self.failures = 0

    def round(self, classifier: Classifier, classifier_id: int, *, at_most: int = AT_ONCE) -> int:
        """Score up to `at_most` texts that `classifier` has not read yet; return how many."""
        with self._transaction() as session:
            texts = [
                text
                # Those that broke it are still among them.
                for text in _missing(
                    session, classifier_id, self._among, at_most + len(self._broken)
                )
                if (text.case_id, text.revision) not in self._broken
            ][:at_most]
            if not texts:
                return 0
            quotables = self._quotables(session, [text.case_id for text in texts])
        pairs = [(text.text, quotables.get(text.case_id, Quotable())) for text in texts]
        # No transaction is open while the classifier works.
        found = self._read(classifier, texts, pairs)
        if found:
            with self._transaction() as session:
                _keep(session, classifier_id, found)
        self.scored += len(found)
        return len(texts)

    def _read(
        self, classifier: Classifier, texts: list[_Text], pairs: list[tuple[str, Quotable]]
    ) -> list[tuple[_Text, Found]]:
        try:
            return list(zip(texts, read(classifier, pairs), strict=True))
        # Whatever it raises: one by one, so that one text hurts only itself.
        except Exception as problem:
            log.warning("batch_not_rescored", size=len(texts), problem=type(problem).__name__)
        found = []
        for text, pair in zip(texts, pairs, strict=True):
            try:
                found.append((text, read(classifier, [pair])[0]))
            except Exception as problem:
                self._broken.add((text.case_id, text.revision))
                self.failures += 1
                log.warning(
                    "not_rescored",
                    case_id=text.case_id,
                    classifier=classifier.name,
                    problem=type(problem).__name__,
                )
        return found


def behind(session: Session, classifier_id: int, *, among: int = NEWEST) -> int:
    """Count the texts among the newest that a classifier has not read."""
    unread = _unread(classifier_id, among).subquery()
    return session.scalar(select(func.count()).select_from(unread)) or 0


def _unread(classifier_id: int, among: int) -> Select[tuple[int, int]]:
    judged = (
        select(Case.id, Case.revision)
        .where(Case.status != Status.PENDING, Case.withdrawn_at.is_(None))
        .order_by(Case.id.desc())
        .limit(among)
        .subquery()
    )
    own = exists().where(
        Score.case_id == judged.c.id,
        Score.revision == judged.c.revision,
        Score.classifier_id == classifier_id,
    )
    # A text that no classifier could read is not tried by another: it was parked for a reason.
    any_other = exists().where(Score.case_id == judged.c.id, Score.revision == judged.c.revision)
    return (
        select(judged.c.id, judged.c.revision).where(any_other, ~own).order_by(judged.c.id.desc())
    )


def _missing(session: Session, classifier_id: int, among: int, at_most: int) -> list[_Text]:
    unread = _unread(classifier_id, among).limit(at_most).subquery()
    rows = session.execute(
        select(Case.id, Case.revision, Case.text)
        .join(unread, unread.c.id == Case.id)
        .order_by(Case.id.desc())
    )
    return [_Text(*row) for row in rows]


def _known(session: Session, texts: Sequence[_Text]) -> dict[tuple[int, int], Evidence]:
    """Return what was known of the texts when they were judged: it is as it was then."""
    rows = session.execute(
        select(Score.case_id, Score.revision, Score.signals, Score.good, Section.path, Score.older)
        .outerjoin(Section, Section.id == Score.section_id)
        .where(Score.case_id.in_([text.case_id for text in texts]))
        .order_by(Score.scored_at.desc())
    )
    return {
        (row.case_id, row.revision): Evidence(
            tuple(
                Signal(code, title_of(code))
                for code in row.signals.split()
                if code != OUTSIDE_LANGUAGES
            ),
            row.good,
            row.path or "",
            row.older,
        )
        for row in rows
    }


def _keep(session: Session, classifier_id: int, found: list[tuple[_Text, Found]]) -> None:
    try:
        with session.begin_nested():
            known = _known(session, [text for text, _ in found])
            session.add_all(
                each.beside(known.get((text.case_id, text.revision), Evidence())).row(
                    session, text.case_id, text.revision, classifier_id
                )
                for text, each in found
            )
            session.flush()
    # Another process reads the same texts; what it has kept is not read again.
    except IntegrityError:
        log.info("rescored_elsewhere", size=len(found))
