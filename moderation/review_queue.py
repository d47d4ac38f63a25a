"""The review queue: a place for each case that waits for a person, found and ordered by it.

A place repeats what the case, its last verdict and its scores say, in one narrow row, so that a
page of the queue, its filters and its counts touch nothing else. Every change goes through here.
"""

from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import ColumnElement, case, delete, exists, func, insert, literal, select, update
from sqlalchemy.orm import Session, aliased

from moderation import audits, folds, labels, urgency
from moderation.policy import Status
from moderation.tables import Audience, Case, Decision, Place, Score, time_of

# How many places follow the readers of their threads in one transaction.
_AT_ONCE = 1000
# After which time a server's count of readers is forgotten.
AUDIENCE_LASTS = timedelta(minutes=2)
# Made once: an alias takes longer to make than its statement to run.
_Undoing = aliased(Decision)


def settle(session: Session, case_id: int) -> None:
    """Give a case its place, or take it away, as the case stands now."""
    found = session.execute(
        select(
            Case.status,
            Case.waiting_since,
            Case.withdrawn_at,
            Case.author,
            Case.context,
            Case.script,
        ).where(Case.id == case_id)
    ).one()
    fold = session.scalar(select(Place.fold).where(Place.case_id == case_id))
    audit, disputed = audits.place_of(session, case_id)
    if found.waiting_since is not None:
        audit = None
    # One that was reported and then edited keeps its place, unseen, while it is scored again.
    if (found.waiting_since is None and audit is None) or found.withdrawn_at is not None:
        session.execute(delete(Place).where(Place.case_id == case_id))
        if fold is not None:
            folds.left(session, fold)
        return
    folds_in = found.status == Status.HELD and not disputed and not audits.is_open(session, case_id)
    values = {
        "status": Status.HELD if audit else found.status,
        "since": audit.since if audit else found.waiting_since,
        "author": found.author,
        "context": found.context,
        "script": found.script,
        "fold": (fold or folds.join(session, case_id)) if folds_in else None,
        **(_like_held(session, case_id) if audit and audit.words_alone else {}),
    }
    if "held_for" not in values:
        values |= _ground(session, case_id)
    if disputed:
        values["held_for"] = f"{values['held_for'] or ' '}disputed "
    changed = session.execute(update(Place).where(Place.case_id == case_id).values(values))
    if changed.rowcount == 0:  # type: ignore[attr-defined]
        values["doublings"] = _doublings(session, found.context).get(found.context, 0)
        session.execute(insert(Place).values(case_id=case_id, reports=0, urgency=0.0, **values))
    if fold is not None and not folds_in:
        folds.left(session, fold)
    reckon(session, Place.case_id == case_id)


def _like_held(session: Session, case_id: int) -> dict[str, object]:
    """The ground of a held case, for one whose own would give away that it is not held."""
    place = audits.like_held(session, case_id)
    if place is None:
        return {"held_for": "", "held_labels": "", **dict.fromkeys(labels.NAMES)}
    return {name: getattr(place, name) for name in ("held_for", "held_labels", *labels.NAMES)}


def _ground(session: Session, case_id: int) -> dict[str, object]:
    """On what the case's last verdict stood: what was found, and the scores it was judged by."""
    verdict = session.execute(
        select(Decision.findings, Decision.revision, Decision.classifier_id)
        .where(
            Decision.case_id == case_id,
            Decision.kind.in_(("verdict", "park")),
            # A policy that was applied to what was held, and taken back, is no ground.
            ~exists().where(_Undoing.undoes_id == Decision.id),
        )
        .order_by(Decision.id.desc())
        .limit(1)
    ).one_or_none()
    if verdict is None:
        return {"held_for": "", "held_labels": "", **dict.fromkeys(labels.NAMES)}
    counted = (found["code"] for found in verdict.findings if "trusted" not in found)
    codes = " ".join(dict.fromkeys(counted))
    over = " ".join(
        found["label"]
        for found in verdict.findings
        if found["code"].startswith("above_") and "label" in found
    )
    scores = session.scalar(
        select(Score).where(
            Score.case_id == case_id,
            Score.revision == verdict.revision,
            Score.classifier_id == verdict.classifier_id,
        )
    )
    return {
        "held_for": f" {codes} " if codes else "",
        "held_labels": f" {over} " if over else "",
        **{name: getattr(scores, name, None) for name in labels.NAMES},
    }


def reckon(session: Session, which: ColumnElement[bool]) -> None:
    """Reckon the urgency of these places anew, by the weights in force and at this moment."""
    _, weights = urgency.in_force(session)
    session.execute(
        update(Place)
        .where(which)
        .values(urgency=urgency.formula(session, weights))
        .execution_options(synchronize_session=False)
    )


def reported(session: Session, case_id: int, count: int) -> None:
    """Note how many reports on a case are open."""
    session.execute(update(Place).where(Place.case_id == case_id).values(reports=count))
    reckon(session, Place.case_id == case_id)


def count_readers(session: Session, server: str, reading: Mapping[int, int]) -> None:
    """Note how many people have which context open on one server; the others' counts stay."""
    now = time_of(session)
    session.execute(
        delete(Audience).where((Audience.server == server) | (Audience.at < now - AUDIENCE_LASTS))
    )
    if reading:
        session.execute(
            insert(Audience),
            [
                {"server": server, "context": context, "readers": readers, "at": now}
                for context, readers in reading.items()
            ],
        )


def is_behind(session: Session) -> bool:
    """Whether `catch_up` would change anything."""
    return session.scalar(select(Place.case_id).where(_behind(session)).limit(1)) is not None


def catch_up(session: Session) -> bool:
    """Let places follow the hour and the readers; True if there are more, for another call."""
    behind = list(session.scalars(select(Place.case_id).where(_behind(session)).limit(_AT_ONCE)))
    if behind:
        which = Place.case_id.in_(behind)
        session.execute(
            update(Place)
            .where(which)
            .values(doublings=_wanted(_doublings(session)))
            .execution_options(synchronize_session=False)
        )
        reckon(session, which)
    return len(behind) == _AT_ONCE


def _behind(session: Session) -> ColumnElement[bool]:
    _, weights = urgency.in_force(session)
    due = urgency.due_before(time_of(session), weights)
    return (Place.doublings != _wanted(_doublings(session))) | (
        (Place.since <= due) & (Place.urgency < urgency.OVERDUE / 2)
    )


def _wanted(doublings: Mapping[int, int]) -> ColumnElement[int]:
    if not doublings:
        return literal(0)
    return case(dict(doublings), value=Place.context, else_=0)


def _doublings(session: Session, context: int | None = None) -> dict[int, int]:
    """By context: how often the number of its readers can be halved; 1 is 1, 2 is 2, 4 is 3."""
    query = (
        select(Audience.context, func.sum(Audience.readers))
        .where(Audience.at > time_of(session) - AUDIENCE_LASTS)
        .group_by(Audience.context)
    )
    if context is not None:
        query = query.where(Audience.context == context)
    return {number: int(readers).bit_length() for number, readers in session.execute(query)}


def counts(session: Session, *where: ColumnElement[bool]) -> dict[Status, int]:
    """Count the cases that wait: held ones, and published ones that were reported."""
    found = session.execute(_COUNTS.where(*where)).one()
    return {status: many for status, many in zip(_WAITING, found, strict=True) if many}


_WAITING = (Status.HELD, Status.PUBLISHED, Status.REJECTED)
# Not grouped: for that SQLite would look the places up one by one, in the order of an index.
_COUNTS = select(*(func.count().filter(Place.status == status) for status in _WAITING)).select_from(
    Place
)
