"""How a moderator wants to work: words covered, pauses suggested, labels left out.

Only the moderator reads it. No page of others, no log and no export tells of it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import Session

from forum.accounts import Viewer
from forum.errors import Invalid
from forum.tables import Account, Appeal, Comment, Habits, Report
from moderation import decisions, labels, rules
from moderation.policy import Status
from moderation.tables import Decision, Place, Score, time_of

# What can be left out. Toxicity is not among it: nearly every held case has it.
CAN_LEAVE_OUT = tuple(label for label in labels.ALL if label.name != "toxicity")

# In a session's `info`: what was read in its transaction, by account.
_KNOWN = "habits"

MOST_CASES = 500
MOST_MINUTES = 24 * 60


@dataclass(frozen=True)
class Chosen:
    """What a moderator chose. `cases`: how many suggest a pause; None: none is suggested."""

    covers: bool = False
    cases: int | None = None
    score: float = 0.8
    minutes: int = 60
    left_out: tuple[str, ...] = ()
    rested_at: datetime | None = None


def of(session: Session, account_id: int) -> Chosen:
    """Return what somebody chose, or what holds for whoever chose nothing.

    A transaction asks the database once.
    """
    known: dict[int, Chosen] = session.info.setdefault(_KNOWN, {})
    if account_id not in known:
        row = session.get(Habits, account_id)
        known[account_id] = Chosen() if row is None else _chosen(row)
    return known[account_id]


def _chosen(row: Habits) -> Chosen:
    return Chosen(
        row.covers, row.cases, row.score, row.minutes, tuple(row.left_out.split()), row.rested_at
    )


def save(
    session: Session,
    account: Account | Viewer,
    *,
    covers: bool,
    cases: int | None,
    score: float,
    minutes: int,
    left_out: Collection[str],
) -> None:
    """Keep how somebody wants to work. Raises Invalid, naming the field."""
    if cases is not None and not 1 <= cases <= MOST_CASES:
        raise Invalid(f"Please take 1 to {MOST_CASES} cases, or leave it empty.", field="cases")
    if not 0 <= score <= 1:
        raise Invalid("A score is a number from 0 to 1.", field="score")
    if not 1 <= minutes <= MOST_MINUTES:
        raise Invalid(f"Please take 1 to {MOST_MINUTES} minutes.", field="minutes")
    row = _row(session, account)
    row.covers, row.cases, row.score, row.minutes = covers, cases, score, minutes
    row.left_out = " ".join(label.name for label in CAN_LEAVE_OUT if label.name in left_out)
    session.flush()


def rest(session: Session, account: Account | Viewer) -> None:
    """Put the suggestion of a pause away: what was decided so far counts no more."""
    _row(session, account).rested_at = time_of(session)
    session.flush()


def _row(session: Session, account: Account | Viewer) -> Habits:
    # It is about to change.
    session.info.pop(_KNOWN, None)
    row = session.get(Habits, account.id)
    if row is None:
        plain = Chosen()
        row = Habits(
            account_id=account.id,
            covers=plain.covers,
            cases=plain.cases,
            score=plain.score,
            minutes=plain.minutes,
            left_out="",
        )
        session.add(row)
    return row


@dataclass(frozen=True)
class Exposure:
    """How many cases of a score or more somebody decided within so many minutes."""

    cases: int
    score: float
    minutes: int


def exposure(session: Session, account_id: int) -> Exposure | None:
    """Return what suggests a pause; None while nothing does. Counted anew from the log."""
    chosen = of(session, account_id)
    if chosen.cases is None:
        return None
    since = time_of(session) - timedelta(minutes=chosen.minutes)
    if chosen.rested_at is not None:
        since = max(since, chosen.rested_at)
    # By number and not by time: the index of an actor's lines has no times.
    latest = (
        select(Decision.case_id, Decision.revision, Decision.classifier_id, Decision.at)
        .where(Decision.actor == account_id, Decision.kind.in_(decisions.BY_PEOPLE))
        .order_by(Decision.id.desc())
        .limit(2 * MOST_CASES)
        .subquery()
    )
    grave = or_(*(getattr(Score, name) >= chosen.score for name in labels.NAMES))
    seen = session.scalars(
        select(latest.c.case_id)
        .join(
            Score,
            (Score.case_id == latest.c.case_id)
            & (Score.revision == latest.c.revision)
            & (Score.classifier_id == latest.c.classifier_id),
        )
        .where(latest.c.at > since, grave)
        .distinct()
    ).all()
    if len(seen) < chosen.cases:
        return None
    return Exposure(len(seen), chosen.score, chosen.minutes)


def wanted(session: Session, account_id: int) -> list[ColumnElement[bool]]:
    """The conditions on a place that leave out what somebody does not want to be offered.

    Left out is what was held, reported or rejected for one of the labels; a reason of the rules
    stands for its label.
    """
    left_out = of(session, account_id).left_out
    if not left_out:
        return []
    found: list[ColumnElement[bool]] = [
        ~Place.held_labels.contains(f" {name} ", autoescape=True) for name in left_out
    ]
    reasons = [each.code for each in rules.in_force(session).all_reasons if each.label in left_out]
    if reasons:
        reported = exists(
            select(Report.id)
            .join(Comment, Comment.id == Report.comment_id)
            .where(
                Comment.case_id == Place.case_id,
                Report.answered_by_id.is_(None),
                Report.reason.in_(reasons),
            )
        )
        appealed = exists(
            select(Appeal.id)
            .join(Comment, Comment.id == Appeal.comment_id)
            .join(Decision, Decision.id == Appeal.decision_id)
            .where(
                Comment.case_id == Place.case_id,
                Appeal.answered_by_id.is_(None),
                Decision.reason.in_(reasons),
            )
        )
        # Few have either, and for the others nothing is looked up.
        found += [
            or_(Place.reports == 0, ~reported),
            or_(Place.status != Status.REJECTED, ~appealed),
        ]
    return found
