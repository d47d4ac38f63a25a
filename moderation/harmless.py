"""The fairness check of this site: harmless sentences as its classifier reads them, and its own
cases that people overturned, judged by a policy before it counts."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import cache
from hashlib import sha256
from typing import Any

import numpy as np
import structlog
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import calibrations, fairness, history, labels, lineup, policies
from moderation.classifier import Classifier
from moderation.decisions import Kind
from moderation.fairness import Check, Suite
from moderation.history import Codes, History, Numbers, Whole
from moderation.policies import PolicyChanged
from moderation.policy import NOWHERE, Mode, Override, Policy, Scope, Status, Where
from moderation.suites import identity
from moderation.tables import Case, Decision, Score, SuitePiece, time_of

log = structlog.get_logger("moderation.harmless")

# So many sentences at once: about a tenth of a second, so that a comment hardly waits for them.
PIECE = 8
# The newest so many cases that people overturned are judged again.
RECENT = 2000
REASON = 500


class NeedsYes(Exception):
    """A policy is worse than the one in force, or was not checked, and nobody said yes to that."""

    def __init__(self, check: Check) -> None:
        super().__init__(check.in_words())
        self.check = check


@cache
def suite() -> str:
    """Return the hash of the suite's sentences: other sentences have to be read anew."""
    texts = "\n".join(case.text for case in identity.cases())
    return sha256(texts.encode()).hexdigest()[:16]


class Reading:
    """Reads the suite with a classifier as it was loaded, a piece at a time.

    Each piece is kept by itself, so whoever is killed loses one; two who read at once lose nothing.
    """

    def __init__(
        self,
        transaction: Callable[[], AbstractContextManager[Session]],
        classifier: Classifier,
        *,
        at_once: int = PIECE,
    ) -> None:
        self._transaction = transaction
        self._classifier = classifier
        self._at_once = at_once
        self._is_done = False

    def piece(self) -> int:
        """Read the next sentences; return how many, 0 once all were read."""
        if self._is_done:
            return 0
        with self._transaction() as session:
            row = lineup.row_of(session, self._classifier.name, self._classifier.version)
            # The pieces are read in turn, so the last one tells how far.
            last = session.scalar(
                select(SuitePiece)
                .filter_by(classifier_id=row, suite=suite())
                .order_by(SuitePiece.start.desc())
                .limit(1)
            )
            start = last.start + len(last.scores) if last else 0
        texts = [case.text for case in identity.cases()]
        if start >= len(texts):
            self._is_done = True
            return 0
        # No transaction is open while the classifier works.
        scores = self._score(texts[start : start + self._at_once])
        with self._transaction() as session:
            keep(session, row, start, scores)
        return len(scores)

    def _score(self, texts: list[str]) -> list[list[float | None]]:
        try:
            found = self._classifier.score(texts)
        # Whatever it raises: a comment that breaks it is held, and so counts such a sentence.
        except Exception as problem:
            if len(texts) > 1:
                return [self._score([text])[0] for text in texts]
            log.warning("sentence_not_scored", problem=type(problem).__name__)
            return [[]]
        return [[scores.get(name) for name in labels.NAMES] for scores in found]


def keep(
    session: Session, classifier_id: int, start: int, scores: list[list[float | None]]
) -> None:
    """Keep what a classifier, as it was loaded, gave the sentences from `start` on."""
    try:
        with session.begin_nested():
            session.add(
                SuitePiece(classifier_id=classifier_id, suite=suite(), start=start, scores=scores)
            )
            session.flush()
    except IntegrityError:  # Another process was faster.
        log.info("suite_read_elsewhere", start=start)


def read_so_far(session: Session, classifier_id: int) -> tuple[Numbers, int]:
    """Return the suite's scores as the site uses this classifier, and how many sentences it read.

    A row a sentence, a column a label of `labels.NAMES`; NaN where there is no score. The site's
    own calibration is applied.
    """
    base, curves = calibrations.base_of(session, classifier_id)
    scores = np.full((len(identity.cases()), len(labels.NAMES)), np.nan)
    read = 0
    for piece in session.scalars(
        select(SuitePiece).filter_by(classifier_id=base, suite=suite()).order_by(SuitePiece.start)
    ):
        nothing = [None] * len(labels.NAMES)
        rows = np.array([row or nothing for row in piece.scores], dtype=np.float64)
        scores[piece.start : piece.start + len(rows)] = rows
        read += len(rows)
    for label, curve in curves.items():
        column = scores[:, labels.NAMES.index(label)]
        column[:] = curve(column)
    return scores, read


def check(
    session: Session, policy: Policy, *, based_on: Policy, classifier: int, same: bool = True
) -> Check:
    """Say whom `policy` would stop for what they are, beside the policy `based_on`.

    Both are for the scores of `classifier`, unless not the `same`: then there is nothing to
    compare with. Pre-moderation is left out of both: it holds everybody alike. Places that have
    other thresholds by the one than by the other are looked at by themselves.
    """
    now, then = (
        replace(each.at(time_of(session)), mode=Mode.PUBLISH_UNLESS_HELD)
        for each in (based_on, policy)
    )

    def judged(texts: History, scope: Scope = NOWHERE) -> tuple[Codes, Codes]:
        after = history.judge_all(texts, _in(then, scope))
        before = history.judge_all(texts, _in(now, scope)) if same else np.zeros_like(after)
        return before, after

    scores, read = read_so_far(session, classifier)
    cases, texts = identity.cases(), _texts(scores)
    found: Suite | None = None
    places = []
    if read >= len(cases):
        found = fairness.compare(cases, *judged(texts))
        for one in _moved(now, then):
            there = fairness.compare(cases, *judged(texts, _scope(one)))
            if there.is_worse:
                places.append((one.place, there))
    again = fairness.count(*judged(_overturned(session, classifier)))
    return Check(read, len(cases), found, again, same, places)


def _moved(now: Policy, then: Policy) -> list[Override]:
    """Return the places that have other thresholds by one of the policies than by the other."""
    moved = [one for one in then.overrides if one not in now.overrides]
    moved += [one for one in now.overrides if one not in then.overrides]
    return list({one.place: one for one in moved}.values())


def _scope(override: Override) -> Scope:
    """Return where just these thresholds of a place hold."""
    match override.where:
        case Where.CONTEXT:
            return Scope(context=int(override.value))
        case Where.SECTION:
            return Scope(section=str(override.value))
        case Where.OLDER:
            return Scope(older=int(override.value))
        case Where.GOOD:
            return Scope(good=int(override.value))


def _in(policy: Policy, scope: Scope) -> Policy:
    """Return what a policy is for texts that stand there: without places of their own."""
    limits = policy.limits(scope)
    return replace(
        policy,
        thresholds={name: limit.threshold for name, limit in limits.items()},
        overrides=(),
    )


def before(
    session: Session, policy: Policy, *, based_on: int, classifier: int | None = None
) -> Check:
    """Check `policy` against the version `based_on`, for whose scores it is unless it says so.

    Raises PolicyChanged where that version is not in force any more.
    """
    current = policies.in_force(session)
    if current.id != based_on:
        raise PolicyChanged(current.id)
    chosen = current.classifier_id if classifier is None else classifier
    return check(
        session,
        policy,
        based_on=current.policy,
        classifier=chosen,
        same=chosen == current.classifier_id,
    )


def accepted(
    session: Session,
    policy: Policy,
    *,
    based_on: int,
    classifier: int | None = None,
    reason: str = "",
    seen: str | None = None,
) -> dict[str, Any]:
    """Return what a version keeps of its check, for `policies.adopt`.

    `reason` is the explicit yes to what is worse; `seen` the mark of the check that it was said to,
    where that was shown before. It writes nothing, so it can be asked before there is anybody who
    waits to write: a version that was adopted meanwhile refuses the adoption. Raises NeedsYes,
    PolicyChanged.
    """
    found = before(session, policy, based_on=based_on, classifier=classifier)
    if not found.needs_yes:
        return found.to_json()
    if not reason or (seen is not None and seen != found.mark):
        raise NeedsYes(found)
    return found.to_json(reason)


def _overturned(session: Session, classifier: int) -> History:
    """Return the newest comments that were held or rejected and that a person let through since.

    So it is after an appeal, too, and after an audit that came out otherwise. What was decided
    again meanwhile, or changed by its author, is left out.
    """
    newest = (
        select(Decision.case_id, Decision.revision)
        .where(
            # Word for word as in the index, which few lines are in.
            text("decisions.kind IN ('approve', 'reject', 'undo')"),
            Decision.kind == Kind.APPROVE.value,
            Decision.from_status.in_([Status.HELD.value, Status.REJECTED.value]),
        )
        .order_by(Decision.id.desc())
        .limit(RECENT)
        .subquery()
    )
    once = select(newest.c.case_id, func.max(newest.c.revision).label("revision")).group_by(
        newest.c.case_id
    )
    which = once.subquery()
    rows = session.execute(
        select(Score.signals, Score.good, *(getattr(Score, name) for name in labels.NAMES))
        .join(which, (which.c.case_id == Score.case_id) & (which.c.revision == Score.revision))
        .join(Case, Case.id == Score.case_id)
        .where(
            Score.classifier_id == classifier,
            Case.revision == Score.revision,
            Case.status == Status.PUBLISHED.value,
        )
    ).all()
    return _texts(
        np.array([row[2:] for row in rows], dtype=np.float64).reshape(-1, len(labels.NAMES)),
        np.array([_bits(row.signals) for row in rows], dtype=np.int64),
        np.array([row.good for row in rows], dtype=np.int64),
    )


def _bits(codes: str) -> int:
    return sum({history.BIT.get(code, _OTHER) for code in codes.split()})


# As in `history`: the bit of a signal that no policy decides on.
_OTHER = 1 << len(history.BIT)


def _texts(scores: Numbers, signals: Whole | None = None, good: Whole | None = None) -> History:
    """Return texts of which only scores are known, and perhaps signals; they stand nowhere here."""
    none = np.zeros(len(scores), dtype=np.int64)
    unsaid = np.full(len(scores), history.NONE, dtype=np.int8)
    return History(
        case_id=none,
        revision=none,
        at=none,
        scores=scores,
        signals=none if signals is None else signals,
        good=none if good is None else good,
        context=none,
        verdict=unsaid,
        version=none,
        people=unsaid,
    )
