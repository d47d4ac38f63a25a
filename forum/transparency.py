"""The transparency report: what was moderated in a month, in the figures that the DSA asks for.

An event counts in the month in which it happened, in the newsroom's time. So a month that is over
never changes, and its figures are kept; those of the running month reach to the last day that is
over. All of it is derived, and can be derived anew.
"""

import calendar
import contextlib
import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from statistics import median
from typing import Any

from sqlalchemy import ColumnElement, delete, exists, func, literal_column, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from forum import removals
from forum.database import Database
from forum.removals import begin_of
from forum.tables import Appeal, Comment, Month, Removal, Report, Sanction
from moderation import decisions, quality, rules
from moderation.decisions import Kind
from moderation.tables import Decision, time_of

# What a figure is: how many, how long, which share of something, or nothing that is known here.
COUNT, SECONDS, SHARE, UNKNOWN = "count", "seconds", "share", "unknown"

# The parts of the report, with their titles; and the figures of each, with theirs.
PARTS = {
    "notices": "Reports by readers",
    "own_initiative": "Found without a report",
    "removals": "Comments rejected or removed",
    "automation": "Use of automated means",
    "complaints": "Complaints: appeals by authors",
    "sanctions": "Measures against accounts",
    "not_known": "Not known here",
}
TITLES = {
    "received": "Received",
    "received_for": "Received for",
    "led_to_removal": "Answered: the comment was removed",
    "led_to_nothing": "Answered: the comment stays",
    "open": "Open at the end",
    "median_time": "Median time to the answer",
    "p90_time": "Nine in ten answered within",
    "by_automated_means": "Answered by automated means",
    "removed": "Removed",
    "total": "Removed in all",
    "for_reason": "For the reason",
    "under_rule": "Under the rule",
    "found_by": "Found by",
    "median_time_to_act": "Median time to act",
    "p90_time_to_act": "Nine in ten within",
    "taken_back": "Taken back by moderators on a later day",
    "checked": "Checked by the classifier",
    "held": "Held for a person",
    "by_machine": "Removed by automated means alone",
    "by_person": "Removed by a person",
    "share_automated": "Share removed by automated means alone",
    "overturned_machine": "Automated removals overturned on appeal",
    "approved_machine": "Automated removals reversed without an appeal",
    "error_rate_machine": "Error rate of automated removals",
    "overturned_person": "Removals by persons overturned on appeal",
    "reversed_person": "Removals by persons reversed without an appeal",
    "error_rate_person": "Error rate of removals by persons",
    "upheld": "Answered: the decision stands",
    "overturned": "Answered: published after all",
    "left": "Ended, since the author changed or deleted the comment",
    "given": "Given",
    "lifted": "Lifted before their end",
    "active_readers": "Average monthly active readers",
    "orders": "Orders of authorities",
    "disputes": "Out-of-court disputes",
    "audit_removed_machine_looked_at": "Automated removals judged anew by somebody else",
    "audit_removed_machine": "Of these, scaled to all: wrongly removed",
    "audit_published_machine_looked_at": "Automated publications judged anew by somebody else",
    "audit_published_machine": "Of these, scaled to all: wrongly published",
    "audit_removed_person_looked_at": "Removals by persons judged anew by somebody else",
    "audit_removed_person": "Of these, scaled to all: judged otherwise",
    "audit_approved_person_looked_at": "Approvals by persons judged anew by somebody else",
    "audit_approved_person": "Of these, scaled to all: judged otherwise then",
}
FOUND_BY = {
    "classifier": "the classifier",
    "words": "the list of words",
    "signal": "another signal",
    "report": "a report",
    "person": "a person",
}
SANCTIONS = {
    "warning": "warning",
    "pre_moderation": "pre-moderation",
    "mute": "mute",
    "suspension": "suspension",
    "ban": "ban",
}


@dataclass(frozen=True)
class Figure:
    """One number of the report. `scope` says of what, in words; `value` is None if not known."""

    part: str
    name: str
    scope: str
    unit: str
    value: float | None

    @property
    def title(self) -> str:
        """What it counts, in words."""
        return f"{TITLES[self.name]} {self.scope}".rstrip()


@dataclass(frozen=True)
class MonthReport:
    """The figures of a month up to a day, and whether the month is over."""

    month: str
    until: date
    figures: Sequence[Figure]

    @property
    def is_over(self) -> bool:
        return self.until == _last_of(self.month)

    def of(self, part: str) -> list[Figure]:
        """The figures of one part."""
        return [figure for figure in self.figures if figure.part == part]


# Keeping ------------------------------------------------------------------------------------------


def catch_up(database: Database, zone: tzinfo, *, anew: bool = False) -> None:
    """Derive what the public log and the report lack; with `anew`, all of it once more."""
    if anew:
        with database.writing() as session:
            removals.forget(session)
    for _ in catching_up(database, zone):
        pass


def catching_up(database: Database, zone: tzinfo) -> Iterator[None]:
    """Derive what the public log and the report lack, a day or a month at a step.

    Everything is looked up in reading transactions; what was found is written in short ones.
    """
    while True:
        with database.reading() as session:
            day = removals.next_day(session, zone)
            lines = removals.of_day(session, day, zone) if day else []
        if not lines:
            break
        # Another server was faster: its lines are as good.
        with contextlib.suppress(IntegrityError), database.writing() as session:
            removals.keep(session, lines)
        yield
    with database.reading() as session:
        missing = list(_missing(session, zone))
    for month, until in missing:
        with database.reading() as session:
            figures = reckon(session, month, until, zone)
        with contextlib.suppress(IntegrityError), database.writing() as session:
            _keep(session, month, until, figures)
        yield


def _missing(session: Session, zone: tzinfo) -> Iterator[tuple[str, date]]:
    """The months whose figures do not reach as far as they could, and how far that is."""
    first = session.scalar(select(Decision.at).order_by(Decision.id).limit(1))
    if first is None:
        return
    kept = dict(session.execute(select(Month.month, Month.until)).all())
    last = removals.last_day(session, zone)
    day = first.astimezone(zone).date().replace(day=1)
    while day <= last:
        month = f"{day:%Y-%m}"
        until = min(last, _last_of(month))
        if kept.get(month) != until.isoformat():
            yield month, until
        day = _last_of(month) + timedelta(days=1)


def _last_of(month: str) -> date:
    year, number = int(month[:4]), int(month[5:])
    return date(year, number, calendar.monthrange(year, number)[1])


def _keep(session: Session, month: str, until: date, figures: Iterable[Figure]) -> None:
    session.execute(delete(Month).where(Month.month == month))
    session.add(
        Month(
            month=month,
            until=until.isoformat(),
            figures=[[one.part, one.name, one.scope, one.unit, one.value] for one in figures],
            reckoned_at=time_of(session),
        )
    )
    session.flush()


def months(session: Session) -> list[str]:
    """Return the months there are figures of, newest first."""
    return list(session.scalars(select(Month.month).order_by(Month.month.desc())))


def of_month(session: Session, month: str) -> MonthReport | None:
    """Return the kept figures of a month; None where there are none."""
    found = session.get(Month, month)
    if found is None:
        return None
    return MonthReport(
        found.month, date.fromisoformat(found.until), [Figure(*each) for each in found.figures]
    )


# Reckoning ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Span:
    """A stretch of time, and the numbers between which its lines of the log lie."""

    begin: datetime
    end: datetime
    first: int
    behind: int

    def has(self, at: InstrumentedAttribute[Any]) -> ColumnElement[bool]:
        return (at >= self.begin) & (at < self.end)

    def lines(self, line: type[Decision] = Decision) -> ColumnElement[bool]:
        return (line.id >= self.first) & (line.id < self.behind) & self.has(line.at)


def _span(session: Session, begin: datetime, end: datetime) -> _Span:
    # The log is in the order of time but for transactions that overlapped, so its lines are found
    # by their numbers, without an index that each comment would have to pay for.
    overlap = timedelta(hours=1)
    return _Span(
        begin,
        end,
        decisions.first_since(session, begin - overlap),
        decisions.first_since(session, end + overlap),
    )


def reckon(session: Session, month: str, until: date, zone: tzinfo) -> list[Figure]:
    """Reckon the figures of a month up to a day, which is over."""
    begin = begin_of(date.fromisoformat(f"{month}-01"), zone)
    span = _span(session, begin, begin_of(until + timedelta(days=1), zone))
    removed = session.execute(
        select(
            Removal.reason,
            Removal.rule,
            Removal.rule_title,
            Removal.by,
            Removal.found_by,
            Removal.took,
        ).where(Removal.month == month, Removal.day <= until.isoformat())
    ).all()
    total = len(removed)
    machine = sum(row.by != "person" for row in removed)
    found = Counter(row.found_by for row in removed)
    return [
        *_notices(session, span),
        Figure("own_initiative", "removed", "", COUNT, total - found["report"]),
        Figure("removals", "total", "", COUNT, total),
        *_counted("removals", "for_reason", Counter(row.reason for row in removed)),
        *_counted(
            "removals",
            "under_rule",
            Counter(f"{row.rule}, {row.rule_title}" for row in removed if row.rule is not None),
        ),
        *(
            Figure("removals", "found_by", words, COUNT, found[key])
            for key, words in FOUND_BY.items()
        ),
        *_times(
            "removals", ("median_time_to_act", "p90_time_to_act"), [row.took for row in removed]
        ),
        *_automation(session, span, total, machine),
        *_complaints(session, span),
        *_sanctions(session, span),
        *(
            Figure("not_known", name, "", UNKNOWN, None)
            for name in ("active_readers", "orders", "disputes")
        ),
    ]


def _counted(part: str, name: str, counts: Counter[str]) -> list[Figure]:
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [Figure(part, name, scope, COUNT, count) for scope, count in ordered]


def _times(part: str, names: tuple[str, str], seconds: Sequence[float]) -> list[Figure]:
    """The median, and within which time nine in ten were."""
    ordered = sorted(seconds)
    # The smallest that nine in ten do not exceed.
    nine_in_ten = round(ordered[-(-len(ordered) * 9 // 10) - 1]) if ordered else None
    return [
        Figure(part, names[0], "", SECONDS, round(median(ordered)) if ordered else None),
        Figure(part, names[1], "", SECONDS, nine_in_ten),
    ]


def _share(some: int, of: int) -> float | None:
    return round(some / of, 4) if of else None


def _notices(session: Session, span: _Span) -> list[Figure]:
    titles = rules.in_force(session).title_of
    received: Counter[str] = Counter()
    for code, count in session.execute(
        select(Report.reason, func.count())
        .where(span.has(Report.created_at))
        .group_by(Report.reason)
    ):
        received[titles(code)] += count
    answered = session.execute(
        select(Decision.kind, Decision.at, Report.created_at)
        .join(Decision, Decision.id == Report.answered_by_id)
        .where(
            Report.answered_by_id >= span.first,
            Report.answered_by_id < span.behind,
            span.has(Decision.at),
        )
    ).all()
    removed = sum(row.kind == Kind.REJECT for row in answered)
    return [
        Figure("notices", "received", "", COUNT, received.total()),
        *_counted("notices", "received_for", received),
        Figure("notices", "led_to_removal", "", COUNT, removed),
        Figure("notices", "led_to_nothing", "", COUNT, len(answered) - removed),
        Figure("notices", "by_automated_means", "", COUNT, 0),
        Figure("notices", "open", "", COUNT, _open(session, Report, span)),
        *_times(
            "notices",
            ("median_time", "p90_time"),
            [(row.at - row.created_at).total_seconds() for row in answered],
        ),
    ]


def _open(session: Session, table: type[Report] | type[Appeal], span: _Span) -> int:
    """Count what had come in before the end and was not answered then."""
    never = table.answered_by_id.is_(None)
    later = exists().where(
        Decision.id == table.answered_by_id, table.answered_by_id >= 0, Decision.at >= span.end
    )
    came = table.created_at < span.end
    query = select(func.count()).select_from(table)
    if table is Report:
        # With a comment that its author deleted, reports on it end.
        query = query.join(Comment, Comment.id == Report.comment_id).where(
            Comment.deleted_at.is_(None) | (Comment.deleted_at >= span.end)
        )
    return (session.scalar(query.where(never, came)) or 0) + (
        session.scalar(query.where(table.answered_by_id >= span.first, came, later)) or 0
    )


def _automation(session: Session, span: _Span, total: int, machine: int) -> list[Figure]:
    judged: Counter[str] = Counter()
    for status, count in session.execute(
        select(Decision.to_status, func.count())
        .where(span.lines(), Decision.kind == Kind.VERDICT)
        .group_by(Decision.to_status)
    ):
        judged[status] += count
    overturned = _overturned(session, span)
    reversed_, undone = _reversed(session, span)
    wrong = {who: overturned[who] + reversed_[who] for who in (True, False)}
    return [
        Figure("automation", "checked", "", COUNT, judged.total()),
        Figure("automation", "held", "", COUNT, judged["held"]),
        Figure("automation", "by_machine", "", COUNT, machine),
        Figure("automation", "by_person", "", COUNT, total - machine),
        Figure("automation", "share_automated", "", SHARE, _share(machine, total)),
        Figure("automation", "overturned_machine", "", COUNT, overturned[True]),
        Figure("automation", "approved_machine", "", COUNT, reversed_[True]),
        Figure("automation", "error_rate_machine", "", SHARE, _share(wrong[True], machine)),
        Figure("automation", "overturned_person", "", COUNT, overturned[False]),
        Figure("automation", "reversed_person", "", COUNT, reversed_[False]),
        Figure("automation", "taken_back", "", COUNT, undone),
        Figure("automation", "error_rate_person", "", SHARE, _share(wrong[False], total - machine)),
        *audited(session, span),
    ]


# Which errors the audits tell of: the name of their figures, and what moderation calls them.
_AUDITED = {
    "audit_removed_machine": "rejected",
    "audit_published_machine": "published",
    "audit_removed_person": "rejected_by_people",
    "audit_approved_person": "approved_by_people",
}


def audited(session: Session, span: _Span) -> list[Figure]:
    """The figures of the audits that were answered in a time; where none was, there are none.

    Shares with their 95 % intervals. Where too few were audited, only how many.
    """
    found = quality.errors(session, span.begin, span.end, range(span.first, span.behind))
    figures = []
    for name, of in _AUDITED.items():
        if of not in found or not found[of].looked_at:
            continue
        error = found[of]
        known = error.needed <= 0
        figures += [
            Figure("automation", f"{name}_looked_at", "", COUNT, error.looked_at),
            *(
                Figure("automation", name, scope, SHARE, round(value, 4) if known else None)
                for scope, value in (
                    ("", error.value),
                    ("at least", error.low),
                    ("at most", error.high),
                )
            ),
        ]
    return figures


def _overturned(session: Session, span: _Span) -> Counter[bool]:
    """Count rejections that were overturned on appeal, by whether the machine had rejected."""
    line = aliased(Decision)
    rows = session.execute(
        select(line.actor)
        .select_from(Appeal)
        .join(Decision, Decision.id == Appeal.answered_by_id)
        .join(line, line.id == Appeal.decision_id)
        .where(
            Appeal.answered_by_id >= span.first,
            Appeal.answered_by_id < span.behind,
            span.has(Decision.at),
            Decision.kind == Kind.APPROVE,
        )
    )
    return Counter(actor is None for (actor,) in rows)


# Written out, as the index of people's decisions has them.
_BY_PEOPLE = Decision.kind.in_(
    [literal_column(f"'{kind.value}'") for kind in (Kind.APPROVE, Kind.REJECT, Kind.UNDO)]
)


def _reversed(session: Session, span: _Span) -> tuple[Counter[bool], int]:
    """Count rejections that a person approved though nobody had appealed, and those undone.

    The first by whether the machine had rejected. Both with those of people that were undone.
    """
    undoing, rejection = aliased(Decision), aliased(Decision)
    rejected_by = (
        select(rejection.id)
        .where(
            rejection.case_id == Decision.case_id,
            rejection.to_status == "rejected",
            rejection.kind.in_([Kind.VERDICT, Kind.REJECT]),
            rejection.id < Decision.id,
        )
        .order_by(rejection.id.desc())
        .limit(1)
        .correlate(Decision)
        .scalar_subquery()
    )
    approved = session.scalars(
        select(rejected_by).where(
            span.lines(),
            _BY_PEOPLE,
            Decision.kind == Kind.APPROVE,
            Decision.from_status == "rejected",
            ~exists().where(undoing.undoes_id == Decision.id, undoing.at < span.end),
            ~exists().where(Appeal.answered_by_id == Decision.id),
        )
    ).all()
    undone = session.scalars(
        select(Decision.undoes_id)
        .join(Removal, Removal.decision_id == Decision.undoes_id)
        .where(span.lines(), _BY_PEOPLE, Decision.kind == Kind.UNDO)
    ).all()
    counts: Counter[bool] = Counter()
    ids = [number for number in (*approved, *undone) if number is not None]
    for start in range(0, len(ids), 500):
        rows = session.execute(
            select(Decision.id, Decision.actor).where(Decision.id.in_(ids[start : start + 500]))
        )
        counts.update(actor is None for _, actor in rows)
    return counts, len(undone)


def _complaints(session: Session, span: _Span) -> list[Figure]:
    query = select(func.count()).select_from(Appeal)
    received = session.scalar(query.where(span.has(Appeal.created_at)))
    answered = session.execute(
        select(Decision.kind, Decision.at, Appeal.created_at)
        .join(Decision, Decision.id == Appeal.answered_by_id)
        .where(
            Appeal.answered_by_id >= span.first,
            Appeal.answered_by_id < span.behind,
            span.has(Decision.at),
        )
    ).all()
    ends = Counter(removals.outcome(row.kind) for row in answered)
    return [
        Figure("complaints", "received", "", COUNT, received or 0),
        Figure("complaints", "upheld", "", COUNT, ends["upheld"]),
        Figure("complaints", "overturned", "", COUNT, ends["overturned"]),
        Figure("complaints", "left", "", COUNT, ends["left"]),
        Figure("complaints", "open", "", COUNT, _open(session, Appeal, span)),
        *_times(
            "complaints",
            ("median_time", "p90_time"),
            [
                (row.at - row.created_at).total_seconds()
                for row in answered
                if row.kind in (Kind.APPROVE, Kind.REJECT)
            ],
        ),
    ]


def _sanctions(session: Session, span: _Span) -> list[Figure]:
    given = dict(
        session.execute(
            select(Sanction.kind, func.count())
            .where(span.has(Sanction.given_at))
            .group_by(Sanction.kind)
        ).all()
    )
    query = select(func.count()).select_from(Sanction)
    lifted = session.scalar(query.where(span.has(Sanction.lifted_at)))
    return [
        *(
            Figure("sanctions", "given", words, COUNT, given.get(kind, 0))
            for kind, words in SANCTIONS.items()
        ),
        Figure("sanctions", "lifted", "", COUNT, lifted or 0),
    ]


# CSV ----------------------------------------------------------------------------------------------

COLUMNS = ("month", "until", "part", "figure", "scope", "unit", "value")


def as_csv(report: MonthReport) -> str:
    """Return a report as CSV, a line a figure. No cell is a formula to a spreadsheet."""
    written = io.StringIO(newline="")
    lines = csv.writer(written)
    lines.writerow(COLUMNS)
    for one in report.figures:
        cells = (report.month, report.until.isoformat(), one.part, one.name, one.scope, one.unit)
        lines.writerow([*map(plain_cell, cells), raw(one)])
    return written.getvalue()


def raw(figure: Figure) -> str:
    """Return a figure's number as programs read it; empty where nothing is known."""
    return "" if figure.value is None else f"{figure.value:.12g}"


def plain_cell(words: str) -> str:
    """Return a cell that no spreadsheet takes for a formula: those get an apostrophe in front."""
    return f"'{words}" if words.lstrip().startswith(_FORMULA) else words


_FORMULA = ("=", "+", "-", "@")
