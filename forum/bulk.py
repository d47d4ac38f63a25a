"""Many cases decided as one act: drafted and looked at, run in parts, taken back as one.

A batch is a row, and a row for each case as it was seen. Whoever runs it calls `advance` again and
again, each time in a transaction of its own; killed in between, it stands where it was.
"""

import contextlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from time import monotonic

from sqlalchemy import (
    ColumnElement,
    Select,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    not_,
    select,
    update,
)
from sqlalchemy.orm import Session, joinedload

from forum import accounts, review, sanctions, sweeps, views
from forum.accounts import Role, Viewer
from forum.errors import Changed, Invalid, NotAllowed, NotFound
from forum.tables import Account, Comment
from forum.views import Show, View
from moderation import applying, claims, labels, policies
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.tables import Batch, BatchCase, Case, Claim, Decision, Place, time_of

# So many cases has a batch at most, and so many decisions one transaction; on SQLite everybody
# who writes waits for it, so it also ends after a while.
AT_MOST = 50_000
AT_ONCE = 500
_LONG_ENOUGH = 0.2
# Those that a policy decides are read together, so of these fewer.
_APPLIED_AT_ONCE = 50
# A batch that has not moved for so long was killed, or its server was.
STANDS_AFTER = timedelta(seconds=30)
A_PAGE = 50
# How many of those left aside are named, and how many comments are shown in full beforehand.
NAMED = 20
SHOWN = 5
_DRAFTS_LAST = timedelta(days=1)


class State(StrEnum):
    """How far a batch is."""

    DRAFT = "draft"
    RUNNING = "running"
    DONE = "done"
    UNDOING = "undoing"
    UNDONE = "undone"
    # A draft that nobody ran; its number is not given to another.
    FORGOTTEN = "forgotten"


class Outcome(StrEnum):
    """What became of a case in its batch."""

    WAITS = "waits"
    DECIDED = "decided"
    UNDONE = "undone"
    # Left as it was: it had changed, somebody else had it open, or something has happened since.
    CHANGED = "changed"
    TAKEN = "taken"
    KEPT = "kept"


LEFT = (Outcome.CHANGED, Outcome.TAKEN, Outcome.KEPT)


class Origin(StrEnum):
    """How the cases of a batch were found."""

    CHOSEN = "chosen"
    VIEW = "view"
    SWEEP = "sweep"
    # What the policy in force decides otherwise than one before it.
    POLICY = "policy"
    FOLD = "fold"


@dataclass(frozen=True)
class Left:
    """A case that a batch left alone, and why, in words."""

    case_id: int
    why: str


@dataclass(frozen=True)
class BatchFile:
    """A batch with how far it is."""

    batch: Batch
    view: View
    # How many cases have which outcome.
    counts: Mapping[Outcome, int]
    left: Sequence[Left]
    # Who decided, or is to; and who took it back.
    who: str
    undone_by: str
    # Whether it runs, and whether nobody has moved it for a while.
    runs: bool
    stands: bool

    @property
    def total(self) -> int:
        return sum(self.counts.values())

    @property
    def decided(self) -> int:
        return self.counts.get(Outcome.DECIDED, 0)

    @property
    def waiting(self) -> int:
        return self.counts.get(Outcome.WAITS, 0)

    @property
    def undone(self) -> int:
        return self.counts.get(Outcome.UNDONE, 0)

    @property
    def aside(self) -> int:
        """How many cases it left alone."""
        return sum(self.counts.get(outcome, 0) for outcome in LEFT)

    @property
    def undoable(self) -> bool:
        """Whether there is anything to take back."""
        return self.decided > 0 and self.batch.state in (State.RUNNING, State.DONE)


@dataclass(frozen=True)
class Preview:
    """What a draft would decide."""

    # How many of its cases have which status, and which label's score as their highest.
    statuses: Mapping[Status, int]
    labels: Mapping[str, int]
    unscored: int
    authors: int
    # The first few, in the view's order.
    first: Sequence[Comment]
    # How many the view holds, where it holds more than a batch can.
    matching: int
    # How many become what by a policy, where one is applied.
    becomes: Mapping[Status, int]


def allows(view: View) -> bool:
    """Whether a view's cases can be decided together: an appeal is answered by itself."""
    return view.show in (Show.HELD, Show.REPORTED)


def draft(
    session: Session,
    view: View,
    *,
    moderator: Account | Viewer,
    chosen: Mapping[int, int] | None = None,
    rest_of: int | None = None,
) -> int:
    """Put down which cases a batch is for, as they are now, and return its number.

    `chosen` are cases with the version that was seen; without it, all that match the view, up to
    AT_MOST; or the rest of a sweep that was proved to be clean enough.
    Those that others have open are left out, too. Raises Invalid where there is none.
    """
    if not allows(view):
        raise Invalid("Held and reported comments can be decided together, others one by one.")
    _forget_drafts(session)
    now = time_of(session)
    batch = Batch(
        origin=Origin.VIEW if chosen is None else Origin.CHOSEN,
        view=view.asked,
        state=State.DRAFT.value,
        drafted_by=moderator.id,
        drafted_at=now,
    )
    session.add(batch)
    session.flush()
    matching = views.cases_of(session, view, viewer=moderator.id).join(
        Case, Case.id == Place.case_id
    )
    if chosen is not None:
        _add_chosen(session, batch, matching, chosen, moderator)
    else:
        if rest_of is not None:
            sweeps.check(session, rest_of)
            batch.origin, batch.sweep_id = Origin.SWEEP.value, rest_of
            matching = sweeps.rest(rest_of)
        _add(session, batch, matching.limit(AT_MOST), _outcome(session, moderator.id))
    if not session.scalar(
        select(exists().where(BatchCase.batch_id == batch.id, BatchCase.outcome == Outcome.WAITS))
    ):
        raise Invalid(
            "None of these cases is left to decide: each has changed meanwhile, or somebody else"
            " has it open."
            if session.scalar(select(exists().where(BatchCase.batch_id == batch.id)))
            else "Please choose at least one case."
        )
    return batch.id


def draft_held(session: Session, *, admin: Viewer, based_on: int) -> int:
    """Put down which held cases the policy in force decides, and return the batch's number.

    Raises Changed where that is another version than the one that was looked at, and Invalid where
    all stay held.
    """
    _forget_drafts(session)
    found = applying.held(session)
    if found.version.id != based_on:
        raise Changed(
            f"Version {found.version.id} is in force by now. Please look at what it does."
        )
    if not found.moving:
        raise Invalid("Nothing that is held would be decided by this version: all of it stays.")
    batch = Batch(
        origin=Origin.POLICY.value,
        view=View(show=Show.HELD).asked,
        policy_version_id=found.version.id,
        state=State.DRAFT.value,
        drafted_by=admin.id,
        drafted_at=time_of(session),
    )
    session.add(batch)
    session.flush()
    session.execute(
        insert(BatchCase),
        [
            {
                "batch_id": batch.id,
                "case_id": one.case_id,
                "version": one.version,
                "outcome": Outcome.WAITS.value,
            }
            for one in found.moving
        ],
    )
    return batch.id


def decide_fold(
    session: Session,
    case_id: int,
    kind: Kind,
    *,
    version: int,
    seen: int,
    moderator: Account | Viewer,
    reason: str = "",
    words: str = "",
) -> int:
    """Decide a case, and let a batch run that does so with all that say the same; its number.

    Of those, the ones that something has happened to since the line `seen` of the log are left as
    they are, and so are those that others have open. Raises Changed where the case itself is not
    as it was seen, Invalid for no reason; then nothing is decided.
    """
    now = time_of(session)
    batch = Batch(
        origin=Origin.FOLD,
        view={},
        state=State.RUNNING.value,
        kind=kind.value,
        reason=reason,
        words=review.said(session, reason, words) if kind is Kind.REJECT else "",
        drafted_by=moderator.id,
        drafted_at=now,
        started_by=moderator.id,
        started_at=now,
        moved_at=now,
    )
    session.add(batch)
    session.flush()
    # Of a case that is in no fold there are no others: empty equals nothing.
    fold = select(Place.fold).where(Place.case_id == case_id).scalar_subquery()
    others = select(Place.case_id).join(Case, Case.id == Place.case_id)
    changed = exists().where(
        Decision.case_id == Case.id,
        Decision.id > seen,
        # What they took back themselves is no news to them.
        not_((Decision.kind == Kind.UNDO) & (Decision.actor == moderator.id)),
    )
    _add(
        session,
        batch,
        others.where(Place.fold == fold, Place.case_id != case_id),
        case((changed, Outcome.CHANGED.value), else_=_outcome(session, moderator.id)),
    )
    first = BatchCase(
        batch_id=batch.id, case_id=case_id, version=version, outcome=Outcome.DECIDED.value
    )
    first.decision_id = _decide(session, batch, first, moderator).id
    session.add(first)
    session.flush()
    return batch.id


def _outcome(session: Session, person: int) -> ColumnElement[str]:
    taken = exists().where(Claim.case_id == Case.id, claims.taken_from(person, session))
    return case((taken, Outcome.TAKEN.value), else_=Outcome.WAITS.value)


def _add(session: Session, batch: Batch, which: Select[int], outcome: ColumnElement[str]) -> None:
    columns = which.with_only_columns(literal(batch.id), Case.id, Case.version, outcome)
    session.execute(
        insert(BatchCase).from_select(["batch_id", "case_id", "version", "outcome"], columns)
    )


def _add_chosen(
    session: Session,
    batch: Batch,
    matching: Select[int],
    chosen: Mapping[int, int],
    moderator: Account | Viewer,
) -> None:
    if View.read(batch.view).folds:
        chosen = {**_like(session, chosen), **chosen}
    known = dict(session.execute(select(Case.id, Case.version).where(Case.id.in_(chosen))).all())
    of_others = set(
        session.scalars(
            select(Claim.case_id).where(
                Claim.case_id.in_(chosen), claims.taken_from(moderator.id, session)
            )
        )
    )
    waiting = set(session.scalars(matching.where(Place.case_id.in_(chosen)).order_by(None)))

    def outcome(case_id: int, version: int) -> Outcome:
        if known[case_id] != version or case_id not in waiting:
            return Outcome.CHANGED
        return Outcome.TAKEN if case_id in of_others else Outcome.WAITS

    rows = [
        {
            "batch_id": batch.id,
            "case_id": case_id,
            "version": version,
            "outcome": outcome(case_id, version).value,
        }
        for case_id, version in chosen.items()
        if case_id in known
    ]
    if rows:
        session.execute(insert(BatchCase), rows)


def _like(session: Session, chosen: Collection[int]) -> dict[int, int]:
    """The cases that say the same as one of these, with the versions they have now."""
    folds = select(Place.fold).where(Place.case_id.in_(chosen), Place.fold.is_not(None))
    rows = session.execute(
        select(Case.id, Case.version)
        .join(Place, Place.case_id == Case.id)
        .where(Place.fold.in_(folds))
        .limit(AT_MOST)
    )
    return dict(rows.all())


def _forget_drafts(session: Session) -> None:
    """Forget drafts that nobody ran."""
    old = list(
        session.scalars(
            select(Batch.id)
            .where(
                Batch.state == State.DRAFT,
                Batch.drafted_at < time_of(session) - _DRAFTS_LAST,
            )
            .limit(5)
        )
    )
    if old:
        session.execute(delete(BatchCase).where(BatchCase.batch_id.in_(old)))
        session.execute(update(Batch).where(Batch.id.in_(old)).values(state=State.FORGOTTEN.value))


def open_file(session: Session, batch_id: int) -> BatchFile:
    """Return a batch. Raises NotFound."""
    batch = session.get(Batch, batch_id)
    if batch is None or batch.state == State.FORGOTTEN:
        raise NotFound("There is no such batch. A draft is kept for a day.")
    return _files(session, [batch])[0]


def _files(session: Session, batches: Sequence[Batch]) -> list[BatchFile]:
    ids = [batch.id for batch in batches]
    counts: dict[int, dict[Outcome, int]] = {number: {} for number in ids}
    for number, outcome, count in session.execute(
        select(BatchCase.batch_id, BatchCase.outcome, func.count())
        .where(BatchCase.batch_id.in_(ids))
        .group_by(BatchCase.batch_id, BatchCase.outcome)
    ):
        counts[number][Outcome(outcome)] = count
    people = {who for one in batches for who in (one.started_by, one.drafted_by, one.undone_by)}
    names = accounts.names(session, {who for who in people if who})

    def one(batch: Batch) -> BatchFile:
        runs = batch.state in (State.RUNNING, State.UNDOING)
        moved = batch.moved_at or batch.drafted_at
        who = batch.started_by or batch.drafted_by
        return BatchFile(
            batch=batch,
            view=View.read(batch.view),
            counts=counts[batch.id],
            left=_left(session, batch) if len(ids) == 1 else (),
            who=names.get(who, "A closed account"),
            undone_by=names.get(batch.undone_by or 0, ""),
            runs=runs,
            stands=runs and moved < time_of(session) - STANDS_AFTER,
        )

    return [one(batch) for batch in batches]


def _left(session: Session, batch: Batch) -> list[Left]:
    rows = session.execute(
        select(BatchCase.case_id, BatchCase.outcome)
        .where(BatchCase.batch_id == batch.id, BatchCase.outcome.in_(LEFT))
        .order_by(BatchCase.case_id)
        .limit(NAMED)
    ).all()
    holders = claims.in_force(session, [row.case_id for row in rows])
    names = accounts.names(session, {claim.holder for claim in holders.values()})

    def why(case_id: int, outcome: str) -> str:
        if outcome == Outcome.TAKEN:
            claim = holders.get(case_id)
            name = names.get(claim.holder, "") if claim else ""
            return f"{name} has it open" if name else "somebody else had it open"
        if outcome == Outcome.KEPT:
            return "something happened to it since"
        return "it changed meanwhile"

    return [Left(row.case_id, why(row.case_id, row.outcome)) for row in rows]


def preview(session: Session, file: BatchFile) -> Preview:
    """Return what a draft would decide."""
    waits = (BatchCase.batch_id == file.batch.id) & (BatchCase.outcome == Outcome.WAITS)
    scores = [func.coalesce(getattr(Place, name), -1.0) for name in labels.NAMES]
    sqlite = session.get_bind().dialect.name == "sqlite"
    highest = func.max(*scores) if sqlite else func.greatest(*scores)
    label = case(
        (highest < 0, ""),
        *[(score == highest, name) for score, name in zip(scores, labels.NAMES, strict=True)],
        else_="",
    ).label("label")
    status = Place.status.label("status")
    statuses: dict[Status, int] = {}
    by_label: dict[str, int] = {}
    for found, name, count in session.execute(
        select(status, label, func.count())
        .select_from(BatchCase)
        .join(Place, Place.case_id == BatchCase.case_id)
        .where(waits)
        .group_by(status, label)
    ):
        statuses[Status(found)] = statuses.get(Status(found), 0) + count
        by_label[name] = by_label.get(name, 0) + count
    unscored = by_label.pop("", 0)
    authors = session.scalar(
        select(func.count(Place.author.distinct()))
        .join(BatchCase, BatchCase.case_id == Place.case_id)
        .where(waits)
    )
    first = session.scalars(
        select(Comment)
        .join(BatchCase, BatchCase.case_id == Comment.case_id)
        .join(Place, Place.case_id == Comment.case_id)
        .where(waits)
        .order_by(Place.urgency.desc(), Place.case_id.desc())
        .limit(SHOWN)
        .options(joinedload(Comment.author), joinedload(Comment.article))
    ).all()
    matching = 0
    if file.total == AT_MOST:
        counts = views.counts(session, file.view, viewer=file.batch.drafted_by)
        matching = counts.get(file.view.show, 0)
    ordered = sorted(by_label.items(), key=lambda item: -item[1])
    becomes = {}
    if file.batch.policy_version_id is not None:
        version = policies.version(session, file.batch.policy_version_id)
        becomes = applying.becoming(session, version, select(BatchCase.case_id).where(waits))
    return Preview(statuses, dict(ordered), unscored, authors or 0, first, matching, becomes)


def comments_of(session: Session, case_ids: Sequence[int]) -> dict[int, Comment]:
    """Return the comments of some cases, with author and article, by case."""
    found = session.scalars(
        select(Comment)
        .where(Comment.case_id.in_(case_ids))
        .options(joinedload(Comment.author), joinedload(Comment.article))
    )
    return {comment.case_id: comment for comment in found}


def start(
    session: Session,
    batch_id: int,
    kind: Kind,
    *,
    moderator: Account | Viewer,
    reason: str = "",
    words: str = "",
) -> None:
    """Let a draft run: from now on `advance` decides. Raises Invalid, NotFound, Changed."""
    batch = _locked(session, batch_id)
    if batch.state != State.DRAFT:
        raise Changed("This batch runs already, or has run.")
    if (batch.policy_version_id is not None) != (kind is Kind.VERDICT):
        raise Invalid("This batch is decided by the policy, or by people: not as was asked.")
    if batch.policy_version_id is not None:
        _check_admin(moderator)
        _check_in_force(session, batch)
    if batch.sweep_id is not None:
        # A draw may have been decided otherwise since the draft.
        if kind is not Kind.APPROVE:
            raise Invalid("The rest of a sweep can only be approved.")
        sweeps.check(session, batch.sweep_id)
    if kind is Kind.REJECT:
        words = review.said(session, reason, words)
        batch.reason, batch.words = reason, words
    batch.state, batch.kind = State.RUNNING.value, kind.value
    batch.started_by, batch.started_at = moderator.id, time_of(session)
    batch.moved_at = time_of(session)
    session.flush()


def _check_admin(person: Account | Viewer) -> None:
    if person.role != Role.ADMIN:
        raise NotAllowed("A policy is applied, and taken back, by admins.")


def _check_in_force(session: Session, batch: Batch) -> None:
    if policies.in_force(session).id != batch.policy_version_id:
        raise Changed(
            f"Version {batch.policy_version_id} is not in force any more, so it is not applied."
            " Please look at what the present version does."
        )


def advance(session: Session, batch_id: int) -> bool:
    """Decide the next cases of a batch, or take the next ones back; True if there are more.

    Two who call it at once do no harm: each case is decided once.
    """
    batch = _locked(session, batch_id)
    if batch.state == State.RUNNING:
        more = _decide_some(session, batch)
        after = State.DONE
    elif batch.state == State.UNDOING:
        more = _undo_some(session, batch)
        after = State.UNDONE
    else:
        return False
    batch.moved_at = time_of(session)
    if not more:
        batch.state = after.value
    session.flush()
    return more


def _decide_some(session: Session, batch: Batch) -> bool:
    some = _some(session, batch, Outcome.WAITS)
    if batch.policy_version_id is not None:
        return _apply_to_some(session, batch, some[:_APPLIED_AT_ONCE])
    moderator = session.get_one(Account, batch.started_by)
    open_ones = claims.in_force(session, [one.case_id for one in some])
    taken = {case_id for case_id, claim in open_ones.items() if claim.holder != moderator.id}
    until = monotonic() + _LONG_ENOUGH
    for done, one in enumerate(some, start=1):
        if one.case_id in taken:
            one.outcome = Outcome.TAKEN.value
        else:
            # Refused before anything is written.
            try:
                decision = _decide(session, batch, one, moderator)
            except (Changed, Invalid):
                one.outcome = Outcome.CHANGED.value
            else:
                one.outcome, one.decision_id = Outcome.DECIDED.value, decision.id
        if monotonic() > until:
            return done < len(some) or len(some) == AT_ONCE
    return len(some) == AT_ONCE


def _apply_to_some(session: Session, batch: Batch, some: Sequence[BatchCase]) -> bool:
    """Decide as the batch's policy says; once another one is in force, the rest is left alone."""
    version = policies.in_force(session)
    done: Mapping[int, Decision] = {}
    if version.id == batch.policy_version_id:
        seen = {one.case_id: one.version for one in some}
        authors = session.scalars(select(Case.author).where(Case.id.in_(seen)).distinct())
        done = applying.apply(
            session,
            version,
            seen,
            actor=batch.started_by or 0,
            batch=batch.id,
            # Sanctioned since they were scored.
            but=sanctions.watched(session, set(authors)),
        )
    for one in some:
        decision = done.get(one.case_id)
        one.outcome = (Outcome.DECIDED if decision else Outcome.CHANGED).value
        one.decision_id = decision.id if decision else None
    return len(some) == _APPLIED_AT_ONCE


def _decide(
    session: Session, batch: Batch, one: BatchCase, moderator: Account | Viewer
) -> Decision:
    if batch.kind == Kind.APPROVE:
        return review.approve(
            session, one.case_id, version=one.version, moderator=moderator, batch=batch.id
        )
    return review.reject(
        session,
        one.case_id,
        version=one.version,
        moderator=moderator,
        reason=batch.reason,
        words=batch.words,
        batch=batch.id,
    )


def undo(session: Session, batch_id: int, *, moderator: Account | Viewer) -> None:
    """Let a batch be taken back, also one that still runs: `advance` does it.

    Raises Changed, and NotAllowed for a policy that was applied, which admins take back.
    """
    batch = _locked(session, batch_id)
    if batch.policy_version_id is not None:
        _check_admin(moderator)
    if batch.state not in (State.RUNNING, State.DONE):
        raise Changed(
            "This batch was not run yet."
            if batch.state == State.DRAFT
            else "This batch is taken back already."
        )
    batch.state = State.UNDOING.value
    batch.undone_by, batch.undone_at = moderator.id, time_of(session)
    batch.moved_at = time_of(session)
    session.flush()


def _undo_some(session: Session, batch: Batch) -> bool:
    some = _some(session, batch, Outcome.DECIDED)
    moderator = session.get_one(Account, batch.undone_by)
    until = monotonic() + _LONG_ENOUGH
    for done, one in enumerate(some, start=1):
        one.outcome = Outcome.KEPT.value
        with contextlib.suppress(Changed):
            review.undo(session, one.decision_id or 0, moderator=moderator)
            one.outcome = Outcome.UNDONE.value
        if monotonic() > until:
            return done < len(some) or len(some) == AT_ONCE
    return len(some) == AT_ONCE


def _some(session: Session, batch: Batch, outcome: Outcome) -> Sequence[BatchCase]:
    return session.scalars(
        select(BatchCase)
        .where(BatchCase.batch_id == batch.id, BatchCase.outcome == outcome)
        .order_by(BatchCase.case_id)
        .limit(AT_ONCE)
    ).all()


def _locked(session: Session, batch_id: int) -> Batch:
    batch = session.get(Batch, batch_id, with_for_update=True, populate_existing=True)
    if batch is None or batch.state == State.FORGOTTEN:
        raise NotFound("There is no such batch. A draft is kept for a day.")
    return batch


def listed(
    session: Session, *, before: int | None = None
) -> tuple[Sequence[BatchFile], int | None]:
    """Return a page of the batches that were run, newest first, and the cursor of the next."""
    query = (
        select(Batch)
        .where(Batch.started_at.is_not(None))
        .order_by(Batch.id.desc())
        .limit(A_PAGE + 1)
    )
    if before is not None:
        query = query.where(Batch.id < before)
    found = list(session.scalars(query))
    next_ = found[A_PAGE - 1].id if len(found) > A_PAGE else None
    return _files(session, found[:A_PAGE]), next_


def undone(session: Session, batch_id: int, case_id: int | None = None) -> tuple[int, int, int]:
    """Return a case that a batch took back, with the version it has now and the log's last line.

    The first one, unless another is named. Raises Changed where there is none.
    """
    query = (
        select(Case.id, Case.version, select(func.max(Decision.id)).scalar_subquery())
        .join(BatchCase, BatchCase.case_id == Case.id)
        .where(BatchCase.batch_id == batch_id, BatchCase.outcome == Outcome.UNDONE)
        .order_by(Case.id)
        .limit(1)
    )
    if case_id is not None:
        query = query.where(Case.id == case_id)
    found = session.execute(query).one_or_none()
    if found is None:
        raise Changed("Each of these cases has changed since, so nothing was taken back.")
    return found[0], found[1], found[2]
