"""Who has which case open, for a few minutes, so that no two people work on one."""

import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    CompoundSelect,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from moderation.tables import Case, Claim, Place, Spent, time_of

# Who took longer did something else meanwhile.
LONGEST = timedelta(minutes=30)


def take(session: Session, case_id: int, *, holder: int, lasts: timedelta) -> Claim | None:
    """Give a case to `holder`, and with it up whatever they had before, or leave it to who has it.

    With a case goes its fold: who has one that says the same has this one, too. Returns the claim
    in force, which may be another's; None where there is no such case.
    """
    # Of two who take it at once on PostgreSQL, one waits here and then sees the other's claim.
    if session.scalar(select(Case.id).where(Case.id == case_id).with_for_update()) is None:
        return None
    other = session.scalar(
        select(Claim).where(Claim.case_id.in_(_with_its_fold(case_id)), taken_from(holder, session))
    )
    if other is not None:
        return other
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    now = time_of(session)
    until = now + lasts
    session.execute(
        insert(Claim)
        .values(holder=holder, case_id=case_id, since=now, until=until)
        .on_conflict_do_update(
            index_elements=[Claim.holder],
            # Prolonged, it began when it began.
            set_={
                "case_id": case_id,
                "since": case(
                    ((Claim.case_id == case_id) & (Claim.until > now), Claim.since), else_=now
                ),
                "until": until,
            },
        )
    )
    return Claim(holder=holder, case_id=case_id, until=until)


def end(session: Session, case_id: int, *, by: int, decides: bool) -> None:
    """Let nobody have a case any more. How long whoever decides had it is noted, without a name."""
    if decides:
        _note_spent(session, case_id, by)
    session.execute(delete(Claim).where(Claim.case_id == case_id))


def _note_spent(session: Session, case_id: int, holder: int) -> None:
    since = session.scalar(
        select(Claim.since).where(Claim.case_id == case_id, Claim.holder == holder)
    )
    if since is None:
        return
    now = time_of(session)
    seconds = round((now - since).total_seconds())
    if seconds <= LONGEST.total_seconds():
        hour = now.replace(minute=0, second=0, microsecond=0)
        session.add(Spent(id=secrets.randbits(62), hour=hour, seconds=seconds))


@dataclass(frozen=True)
class SecondsPerDecision:
    """How long decisions took, from the claim on. Without samples there is no number."""

    samples: int
    median: float | None = None
    mean: float | None = None


def seconds_per_decision(session: Session, *, since: datetime) -> SecondsPerDecision:
    """Return how long the decisions took that were made on claimed cases from an hour on."""
    counted = session.execute(
        select(Spent.seconds, func.count())
        .where(Spent.hour >= since)
        .group_by(Spent.seconds)
        .order_by(Spent.seconds)
    )
    rows = [(seconds, count) for seconds, count in counted]
    samples = sum(count for _, count in rows)
    if not samples:
        return SecondsPerDecision(0)
    total = sum(seconds * count for seconds, count in rows)
    middle = (_at(rows, (samples - 1) // 2) + _at(rows, samples // 2)) / 2
    return SecondsPerDecision(samples, float(middle), total / samples)


def _at(rows: Sequence[tuple[int, int]], place: int) -> int:
    """Return the value at a place of the sorted values that these counts stand for."""
    for value, count in rows:
        if place < count:
            return value
        place -= count
    raise IndexError(place)


def leave(session: Session, case_id: int, *, holder: int) -> None:
    """Let others have a case; nothing happens where it is not `holder` who has it."""
    session.execute(delete(Claim).where(Claim.case_id == case_id, Claim.holder == holder))


def in_force(session: Session, case_ids: Collection[int]) -> dict[int, Claim]:
    """Return who has which of these cases now."""
    found = session.scalars(_IN_FORCE, {"cases": case_ids, "now": time_of(session)})
    return {claim.case_id: claim for claim in found}


_IN_FORCE = select(Claim).where(
    Claim.case_id.in_(bindparam("cases", expanding=True)), Claim.until > bindparam("now")
)


def of_folds(session: Session, case_ids: Collection[int]) -> dict[int, Claim]:
    """Return who has which of these cases now, or has it with another that says the same."""
    rows = session.execute(_OF_FOLDS, {"cases": case_ids, "now": time_of(session)})
    return {
        case_id: Claim(holder=holder, case_id=case_id, until=until)
        for case_id, holder, until, _ in sorted(rows, key=lambda row: row.is_itself)
    }


_claimed, _this = aliased(Place), aliased(Place)
_these: BindParameter[Collection[int]] = bindparam("cases", expanding=True)
_now: BindParameter[datetime] = bindparam("now")
_OF_FOLDS: CompoundSelect[int, int, datetime, int] = union_all(
    select(Claim.case_id, Claim.holder, Claim.until, literal_column("1").label("is_itself")).where(
        Claim.until > _now, Claim.case_id.in_(_these)
    ),
    select(_this.case_id, Claim.holder, Claim.until, literal_column("0"))
    .join(_claimed, _claimed.case_id == Claim.case_id)
    .join(_this, _this.fold == _claimed.fold)
    .where(Claim.until > _now, _this.case_id.in_(_these)),
)


def is_free_for(person: int, session: Session) -> ColumnElement[bool]:
    """The condition that nobody else has a place's case, nor another of its fold."""
    taken = select(Claim.case_id).where(taken_from(person, session))
    folds = select(_claimed.fold).where(_claimed.case_id.in_(taken), _claimed.fold.is_not(None))
    return and_(Place.case_id.not_in(taken), or_(Place.fold.is_(None), Place.fold.not_in(folds)))


def _with_its_fold(case_id: int) -> CompoundSelect[int]:
    """A case, and those that say the same."""
    this = select(Place.fold).where(Place.case_id == case_id).scalar_subquery()
    return union_all(
        select(Case.id).where(Case.id == case_id), select(Place.case_id).where(Place.fold == this)
    )


def taken_from(person: int, session: Session) -> ColumnElement[bool]:
    """The condition that a claim is in force and somebody else's."""
    return (Claim.until > time_of(session)) & (Claim.holder != person)
