"""The review queue and the log, as moderators see them: cases with all that surrounds them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import BindParameter, bindparam, select, tuple_, update
from sqlalchemy.orm import Session, joinedload

from forum import accounts
from forum.errors import Changed, Invalid, NotFound
from forum.tables import Account, Comment, Disclaimer, Report, Revision
from moderation import cases, decisions
from moderation.cases import Ground, Record
from moderation.decisions import REASONS, Kind, NotScored, Stale
from moderation.policy import Finding, Status
from moderation.tables import Case, Decision

A_PAGE = 25
LOG_A_PAGE = 50
WORDS = 500


class Show(StrEnum):
    """Which cases: those that wait, or those decided."""

    HELD = "held"
    REPORTED = "reported"
    PUBLISHED = "published"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Reviewed:
    """A case as a moderator sees it."""

    comment: Comment
    case: Case
    ground: Ground | None
    reports: Sequence[Report]
    record: Record
    last: Decision | None = None


@dataclass(frozen=True)
class QueuePage:
    """Cases, and the cursor of the next page."""

    cases: Sequence[Reviewed]
    next: str | None


def queue(session: Session, show: Show, *, after: str = "") -> QueuePage:
    """Return a page of cases: waiting ones oldest first, decided ones newest first."""
    query = (
        select(Comment)
        .join(Comment.case)
        .options(
            joinedload(Comment.case),
            joinedload(Comment.article),
            joinedload(Comment.author),
            joinedload(Comment.parent).joinedload(Comment.author),
        )
        .where(Case.withdrawn_at.is_(None))
        .limit(A_PAGE + 1)
    )
    if show in (Show.HELD, Show.REPORTED):
        status = Status.HELD if show is Show.HELD else Status.PUBLISHED
        query = query.where(Case.status == status, Case.waiting_since.is_not(None)).order_by(
            Case.waiting_since, Case.id
        )
        if after:
            query = query.where(tuple_(Case.waiting_since, Case.id) > tuple_(*_cursor(after)))
    else:
        status = Status.PUBLISHED if show is Show.PUBLISHED else Status.REJECTED
        query = query.where(Case.status == status).order_by(Case.id.desc())
        if after:
            query = query.where(Case.id < _cursor(after)[1])
    found = list(session.scalars(query))
    next_ = None
    if len(found) > A_PAGE:
        last = found[A_PAGE - 1].case
        when = last.waiting_since or last.opened_at
        next_ = f"{when.isoformat()}~{last.id}"
    return QueuePage(_reviewed(session, found[:A_PAGE]), next_)


def _cursor(value: str) -> tuple[datetime, int]:
    when, _, number = value.partition("~")
    try:
        moment = datetime.fromisoformat(when)
        if moment.tzinfo is None or not (number.isascii() and number.isdigit()):
            raise ValueError(value)
        case_id = int(number)
        if case_id >= 2**63:
            raise ValueError(value)
        # Near the first and the last year there is no such moment in UTC.
        return moment.astimezone(UTC), case_id
    except (ValueError, OverflowError):
        raise NotFound(
            "This page of the queue does not exist. Please start from its top."
        ) from None


def _reviewed(session: Session, found: Sequence[Comment]) -> list[Reviewed]:
    grounds = cases.grounds(session, [comment.case_id for comment in found])
    records = cases.records(session, {comment.author_id for comment in found})
    reports: dict[int, list[Report]] = {}
    for report in session.scalars(
        select(Report)
        .where(
            Report.comment_id.in_([comment.id for comment in found]),
            Report.answered_by_id.is_(None),
        )
        .order_by(Report.id)
        .options(joinedload(Report.reporter))
    ):
        reports.setdefault(report.comment_id, []).append(report)
    last = {
        decision.case_id: decision
        for decision in session.scalars(
            select(Decision)
            .where(
                Decision.case_id.in_([comment.case_id for comment in found]),
                Decision.kind.in_(decisions.BY_PEOPLE),
            )
            .order_by(Decision.id)
        )
    }
    return [
        Reviewed(
            comment=comment,
            case=comment.case,
            ground=grounds.get(comment.case_id),
            reports=reports.get(comment.id, ()),
            record=records.get(comment.author_id, Record()),
            last=last.get(comment.case_id),
        )
        for comment in found
    ]


@dataclass(frozen=True)
class CaseFile:
    """Everything about one case."""

    reviewed: Reviewed
    parent: Comment | None
    revisions: Sequence[Revision]
    history: Sequence[Decision]
    disclaimer: Disclaimer
    # Names of the accounts in the history.
    names: Mapping[int, str]
    # The last thing that happened, if a person did it and it can be taken back.
    undoable: Decision | None


def open_file(session: Session, case_id: int) -> CaseFile:
    """Return a case with its history. Raises NotFound."""
    comment = session.scalar(
        select(Comment)
        .where(Comment.case_id == case_id)
        .options(
            joinedload(Comment.case),
            joinedload(Comment.article),
            joinedload(Comment.author),
            joinedload(Comment.parent).joinedload(Comment.author),
        )
    )
    if comment is None:
        raise NotFound("There is no such case.")
    history = cases.history(session, case_id)
    return CaseFile(
        reviewed=_reviewed(session, [comment])[0],
        parent=comment.parent,
        revisions=list(
            session.scalars(
                select(Revision).where(Revision.comment_id == comment.id).order_by(Revision.number)
            )
        ),
        history=history,
        disclaimer=session.get_one(Disclaimer, comment.disclaimer_id),
        names=accounts.names(session, {line.actor for line in history if line.actor}),
        undoable=history[-1] if history and history[-1].kind in decisions.BY_PEOPLE else None,
    )


def approve(session: Session, case_id: int, *, version: int, moderator: Account) -> Decision:
    """Publish a case, or keep it published; open reports are answered by it.

    `version` is the case's version that the moderator saw. Raises Changed, saying who was faster,
    or Invalid while it has no scores.
    """
    return _decide(session, case_id, Kind.APPROVE, Status.PUBLISHED, version, moderator)


def reject(
    session: Session, case_id: int, *, version: int, moderator: Account, reason: str, words: str
) -> Decision:
    """Reject a case for a reason. Raises Changed, or Invalid for no reason or while unscored."""
    if reason not in REASONS:
        raise Invalid("Please choose a reason: the log and the author need it.", field="reason")
    words = " ".join(words.split())
    if reason == "other" and not words:
        raise Invalid("Please say the reason in a few words.", field="words")
    if len(words) > WORDS:
        raise Invalid(f"Please keep the reason within {WORDS} characters.", field="words")
    return _decide(
        session, case_id, Kind.REJECT, Status.REJECTED, version, moderator, reason, words
    )


def _decide(
    session: Session,
    case_id: int,
    kind: Kind,
    to: Status,
    version: int,
    moderator: Account,
    reason: str = "",
    words: str = "",
) -> Decision:
    ground = cases.grounds(session, [case_id]).get(case_id)
    try:
        decision = decisions.decide(
            session,
            case_id,
            kind,
            to,
            version=version,
            actor=moderator.id,
            reason=reason,
            words=words,
            policy_version=ground.decision.policy_version_id if ground else None,
            classifier=ground.decision.classifier_id if ground else None,
        )
    except Stale:
        raise Changed(_meanwhile(session, case_id)) from None
    except NotScored:
        raise Invalid(
            "This comment is still being checked. Please decide when it has its scores."
        ) from None
    comment_id = session.scalars(select(Comment.id).where(Comment.case_id == case_id)).one()
    session.execute(
        update(Report)
        .where(Report.comment_id == comment_id, Report.answered_by_id.is_(None))
        .values(answered_by_id=decision.id)
    )
    return decision


def undo(session: Session, decision_id: int, *, moderator: Account) -> Decision:
    """Take a decision back; reports that it answered are open again. Raises Changed, NotFound."""
    try:
        undone = decisions.undo(session, decision_id, actor=moderator.id)
    except LookupError:
        raise NotFound("There is no such decision to undo.") from None
    except Stale as stale:
        raise Changed(_meanwhile(session, stale.case_id)) from None
    session.execute(
        update(Report).where(Report.answered_by_id == decision_id).values(answered_by_id=None)
    )
    return undone


_DID = {
    Kind.VERDICT: "judged this comment",
    Kind.PARK: "held this comment",
    Kind.APPROVE: "approved this comment",
    Kind.REJECT: "rejected this comment",
    Kind.UNDO: "took a decision on this comment back",
    Kind.EDIT: "edited this comment",
    Kind.REPORT: "reported this comment",
    Kind.WITHDRAW: "deleted this comment",
}


def _meanwhile(session: Session, case_id: int) -> str:
    history = cases.history(session, case_id)
    if not history:
        return "This case has changed meanwhile, so nothing was recorded. Please look again."
    last = history[-1]
    name = accounts.names(session, {last.actor}).get(last.actor, "") if last.actor else ""
    who = name or "The classifier"
    return f"{who} was faster and {_DID[Kind(last.kind)]}. Your decision was not recorded."


@dataclass(frozen=True)
class LogLine:
    """A line of the log with the names that belong to it."""

    decision: Decision
    who: str
    comment: Comment
    scores: Mapping[str, float]

    @property
    def did(self) -> str:
        return _DID[Kind(self.decision.kind)]

    @property
    def findings(self) -> list[str]:
        return [Finding.from_json(found).in_words() for found in self.decision.findings]


def log(
    session: Session, *, before: int | None = None, by_people: bool = False
) -> tuple[list[LogLine], int | None]:
    """Return a page of the decisions log, newest first, and the cursor of the next."""
    query = (
        select(Decision)
        .order_by(Decision.id.desc())
        .limit(LOG_A_PAGE + 1)
        .options(joinedload(Decision.policy_version), joinedload(Decision.classifier))
    )
    if before is not None:
        query = query.where(Decision.id < before)
    if by_people:
        # Written out, since the index is known by these very words.
        kinds: BindParameter[list[Kind]] = bindparam(
            "kinds", [*decisions.BY_PEOPLE, Kind.UNDO], literal_execute=True
        )
        query = query.where(Decision.kind.in_(kinds))
    lines = list(session.scalars(query))
    next_ = lines[LOG_A_PAGE - 1].id if len(lines) > LOG_A_PAGE else None
    lines = lines[:LOG_A_PAGE]
    about = {
        comment.case_id: comment
        for comment in session.scalars(
            select(Comment)
            .where(Comment.case_id.in_({line.case_id for line in lines}))
            .options(joinedload(Comment.article), joinedload(Comment.author))
        )
    }
    names = accounts.names(session, {line.actor for line in lines if line.actor})
    scores = cases.scores_of(
        session, {(line.case_id, line.revision, line.classifier_id or 0) for line in lines}
    )
    return [
        LogLine(
            line,
            names.get(line.actor or 0, "The classifier"),
            about[line.case_id],
            scores.get((line.case_id, line.revision, line.classifier_id or 0), {}),
        )
        for line in lines
    ], next_


def counts(session: Session) -> dict[Show, int]:
    """Count what waits in each view; counted each time, so it equals what a click shows."""
    waiting = cases.counts_waiting(session)
    return {
        Show.HELD: waiting.get(Status.HELD, 0),
        Show.REPORTED: waiting.get(Status.PUBLISHED, 0),
    }


def undoable(session: Session, decision_id: int) -> Decision | None:
    """Return a person's decision if nothing happened to its case since; else None."""
    decision = session.get(Decision, decision_id)
    if decision is None or decision.kind not in decisions.BY_PEOPLE:
        return None
    history = cases.history(session, decision.case_id)
    return decision if history[-1].id == decision.id else None
