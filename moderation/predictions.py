"""What is expected of a policy when it is adopted, and whether it came.

Expected are the comments that a day brings, published, held and rejected, as means over a week: the
days of a week differ, and a whole week has each once. The policy is judged on the texts of the last
weeks; how many a day it would have published, held and rejected there is a row of whole days.

The interval is the one for the mean of m days to come after n seen days (Hahn and Meeker,
Statistical Intervals, 1991, 4.8): mean ± t · s · √(1/n + 1/m), with Student's t at 95 %. From two
weeks on s is how days differ from the mean of their own weekday, with n − 7 degrees of freedom;
before, and where fewer than seven days came, how all days differ, with n − 1. So it holds what days
vary beyond chance: big stories, quiet Sundays. Days are never taken to vary less than counts do by
chance alone (Poisson), and where there are few, the interval is at least that of a negative
binomial: what a Poisson count brings whose mean is known from the seen days by Jeffreys' prior.
Nothing is said of a trend, nor of a week unlike all that were seen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import log, sqrt
from statistics import NormalDist
from typing import Any

import numpy as np
from sqlalchemy import Select, exists, func, null, select
from sqlalchemy.orm import Session, aliased

from moderation import decisions, outlook
from moderation.decisions import Kind
from moderation.history import STATUSES, History, Numbers, judge_all
from moderation.policy import Policy, Status
from moderation.tables import Decision, PolicyVersion, time_of

# What is told is the mean of so many days.
AHEAD = 7
# From so many days back on texts are looked at, and of very many so many of the newest.
WINDOW = timedelta(weeks=8)
AT_MOST = 200_000
# Of fewer whole days nothing is said.
LEAST = 7
# A policy that was in force for less cannot be compared.
SHORTEST = timedelta(days=1)
_DAY = timedelta(days=1)
# By how much a line of the log can be older than one with a lower number.
_OVERLAP = timedelta(hours=1)
# Counts so low do not lie evenly around their mean.
_FEW = 200


@dataclass(frozen=True)
class Number:
    """Comments a day, with the interval that holds it in 95 of 100 cases."""

    value: float
    low: float
    high: float

    def holds(self, came: float) -> bool:
        """Whether what came lies within; the ends belong to it."""
        # Half a comment in ten weeks is no difference.
        return self.low - 1e-9 <= came <= self.high + 1e-9


@dataclass(frozen=True)
class Prediction:
    """What a policy would have done, by day, with the texts of a time.

    `daily` has for each status how many on each day, oldest first; the last day ends with `until`.
    `seconds_each` is what a decision of a person takes.
    """

    since: datetime
    until: datetime
    texts: int
    daily: Mapping[Status, Sequence[int]]
    seconds_each: float

    def a_day(self, status: Status, *, days: float = AHEAD) -> Number:
        """Return what to expect a day, on the mean of so many days to come."""
        return expected(np.array(self.daily[status], dtype=np.float64), days)

    @property
    def hours(self) -> Number:
        """The hours of moderators a day that held comments take."""
        held, each = self.a_day(Status.HELD), self.seconds_each / 3600
        return Number(held.value * each, held.low * each, held.high * each)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back. The numbers of a day are for people."""
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "texts": self.texts,
            "seconds_each": self.seconds_each,
            "daily": {status.value: list(self.daily[status]) for status in STATUSES},
            "a_day": {status.value: vars(self.a_day(status)) for status in STATUSES},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Prediction":
        """Read what `to_json` wrote."""
        return cls(
            datetime.fromisoformat(value["since"]),
            datetime.fromisoformat(value["until"]),
            value["texts"],
            {status: tuple(value["daily"][status.value]) for status in STATUSES},
            value["seconds_each"],
        )


def expected(daily: Numbers, days: float) -> Number:
    """Return the mean of so many days to come, with its interval; `daily` are counts of days.

    Source and method stand in the module's docstring. Raises ValueError with fewer than LEAST days.
    """
    if len(daily) < LEAST:
        raise ValueError(f"An expectation needs {LEAST} days.")
    free = len(daily) - 1
    if len(daily) >= 14 and days >= AHEAD:
        # Whole weeks, so that each weekday counts as often.
        daily = daily[len(daily) % AHEAD :]
        weeks = daily.reshape(-1, AHEAD)
        apart, free = weeks - weeks.mean(axis=0), len(daily) - AHEAD
    else:
        apart = daily - daily.mean()
    n, mean = len(daily), float(daily.mean())
    spread = sqrt(max(float((apart**2).sum()) / free, mean))
    half = _student(free) * spread * sqrt(1 / n + 1 / days)
    low, high = max(0.0, mean - half), mean + half
    if daily.sum() < _FEW:
        least, most = _counts_to_come(float(daily.sum()), n, days)
        low, high = min(low, least / days), max(high, most / days)
    return Number(mean, low, high)


def _student(free: int) -> float:
    """Return the 97.5th percentile of Student's t (Abramowitz and Stegun, 1964, 26.7.5)."""
    z = NormalDist().inv_cdf(0.975)
    return (
        z
        + (z**3 + z) / (4 * free)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * free**3)
    )


def _counts_to_come(seen: float, n: float, days: float) -> tuple[int, int]:
    """Return the 2.5th and 97.5th percentile of the count of `days` days after `seen` in `n`."""
    shape, again = seen + 0.5, days / (n + days)
    most = int((shape + 10 * sqrt(shape) + 20) * (days / n + 1)) + 20
    steps = np.arange(most)
    logs = np.log((shape + steps) / (steps + 1) * again)
    chances = np.exp(shape * log(1 - again) + np.concatenate(([0.0], logs.cumsum())))
    upto = chances.cumsum()
    return int((upto < 0.025).sum()), int((upto < 0.975).sum())


def make(
    known: History, policy: Policy, *, until: datetime, seconds_each: float
) -> Prediction | None:
    """Reckon what days to come bring under a policy, were they like those of these texts.

    `until` is the end of the time they came in, the present. None where too few days are known.
    """
    if not len(known):
        return None
    ago = (until.timestamp() - known.at) // 86_400
    days = int((until.timestamp() - int(known.at.min())) // 86_400)
    if days < LEAST:
        return None
    which = ago < days
    ago, judged = ago[which].astype(np.int64), judge_all(known.where(which), policy.at(until))
    daily = {
        status: tuple(np.bincount(ago[judged == code], minlength=days)[::-1].tolist())
        for code, status in enumerate(STATUSES)
    }
    return Prediction(until - days * _DAY, until, int(which.sum()), daily, seconds_each)


def expect(session: Session, policy: Policy, classifier_id: int) -> Prediction | None:
    """Reckon what to expect of a policy from now on, by the texts of the last weeks.

    None where too few days of them are known.
    """
    now = time_of(session)
    seen = outlook.read(session, classifier_id, since=now - WINDOW, at_most=AT_MOST)
    return make(seen.history, policy, until=now, seconds_each=seen.seconds_each)


def of(version: PolicyVersion) -> Prediction | None:
    """Return what was expected of a version; None where nothing was."""
    return None if version.prediction is None else Prediction.from_json(version.prediction)


@dataclass(frozen=True)
class Line:
    """What came of one status a day, against what was expected."""

    status: Status
    came: float
    expected: Number

    @property
    def as_expected(self) -> bool:
        return self.expected.holds(self.came)

    def in_words(self) -> str:
        """Say it: “Held 41 a day, predicted 38 to 52: as predicted.”"""
        low, high = in_digits(self.expected.low), in_digits(self.expected.high)
        said = (
            "as predicted"
            if self.as_expected
            else "more than predicted"
            if self.came > self.expected.high
            else "fewer than predicted"
        )
        status = self.status.value.capitalize()
        return f"{status} {in_digits(self.came)} a day, predicted {low} to {high}: {said}."


def in_digits(number: float) -> str:
    """Write a number of comments a day: whole from ten on, else with one digit after the point."""
    return f"{number:.0f}" if number >= 10 else f"{number:.1f}"


@dataclass(frozen=True)
class Outturn:
    """What came while a version was in force, up to a week, against what was expected of it."""

    since: datetime
    until: datetime
    lines: Sequence[Line]

    @property
    def days(self) -> float:
        return (self.until - self.since) / _DAY

    @property
    def as_expected(self) -> bool:
        return all(line.as_expected for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return {
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "lines": {
                line.status.value: {
                    "came": line.came,
                    "expected": vars(line.expected),
                    "as_expected": line.as_expected,
                }
                for line in self.lines
            },
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Outturn":
        """Read what `to_json` wrote."""
        return cls(
            datetime.fromisoformat(value["since"]),
            datetime.fromisoformat(value["until"]),
            [
                Line(Status(status), line["came"], Number(**line["expected"]))
                for status, line in value["lines"].items()
            ],
        )


def came(session: Session, version: PolicyVersion) -> Outturn | None:
    """Compare what was expected of a version with what it did, as far as it goes by now.

    As it was kept when the week was over, or reckoned now. None where nothing was expected, or the
    version was in force for less than a day.
    """
    if version.outcome is not None:
        return Outturn.from_json(version.outcome) if version.outcome else None
    prediction = of(version)
    if prediction is None:
        return None
    until = min(_ends(session, version), time_of(session))
    days = (until - version.adopted_at) / _DAY
    if until - version.adopted_at < SHORTEST:
        return None
    many = _verdicts(session, version, until)
    return Outturn(
        version.adopted_at,
        until,
        [
            Line(status, many.get(status, 0) / days, prediction.a_day(status, days=days))
            for status in STATUSES
        ],
    )


def is_due(session: Session) -> bool:
    """Whether `settle` would keep anything."""
    return session.scalar(_due(session).limit(1)) is not None


def settle(session: Session) -> int:
    """Keep what came of versions whose week is over, or that another one has followed; how many."""
    due = session.scalars(_due(session)).all()
    for version in due:
        found = came(session, version)
        # Empty where it was in force for less than a day: it is not asked for again.
        version.outcome = found.to_json() if found else {}
    session.flush()
    return len(due)


def _due(session: Session) -> Select[PolicyVersion]:
    later = aliased(PolicyVersion)
    return select(PolicyVersion).where(
        PolicyVersion.prediction.is_not(null()),
        PolicyVersion.outcome.is_(null()),
        (PolicyVersion.adopted_at <= time_of(session) - AHEAD * _DAY)
        | exists().where(later.based_on == PolicyVersion.id),
    )


def _ends(session: Session, version: PolicyVersion) -> datetime:
    """When its week is over, or another one came."""
    followed = session.scalar(
        select(PolicyVersion.adopted_at).where(PolicyVersion.based_on == version.id)
    )
    week = version.adopted_at + AHEAD * _DAY
    return week if followed is None else min(week, followed)


def _verdicts(session: Session, version: PolicyVersion, until: datetime) -> dict[Status, int]:
    """Count the verdicts that a version gave up to a moment, by status."""
    # The log is in the order of time but for transactions that overlapped.
    first = decisions.first_since(session, version.adopted_at - _OVERLAP)
    behind = decisions.first_since(session, until + _OVERLAP)
    rows = session.execute(
        select(Decision.to_status, func.count())
        .where(
            Decision.id >= first,
            Decision.id < behind,
            Decision.at >= version.adopted_at,
            Decision.at < until,
            Decision.kind == Kind.VERDICT,
            Decision.policy_version_id == version.id,
            Decision.batch_id.is_(None),
        )
        .group_by(Decision.to_status)
    )
    return {Status(status): many for status, many in rows}
