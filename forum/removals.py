"""The public log: what was rejected, without who wrote it, who decided, or what it said.

Its lines are derived from the decisions log, each day's when the day is over and in no order: who
watches a thread could else match a line with the comment that just vanished.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from typing import Any

from sqlalchemy import delete, exists, func, insert, literal_column, select
from sqlalchemy.orm import Session, aliased

from forum.tables import Appeal, Article, Comment, Month, Removal, Report
from moderation.decisions import Kind
from moderation.tables import Case, Decision, time_of

A_PAGE = 50
# A section with fewer removals in a month is not named: in a small one a line would tell which
# comment it is about.
NAMED_FROM = 5
# For so long after midnight the last transactions of the day may still be under way.
GRACE = timedelta(minutes=10)

# Written out, since the index is known by these very words.
REJECTING = Decision.to_status == literal_column("'rejected'")
_AT_ONCE = 500

_dice = random.SystemRandom()


# Days ---------------------------------------------------------------------------------------------


def last_day(session: Session, zone: tzinfo) -> date:
    """Return the last day that is over, in the newsroom's time."""
    return (time_of(session) - GRACE).astimezone(zone).date() - timedelta(days=1)


def begin_of(day: date, zone: tzinfo) -> datetime:
    """Return the moment at which a day begins."""
    return datetime.combine(day, time(), zone)


def next_day(session: Session, zone: tzinfo) -> date | None:
    """Return the next day whose lines are to be kept; None while there is none."""
    # Days are kept one after the other, so the newest has the highest numbers.
    kept = session.scalar(select(Removal.day).order_by(Removal.id.desc()).limit(1))
    query = select(Decision.at).where(REJECTING).order_by(Decision.at).limit(1)
    if kept is not None:
        after = date.fromisoformat(kept) + timedelta(days=1)
        query = query.where(Decision.at >= begin_of(after, zone))
    at = session.scalar(query.where(Decision.at < _end(session, zone)))
    # Of a day on which nothing was rejected but an appeal noted, nothing is kept; see `of_day`.
    while at is not None:
        day = at.astimezone(zone).date()
        if _is_any(session, day, zone):
            return day
        later = begin_of(day + timedelta(days=1), zone)
        at = session.scalar(
            select(Decision.at)
            .where(REJECTING, Decision.at >= later, Decision.at < _end(session, zone))
            .order_by(Decision.at)
            .limit(1)
        )
    return None


def _end(session: Session, zone: tzinfo) -> datetime:
    return begin_of(last_day(session, zone) + timedelta(days=1), zone)


def _removing(day: date, zone: tzinfo) -> Any:
    """The decisions that removed something on a day and were not taken back before it was over."""
    begin, end = begin_of(day, zone), begin_of(day + timedelta(days=1), zone)
    return (
        REJECTING,
        Decision.at >= begin,
        Decision.at < end,
        Decision.kind.in_([Kind.VERDICT, Kind.REJECT]),
        # Rejected again, as after an appeal, it was removed before.
        Decision.from_status != "rejected",
        ~exists().where(_Undoing.undoes_id == Decision.id, _Undoing.at < end),
    )


# One for all days: an alias takes as long to make as a day's lines to find.
_Undoing = aliased(Decision)


def _is_any(session: Session, day: date, zone: tzinfo) -> bool:
    return session.scalar(select(Decision.id).where(*_removing(day, zone)).limit(1)) is not None


# Lines --------------------------------------------------------------------------------------------


def of_day(session: Session, day: date, zone: tzinfo) -> list[dict[str, Any]]:
    """Return the lines of a day as they are kept, in no order."""
    removed = session.execute(
        select(
            Decision.id,
            Decision.case_id,
            Decision.revision,
            Decision.at,
            Decision.actor,
            Decision.reason,
            Decision.rule,
            Decision.findings,
            Decision.waited_since,
            Case.opened_at,
            Comment.id.label("comment_id"),
            Article.section,
        )
        .join(Case, Case.id == Decision.case_id)
        .join(Comment, Comment.case_id == Decision.case_id)
        .join(Article, Article.id == Comment.article_id)
        .where(*_removing(day, zone))
    ).all()
    lines = []
    for start in range(0, len(removed), _AT_ONCE):
        some = removed[start : start + _AT_ONCE]
        before = _before(session, [row.case_id for row in some])
        reported = _reported(session, [row.comment_id for row in some])
        lines += [_line(row, before, reported, day) for row in some]
    _dice.shuffle(lines)
    return lines


_Before = Mapping[tuple[int, int], tuple[list[dict[str, Any]], datetime | None]]
_Reported = Mapping[tuple[int, int], datetime]


def _before(session: Session, case_ids: Sequence[int]) -> _Before:
    """By case and revision: what its verdict found, and when it was worded so, if by an edit."""
    found: dict[tuple[int, int], tuple[list[dict[str, Any]], datetime | None]] = {}
    for case_id, revision, kind, findings, at in session.execute(
        select(Decision.case_id, Decision.revision, Decision.kind, Decision.findings, Decision.at)
        .where(Decision.case_id.in_(case_ids), Decision.kind.in_([Kind.VERDICT, Kind.EDIT]))
        .order_by(Decision.id)
    ):
        _, worded = found.get((case_id, revision), ([], None))
        found[case_id, revision] = (findings, worded) if kind == Kind.VERDICT else ([], at)
    return found


def _reported(session: Session, comment_ids: Sequence[int]) -> _Reported:
    rows = session.execute(
        select(Report.comment_id, Report.revision, func.min(Report.created_at))
        .where(Report.comment_id.in_(comment_ids))
        .group_by(Report.comment_id, Report.revision)
    )
    return {(comment_id, revision): at for comment_id, revision, at in rows}


def _line(row: Any, before: _Before, reported: _Reported, day: date) -> dict[str, Any]:
    findings, worded = before.get((row.case_id, row.revision), ([], None))
    since = row.waited_since or worded or row.opened_at
    told = reported.get((row.comment_id, row.revision))
    rule = row.rule or {}
    return {
        "decision_id": row.id,
        "month": f"{day:%Y-%m}",
        "day": day.isoformat(),
        "reason": rule.get("reason", row.reason),
        "rule": rule.get("number"),
        "rule_title": rule.get("title", ""),
        "section": row.section.split(" / ")[0],
        "by": "person" if row.actor is not None else _machine(row.findings),
        "found_by": "report" if told is not None and told < row.at else found_by(findings),
        "took": max(0, round((row.at - since).total_seconds())),
    }


def _machine(findings: Sequence[Mapping[str, Any]]) -> str:
    """By what a rejection without a person came about: the classifier's scores, or listed words."""
    codes = {found["code"] for found in findings if "trusted" not in found}
    return "words" if "listed_reject" in codes and "above_reject" not in codes else "classifier"


def found_by(findings: Sequence[Mapping[str, Any]]) -> str:
    """What drew attention to a text: the classifier, listed words, another signal; or a person."""
    counted = [found for found in findings if "trusted" not in found]
    codes = {found["code"] for found in counted} - {"hold_everything", "scoring_failed"}
    if any(found.get("label") for found in counted):
        return "classifier"
    if codes & {"listed_hold", "listed_reject"}:
        return "words"
    return "signal" if codes else "person"


def keep(session: Session, lines: Sequence[Mapping[str, Any]]) -> None:
    """Keep the lines of a day, all at once. Raises IntegrityError when another server did."""
    session.execute(insert(Removal), list(lines))


def forget(session: Session) -> None:
    """Forget what was derived; it is derived anew, also in another time zone."""
    session.execute(delete(Removal))
    session.execute(delete(Month))


# What anybody reads -------------------------------------------------------------------------------

# Times are told so roughly that a line cannot be matched by them.
_ROUGHLY = (
    (60, "within a minute"),
    (3600, "within an hour"),
    (86_400, "within a day"),
    (7 * 86_400, "within a week"),
)
BY = {"person": "a person", "classifier": "the classifier", "words": "the list of words"}
OUTCOMES = {
    "upheld": "Appeal: the decision stands",
    "overturned": "Appeal: published after all",
    "left": "Appeal: ended, the author changed or deleted the comment",
    "open": "Appeal: not answered yet",
    "undone": "Taken back",
    "approved": "Published after all",
}
OTHER_SECTION = "other sections"


@dataclass(frozen=True)
class Line:
    """A line of the public log."""

    day: date
    reason: str
    rule: int | None
    rule_title: str
    section: str
    by: str
    took: str
    # A key of OUTCOMES; empty where nobody appealed and nothing was taken back.
    outcome: str


@dataclass(frozen=True)
class LogPage:
    """A month's lines, newest first, the cursor of the next page, and all months there are."""

    month: str
    until: date | None
    total: int
    lines: Sequence[Line]
    next: int | None
    months: Sequence[str]


def log(session: Session, zone: tzinfo, *, month: str = "", before: int | None = None) -> LogPage:
    """Return a page of the public log of a month; without one, of the newest."""
    kept = dict(
        session.execute(select(Month.month, Month.until).order_by(Month.month.desc())).all()
    )
    month = month or next(iter(kept), "")
    counts = dict(
        session.execute(
            select(Removal.section, func.count())
            .where(Removal.month == month)
            .group_by(Removal.section)
        ).all()
    )
    query = (
        select(Removal).where(Removal.month == month).order_by(Removal.id.desc()).limit(A_PAGE + 1)
    )
    if before is not None:
        query = query.where(Removal.id < before)
    found = list(session.scalars(query))
    next_ = found[A_PAGE - 1].id if len(found) > A_PAGE else None
    found = found[:A_PAGE]
    ends = _outcomes(session, [one.decision_id for one in found], _end(session, zone))
    return LogPage(
        month,
        date.fromisoformat(kept[month]) if month in kept else None,
        sum(counts.values()),
        [
            Line(
                date.fromisoformat(one.day),
                one.reason,
                one.rule,
                one.rule_title,
                one.section if counts[one.section] >= NAMED_FROM else OTHER_SECTION,
                one.by,
                _roughly(one.took),
                ends.get(one.decision_id, ""),
            )
            for one in found
        ],
        next_,
        list(kept),
    )


def _roughly(took: int) -> str:
    return next((words for limit, words in _ROUGHLY if took <= limit), "later than a week")


def _outcomes(session: Session, ids: Sequence[int], end: datetime) -> dict[int, str]:
    """How these rejections ended, by what happened until the last day was over."""
    removed, line = aliased(Decision), aliased(Decision)
    undoing = aliased(Decision)
    found: dict[int, str] = {}
    # What followed, oldest first: it was approved, or the rejection itself was taken back.
    for number, kind in session.execute(
        select(removed.id, line.kind)
        .join(line, line.case_id == removed.case_id)
        .where(
            removed.id.in_(ids),
            line.id > removed.id,
            line.at < end,
            (line.undoes_id == removed.id)
            | (
                (line.kind == Kind.APPROVE)
                & (line.from_status == "rejected")
                & ~exists().where(undoing.undoes_id == line.id, undoing.at < end)
            ),
        )
        .order_by(line.id.desc())
    ):
        found[number] = "undone" if kind == Kind.UNDO else "approved"
    answer = aliased(Decision)
    for number, kind, at in session.execute(
        select(Appeal.decision_id, answer.kind, answer.at)
        .outerjoin(answer, answer.id == Appeal.answered_by_id)
        .where(Appeal.decision_id.in_(ids), Appeal.created_at < end)
    ):
        found[number] = outcome(kind if at is not None and at < end else None)
    return found


def outcome(kind: str | None) -> str:
    """How an appeal ended, by the line that answered it."""
    if kind is None:
        return "open"
    return {Kind.APPROVE: "overturned", Kind.REJECT: "upheld"}.get(Kind(kind), "left")
