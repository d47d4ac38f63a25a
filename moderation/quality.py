"""What the audits tell, by month: how good the verdicts are, and how far moderators agree.

The standard is what a person said who did not know of the decision. A third person's decision on a
case where two differ is not part of it: only where they differ does anybody look again, and figures
mended on one side only would flatter the machine.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
from sqlalchemy import case, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import sampling
from moderation.audits import BY_PEOPLE, REJECT, Stratum
from moderation.sampling import Estimate, Figures, Sample
from moderation.tables import Audit, AuditCount, Decision, time_of

# A piece of the log that is counted for good, and how old its lines are at least: on PostgreSQL a
# line may appear after one with a higher number.
PIECE = 2000
SETTLED = timedelta(minutes=10)
MACHINE = (Stratum.PUBLISHED, Stratum.NEAR, Stratum.HELD, Stratum.REJECTED)
# A reason is compared where so many cases were rejected for it.
FEWEST_OF_A_REASON = 20


@dataclass(frozen=True)
class Drawn:
    """How many cases of a stratum there were, and what became of those drawn."""

    size: int
    drawn: int
    answered: int
    waiting: int
    lapsed: int


@dataclass(frozen=True)
class Quality:
    """What the audits of some months tell. Nobody is named in it."""

    figures: Figures
    agreement: Estimate
    by_reason: Mapping[str, Estimate]
    strata: Mapping[Stratum, Drawn]
    by_month: Sequence[tuple[str, Estimate, Estimate, Estimate]]


def of(session: Session, months: int) -> Quality:
    """Look at the audits of this month and those before it, `months` in all."""
    names = _months(time_of(session), months)
    first = datetime.fromisoformat(f"{names[-1]}-01").replace(tzinfo=UTC)
    rows = session.execute(
        select(
            Audit.stratum,
            Audit.share,
            Audit.drawn_at,
            Audit.ended_at,
            Audit.answer,
            Audit.reason,
            Audit.unmarked,
            Audit.expected,
            Decision.reason.label("first_reason"),
        )
        .join(Decision, Decision.id == Audit.decision_id)
        .where(Audit.drawn_at >= first, Audit.stratum != Stratum.GOLDEN)
    ).all()
    sizes = counted(session)

    def figures(of_months: Sequence[str]) -> Figures:
        size: Counter[str] = Counter()
        for (month, stratum), many in sizes.items():
            if month in of_months:
                size[stratum] += many
        return sampling.figures(_samples(rows, size, of_months))

    pairs = [row for row in rows if row.stratum in BY_PEOPLE and row.answer and row.unmarked]
    return Quality(
        figures=figures(names),
        agreement=_agreement(pairs),
        by_reason=_by_reason(pairs),
        strata={
            stratum: _drawn(rows, stratum, sum(sizes.get((m, stratum), 0) for m in names))
            for stratum in Stratum
            if stratum != Stratum.GOLDEN
        },
        by_month=[
            (
                name,
                found.precision["published"],
                found.precision["rejected"],
                _agreement([row for row in pairs if _month(row.drawn_at) == name]),
            )
            for name in names
            for found in [figures([name])]
        ],
    )


def errors(session: Session, begin: datetime, end: datetime, lines: range) -> dict[str, Estimate]:
    """Estimate how often decisions are wrong, by the audits answered between two moments.

    `published` and `rejected` are those of the machine, `approved_by_people` and
    `rejected_by_people` those of people. `lines` has all numbers of the log of that time, and
    perhaps some more. Empty where nothing was audited.
    """
    rows = session.execute(
        select(Audit.stratum, Audit.share, Audit.answer, Audit.expected, Audit.unmarked).where(
            Audit.ended_at >= begin,
            Audit.ended_at < end,
            Audit.answer != "",
            Audit.stratum.not_in([Stratum.GOLDEN, Stratum.HELD]),
        )
    ).all()
    if not rows:
        return {}
    many = func.sum(case((Decision.kind == "undo", -1), else_=1))
    sizes: dict[str, int] = dict(
        session.execute(
            select(Decision.stratum, many)
            .where(
                Decision.id >= lines.start,
                Decision.id < lines.stop,
                Decision.at >= begin,
                Decision.at < end,
                Decision.stratum.is_not(None),
            )
            .group_by(Decision.stratum)
        ).all()
    )

    def sample(stratum: Stratum) -> Sample:
        # How far people agree is seen where they could not tell that it was decided.
        of_it = [
            row
            for row in rows
            if row.stratum == stratum and (row.unmarked or stratum not in BY_PEOPLE)
        ]
        return Sample(
            max(int(sizes.get(stratum, 0)), len(of_it)),
            np.array([float(row.answer != row.expected) for row in of_it]),
            np.array([row.share for row in of_it], dtype=np.float64),
        )

    by_machine = {one.value: sample(one) for one in (Stratum.PUBLISHED, Stratum.NEAR)}
    wrong = [(name, 1) for name in by_machine]
    return {
        "published": sampling.of_ratio(
            wrong, [*wrong, *((name, 0) for name in by_machine)], by_machine
        ),
        "rejected": sampling.of_share(sample(Stratum.REJECTED)),
        **{stratum.value: sampling.of_share(sample(stratum)) for stratum in BY_PEOPLE},
    }


def _samples(rows: Sequence, size: Mapping[str, int], months: Sequence[str]) -> dict[str, Sample]:  # type: ignore[type-arg]
    samples = {}
    for stratum in MACHINE:
        if stratum is Stratum.HELD:
            # People decide all of these: so many approved, so many rejected.
            hits = size[Stratum.REJECTED_BY_PEOPLE]
            n = max(hits, 0) + max(size[Stratum.APPROVED_BY_PEOPLE], 0)
            found = np.zeros(n)
            found[: max(hits, 0)] = 1.0
            samples[stratum.value] = Sample(max(size[stratum], n), found, np.ones(n))
            continue
        of_it = [
            row
            for row in rows
            if row.stratum == stratum and row.answer and _month(row.drawn_at) in months
        ]
        samples[stratum.value] = Sample(
            max(size[stratum], len(of_it)),
            np.array([float(row.answer == REJECT) for row in of_it]),
            np.array([row.share for row in of_it], dtype=np.float64),
        )
    return samples


def _agreement(pairs: Sequence) -> Estimate:  # type: ignore[type-arg]
    codes = [[int(row.expected == REJECT), int(row.answer == REJECT)] for row in pairs]
    return _alpha(codes, pairs)


def _alpha(codes: list[list[int]], pairs: Sequence) -> Estimate:  # type: ignore[type-arg]
    weights = np.array([1 / row.share for row in pairs], dtype=np.float64)
    return sampling.of_agreement(np.array(codes, dtype=np.int64).reshape(-1, 2), weights)


def _by_reason(pairs: Sequence) -> dict[str, Estimate]:  # type: ignore[type-arg]
    many: Counter[str] = Counter()
    for row in pairs:
        many.update({row.first_reason, row.reason} - {""})
    return {
        reason: _alpha(
            [[int(r.first_reason == reason), int(r.reason == reason)] for r in pairs], pairs
        )
        for reason, times in many.most_common()
        if times >= FEWEST_OF_A_REASON
    }


def _drawn(rows: Sequence, stratum: Stratum, size: int) -> Drawn:  # type: ignore[type-arg]
    of_it = [row for row in rows if row.stratum == stratum]
    answered = sum(1 for row in of_it if row.answer)
    waiting = sum(1 for row in of_it if row.ended_at is None)
    return Drawn(size, len(of_it), answered, waiting, len(of_it) - answered - waiting)


def _months(now: datetime, many: int) -> list[str]:
    """The names of this month and those before it, newest first."""
    last = now.year * 12 + now.month - 1
    return [f"{at // 12:04}-{at % 12 + 1:02}" for at in range(last, last - many, -1)]


def _month(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m}"


# ---- how many there were ----


def counted(session: Session) -> Counter[tuple[str, str]]:
    """Count the decisions that could have been drawn, by month and stratum; undone ones do not."""
    found: Counter[tuple[str, str]] = Counter()
    kept = select(AuditCount.month, AuditCount.stratum, func.sum(AuditCount.many))
    for month, stratum, many in session.execute(
        kept.group_by(AuditCount.month, AuditCount.stratum)
    ):
        found[month, stratum] += int(many)
    found.update(_count(_lines(session)))
    return found


def is_behind(session: Session) -> bool:
    """Whether a piece of the log is whole and not counted yet."""
    last = session.scalar(
        select(Decision.at)
        .where(Decision.stratum.is_not(None), Decision.id > _upto(session))
        .order_by(Decision.id)
        .offset(PIECE - 1)
        .limit(1)
    )
    return last is not None and last <= time_of(session) - SETTLED


def _whole_piece(session: Session) -> Sequence:  # type: ignore[type-arg]
    piece = _lines(session, at_most=PIECE)
    whole = len(piece) == PIECE and piece[-1].at <= time_of(session) - SETTLED
    return piece if whole else ()


def count_on(session: Session) -> bool:
    """Count a piece of the log for good, if one is whole; True if there may be more."""
    piece = _whole_piece(session)
    if not piece:
        return False
    behind, upto = _upto(session), piece[-1].id
    values = [
        {"behind": behind, "month": month, "stratum": stratum, "upto": upto, "many": many}
        for (month, stratum), many in _count(piece).items()
    ]
    try:
        with session.begin_nested():
            session.execute(insert(AuditCount), values)
    except IntegrityError:
        # Another server was faster.
        return False
    return True


def _lines(session: Session, at_most: int | None = None) -> Sequence:  # type: ignore[type-arg]
    query = (
        select(Decision.id, Decision.at, Decision.kind, Decision.stratum)
        .where(Decision.stratum.is_not(None), Decision.id > _upto(session))
        .order_by(Decision.id)
    )
    return session.execute(query.limit(at_most) if at_most else query).all()


def _upto(session: Session) -> int:
    return session.scalar(select(func.max(AuditCount.upto))) or 0


def _count(lines: Sequence) -> Counter[tuple[str, str]]:  # type: ignore[type-arg]
    found: Counter[tuple[str, str]] = Counter()
    for line in lines:
        found[_month(line.at), line.stratum] += -1 if line.kind == "undo" else 1
    return found
