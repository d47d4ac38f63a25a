"""Opening and reopening cases, and what is known about them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    ColumnElement,
    ScalarSelect,
    Select,
    bindparam,
    exists,
    func,
    insert,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased, joinedload

from moderation import audits, decisions, scoring_queue, scripts
from moderation.decisions import Kind
from moderation.explain import Why
from moderation.policy import Limit, Scope, Status
from moderation.statements import Prepared
from moderation.tables import Case, Decision, Score, time_of

# Putting statements together takes many times as long as running them: those that every page of the
# desk runs are put together once.
_undoing = aliased(Decision)
# The condition that a decision was not undone.
STANDS = ~exists().where(_undoing.undoes_id == Decision.id)


def open_case(session: Session, text: str, *, author: int, context: int) -> int:
    """Put a text under moderation: pending, with a scoring job, in the caller's transaction.

    Returns the case's id.
    """
    ((case_id,),) = _INSERT(
        session,
        text=text,
        revision=1,
        status=Status.PENDING.value,
        version=1,
        author=author,
        context=context,
        script=scripts.written_in(text),
        opened_at=time_of(session),
    )
    scoring_queue.enqueue(session, case_id)
    return int(case_id)


_INSERT = Prepared(insert(Case).returning(Case.id))


def reopen(session: Session, case: Case, text: str) -> Decision:
    """Take a new text: the case is pending again, unseen by readers, until it is scored."""
    # The job before the case, as the worker does: the other way round they could wait for each
    # other, and one of them would be broken off.
    scoring_queue.drop(session, case.id)
    line = decisions.decide(
        session,
        case.id,
        Kind.EDIT,
        Status.PENDING,
        version=case.version,
        actor=case.author,
        text=text,
    )
    session.refresh(case)
    scoring_queue.enqueue(session, case.id, case.revision)
    return line


def withdraw(session: Session, case: Case) -> Decision:
    """The author took the text back: it waits for nobody and nothing is decided any more."""
    scoring_queue.drop(session, case.id)
    return decisions.decide(
        session, case.id, Kind.WITHDRAW, version=case.version, actor=case.author
    )


def appeal(session: Session, case: Case) -> None:
    """Bring a rejected case back to the review queue, since its author appeals."""
    decisions.decide(session, case.id, Kind.APPEAL, version=case.version, actor=case.author)


def report(session: Session, case: Case, *, reporter: int, reason: str) -> None:
    """Bring a published case back to the review queue; readers still see it meanwhile."""
    if case.status == Status.PUBLISHED and case.waiting_since is None:
        decisions.decide(
            session, case.id, Kind.REPORT, version=case.version, actor=reporter, reason=reason
        )


def last_by_people(case_id: InstrumentedAttribute[int]) -> ScalarSelect[str]:
    """What people last decided on a case, as part of another statement; what was undone is none."""
    undone = select(Decision.undoes_id).where(
        Decision.case_id == case_id, Decision.undoes_id.is_not(None)
    )
    return (
        select(Decision.kind)
        .where(
            Decision.case_id == case_id,
            Decision.kind.in_(decisions.BY_PEOPLE),
            Decision.id.not_in(undone),
        )
        .order_by(Decision.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def rejected_by(*which: ColumnElement[bool]) -> Select[int]:
    """The number of the decision by which each of these cases was rejected last.

    What was undone is none. Whether a case is rejected still stands in the case.
    """
    return (
        select(func.max(Decision.id))
        .where(
            Decision.to_status == Status.REJECTED,
            Decision.kind.in_([Kind.VERDICT, Kind.REJECT]),
            STANDS,
            *which,
        )
        .group_by(Decision.case_id)
    )


def history(session: Session, case_id: int) -> list[Decision]:
    """Return the case's lines of the log, oldest first, with policy and classifier."""
    return list(session.scalars(_HISTORY, {"case": case_id}))


_HISTORY = (
    select(Decision)
    .where(Decision.case_id == bindparam("case"))
    .order_by(Decision.id)
    .options(joinedload(Decision.policy_version), joinedload(Decision.classifier))
)


@dataclass(frozen=True)
class Ground:
    """On what a case's last verdict stood: the scores and the decision that judged them."""

    scores: Mapping[str, float]
    decision: Decision
    # By label, where the worker has looked for the words that carry its score.
    why: Mapping[str, Why] = field(default_factory=dict)
    # Codes of the signals that were seen, whether they counted or not.
    signals: Sequence[str] = ()
    # The slices that the text quotes and their scores, which the verdict left aside.
    quoted: Mapping[str, Any] | None = None
    # Where the text stood then.
    scope: Scope = field(default_factory=Scope)

    @property
    def limits(self) -> Mapping[str, Limit]:
        """The thresholds that were in force there and then, by label, and from where they came."""
        judged_by = self.decision.policy_version or self.decision.rehearsal
        return judged_by.policy.limits(self.scope) if judged_by else {}

    @property
    def places(self) -> Mapping[str, Sequence[str]]:
        """The places whose own thresholds were in force, in words, and for which labels."""
        found: dict[str, list[str]] = {}
        for name, limit in self.limits.items():
            if limit.override is not None:
                found.setdefault(limit.override.place, []).append(name)
        return found


def grounds(session: Session, case_ids: Sequence[int]) -> dict[int, Ground]:
    """Return the last verdict on each case with its scores and policy, in two queries."""
    found = session.execute(_LAST_VERDICTS, {"cases": case_ids}).all()
    rows = _rows(session, {_key(decision) for decision, _ in found})
    return {
        decision.case_id: _ground(decision, context, rows.get(_key(decision)))
        for decision, context in found
    }


_LAST_VERDICTS = (
    select(Decision, Case.context)
    .join(Case, Case.id == Decision.case_id)
    .where(
        Decision.id.in_(
            select(func.max(Decision.id))
            .where(
                Decision.case_id.in_(bindparam("cases", expanding=True)),
                Decision.kind.in_([Kind.VERDICT, Kind.PARK]),
                STANDS,
            )
            .group_by(Decision.case_id)
        )
    )
    .options(
        joinedload(Decision.policy_version),
        joinedload(Decision.rehearsal),
        joinedload(Decision.classifier),
    )
)


def _ground(decision: Decision, context: int, score: Score | None) -> Ground:
    if score is None:
        return Ground({}, decision, scope=Scope(context=context, at=decision.at))
    why = {label: Why.from_json(value) for label, value in (score.why or {}).items()}
    return Ground(
        score.by_label(),
        decision,
        why,
        score.signals.split(),
        score.quoted,
        Scope(
            score.section.path if score.section else "",
            context,
            score.older,
            score.good,
            decision.at,
        ),
    )


def _key(decision: Decision) -> tuple[int, int, int]:
    return decision.case_id, decision.revision, decision.classifier_id or 0


def scores_of(
    session: Session, keys: set[tuple[int, int, int]]
) -> dict[tuple[int, int, int], dict[str, float]]:
    """Return the scores kept for these (case, revision, classifier), by label."""
    return {key: row.by_label() for key, row in _rows(session, keys).items()}


def _rows(session: Session, keys: set[tuple[int, int, int]]) -> dict[tuple[int, int, int], Score]:
    rows = session.scalars(_SCORES, {"cases": {key[0] for key in keys}})
    found = {(row.case_id, row.revision, row.classifier_id): row for row in rows}
    return {key: found[key] for key in keys if key in found}


_SCORES = (
    select(Score)
    .where(Score.case_id.in_(bindparam("cases", expanding=True)))
    .options(joinedload(Score.section))
)


@dataclass(frozen=True)
class Record:
    """How an author's texts fared so far, those taken back left out."""

    published: int = 0
    held: int = 0
    rejected: int = 0
    pending: int = 0


def records(session: Session, authors: Iterable[int], *, seen_by: int = 0) -> dict[int, Record]:
    """Count each author's cases by status, as it is to the person who looks."""
    counts: dict[int, dict[str, int]] = {author: {} for author in authors}
    for author, status, count in session.execute(_BY_STATUS, {"authors": list(counts)}):
        counts[author][status] = count
    if audits.begun(session):
        for author, status in session.execute(
            select(Case.author, Case.status).where(
                Case.author.in_(counts), Case.id.in_(audits.unseen_by(seen_by))
            )
        ):
            found = counts[author]
            found[status] = found.get(status, 0) - 1
            found[Status.HELD] = found.get(Status.HELD, 0) + 1
    return {author: Record(**by_status) for author, by_status in counts.items()}


_BY_STATUS = (
    select(Case.author, Case.status, func.count())
    .where(Case.author.in_(bindparam("authors", expanding=True)), Case.withdrawn_at.is_(None))
    .group_by(Case.author, Case.status)
)


def published_by(session: Session, authors: Collection[int]) -> dict[int, int]:
    """Count each author's published cases; an author without any is left out."""
    rows = session.execute(
        select(Case.author, func.count())
        .where(
            Case.author.in_(authors),
            Case.status == Status.PUBLISHED,
            Case.withdrawn_at.is_(None),
        )
        .group_by(Case.author)
    )
    return dict(rows.all())


def published_in(session: Session, context: int) -> int:
    """Count the published cases of one context; of a long one in half the time of several."""
    return session.connection().execute(_PUBLISHED_IN, {"context": context}).scalar() or 0


_PUBLISHED_IN = (
    select(func.count())
    .select_from(Case)
    .where(
        Case.context == bindparam("context"),
        Case.status == Status.PUBLISHED,
        Case.withdrawn_at.is_(None),
    )
)


def published_by_context(session: Session, contexts: Iterable[int]) -> dict[int, int]:
    """Count the published cases of each context; a context without any is left out."""
    return dict(session.execute(_PUBLISHED, {"contexts": list(contexts)}).all())


_PUBLISHED = (
    select(Case.context, func.count())
    .where(
        Case.context.in_(bindparam("contexts", expanding=True)),
        Case.status == Status.PUBLISHED,
        Case.withdrawn_at.is_(None),
    )
    .group_by(Case.context)
)
