"""What the policy in force makes of cases that are held already, by what is kept of them.

Looked at are cases that wait for nothing but a first look: not those that readers reported, that
somebody has open, that were ever drawn for an audit, or whose present wording a person has decided
on. Each is judged by the scores and signals of that wording, as the deciding classifier gave them,
and by the time of now.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, exists, func, select
from sqlalchemy.orm import Session

from moderation import cases, decisions, labels, policies
from moderation.decisions import BY_PEOPLE, Kind
from moderation.policy import Scope, Signal, Status, Verdict, judge, nearness, title_of
from moderation.tables import (
    Audit,
    Case,
    Claim,
    Decision,
    Place,
    PolicyVersion,
    Score,
    Section,
    time_of,
)

# So many held cases at most are judged for one batch; of more the oldest.
AT_MOST = 50_000
_AT_ONCE = 5000


@dataclass(frozen=True)
class Judged:
    """A held case, the version of it that was seen, its author, and what becomes of it."""

    case_id: int
    version: int
    author: int
    to: Status


@dataclass(frozen=True)
class Holding:
    """What a policy makes of all that is held.

    `aside` cases are not looked at, as the module's docstring says, or have no score that the
    policy is for; or they are beyond AT_MOST.
    """

    version: PolicyVersion
    judged: Sequence[Judged]
    aside: int

    def to(self, status: Status) -> list[Judged]:
        """Return those that become this, oldest first."""
        return [one for one in self.judged if one.to is status]

    @property
    def moving(self) -> list[Judged]:
        """Return those that do not stay held."""
        return [one for one in self.judged if one.to is not Status.HELD]


def held(session: Session) -> Holding:
    """Judge all that is held by the policy in force."""
    version = policies.in_force(session)
    judged = [
        Judged(row.id, row.version, row.author, verdict.status)
        for row, verdict, _ in _judged(session, version, Case.status == Status.HELD)
    ]
    waiting = session.scalar(
        select(func.count()).select_from(Case).where(Case.status == Status.HELD, _waits())
    )
    return Holding(version, judged, max((waiting or 0) - len(judged), 0))


def becoming(session: Session, version: PolicyVersion, which: Select[int]) -> dict[Status, int]:
    """Count what becomes of these cases by a version, were it applied now."""
    judged = _judged(session, version, Case.id.in_(which))
    return dict(Counter(verdict.status for _, verdict, _ in judged))


def apply(
    session: Session,
    version: PolicyVersion,
    versions: Mapping[int, int],
    *,
    actor: int,
    batch: int,
    but: Collection[int] = (),
) -> dict[int, Decision]:
    """Decide held cases as a version of the policy says, and return the decisions, by case.

    `versions` are the cases with the version of each that was seen. Left alone are those of the
    authors `but`, those that moved on since, that stay held, or that are not to be looked at.
    """
    words = {
        case_id: {found["code"]: found for found in ground.decision.findings}
        for case_id, ground in cases.grounds(session, list(versions)).items()
    }
    done: dict[int, Decision] = {}
    # All are read before the first is decided.
    for row, verdict, near in list(_judged(session, version, Case.id.in_(versions), words)):
        if verdict.status is Status.HELD or row.author in but or row.version != versions[row.id]:
            continue
        done[row.id] = decisions.decide(
            session,
            row.id,
            Kind.VERDICT,
            verdict.status,
            version=row.version,
            actor=actor,
            findings=verdict.findings,
            policy_version=version.id,
            classifier=version.classifier_id,
            batch=batch,
            nearness=near,
        )
    return done


def _waits() -> ColumnElement[bool]:
    return Case.waiting_since.is_not(None) & Case.withdrawn_at.is_(None)


def _free(session: Session) -> ColumnElement[bool]:
    """The condition that nobody but the machine has had to do with a held case."""
    by_people = exists().where(
        Decision.case_id == Case.id,
        Decision.revision == Case.revision,
        Decision.kind.in_(BY_PEOPLE),
    )
    drawn = exists().where(Audit.case_id == Case.id)
    reported = exists().where(Place.case_id == Case.id, Place.reports > 0)
    opened = exists().where(Claim.case_id == Case.id, Claim.until > time_of(session))
    free = (Case.status == Status.HELD) & _waits()
    return free & ~by_people & ~drawn & ~reported & ~opened


def _judged(
    session: Session,
    version: PolicyVersion,
    which: ColumnElement[bool],
    words: Mapping[int, Mapping[str, Any]] | None = None,
) -> Iterator[tuple[Row[Any], Verdict, float]]:
    """Judge cases as they are kept; `words` are those of what was found before, by case and code.

    Yields the case's row, the verdict, and how near its scores came to a threshold.
    """
    policy, now = version.policy, time_of(session)
    asked = _asked(version).where(which, _free(session)).order_by(Case.id).limit(AT_MOST)
    rows = session.execute(asked.execution_options(yield_per=_AT_ONCE))
    for row in rows:
        scope = Scope(row.path or "", row.context, row.older, row.good, now)
        scores = {name: value for name in labels.NAMES if (value := getattr(row, name)) is not None}
        known = (words or {}).get(row.id, {})
        signals = [
            Signal(
                code,
                known.get(code, {}).get("words") or title_of(code),
                row.good,
                known.get(code, {}).get("reason", ""),
            )
            for code in row.signals.split()
        ]
        yield row, judge(scores, signals, policy, scope), nearness(scores, policy, scope)


def _asked(version: PolicyVersion) -> Select[Any]:
    """Select what there is to judge cases by: those that have scores for the policy."""
    return (
        select(
            Case.id,
            Case.version,
            Case.author,
            Case.context,
            Score.signals,
            Score.good,
            Section.path,
            Score.older,
            *(getattr(Score, name) for name in labels.NAMES),
        )
        .join(Score, (Score.case_id == Case.id) & (Score.revision == Case.revision))
        .outerjoin(Section, Section.id == Score.section_id)
        .where(Score.classifier_id == version.classifier_id)
    )
