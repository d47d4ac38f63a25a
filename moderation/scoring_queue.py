"""Texts that wait for the classifier: enqueue, claim on a lease, finish, give back.

A job in the hands of a worker is leased, not taken: if the worker dies, the lease runs out and
the next one finds it. Only the holder of the lease can finish it, so nothing is recorded twice.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from moderation.statements import Prepared
from moderation.tables import Case, ScoringJob, time_of

MAX_ATTEMPTS = 5
# After a failure the text waits, each time longer, so that a broken classifier is not hammered.
PAUSES = tuple(timedelta(seconds=s) for s in (1, 5, 30, 120, 600))


@dataclass(frozen=True)
class Claim:
    """A job in a worker's hands, with the text to score. `attempts` counts this one."""

    job_id: int
    lease: str
    case_id: int
    revision: int
    attempts: int
    last_error: str
    text: str


def enqueue(session: Session, case_id: int, revision: int = 1) -> None:
    """Ask for scores of a case that has no job."""
    now = time_of(session)
    _INSERT(
        session,
        case_id=case_id,
        revision=revision,
        attempts=0,
        last_error="",
        queued_at=now,
        ready_at=now,
    )


_INSERT = Prepared(insert(ScoringJob))


def drop(session: Session, case_id: int) -> None:
    """Forget the case's job, if it has one. A worker that holds it will record nothing."""
    session.execute(delete(ScoringJob).where(ScoringJob.case_id == case_id))


def claim(session: Session, *, at_most: int, lease_for: timedelta) -> list[Claim]:
    """Lease up to `at_most` jobs that are ready, oldest first."""
    now = time_of(session)
    lease = secrets.token_hex(8)
    ready = (
        select(ScoringJob.id)
        .where(ScoringJob.ready_at <= now)
        .order_by(ScoringJob.ready_at, ScoringJob.id)
        .limit(at_most)
        # SQLAlchemy leaves this out on SQLite, which has one writer and so nothing to skip.
        .with_for_update(skip_locked=True)
    )
    taken = session.execute(
        update(ScoringJob)
        .where(ScoringJob.id.in_(ready))
        .values(lease=lease, ready_at=now + lease_for, attempts=ScoringJob.attempts + 1)
        .returning(
            ScoringJob.id,
            ScoringJob.case_id,
            ScoringJob.revision,
            ScoringJob.attempts,
            ScoringJob.last_error,
        )
        .execution_options(synchronize_session=False)
    ).all()
    texts: dict[int, str] = dict(
        session.execute(
            select(Case.id, Case.text).where(Case.id.in_([job.case_id for job in taken]))
        ).all()
    )
    return [
        Claim(
            job_id=job.id,
            lease=lease,
            case_id=job.case_id,
            revision=job.revision,
            attempts=job.attempts,
            last_error=job.last_error,
            text=texts[job.case_id],
        )
        for job in sorted(taken)
    ]


def finish(session: Session, claim: Claim) -> bool:
    """Remove the job. False when the lease was lost: then the holder must record nothing."""
    done = session.execute(
        delete(ScoringJob).where(ScoringJob.id == claim.job_id, ScoringJob.lease == claim.lease)
    )
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


def give_back(session: Session, claim: Claim, error: str) -> None:
    """Let the job be tried again after a pause; `error` says what went wrong, without the text."""
    session.execute(
        update(ScoringJob)
        .where(ScoringJob.id == claim.job_id, ScoringJob.lease == claim.lease)
        .values(
            lease=None,
            ready_at=time_of(session) + PAUSES[min(claim.attempts, len(PAUSES)) - 1],
            last_error=error,
        )
    )


def waits(session: Session) -> bool:
    """Whether a text is ready to be scored, or just being scored."""
    leased = ScoringJob.lease.is_not(None)
    ready = or_(ScoringJob.ready_at <= time_of(session), leased)
    return session.scalar(select(ScoringJob.id).where(ready).limit(1)) is not None


@dataclass(frozen=True)
class Backlog:
    """How many texts wait for the classifier, and since when the oldest."""

    waiting: int
    oldest: datetime | None


def backlog(session: Session) -> Backlog:
    """Count the texts that wait for scores now, leased ones included."""
    waiting, oldest = session.execute(select(func.count(), func.min(ScoringJob.queued_at))).one()
    return Backlog(waiting, oldest)
