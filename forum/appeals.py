"""Appeals: an author's, against a rejection; answered by somebody who did not decide it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from forum import markup
from forum.accounts import Viewer
from forum.errors import Changed, Invalid, Repeated, TooLate
from forum.tables import Account, Appeal, Comment
from moderation import cases, decisions, rules
from moderation.decisions import Kind, Stale
from moderation.policy import Status
from moderation.tables import Decision, time_of

WORDS = 2000
# Of how recent appeals the figures are.
RECENT = timedelta(days=90)


def until(session: Session, decision: Decision) -> datetime:
    """Return until when a decision may be appealed."""
    return decision.at + timedelta(days=rules.in_force(session).appeal_days)


def make(session: Session, decision: Decision, comment: Comment, *, words: str) -> Appeal:
    """Appeal against the rejection of a comment, which comes with its case.

    The case comes back to the review queue. Raises Invalid, Changed, TooLate, Repeated.
    """
    words = markup.tidy(words)
    if not words:
        raise Invalid("Please say why you think that the decision is wrong.", field="words")
    if len(words) > WORDS:
        raise Invalid(f"Please keep it within {WORDS} characters.", field="words")
    session.refresh(comment.case, with_for_update=True)
    if not in_force(session, [decision], {comment.case_id: comment}):
        raise Changed("This decision is not in force any more. Please look at your comment.")
    if time_of(session) > until(session, decision):
        raise TooLate("The time to appeal against this decision is over.")
    if is_answer(session, decision.id):
        raise TooLate("This decision answered an appeal already; it is the last one.")
    appeal = Appeal(
        decision_id=decision.id,
        comment_id=comment.id,
        words=words,
        created_at=time_of(session),
    )
    try:
        with session.begin_nested():
            session.add(appeal)
            session.flush()
    except IntegrityError:
        raise Repeated("You have appealed against this decision already.") from None
    try:
        cases.appeal(session, comment.case)
    except Stale:
        raise Changed("Something happened to this comment just now. Please look again.") from None
    return appeal


def in_force(session: Session, found: Iterable[Decision], about: dict[int, Comment]) -> set[int]:
    """Return which of these lines are why a comment is rejected now, by their numbers."""
    lines = list(found)
    last = cases.rejected_by(Decision.case_id.in_({line.case_id for line in lines}))
    newest = set(session.scalars(last))
    stand = set()
    for line in lines:
        case = about[line.case_id].case
        rejected = case.status == Status.REJECTED and case.withdrawn_at is None
        if rejected and line.id in newest and line.revision == case.revision:
            stand.add(line.id)
    return stand


def is_answer(session: Session, decision_id: int) -> bool:
    """Whether a decision answered an appeal."""
    found = select(Appeal.id).where(Appeal.answered_by_id == decision_id)
    return session.scalar(found) is not None


def open_ones(session: Session, comment_ids: Iterable[int]) -> dict[int, Appeal]:
    """Return the appeals that wait for an answer, by comment, with what they are against."""
    found = session.scalars(_OPEN, {"comments": list(comment_ids)})
    return {appeal.comment_id: appeal for appeal in found}


_OPEN = (
    select(Appeal)
    .where(
        Appeal.comment_id.in_(bindparam("comments", expanding=True)),
        Appeal.answered_by_id.is_(None),
    )
    .options(joinedload(Appeal.decision))
)


def check_judge(session: Session, comment_id: int, moderator: Account | Viewer) -> None:
    """Raise Invalid when a moderator would answer an appeal against a decision of their own."""
    appeal = open_ones(session, [comment_id]).get(comment_id)
    if appeal is not None and appeal.decision.actor == moderator.id:
        raise Invalid("The author appeals against your own decision, so somebody else answers it.")


def answer(session: Session, comment_id: int, by: Decision) -> None:
    """Close the open appeal on a comment, if there is one."""
    session.execute(
        update(Appeal)
        .where(Appeal.comment_id == comment_id, Appeal.answered_by_id.is_(None))
        .values(answered_by_id=by.id)
    )


@dataclass(frozen=True)
class Figures:
    """How appeals fare: those open now, and what was answered of those of the last 90 days."""

    open: int
    made: int
    answered: int
    overturned: int
    # Seconds; None where none was answered.
    median: int | None

    @property
    def share(self) -> float | None:
        """Of those answered, how many were right; None where none was answered."""
        return self.overturned / self.answered if self.answered else None


def figures(session: Session) -> Figures:
    """Return how appeals fare."""
    rows = session.execute(
        select(Decision.kind, Decision.at, Appeal.created_at)
        .outerjoin(Decision, Decision.id == Appeal.answered_by_id)
        .select_from(Appeal)
        .where(Appeal.created_at > time_of(session) - RECENT)
    ).all()
    took = [
        (row.at - row.created_at).total_seconds() for row in rows if row.kind in decisions.BY_PEOPLE
    ]
    waiting = select(func.count()).select_from(Appeal).where(Appeal.answered_by_id.is_(None))
    return Figures(
        open=session.scalar(waiting) or 0,
        made=len(rows),
        answered=len(took),
        overturned=sum(row.kind == Kind.APPROVE for row in rows),
        median=round(median(took)) if took else None,
    )


def reopen(session: Session, decision_id: int) -> None:
    """Open the appeal that a decision answered again: that was undone."""
    session.execute(
        update(Appeal).where(Appeal.answered_by_id == decision_id).values(answered_by_id=None)
    )
