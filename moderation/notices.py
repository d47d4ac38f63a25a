"""What authors are told of decisions and sanctions: to be read on the site, and to be sent.

A notice is written in the transaction of its decision. It waits a little before it is sent, so
that a decision taken back at once leaves no trace with its author. It is then leased, like a
scoring job: what a dead sender held is taken over.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from moderation.tables import Notice, time_of

DECISION = "decision"
# Sent alone: on the site these stand elsewhere.
ALARM, CLEARED = "alarm", "cleared"

# For so long a decision is easily taken back.
PAUSE = timedelta(minutes=1)
# After the first failure, the second, and so on; the last holds for all that follow.
PAUSES = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60))


@dataclass(frozen=True)
class Leased:
    """A notice in a sender's hands. `attempts` counts this one."""

    id: int
    account: int
    kind: str
    decision_id: int | None
    about: int | None
    at: datetime
    attempts: int
    lease: str


def tell(
    session: Session,
    account: int,
    *,
    kind: str = DECISION,
    decision_id: int | None = None,
    about: int | None = None,
    pause: timedelta = PAUSE,
) -> Notice:
    """Tell an account something; it is sent after `pause`, unless it is taken back before."""
    now = time_of(session)
    notice = Notice(
        account=account,
        kind=kind,
        decision_id=decision_id,
        about=about,
        at=now,
        ready_at=now + pause,
    )
    session.add(notice)
    session.flush()
    return notice


def take_back(session: Session, decision_id: int) -> bool:
    """Forget the notice of a decision. False when it was read or sent: then it stays."""
    gone = session.execute(
        delete(Notice).where(
            Notice.decision_id == decision_id,
            Notice.read_at.is_(None),
            Notice.sent_at.is_(None),
            Notice.lease.is_(None),
        )
    )
    return bool(gone.rowcount)  # type: ignore[attr-defined]


def take_back_soon(session: Session, account: int, *, kind: str, about: int) -> bool:
    """Forget a notice within the pause. False when it is older, or was read: then it stays."""
    gone = session.execute(
        delete(Notice).where(
            Notice.account == account,
            Notice.kind == kind,
            Notice.about == about,
            Notice.at > time_of(session) - PAUSE,
            Notice.read_at.is_(None),
            Notice.sent_at.is_(None),
            Notice.lease.is_(None),
        )
    )
    return bool(gone.rowcount)  # type: ignore[attr-defined]


def of(
    session: Session, account: int, *, before: int | None = None, at_most: int = 20
) -> list[Notice]:
    """Return what an account was told, newest first."""
    query = (
        select(Notice)
        .where(
            Notice.account == account,
            or_(Notice.decision_id.is_not(None), Notice.about.is_not(None)),
            Notice.kind.not_in((ALARM, CLEARED)),
        )
        .order_by(Notice.id.desc())
        .limit(at_most)
    )
    if before is not None:
        query = query.where(Notice.id < before)
    return list(session.scalars(query))


def read(session: Session, account: int, ids: Iterable[int]) -> None:
    """Note that an account has read these of its notices."""
    session.execute(
        update(Notice)
        .where(Notice.account == account, Notice.id.in_(list(ids)), Notice.read_at.is_(None))
        .values(read_at=time_of(session))
    )


def read_about(session: Session, account: int, *, kind: str, about: int) -> None:
    """Note that an account has read what it was told about something, wherever it stood."""
    session.execute(
        update(Notice)
        .where(
            Notice.account == account,
            Notice.kind == kind,
            Notice.about == about,
            Notice.read_at.is_(None),
        )
        .values(read_at=time_of(session))
    )


def lease(session: Session, *, at_most: int, lasts: timedelta) -> list[Leased]:
    """Lease up to `at_most` notices that are to be sent, oldest first."""
    now, key = time_of(session), secrets.token_hex(8)
    ready = (
        select(Notice.id)
        .where(Notice.ready_at <= now)
        .order_by(Notice.ready_at, Notice.id)
        .limit(at_most)
        .with_for_update(skip_locked=True)
    )
    rows = session.execute(
        update(Notice)
        .where(Notice.id.in_(ready))
        .values(lease=key, ready_at=now + lasts, attempts=Notice.attempts + 1)
        .returning(
            Notice.id,
            Notice.account,
            Notice.kind,
            Notice.decision_id,
            Notice.about,
            Notice.at,
            Notice.attempts,
        )
        .execution_options(synchronize_session=False)
    ).all()
    return [Leased(*row, lease=key) for row in sorted(rows)]


def sent(session: Session, leased: Leased) -> None:
    """Note that a notice was sent."""
    _settle(session, leased, sent_at=time_of(session), last_error="")


def leave(session: Session, leased: Leased, why: str = "") -> None:
    """Send a notice no more: there is nowhere to, or nobody takes it. It can still be read."""
    _settle(session, leased, last_error=why)


def _settle(session: Session, leased: Leased, **values: object) -> None:
    session.execute(
        update(Notice)
        .where(Notice.id == leased.id, Notice.lease == leased.lease)
        .values(lease=None, ready_at=None, **values)
    )


def give_back(session: Session, leased: Leased, error: str) -> None:
    """Let a notice be sent later; each time that it fails, the pause is longer."""
    pause = PAUSES[min(leased.attempts, len(PAUSES)) - 1]
    session.execute(
        update(Notice)
        .where(Notice.id == leased.id, Notice.lease == leased.lease)
        .values(lease=None, ready_at=time_of(session) + pause, last_error=error)
    )


def release(session: Session, leased: Leased) -> None:
    """Let a notice be sent at once by whoever comes next: it was not tried."""
    session.execute(
        update(Notice)
        .where(Notice.id == leased.id, Notice.lease == leased.lease)
        .values(lease=None, ready_at=time_of(session), attempts=leased.attempts - 1)
    )


@dataclass(frozen=True)
class Backlog:
    """How many notices wait to be sent, and since when the oldest."""

    waiting: int
    oldest: datetime | None


def backlog(session: Session) -> Backlog:
    """Count what waits to be sent."""
    waiting, oldest = session.execute(
        select(func.count(), func.min(Notice.at)).where(Notice.ready_at.is_not(None))
    ).one()
    return Backlog(waiting, oldest)
