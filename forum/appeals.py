"""Appeals: an author's, against a rejection; answered by somebody who did not decide it."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from forum import markup
from forum.accounts import Viewer
from forum.errors import Changed, Invalid, Repeated, TooLate
from forum.tables import Account, Appeal, Comment
from moderation import cases, rules
from moderation.decisions import Kind, Stale
from moderation.policy import Status
from moderation.tables import Decision, time_of

WORDS = 2000


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
    last = select(func.max(Decision.id)).where(
        Decision.case_id.in_({line.case_id for line in lines}),
        Decision.to_status == Status.REJECTED,
        Decision.kind.in_([Kind.VERDICT, Kind.REJECT]),
    )
    newest = set(session.scalars(last.group_by(Decision.case_id)))
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
    found = session.scalars(
        select(Appeal)
        .where(Appeal.comment_id.in_(list(comment_ids)), Appeal.answered_by_id.is_(None))
        .options(joinedload(Appeal.decision))
    )
    return {appeal.comment_id: appeal for appeal in found}


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


def reopen(session: Session, decision_id: int) -> None:
    """Open the appeal that a decision answered again: that was undone."""
    session.execute(
        update(Appeal).where(Appeal.answered_by_id == decision_id).values(answered_by_id=None)
    )
