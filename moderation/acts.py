"""The log of what people changed besides decisions on cases: sanctions, listed words, rules."""

from collections.abc import Sequence
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation.tables import Act, time_of


class Did(StrEnum):
    """What a line of this log is."""

    LISTED = "listed"
    UNLISTED = "unlisted"
    WARNED = "warned"
    WATCHED = "watched"
    MUTED = "muted"
    SUSPENDED = "suspended"
    BANNED = "banned"
    LIFTED = "lifted"
    READ = "read"
    RULES = "rules"
    SWITCHED = "switched"
    # Thresholds of a single place, set or taken away.
    PLACE = "place"
    NO_PLACE = "no_place"
    # A policy was put in force though the fairness check found it worse, or had found nothing yet.
    INSISTED = "insisted"
    REHEARSED = "rehearsed"
    BROKE_OFF = "broke_off"


def record(
    session: Session, did: Did, *, actor: int, words: str, subject: int | None = None
) -> None:
    """Write one line: who did what, to which account if to one, and how they put it."""
    session.add(Act(at=time_of(session), did=did.value, actor=actor, subject=subject, words=words))
    session.flush()


def listed(
    session: Session,
    *,
    only: Sequence[Did] = (),
    subject: int | None = None,
    before: int | None = None,
    at_most: int = 50,
) -> list[Act]:
    """Return lines of the log, newest first; `only` of these kinds, or about one account."""
    query = select(Act).order_by(Act.id.desc()).limit(at_most)
    if only:
        query = query.where(Act.did.in_(only))
    if subject is not None:
        query = query.where(Act.subject == subject)
    if before is not None:
        query = query.where(Act.id < before)
    return list(session.scalars(query))
