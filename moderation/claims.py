"""Who has which case open, for a few minutes, so that no two people work on one."""

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from moderation.tables import Case, Claim, time_of


def take(session: Session, case_id: int, *, holder: int, lasts: timedelta) -> Claim | None:
    """Give a case to `holder`, and with it up whatever they had before, or leave it to who has it.

    Returns the claim in force, which may be another's; None where there is no such case.
    """
    # Of two who take it at once on PostgreSQL, one waits here and then sees the other's claim.
    if session.scalar(select(Case.id).where(Case.id == case_id).with_for_update()) is None:
        return None
    other = session.scalar(
        select(Claim).where(Claim.case_id == case_id, taken_from(holder, session))
    )
    if other is not None:
        return other
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    until = time_of(session) + lasts
    session.execute(
        insert(Claim)
        .values(holder=holder, case_id=case_id, until=until)
        .on_conflict_do_update(
            index_elements=[Claim.holder], set_={"case_id": case_id, "until": until}
        )
    )
    return Claim(holder=holder, case_id=case_id, until=until)


def leave(session: Session, case_id: int, *, holder: int) -> None:
    """Let others have a case; nothing happens where it is not `holder` who has it."""
    session.execute(delete(Claim).where(Claim.case_id == case_id, Claim.holder == holder))


def in_force(session: Session, case_ids: Collection[int]) -> dict[int, Claim]:
    """Return who has which of these cases now."""
    found = session.scalars(
        select(Claim).where(Claim.case_id.in_(case_ids), Claim.until > time_of(session))
    )
    return {claim.case_id: claim for claim in found}


def taken_from(person: int, session: Session) -> ColumnElement[bool]:
    """The condition that a claim is in force and somebody else's."""
    return (Claim.until > time_of(session)) & (Claim.holder != person)
