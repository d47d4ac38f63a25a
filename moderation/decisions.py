"""The only place where a case's status changes, and the log of every change."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from moderation import audits, claims, notices, review_queue, rules, scripts
from moderation.policy import Finding, Status
from moderation.tables import Audit, Case, Decision, time_of


class Kind(StrEnum):
    """What a line of the log is."""

    VERDICT = "verdict"
    PARK = "park"
    APPROVE = "approve"
    REJECT = "reject"
    UNDO = "undo"
    EDIT = "edit"
    REPORT = "report"
    WITHDRAW = "withdraw"
    APPEAL = "appeal"
    # Somebody judged a decided case, not knowing that it was; in an audit, or to learn.
    AUDIT = "audit"
    GOLDEN = "golden"


BY_PEOPLE = (Kind.APPROVE, Kind.REJECT)


class NotScored(Exception):
    """The case still waits for its scores: nothing is published, nor rejected, before."""


class Stale(Exception):
    """Somebody or something else was faster. `case_id` tells which case to look at again."""

    def __init__(self, case_id: int) -> None:
        super().__init__(f"Case {case_id} changed meanwhile.")
        self.case_id = case_id


def decide(
    session: Session,
    case_id: int,
    kind: Kind,
    to: Status | None = None,
    *,
    version: int,
    actor: int | None = None,
    reason: str = "",
    words: str = "",
    findings: Sequence[Finding] = (),
    policy_version: int | None = None,
    rehearsal: int | None = None,
    classifier: int | None = None,
    text: str | None = None,
    undoes: Decision | None = None,
    batch: int | None = None,
    nearness: float = 0.0,
    disputed: bool = False,
) -> Decision:
    """Move a case to the status `to` (None: it stays) and write the line of the log, or neither.

    `version` is the case's version that the decision was made on. A new `text` starts a new
    revision. The line keeps the reason and its rule as they read now; a machine's rejection gets
    the reason that its findings stand for; what a rehearsed policy decided names the `rehearsal`
    in place of a version. `nearness` says how near the scores came to a threshold;
    `disputed`, that an audit came out otherwise, so that a third person has to look.

    Raises Stale when the case has moved on since, was withdrawn, or does not exist, and NotScored
    when a person decides on a pending case.
    """
    seen = session.execute(
        select(Case.status, Case.waiting_since, Case.revision, Case.version, Case.author).where(
            Case.id == case_id
        )
    ).one_or_none()
    if seen is None or seen.version != version:
        raise Stale(case_id)
    if kind in BY_PEOPLE and seen.status == Status.PENDING:
        # Nor could it be undone: pending again, the case would have no scoring job any more.
        raise NotScored(case_id)
    now = time_of(session)
    to = Status(seen.status) if to is None else to

    if kind is Kind.UNDO and undoes is not None:
        waiting = undoes.waited_since
    elif to is Status.HELD or disputed or kind in (Kind.REPORT, Kind.APPEAL):
        waiting = seen.waiting_since or now
    elif kind is Kind.EDIT or (kind is Kind.VERDICT and to is Status.PUBLISHED):
        # A report stays open through an edit and a machine's verdict: a person answers it.
        looked_at = seen.status in (Status.HELD, Status.REJECTED)
        waiting = None if looked_at and not _reported(session, case_id) else seen.waiting_since
    else:
        waiting = None

    change: dict[str, object] = {
        "status": to.value,
        "version": Case.version + 1,
        "waiting_since": waiting,
    }
    if text is not None:
        change |= {
            "text": text,
            "script": scripts.written_in(text),
            "revision": Case.revision + 1,
        }
    if kind is Kind.WITHDRAW:
        change |= {"withdrawn_at": now}
    # The condition makes it safe: a read before a write does not, on any database.
    moved = session.execute(
        update(Case)
        .where(Case.id == case_id, Case.version == version, Case.withdrawn_at.is_(None))
        .values(change)
        .execution_options(synchronize_session="fetch")
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise Stale(case_id)
    if actor is not None:
        claims.end(session, case_id, by=actor, decides=kind in BY_PEOPLE)

    drawn_from = audits.stratum_of(session, kind, seen.status, to, nearness)
    rejected_by_machine = kind is Kind.VERDICT and to is Status.REJECTED
    reason, rule = _ground(session, reason, findings if rejected_by_machine else None)
    decision = Decision(
        case_id=case_id,
        revision=seen.revision + (text is not None),
        at=now,
        kind=kind.value,
        actor=actor,
        from_status=seen.status,
        to_status=to.value,
        reason=reason,
        words=words,
        rule=rule,
        findings=[finding.to_json() for finding in findings],
        policy_version_id=policy_version,
        rehearsal_id=rehearsal,
        classifier_id=classifier,
        waited_since=seen.waiting_since,
        undoes_id=undoes.id if undoes else None,
        batch_id=batch,
        stratum=drawn_from[0] if drawn_from else undoes.stratum if undoes else None,
        share=drawn_from[1] if drawn_from else None,
    )
    session.add(decision)
    session.flush()
    waits = waiting is not None or seen.waiting_since is not None
    for each in audits.follow(session, decision, undoes) | ({case_id} if waits else set()):
        review_queue.settle(session, each)
    if _concerns_the_author(session, decision):
        notices.tell(session, seen.author, decision_id=decision.id)
    return decision


def _ground(
    session: Session, reason: str, findings: Sequence[Finding] | None
) -> tuple[str, dict[str, Any] | None]:
    """Return a reason, where there is none that of the findings, and its rule as it reads now."""
    if not reason and findings is None:
        return "", None
    known = rules.in_force(session)
    reason = reason or known.reason_of(findings or ()).code
    return reason, known.words_of(reason)


def _concerns_the_author(session: Session, decision: Decision) -> bool:
    """Whether the author is told: of a rejection, and of whatever follows one."""
    if decision.kind in (Kind.AUDIT, Kind.GOLDEN):
        return False
    if decision.kind == Kind.UNDO and decision.undoes_id is not None:
        if decision.from_status == decision.to_status:
            # An answer to an audit is taken back, or an answer that left things as they were.
            undone = session.get_one(Decision, decision.undoes_id)
            if undone.kind not in BY_PEOPLE:
                return False
        if notices.take_back(session, decision.undoes_id):
            return False
        return Status.REJECTED in (decision.from_status, decision.to_status)
    if decision.to_status == Status.REJECTED:
        return decision.kind in (Kind.VERDICT, Kind.REJECT)
    return decision.kind == Kind.APPROVE and decision.from_status == Status.REJECTED


def _reported(session: Session, case_id: int) -> bool:
    """Whether the last report on a case still waits for a person's answer."""
    undone = select(Decision.undoes_id).where(
        Decision.case_id == case_id, Decision.undoes_id.is_not(None)
    )
    last = session.scalar(
        select(Decision.kind)
        .where(
            Decision.case_id == case_id,
            Decision.kind.in_([Kind.REPORT, *BY_PEOPLE]),
            Decision.id.not_in(undone),
        )
        .order_by(Decision.id.desc())
        .limit(1)
    )
    return last == Kind.REPORT


def undo(session: Session, decision_id: int, *, actor: int) -> Decision:
    """Take a person's decision back: the case returns to where it was, in its place in the queue.

    Only the last decision on a case can be undone. Raises Stale when it is not, LookupError when
    there is no such decision of a person.
    """
    decision = session.get(Decision, decision_id)
    if decision is None or not _can_be_undone(session, decision, actor):
        raise LookupError(decision_id)
    case = session.get_one(Case, decision.case_id)
    last = session.scalar(
        select(Decision.id).where(Decision.case_id == case.id).order_by(Decision.id.desc()).limit(1)
    )
    if last != decision.id:
        raise Stale(case.id)
    golden = decision.kind == Kind.GOLDEN
    return decide(
        session,
        case.id,
        Kind.GOLDEN if golden else Kind.UNDO,
        Status(decision.from_status),
        version=case.version,
        actor=actor,
        undoes=decision,
        batch=decision.batch_id,
    )


def _can_be_undone(session: Session, decision: Decision, actor: int) -> bool:
    match decision.kind:
        case Kind.APPROVE | Kind.REJECT:
            return True
        case Kind.VERDICT:
            # A policy that somebody applied to what was held.
            return decision.actor is not None
        case Kind.AUDIT:
            return decision.actor == actor
        case Kind.GOLDEN:
            # Then it is shown how it should be.
            early = time_of(session) - decision.at < audits.GOLDEN_SETTLES
            return early and decision.actor == actor and decision.undoes_id is None
        case _:
            return False


def judge_again(
    session: Session,
    audit: Audit,
    says: Kind,
    *,
    version: int,
    actor: int,
    reason: str = "",
    words: str = "",
    batch: int | None = None,
) -> Decision:
    """Answer an audit: the status stays, and where they differ a third person has to look.

    The line of the log does not tell the answer; the audit keeps it. Raises Stale.
    """
    golden = audit.golden_id is not None
    line = decide(
        session,
        audit.case_id,
        Kind.GOLDEN if golden else Kind.AUDIT,
        version=version,
        actor=actor,
        disputed=not golden and says != audit.expected,
        batch=batch,
    )
    audits.answer(session, audit, line, says=says, reason=reason, words=words)
    review_queue.settle(session, audit.case_id)
    return line


def first_since(session: Session, moment: datetime) -> int:
    """The number of the first line of the log since a moment, found by halving."""
    low, high = 1, (session.scalar(_LAST) or 0) + 1
    while low < high:
        middle = (low + high) // 2
        line = session.execute(_FIRST_FROM, {"number": middle}).one_or_none()
        if line is None or line.at >= moment:
            high = middle
        else:
            low = line.id + 1
    return low


# Put together once: some twenty looks find a line among a million.
_LAST = select(func.max(Decision.id))
_FIRST_FROM = (
    select(Decision.id, Decision.at)
    .where(Decision.id >= bindparam("number"))
    .order_by(Decision.id)
    .limit(1)
)
