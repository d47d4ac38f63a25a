"""Rehearsals: a policy judges beside the one in force for a time, on some threads in its place."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b
from typing import Any

import numpy as np
import structlog
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import acts, cases, clusters, policies
from moderation.acts import Did
from moderation.clusters import Difference, Whole
from moderation.policies import PolicyChanged
from moderation.policy import Policy, Scope, Signal, Status, Verdict, judge
from moderation.tables import Case, Rehearsal, Rehearsed, time_of

log = structlog.get_logger("moderation.rehearsals")

SHORTEST, LONGEST = timedelta(hours=1), timedelta(days=90)
# So much of the site at most: what is left is what it is compared with.
MOST = 0.9
NOTE = 500

STATUSES: Sequence[Status] = (Status.PUBLISHED, Status.HELD, Status.REJECTED)


class CannotRehearse(Exception):
    """A rehearsal cannot start. The message is for the admin; `field` is where it stands."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def start(
    session: Session,
    policy: Policy,
    *,
    by: int | None,
    share: float,
    lasts: timedelta,
    based_on: int,
    note: str = "",
    fairness: Mapping[str, Any] | None = None,
) -> Rehearsal:
    """Let `policy` judge beside the one in force from the next comment on, for a time.

    It decides on `share` of all threads, 0 to MOST; on 0 it only looks on. One runs at a time.
    Raises CannotRehearse, and PolicyChanged where `based_on` is not in force any more.
    """
    now, last = time_of(session), newest(session)
    if not 0 <= share <= MOST:
        raise CannotRehearse(
            f"A rehearsal can decide on 0 to {MOST:.0%} of all threads.", field="share"
        )
    if not SHORTEST <= lasts <= LONGEST:
        raise CannotRehearse(
            f"A rehearsal lasts from one hour to {LONGEST.days} days.", field="days"
        )
    if len(note) > NOTE:
        raise CannotRehearse(f"Please keep the note within {NOTE} characters.", field="note")
    if last is not None and runs(session, last):
        raise CannotRehearse(
            "Another rehearsal runs. Stop it first, or wait until it ends by itself."
        )
    current = policies.in_force(session)
    if current.id != based_on:
        raise PolicyChanged(current.id)
    if policies.misfit(session) is not None:
        raise CannotRehearse(
            "The thresholds in force are for another classifier, so there is nothing to compare"
            " with. Adopt thresholds for the one that scores now first."
        )
    row = Rehearsal(
        id=last.id + 1 if last else 1,
        content=policy.to_json(),
        based_on=based_on,
        classifier_id=current.classifier_id,
        share=share,
        seed=secrets.randbits(62),
        note=note,
        started_by=by,
        started_at=now,
        ends_at=now + lasts,
        fairness=None if fairness is None else dict(fairness),
    )
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise CannotRehearse("Another rehearsal was started just now. Look at it first.") from None
    if by is not None:
        decides = f"It decides on {share:.0%} of the threads." if share else "It only looks on."
        why = fairness["reason"] if fairness else ""
        words = " ".join(filter(None, (f"Rehearsal {row.id}. {decides}", note, why)))
        acts.record(session, Did.REHEARSED, actor=by, words=words)
    return row


def newest(session: Session) -> Rehearsal | None:
    """Return the rehearsal that runs or, where none does, ran last; None before the first one."""
    return session.scalar(select(Rehearsal).order_by(Rehearsal.id.desc()).limit(1))


def runs(session: Session, rehearsal: Rehearsal) -> bool:
    """Whether it judges what comes in now."""
    return rehearsal.ended_at is None and time_of(session) < rehearsal.ends_at


def end(session: Session, number: int, *, by: int | None, why: str = "stopped") -> Rehearsal | None:
    """End a rehearsal before its time; None where it has ended, or there is none."""
    found = session.get(Rehearsal, number, with_for_update=True)
    if found is None or not runs(session, found):
        return None
    found.ended_at, found.ended_by, found.ended_why = time_of(session), by, why
    if by is not None:
        acts.record(session, Did.BROKE_OFF, actor=by, words=f"Rehearsal {number}, {why}.")
    return found


def decides_on(context: int, *, seed: int, share: float) -> bool:
    """Say whether a rehearsal decides on this thread: on the same ones as long as it lasts."""
    digest = blake2b(f"{seed}:{context}".encode(), digest_size=8).digest()
    return int.from_bytes(digest) < share * 2**64


@dataclass(frozen=True)
class Trial:
    """The rehearsal that runs, as the worker needs it."""

    id: int
    policy: Policy
    seed: int
    share: float

    def judge(
        self, case: Case, scores: Mapping[str, float], signals: Sequence[Signal], scope: Scope
    ) -> "Said":
        """Say what the rehearsed policy makes of a text, and whether that counts."""
        return Said(
            judge(scores, signals, self.policy, scope),
            decides_on(case.context, seed=self.seed, share=self.share),
        )

    def keep(self, session: Session, case: Case, said: "Said", in_force: Verdict) -> None:
        """Keep both verdicts on the present wording of a case."""
        session.add(
            Rehearsed(
                rehearsal_id=self.id,
                case_id=case.id,
                revision=case.revision,
                context=case.context,
                verdict=said.verdict.status.value,
                in_force=in_force.status.value,
                decides=said.decides,
            )
        )


@dataclass(frozen=True)
class Said:
    """What a rehearsed policy said of a text, and whether it decides on it."""

    verdict: Verdict
    decides: bool


def running(session: Session, classifier_id: int) -> Trial | None:
    """Return the rehearsal for what this classifier scores now; None where none runs.

    One whose numbers are for another classifier is ended: they mean nothing any more.
    """
    found = newest(session)
    if found is None or not runs(session, found):
        return None
    if found.classifier_id != classifier_id:
        end(session, found.id, by=None, why="misfit")
        log.warning("rehearsal_for_another_classifier", rehearsal=found.id)
        return None
    return Trial(found.id, found.policy, found.seed, found.share)


@dataclass(frozen=True)
class Outcome:
    """What came of a rehearsal so far.

    `moves[a, b]` counts the texts that the policy in force would publish, hold or reject (a) and
    the rehearsed one (b). `one` and `other` have a row a thread on which the one in force decided,
    and on which the rehearsed one did, counting the texts by what was decided.
    """

    moves: Whole
    one: Whole
    other: Whole

    @property
    def texts(self) -> int:
        return int(self.moves.sum())

    @property
    def apart(self) -> int:
        """How many texts the two would decide differently."""
        return self.texts - int(np.trace(self.moves))

    def compare(self) -> list[tuple[Status, Difference]]:
        """Compare the two sides of threads, a status each."""
        return list(zip(STATUSES, clusters.differences(self.one, self.other), strict=True))

    def rows(self) -> list[tuple[Status, int, int]]:
        """Return how many texts each policy gives each status."""
        now, then = self.moves.sum(axis=1).tolist(), self.moves.sum(axis=0).tolist()
        return list(zip(STATUSES, now, then, strict=True))


def outcome(session: Session, rehearsal: Rehearsal) -> Outcome:
    """Count what both policies said, and what was decided thread by thread."""
    rows = session.execute(
        select(
            Rehearsed.context,
            Rehearsed.decides,
            Rehearsed.in_force,
            Rehearsed.verdict,
            func.count(),
        )
        .where(Rehearsed.rehearsal_id == rehearsal.id)
        .group_by(Rehearsed.context, Rehearsed.decides, Rehearsed.in_force, Rehearsed.verdict)
    ).all()
    code = {status.value: number for number, status in enumerate(STATUSES)}
    context, decides, now, then, many = (
        np.array(
            [(row[0], row[1], code[row[2]], code[row[3]], row[4]) for row in rows], dtype=np.int64
        )
        .reshape(-1, 5)
        .T
    )
    moves = np.zeros((3, 3), dtype=np.int64)
    np.add.at(moves, (now, then), many)
    sides = []
    for side in (0, 1):
        which = decides == side
        threads, place = np.unique(context[which], return_inverse=True)
        counts = np.zeros((len(threads), 3), dtype=np.int64)
        np.add.at(counts, (place, (then if side else now)[which]), many[which])
        sides.append(counts)
    return Outcome(moves, *sides)


@dataclass(frozen=True)
class Apart:
    """A comment on which the two policies differ; `said` is what people decided, if they did."""

    case_id: int
    text: str
    status: Status
    in_force: Status
    verdict: Status
    decides: bool
    said: str | None


def apart(
    session: Session, number: int, *, before: int | None = None, at_most: int = 25
) -> list[Apart]:
    """Return comments on which the two policies differ, newest first, below the case `before`.

    One that its author changed since, or took back, is left out.
    """
    asked = (
        select(
            Case.id,
            Case.text,
            Case.status,
            Rehearsed.in_force,
            Rehearsed.verdict,
            Rehearsed.decides,
            cases.last_by_people(Case.id),
        )
        .join(Case, (Case.id == Rehearsed.case_id) & (Case.revision == Rehearsed.revision))
        .where(
            Rehearsed.rehearsal_id == number,
            # Word for word as in the index.
            text("rehearsed.verdict <> rehearsed.in_force"),
            Case.withdrawn_at.is_(None),
        )
        .order_by(Rehearsed.case_id.desc())
        .limit(at_most)
    )
    if before is not None:
        asked = asked.where(Rehearsed.case_id < before)
    return [
        Apart(case_id, words, Status(status), Status(now), Status(then), decides, said)
        for case_id, words, status, now, then, decides, said in session.execute(asked)
    ]
