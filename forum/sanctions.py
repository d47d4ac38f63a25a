"""What moderators may do about an author: warn, hold all they write, mute, suspend, ban.

A sanction ends by the clock, when it is lifted, or, being a warning, when it is read.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BindParameter, bindparam, exists, select, update
from sqlalchemy.orm import Session, joinedload

from forum import accounts
from forum.accounts import Role, Viewer
from forum.errors import Changed, Invalid, NotAllowed, NotFound, Restricted, Unread
from forum.tables import Account, Sanction
from moderation import acts, notices
from moderation.acts import Did
from moderation.statements import Prepared
from moderation.tables import time_of

WORDS = 500
LONGEST = 3650  # days

# What a notice of a sanction tells.
GIVEN = "sanction"
LIFTED = "lifted"


class Kind(StrEnum):
    """What a sanction does, the mildest first."""

    WARNING = "warning"
    PRE_MODERATION = "pre_moderation"
    MUTE = "mute"
    SUSPENSION = "suspension"
    BAN = "ban"


class Doing(StrEnum):
    """What somebody wants to do, and a sanction may forbid."""

    COMMENT = "comment"
    EDIT = "edit"
    REPORT = "report"


@dataclass(frozen=True)
class KindOf:
    """A kind of sanction: its title, what it means to whom it is given, and who may give it."""

    title: str
    means: str
    by: Role
    did: Did
    forbids: frozenset[Doing] = frozenset()


KINDS: Mapping[Kind, KindOf] = {
    Kind.WARNING: KindOf(
        "Warning",
        "You are asked to read this before your next comment.",
        Role.MODERATOR,
        Did.WARNED,
        frozenset({Doing.COMMENT}),
    ),
    Kind.PRE_MODERATION: KindOf(
        "Pre-moderation",
        "Every comment of yours waits for a moderator before it appears.",
        Role.MODERATOR,
        Did.WATCHED,
    ),
    Kind.MUTE: KindOf(
        "Mute",
        "You can read, report and delete, but neither comment nor edit.",
        Role.MODERATOR,
        Did.MUTED,
        frozenset({Doing.COMMENT, Doing.EDIT}),
    ),
    Kind.SUSPENSION: KindOf(
        "Suspension",
        "You can read and delete, but neither comment nor edit nor report.",
        Role.ADMIN,
        Did.SUSPENDED,
        frozenset(Doing),
    ),
    Kind.BAN: KindOf(
        "Ban",
        "You are signed out and cannot sign in. What you wrote stays.",
        Role.ADMIN,
        Did.BANNED,
        frozenset(Doing),
    ),
}


def give(
    session: Session,
    account_id: int,
    kind: Kind | str,
    *,
    words: str,
    days: int | None,
    by: Account | Viewer,
    case_id: int | None = None,
) -> Sanction:
    """Give a sanction, for so many days or, with None, until it is lifted.

    It holds from this moment on, and the account is told. Raises Invalid, NotAllowed, NotFound.
    """
    if kind not in set(Kind):
        raise Invalid("Please choose a sanction.", field="kind")
    kind = Kind(kind)
    account = accounts.get(session, account_id)
    _check_rank(kind, account, by)
    words = " ".join(words.split())
    if not words:
        raise Invalid("Please say why: the author is told, and the log keeps it.", field="words")
    if len(words) > WORDS:
        raise Invalid(f"Please keep the reason within {WORDS} characters.", field="words")
    if days is not None and not 1 <= days <= LONGEST:
        raise Invalid(f"Please take 1 to {LONGEST} days, or none.", field="days")
    now = time_of(session)
    ends_at = None if days is None or kind is Kind.WARNING else now + timedelta(days=days)
    sanction = Sanction(
        account_id=account_id,
        kind=kind.value,
        gravity=list(Kind).index(kind),
        words=words,
        given_by=by.id,
        given_at=now,
        ends_at=ends_at,
        case_id=case_id,
    )
    session.add(sanction)
    session.flush()
    notices.tell(session, account_id, kind=GIVEN, about=sanction.id)
    acts.record(
        session,
        KINDS[kind].did,
        actor=by.id,
        subject=account_id,
        words=words if kind is Kind.WARNING else f"U{until(ends_at)[1:]}: {words}",
    )
    return sanction


def _check_rank(kind: Kind, account: Account, by: Account | Viewer) -> None:
    if not Role(by.role).allows(KINDS[kind].by):
        raise NotAllowed("Moderators warn, pre-moderate and mute; admins also suspend and ban.")
    if Role(account.role).allows(Role(by.role)):
        raise NotAllowed(
            f"{account.name} is {account.role} too. An admin has to change that first."
            if account.id != by.id
            else "You cannot do this to yourself."
        )


def lift(session: Session, sanction_id: int, *, words: str, by: Account | Viewer) -> Sanction:
    """End a sanction before its time. Raises Changed when it has ended, Invalid, NotAllowed.

    The account is told, unless it was lifted so soon that nobody was told of it yet.
    """
    sanction = session.get(Sanction, sanction_id)
    if sanction is None:
        raise NotFound("There is no such sanction.")
    account = accounts.get(session, sanction.account_id)
    _check_rank(Kind(sanction.kind), account, by)
    words = " ".join(words.split())
    if len(words) > WORDS:
        raise Invalid(f"Please keep the reason within {WORDS} characters.", field="words")
    now = time_of(session)
    lifted = session.execute(
        update(Sanction)
        .where(Sanction.id == sanction_id, Sanction.in_force_at(now))
        .values(lifted_at=now, lifted_by=by.id, lifted_words=words)
        .execution_options(synchronize_session="fetch")
    )
    if lifted.rowcount != 1:  # type: ignore[attr-defined]
        raise Changed("This sanction has ended already.")
    said = f"{KINDS[Kind(sanction.kind)].title}{': ' if words else ''}{words}"
    if not notices.take_back_soon(session, account.id, kind=GIVEN, about=sanction.id):
        notices.tell(session, account.id, kind=LIFTED, about=sanction.id)
    acts.record(session, Did.LIFTED, actor=by.id, subject=account.id, words=said)
    return sanction


def read_warning(session: Session, sanction_id: int, *, account: Account | Viewer) -> None:
    """Note that somebody has read a warning of theirs. Raises NotFound for anything else."""
    now = time_of(session)
    read = session.execute(
        update(Sanction)
        .where(
            Sanction.id == sanction_id,
            Sanction.account_id == account.id,
            Sanction.kind == Kind.WARNING,
            Sanction.in_force_at(now),
        )
        .values(read_at=now)
        .execution_options(synchronize_session=False)
    )
    if read.rowcount == 1:  # type: ignore[attr-defined]
        notices.read_about(session, account.id, kind=GIVEN, about=sanction_id)
        acts.record(session, Did.READ, actor=account.id, subject=account.id, words="")
        return
    known = session.get(Sanction, sanction_id)
    if known is None or known.account_id != account.id or known.kind != Kind.WARNING:
        raise NotFound("There is no such warning.")


def check(session: Session, account_id: int, doing: Doing) -> None:
    """Return if the account may do this now. Raises Restricted, saying what, why, until when."""
    for number, kind, words, ends_at in _IN_FORCE(
        session, account=account_id, now=time_of(session)
    ):
        if doing not in KINDS[Kind(kind)].forbids:
            continue
        if kind == Kind.WARNING:
            raise Unread(
                f"A moderator has warned you: “{words}” Please tick that you have read it, and send"
                " your comment again.",
                warning=number,
            )
        raise Restricted(_refusal(Kind(kind), doing, words, ends_at))


_NOW: BindParameter[datetime] = bindparam("now")
_IN_FORCE = Prepared(
    select(Sanction.id, Sanction.kind, Sanction.words, Sanction.ends_at)
    .where(Sanction.account_id == bindparam("account"), Sanction.in_force_at(_NOW))
    .order_by(Sanction.gravity.desc())
)
# As part of another statement, which gives `author` and `now`: whether there is anything to check.
ANY_IN_FORCE = exists(
    select(Sanction.id).where(
        Sanction.account_id == bindparam("author"), Sanction.in_force_at(_NOW)
    )
)
_CANNOT = {Doing.COMMENT: "comment", Doing.EDIT: "edit", Doing.REPORT: "report comments"}


def _refusal(kind: Kind, doing: Doing, words: str, ends_at: datetime | None) -> str:
    if kind is Kind.BAN:
        return f"This account is banned {until(ends_at)}. The reason: “{words}”"
    return f"You cannot {_CANNOT[doing]} {until(ends_at)}. The reason: “{words}”"


def until(ends_at: datetime | None) -> str:
    """Say until when a sanction holds."""
    if ends_at is None:
        return "until this is lifted"
    return f"until {ends_at.day} {ends_at:%B %Y, %H:%M} UTC"


def check_sign_in(session: Session, account_id: int) -> None:
    """Return if the account may sign in. Raises Restricted while it is banned."""
    for _, kind, words, ends_at in _IN_FORCE(session, account=account_id, now=time_of(session)):
        if kind == Kind.BAN:
            raise Restricted(_refusal(Kind.BAN, Doing.COMMENT, words, ends_at))


def watched(session: Session, account_ids: Collection[int]) -> set[int]:
    """Return which of these accounts are under pre-moderation."""
    return set(
        session.scalars(
            select(Sanction.account_id).where(
                Sanction.account_id.in_(account_ids),
                Sanction.kind == Kind.PRE_MODERATION,
                Sanction.in_force_at(time_of(session)),
            )
        )
    )


@dataclass(frozen=True)
class Standing:
    """The sanctions of an account: those in force, the gravest first, and those that ended."""

    in_force: Sequence[Sanction]
    ended: Sequence[Sanction]


def standing(session: Session, account_id: int, *, at_most: int = 100) -> Standing:
    """Return the newest sanctions of an account, with who gave and lifted them."""
    found = session.scalars(
        select(Sanction)
        .where(Sanction.account_id == account_id)
        .order_by(Sanction.id.desc())
        .limit(at_most)
        .options(joinedload(Sanction.giver), joinedload(Sanction.lifter))
    ).all()
    now = time_of(session)
    holds = [one for one in found if one.holds_at(now)]
    return Standing(
        sorted(holds, key=lambda one: -one.gravity), [one for one in found if one not in holds]
    )
