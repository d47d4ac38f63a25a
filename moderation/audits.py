"""Blind audits: decided cases that come to somebody else among the held ones, unmarked.

Each decision that can be audited is drawn, or not, in its own transaction, with the share in force,
and both are kept: the stratum and the probability with the line of the log, the drawn case as an
Audit. To whoever may answer it the decision has not happened yet. A case that the machine decided
comes without scores and reasons, which would give it away; so does a share of the held ones.
Golden cases come the same way, to one newcomer each.
"""

import random
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased

from moderation.policy import Status
from moderation.tables import Audit, AuditVersion, Case, Decision, Golden, Place, time_of


class Stratum(StrEnum):
    """Among which decisions an audit was drawn. Those of the machine first, then of people."""

    PUBLISHED = "published"
    NEAR = "near"
    HELD = "held"
    REJECTED = "rejected"
    APPROVED_BY_PEOPLE = "approved_by_people"
    REJECTED_BY_PEOPLE = "rejected_by_people"
    GOLDEN = "golden"


BY_PEOPLE = (Stratum.APPROVED_BY_PEOPLE, Stratum.REJECTED_BY_PEOPLE)
APPROVE, REJECT = "approve", "reject"
# Kinds of decisions that a person took; this module lies below the one that names them.
_DECIDED = (APPROVE, REJECT, "audit")
# For how long an answer to a golden case can be taken back; then it is shown how it should be.
GOLDEN_SETTLES = timedelta(minutes=10)

_CHANCE = random.SystemRandom()
# Under which name a session keeps what is in force.
_KNOWN = "audit shares"


class InvalidShares(ValueError):
    """Shares that cannot be used. The message is for the admin; `name` is which one."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class SharesChanged(Exception):
    """Another admin saved first; `current` is the number of the version now in force."""

    def __init__(self, current: int) -> None:
        super().__init__(f"Version {current} was saved meanwhile.")
        self.current = current


@dataclass(frozen=True)
class Shares:
    """Which share of the decisions of each stratum is audited, from 0 to 1. A new site audits none.

    `near` is for what the machine published although a score came to at least `nearness` of a
    threshold; `held` for held cases that are shown on their words alone; `golden` for golden cases
    after the decisions of a newcomer, who has decided fewer than `newcomer` cases.
    """

    published: float = 0.0
    near: float = 0.0
    held: float = 0.0
    rejected: float = 0.0
    approved_by_people: float = 0.0
    rejected_by_people: float = 0.0
    golden: float = 0.0
    nearness: float = 0.5
    newcomer: int = 100

    def __post_init__(self) -> None:
        for name in (*Stratum, "nearness"):
            if not 0 <= getattr(self, name) <= 1:
                raise InvalidShares("A share must lie between 0 and 100 in 100.", str(name))
        if not 0 <= self.newcomer <= 100_000:
            raise InvalidShares("A number of decisions from 0 to 100000.", "newcomer")

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Shares":
        """Read what `to_json` wrote. Raises InvalidShares."""
        return cls(**value)


def in_force(session: Session) -> tuple[int, Shares]:
    """Return the newest version's number and shares; 0 and none where there is no version.

    A transaction asks the database once.
    """
    known: tuple[int, Shares] | None = session.info.get(_KNOWN)
    if known is None:
        query = select(AuditVersion.id, AuditVersion.content).order_by(AuditVersion.id.desc())
        newest = session.execute(query.limit(1)).one_or_none()
        known = (newest.id, Shares.from_json(newest.content)) if newest else (0, Shares())
        session.info[_KNOWN] = known
    return known


def begun(session: Session) -> bool:
    """Whether an admin ever put shares in force: until then nothing is drawn, or looked for."""
    return in_force(session)[0] != 0


def versions(session: Session, *, at_most: int = 50) -> list[AuditVersion]:
    """Return the versions, newest first."""
    query = select(AuditVersion).order_by(AuditVersion.id.desc()).limit(at_most)
    return list(session.scalars(query))


def adopt(
    session: Session, shares: Shares, *, author: int, note: str = "", based_on: int
) -> AuditVersion:
    """Put shares in force from the next decision on. Raises SharesChanged if one was faster."""
    version = AuditVersion(
        # Of two that follow the same version, one finds its number taken.
        id=based_on + 1,
        author=author,
        note=note,
        adopted_at=time_of(session),
        content=shares.to_json(),
    )
    try:
        with session.begin_nested():
            session.add(version)
            session.flush()
    except IntegrityError:
        session.info.pop(_KNOWN, None)
        raise SharesChanged(in_force(session)[0]) from None
    session.info.pop(_KNOWN, None)
    return version


# ---- drawing ----


def stratum_of(
    session: Session, kind: str, was: str, to: str, nearness: float
) -> tuple[Stratum, float] | None:
    """Return among which decisions one belongs, and the share of them that is audited.

    None for what is not audited: answers to reports and appeals, and what changes no status.
    """
    if kind == "verdict" and was == Status.PENDING:
        shares = in_force(session)[1]
        near = to == Status.PUBLISHED and nearness >= shares.nearness
        stratum = Stratum.NEAR if near else Stratum(to)
    elif kind in (APPROVE, REJECT) and was == Status.HELD:
        shares = in_force(session)[1]
        approved = kind == APPROVE
        stratum = Stratum.APPROVED_BY_PEOPLE if approved else Stratum.REJECTED_BY_PEOPLE
    else:
        return None
    return stratum, float(getattr(shares, stratum))


def follow(session: Session, decision: Decision, undoes: Decision | None) -> set[int]:
    """Draw a decision or not, and end or reopen the audits that it concerns.

    Returns the cases whose place in the queue has to follow.
    """
    touched: set[int] = set()
    if not begun(session):
        return touched
    if decision.kind != "verdict" and _concerns(session, decision, undoes):
        touched.add(decision.case_id)
    if decision.kind != "undo" and decision.share and _CHANCE.random() < decision.share:
        _draw(session, decision)
        touched.add(decision.case_id)
    if decision.actor is not None and decision.kind in (*_DECIDED, "golden"):
        touched |= _mix_in(session, decision.actor)
    return touched


def _draw(session: Session, decision: Decision) -> None:
    by_people = decision.stratum in BY_PEOPLE
    held = decision.stratum == Stratum.HELD
    approves = "" if held else APPROVE if decision.to_status == Status.PUBLISHED else REJECT
    # Whoever decided it saw no scores either, if it was shown on its words alone.
    blind_before = by_people and session.scalar(
        select(Audit.id).where(Audit.answer_id == decision.id, Audit.words_alone)
    )
    session.add(
        Audit(
            case_id=decision.case_id,
            revision=decision.revision,
            decision_id=decision.id,
            stratum=decision.stratum,
            share=decision.share,
            decided_by=decision.actor,
            expected=approves,
            words_alone=not by_people or blind_before is not None,
            since=decision.waited_since or decision.at,
            drawn_at=decision.at,
        )
    )
    session.flush()


def _concerns(session: Session, decision: Decision, undoes: Decision | None) -> bool:
    """End, answer or reopen what audits there are of this decision's case."""
    of_case = list(session.scalars(select(Audit).where(Audit.case_id == decision.case_id)))
    ended = [audit for audit in of_case if audit.ended_at is not None]
    for audit in of_case:
        if audit not in ended:
            _ends(audit, decision, undoes)
    # One is open of each case, so what ends is written before what opens again.
    session.flush()
    for audit in ended:
        if undoes is not None and audit.answer_id == undoes.id:
            audit.ended_at = audit.answer_id = audit.answered_by = None
            audit.answer = audit.reason = audit.words = ""
            audit.unmarked = True
        elif undoes is not None and audit.settled_id == undoes.id:
            audit.settled_id = None
        elif decision.kind in (APPROVE, REJECT) and _open_dispute(audit):
            audit.settled_id = decision.id
    session.flush()
    return bool(of_case)


def _ends(audit: Audit, decision: Decision, undoes: Decision | None) -> None:
    """End an open audit where this decision on its case leaves nothing to answer."""
    if decision.kind in (APPROVE, REJECT):
        audit.ended_at = decision.at
        golden, own = audit.stratum == Stratum.GOLDEN, audit.decided_by == decision.actor
        if not golden and (audit.decided_by is None or not own):
            audit.answer, audit.reason, audit.words = decision.kind, decision.reason, decision.words
            audit.answered_by, audit.answer_id = decision.actor, decision.id
            # Answered on the way to something else: a report, an appeal, a second thought.
            audit.unmarked = audit.stratum == Stratum.HELD
    elif decision.kind in ("edit", "withdraw") or (
        undoes is not None and undoes.id == audit.decision_id
    ):
        audit.ended_at = decision.at


def answer(
    session: Session, audit: Audit, by: Decision, *, says: str, reason: str, words: str
) -> None:
    """Keep what somebody answered who did not know that the case was decided."""
    audit.answer, audit.reason, audit.words = says, reason, words
    audit.answered_by, audit.answer_id, audit.ended_at = by.actor, by.id, by.at
    session.flush()


def _mix_in(session: Session, person: int) -> set[int]:
    """Perhaps put a golden case among the held ones of a newcomer."""
    shares = in_force(session)[1]
    if not shares.golden or _CHANCE.random() >= shares.golden:
        return set()
    made = select(Decision.id).where(Decision.actor == person, Decision.kind.in_(_DECIDED))
    so_many = session.scalar(
        select(func.count()).select_from(made.limit(shares.newcomer).subquery())
    )
    if (so_many or 0) >= shares.newcomer:
        return set()
    met = exists().where(Audit.golden_id == Golden.id, Audit.only_for == person)
    taken = exists().where(Audit.case_id == Golden.case_id, Audit.ended_at.is_(None))
    own = exists().where(Decision.case_id == Golden.case_id, Decision.actor == person)
    found = session.execute(
        select(Golden, Case.status)
        .join(Case, Case.id == Golden.case_id)
        .where(
            Golden.retired_at.is_(None),
            Golden.revision == Case.revision,
            Case.status.in_([Status.PUBLISHED, Status.REJECTED]),
            Case.waiting_since.is_(None),
            Case.withdrawn_at.is_(None),
            ~met,
            ~taken,
            ~own,
        )
        .order_by(func.random())
        .limit(1)
    ).one_or_none()
    if found is None:
        return set()
    golden, now = found.Golden, time_of(session)
    verdict = session.scalar(
        select(Decision)
        .where(Decision.case_id == golden.case_id, Decision.kind == "verdict")
        .order_by(Decision.id.desc())
        .limit(1)
    )
    was_held = verdict is not None and verdict.to_status == Status.HELD
    # From where on its story is left out.
    line = select(func.min(Decision.id)).where(
        Decision.case_id == golden.case_id, Decision.kind.in_((APPROVE, REJECT))
    )
    decided = session.scalar(line) if was_held else verdict.id if verdict else None
    if decided is None:
        return set()
    session.add(
        Audit(
            case_id=golden.case_id,
            revision=golden.revision,
            decision_id=decided,
            stratum=Stratum.GOLDEN,
            share=shares.golden,
            expected=golden.answer,
            words_alone=not was_held,
            only_for=person,
            golden_id=golden.id,
            since=now,
            drawn_at=now,
        )
    )
    session.flush()
    return {golden.case_id}


# ---- who sees what ----


def _open() -> ColumnElement[bool]:
    """The condition that an audit stands for a case that was decided, and can be answered.

    A case that waits for a person anyway, since it was reported or appealed, is no secret.
    """
    waits = select(Case.id).where(
        Case.id == Audit.case_id, (Case.waiting_since.is_not(None)) | Case.withdrawn_at.is_not(None)
    )
    return and_(Audit.ended_at.is_(None), Audit.stratum != Stratum.HELD, ~exists(waits))


def _may_answer(person: int) -> ColumnElement[bool]:
    """The condition that an audit is for this person, who has not judged its case before."""
    decided = select(Decision.id).where(
        Decision.case_id == Audit.case_id,
        Decision.actor == person,
        Decision.kind.in_((APPROVE, REJECT)),
    )
    answered = select(_Earlier.id).where(
        _Earlier.case_id == Audit.case_id, _Earlier.answered_by == person
    )
    for_them = or_(Audit.only_for.is_(None), Audit.only_for == person)
    return and_(for_them, ~exists(decided), ~exists(answered))


# Made once: every page of the desk asks, and an alias takes longer to make than to ask.
_Earlier = aliased(Audit)


def unseen_by(person: int) -> Select[int]:
    """The cases whose decision this person does not know of, to judge them anew."""
    return select(Audit.case_id).where(_open(), _may_answer(person))


def not_for(person: int) -> Select[int]:
    """The cases that seem to wait, but not to this person."""
    return select(Audit.case_id).where(_open(), ~_may_answer(person))


def on_words_alone() -> Select[int]:
    """The cases that are shown without scores: no filter by them may find them."""
    return select(Audit.case_id).where(Audit.ended_at.is_(None), Audit.words_alone)


def unseen_lines(person: int) -> Select[int]:
    """The lines of the log that this person does not see as long as the case is to be judged."""
    held = and_(Audit.ended_at.is_(None), Audit.stratum == Stratum.HELD)
    return select(Audit.decision_id).where(or_(held, and_(_open(), _may_answer(person))))


def to_judge(session: Session, case_ids: Collection[int], person: int) -> dict[int, Audit]:
    """Return the audits by which these cases look otherwise to this person, by case."""
    if not begun(session):
        return {}
    held = and_(Audit.ended_at.is_(None), Audit.stratum == Stratum.HELD)
    found = session.scalars(
        select(Audit).where(
            Audit.case_id.in_(case_ids), or_(held, and_(_open(), _may_answer(person)))
        )
    )
    return {audit.case_id: audit for audit in found}


def dispute(session: Session, case_ids: Collection[int]) -> dict[int, Audit]:
    """Return the audits that came out otherwise than the decision, and are not settled yet."""
    if not begun(session):
        return {}
    found = session.scalars(
        select(Audit)
        .where(Audit.case_id.in_(case_ids), Audit.answer != "", Audit.settled_id.is_(None))
        .order_by(Audit.id)
    )
    return {audit.case_id: audit for audit in found if _open_dispute(audit)}


def _open_dispute(audit: Audit) -> bool:
    differs = audit.answer != "" and audit.expected not in ("", audit.answer)
    return differs and audit.unmarked and audit.settled_id is None and audit.golden_id is None


def place_of(session: Session, case_id: int) -> tuple[Audit | None, bool]:
    """Return the audit for which a decided case takes a place among the held ones.

    And whether a third person has to look.
    """
    if not begun(session):
        return None, False
    found = session.scalars(select(Audit).where(Audit.case_id == case_id)).all()
    open_ = (each for each in found if each.ended_at is None and each.stratum != Stratum.HELD)
    return next(open_, None), any(_open_dispute(each) for each in found)


def any_of(session: Session, case_id: int) -> bool:
    """Whether a case was ever drawn; most never are."""
    if not begun(session):
        return False
    return session.scalar(select(Audit.id).where(Audit.case_id == case_id).limit(1)) is not None


def is_open(session: Session, case_id: int) -> bool:
    """Whether a case is judged for an audit: it is judged by itself."""
    if not begun(session):
        return False
    which = exists().where(Audit.case_id == case_id, Audit.ended_at.is_(None))
    return bool(session.scalar(select(which)))


def like_held(session: Session, case_id: int) -> Place | None:
    """Return the place of one of the cases held last, by chance; None where nothing is held.

    By its scores a case that was published or rejected stands in the queue: its own would put it
    where no held case can be.
    """
    lately = session.scalars(
        select(Place)
        .where(Place.status == Status.HELD, Place.case_id != case_id)
        .order_by(Place.since.desc(), Place.case_id.desc())
        .limit(50)
    ).all()
    return _CHANCE.choice(lately) if lately else None


def shown_version(audit: Audit, of: Case) -> int:
    """Return which version of its case a person sees: the one before what they do not know of."""
    if audit.stratum == Stratum.GOLDEN:
        return 2 * of.revision
    return of.version - 1 if audit.stratum in BY_PEOPLE else of.version


# ---- golden cases ----


def mark(session: Session, about: Case, *, answer: str, words: str, by: int) -> Golden:
    """Make a decided case a golden one, or replace what was said of it."""
    retire(session, about.id)
    golden = Golden(
        case_id=about.id,
        revision=about.revision,
        answer=answer,
        words=words,
        marked_by=by,
        marked_at=time_of(session),
    )
    session.add(golden)
    session.flush()
    return golden


def retire(session: Session, case_id: int) -> None:
    """Show a golden case to nobody any more; answers stay."""
    now = time_of(session)
    session.execute(
        update(Golden)
        .where(Golden.case_id == case_id, Golden.retired_at.is_(None))
        .values(retired_at=now)
    )


def golden_of(session: Session, case_id: int) -> Golden | None:
    """Return what is known of a golden case; None where it is none."""
    return session.scalar(
        select(Golden).where(Golden.case_id == case_id, Golden.retired_at.is_(None))
    )


def practised(session: Session, person: int, *, at_most: int = 100) -> list[tuple[Audit, Golden]]:
    """Return the golden cases that a person has answered, newest first; the last minutes' later."""
    before: datetime = time_of(session) - GOLDEN_SETTLES
    rows = session.execute(
        select(Audit, Golden)
        .join(Golden, Golden.id == Audit.golden_id)
        .where(Audit.only_for == person, Audit.answer != "", Audit.ended_at <= before)
        .order_by(Audit.id.desc())
        .limit(at_most)
    )
    return [(row.Audit, row.Golden) for row in rows]


def golden_totals(session: Session, *, at_most: int = 200) -> list[tuple[Golden, int, int]]:
    """Return the golden cases, newest first, with how often each was answered, and how rightly."""
    right = func.sum(case((Audit.answer == Audit.expected, 1), else_=0))
    rows = session.execute(
        select(Golden, func.count(Audit.id), func.coalesce(right, 0))
        .outerjoin(Audit, and_(Audit.golden_id == Golden.id, Audit.answer != ""))
        .where(Golden.retired_at.is_(None))
        .group_by(Golden.id)
        .order_by(Golden.id.desc())
        .limit(at_most)
    )
    return [(golden, many, int(rightly)) for golden, many, rightly in rows]
