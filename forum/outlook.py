"""What a day would be like under a policy, in words that page and command line share."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from forum import workload
from moderation import audits, simulation, waiting
from moderation.estimates import Estimate
from moderation.goals import Outcome
from moderation.history import STATUSES
from moderation.memory import Part
from moderation.outlook import Outlook
from moderation.policy import Policy, Status
from moderation.tables import Case

# So many texts at most are looked through for a page of those in one script.
LOOKED_AT = 10_000


@dataclass(frozen=True)
class Staffing:
    """When cases come, as shares of a day, and how many people could decide; by the hour."""

    arrive: Sequence[float]
    decide: Sequence[float]

    def longest_wait(self, held: float) -> float | None:
        """In hours, of so many held a day; None where it grows from day to day."""
        return waiting.longest_wait([held * share for share in self.arrive], self.decide)

    @property
    def known(self) -> bool:
        return any(self.decide)


def staffing(session: Session, outlook: Outlook) -> Staffing:
    """Return who decides when, and when the texts of an outlook came."""
    by_hour = np.bincount(outlook.history.at // 3600 % waiting.HOURS, minlength=waiting.HOURS)
    decide = workload.staffing(session, outlook.seconds_each)
    return Staffing((by_hour / max(1, by_hour.sum())).tolist(), decide)


@dataclass(frozen=True)
class Change:
    """A text that another policy would decide otherwise, as it reads now.

    `distance` is how far its nearest score is from a threshold that moves; None where only a signal
    or the mode decides. `people` is what somebody said of it: KEEP, REMOVE or NONE.
    """

    case_id: int
    text: str
    status: str
    edited: bool
    before: Status
    after: Status
    distance: float | None
    people: int


@dataclass(frozen=True)
class Changes:
    """Some of the texts that change side, nearest to the line first; `next` is where to go on."""

    many: int
    found: Sequence[Change]
    next: int | None


def changes(
    session: Session,
    part: Part,
    now: Policy,
    then: Policy,
    *,
    viewer: int,
    label: str = "",
    script: str = "",
    after: int = 0,
    at_most: int = 20,
) -> Changes:
    """Return texts that change side, those behind the first `after`.

    Left out is what `viewer` is to judge anew without knowing that it was decided.
    `label` is one whose thresholds alone would decide them otherwise, `script` how they are
    written; of these, LOOKED_AT at most are looked through for a page.
    """
    history = part.outlook.history
    rows, before, after_, distance = simulation.changed(
        history, now, then, part.judged(now), part.judged(then)
    )
    if label:
        some = simulation.differs(history, now, then, label)[rows]
        rows, before, after_, distance = rows[some], before[some], after_[some], distance[some]
    found: list[Change] = []
    place = after
    while len(found) < at_most and place < min(len(rows), after + LOOKED_AT):
        some_rows = rows[place : place + 10 * at_most]
        asked = select(Case.id, Case.text, Case.status, Case.revision).where(
            Case.id.in_(history.case_id[some_rows].tolist())
        )
        if audits.begun(session):
            asked = asked.where(Case.id.not_in(audits.unseen_by(viewer)))
        if script:
            asked = asked.where(Case.script == script)
        cases = {case.id: case for case in session.execute(asked)}
        for row in some_rows:
            case = cases.get(int(history.case_id[row]))
            if case is not None:
                far = float(distance[place])
                found.append(
                    Change(
                        case.id,
                        case.text,
                        case.status,
                        case.revision != history.revision[row],
                        STATUSES[before[place]],
                        STATUSES[after_[place]],
                        far if math.isfinite(far) else None,
                        int(history.people[row]),
                    )
                )
            place += 1
            if len(found) == at_most:
                break
    return Changes(len(rows), found, place if place < len(rows) else None)


@dataclass(frozen=True)
class Line:
    """One figure of a day: its key, what it is, and how it reads now and then."""

    key: str
    title: str
    now: str
    then: str


_ESTIMATES = {
    "wrong_holds": "Held that people would keep",
    "wrong_rejects": "Rejected that people would keep",
    "misses": "Published that people would remove",
}
_SHARES = {
    "miss_share": "Of the published, to be removed",
    "hold_precision": "Of the held, rightly held",
    "reject_precision": "Of the rejected, rightly rejected",
    "recall": "Of all to be removed, kept from readers",
}


def lines(now: Outcome, then: Outcome | None, staff: Staffing | None) -> list[Line]:
    """Return the figures of a day under one policy and under another, in order.

    Without `staff` nothing is said of waiting, as for a section: people decide for all.
    """
    found = [
        _line(key, f"{key.capitalize()}", now, then, lambda one, key=key: number(getattr(one, key)))
        for key in ("published", "held", "rejected")
    ]
    found.append(_line("hours", "Work of moderators", now, then, lambda one: hours(one.hours)))
    if staff is not None:
        found.append(
            _line("wait", "Longest wait, as staffed", now, then, lambda one: _wait(staff, one.held))
        )
    found += [
        _line(key, title, now, then, lambda one, key=key: estimate(getattr(one, key)))
        for key, title in _ESTIMATES.items()
    ]
    found += [
        _line(key, title, now, then, lambda one, key=key: _share(one, key))
        for key, title in _SHARES.items()
    ]
    return found


def _line(key: str, title: str, now: Outcome, then: Outcome | None, say: Any) -> Line:
    return Line(key, title, say(now), "—" if then is None else say(then))


def number(value: float) -> str:
    """Write a number a day: with one decimal where it is small."""
    written = f"{value:,.1f}" if value < 10 else f"{value:,.0f}"
    return written.replace(",", "\u202f")


def hours(value: float) -> str:
    """Write how long it takes: in hours, or minutes where it is less than one."""
    if value < 1:
        minutes = round(value * 60)
        return f"{minutes} minute{'s' * (minutes != 1)}"
    return f"{number(value)} hours"


def estimate(found: Estimate) -> str:
    """Write an estimate with its interval, or what is missing for one."""
    if not found.known:
        return missing(found.missing)
    return f"{number(found.value)} ({number(found.low)} to {number(found.high)})"


def in_hundred(found: Estimate) -> str:
    """Write a share with its interval, of a hundred."""
    if not found.known:
        return missing(found.missing)
    low, value, high = (f"{100 * each:.3g}" for each in (found.low, found.value, found.high))
    return f"{value} % ({low} to {high} %)"


def missing(many: int) -> str:
    """Say how many more comments must be audited before there is a number."""
    return f"needs at least {many} more audited comment{'s' * (many != 1)}"


def _share(one: Outcome, key: str) -> str:
    of = {"miss_share": one.published, "hold_precision": one.held, "reject_precision": one.rejected}
    return in_hundred(getattr(one, key)) if of.get(key, 1) else "—"


def _wait(staff: Staffing, held: float) -> str:
    if not staff.known:
        return "nobody has decided anything in 14 days"
    longest = staff.longest_wait(held)
    return "grows from day to day" if longest is None else hours(longest)


def to_json(one: Outcome, staff: Staffing | None) -> dict[str, Any]:
    """Return the figures of a day as plain values; estimates with `low`, `high` and `missing`."""
    found: dict[str, Any] = {
        key: round(getattr(one, key), 3) for key in ("published", "held", "rejected", "hours")
    }
    if staff is not None:
        found["longest_wait_hours"] = staff.longest_wait(one.held) if staff.known else None
    for key in (*_ESTIMATES, *_SHARES):
        each: Estimate = getattr(one, key)
        found[key] = (
            {name: round(getattr(each, name), 6) for name in ("value", "low", "high")}
            if each.known
            else {"missing": each.missing}
        )
    return found
