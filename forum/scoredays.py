"""How scores are spread day by day, and how much each policy held: counted once a day is over.

The counts say nothing that log and scores do not: `forget` throws them away, and `catch_up` makes
the same again. Pages and alarms read nothing else, so none walks the log.
"""

import contextlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import Any

import numpy as np
from sqlalchemy import Row, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from forum import removals
from forum.database import Database
from forum.removals import begin_of
from forum.tables import Article, ScoreDay, ScoreReach, VerdictDay
from moderation import decisions, drift, labels, scripts
from moderation.decisions import Kind
from moderation.drift import BANDS, Drift, Ints
from moderation.policy import Status
from moderation.tables import Case, Decision, Score

# So many days are kept: the longest reference and the week after it.
KEPT = timedelta(days=100)
DAY = timedelta(days=1)
# The present is that of so many days: each day of the week has its own readers.
PRESENT = 7
# Transactions of the log overlap by no more than this.
_OVERLAP = timedelta(hours=1)
_AT_ONCE = 10_000

# Of what a series is: of everything, of one script, of one section.
ALL, SCRIPT, SECTION = "all", "script", "section"
Part = tuple[str, str]


@dataclass
class Counted:
    """What a day's verdicts were: (labels, BANDS) scores by classifier and part, and by policy
    version how many were judged, held and rejected."""

    scores: dict[tuple[int, Part], Ints] = field(
        default_factory=lambda: defaultdict(
            lambda: np.zeros((len(labels.NAMES), BANDS), dtype=np.int64)
        )
    )
    verdicts: dict[int, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))


# Counting -----------------------------------------------------------------------------------------


def catch_up(database: Database, zone: tzinfo) -> None:
    """Count the days that are over."""
    for _ in catching_up(database, zone):
        pass


def catching_up(database: Database, zone: tzinfo) -> Iterator[None]:
    """Count the days that are over, one at a step: looked up in one transaction, and written in
    another."""
    while True:
        with database.reading() as session:
            reach, day = _reach(session), next_day(session, zone)
            if day is None:
                return
            counted = count(session, day, zone)
        # Another server was faster: its counts are as good.
        with contextlib.suppress(IntegrityError), database.writing() as session:
            keep(session, day, counted, after=reach)
        yield


def _reach(session: Session) -> str:
    return session.scalar(select(ScoreReach.day)) or ""


def next_day(session: Session, zone: tzinfo) -> date | None:
    """Return the next day to be counted; None while none is over."""
    last = removals.last_day(session, zone)
    reach = _reach(session)
    if reach:
        day = date.fromisoformat(reach) + DAY
    else:
        first = session.scalar(select(Decision.at).order_by(Decision.id).limit(1))
        if first is None:
            return None
        day = max(first.astimezone(zone).date(), last - KEPT)
    return day if day <= last else None


def count(session: Session, day: date, zone: tzinfo) -> Counted:
    """Count the verdicts of a day, by what was scored then; not what was scored again later."""
    begin, end = begin_of(day, zone), begin_of(day + DAY, zone)
    counted = Counted()
    for rows in _verdicts(session, begin, end):
        _add(counted, rows)
    return counted


def _verdicts(session: Session, begin: datetime, end: datetime) -> Iterator[Sequence[Row[Any]]]:
    asked = (
        select(
            Decision.classifier_id,
            Decision.policy_version_id,
            Decision.to_status,
            Case.script,
            func.coalesce(Article.section_path, "").label("section"),
            *(getattr(Score, name) for name in labels.NAMES),
        )
        .join(Case, Case.id == Decision.case_id)
        .outerjoin(Article, Article.id == Case.context)
        .outerjoin(
            Score,
            (Score.case_id == Decision.case_id)
            & (Score.revision == Decision.revision)
            & (Score.classifier_id == Decision.classifier_id),
        )
        .where(
            Decision.id >= decisions.first_since(session, begin - _OVERLAP),
            Decision.id < decisions.first_since(session, end + _OVERLAP),
            Decision.at >= begin,
            Decision.at < end,
            Decision.kind == Kind.VERDICT,
        )
    )
    yield from session.execute(asked.execution_options(yield_per=_AT_ONCE)).partitions()


def _add(counted: Counted, rows: Sequence[Row[Any]]) -> None:
    classifier, policy, status, script, section, *scores = zip(*rows, strict=True)
    for version, to in zip(policy, status, strict=True):
        if version is not None:
            tally = counted.verdicts[version]
            tally[0] += 1
            tally[1] += to == Status.HELD
            tally[2] += to == Status.REJECTED
    bands = drift.binned(np.array(scores, dtype=float))
    parts: dict[tuple[int, Part], list[int]] = defaultdict(list)
    for at, (by, letters, path) in enumerate(zip(classifier, script, section, strict=True)):
        if by is not None:
            parts[by, (ALL, "")].append(at)
            parts[by, (SCRIPT, letters)].append(at)
            # As in the public log: what stands below a section belongs to it.
            parts[by, (SECTION, path.split("/")[0])].append(at)
    for key, places in parts.items():
        for place, found in enumerate(bands[:, places]):
            counted.scores[key][place] += np.bincount(found[found >= 0], minlength=BANDS)


def keep(session: Session, day: date, counted: Counted, *, after: str) -> None:
    """Keep the counts of a day that follows `after`, the last one kept; nothing if another did."""
    reach = session.scalar(select(ScoreReach).where(ScoreReach.id == 1).with_for_update())
    if (reach.day if reach else "") != after:
        return
    if reach is None:
        reach = ScoreReach(id=1)
        session.add(reach)
    reach.day = day.isoformat()
    session.flush()
    scores = [
        {
            "day": reach.day,
            "classifier_id": classifier,
            "part": part,
            "name": name,
            "label": label,
            "counts": counts.tolist(),
        }
        for (classifier, (part, name)), by_label in counted.scores.items()
        # What nobody can say of what has no name.
        if part == ALL or name
        for label, counts in zip(labels.NAMES, by_label, strict=True)
        if counts.any()
    ]
    verdicts = [
        {
            "day": reach.day,
            "policy_version_id": version,
            "judged": judged,
            "held": held,
            "rejected": rejected,
        }
        for version, (judged, held, rejected) in counted.verdicts.items()
    ]
    if scores:
        session.execute(insert(ScoreDay), scores)
    if verdicts:
        session.execute(insert(VerdictDay), verdicts)
    oldest = (day - KEPT).isoformat()
    for table in (ScoreDay, VerdictDay):
        session.execute(delete(table).where(table.day < oldest))


def forget(session: Session) -> None:
    """Throw away what was counted; `catch_up` counts the same anew."""
    for table in (ScoreDay, VerdictDay, ScoreReach):
        session.execute(delete(table))


# Looking ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Series:
    """A label in a part of the comments, and how its scores drifted.

    `p` is corrected for all series of the day and for the days (`drift.corrected`).
    """

    label: str
    part: str
    name: str
    # How the part is called: a section by its title.
    title: str
    drift: Drift
    p: float

    @property
    def where(self) -> str:
        """The part, in words."""
        if self.part == SCRIPT:
            said = scripts.WRITTEN_IN[self.name]
            return f"Written in {_SCRIPTS.get(self.name, said)}"
        return f"Section {self.title}" if self.part == SECTION else "All comments"


_SCRIPTS = {"other": "another script", "several": "several scripts", "none": "no letters"}


@dataclass(frozen=True)
class Windows:
    """Which days are compared, both ends included, and of which classifier's scores."""

    reference: tuple[date, date]
    present: tuple[date, date]
    classifier_id: int

    @property
    def overlap(self) -> bool:
        """Whether the reference reaches into the present: then nothing is compared."""
        return self.reference[1] >= self.present[0]


def windows(until: date, days: int, begins: str, classifier_id: int) -> Windows:
    """Return the last PRESENT days up to one, and the reference of so many `days`.

    It begins on a day like 2026-11-22, or ends where the present begins if `begins` is empty.
    """
    since = until - DAY * (PRESENT - 1)
    first = date.fromisoformat(begins) if begins else since - DAY * days
    return Windows((first, first + DAY * (days - 1)), (since, until), classifier_id)


def drifts(session: Session, which: Windows) -> list[Series]:
    """Compare every series of which enough is known: the furthest from its reference first.

    Only scores of one classifier are compared: those of another mean something else.
    """
    if which.overlap:
        return []
    found: dict[tuple[str, str, str], Mapping[bool, list[list[int]]]] = {}
    for is_now, (first, last) in ((False, which.reference), (True, which.present)):
        for row in session.execute(
            select(ScoreDay.part, ScoreDay.name, ScoreDay.label, ScoreDay.counts)
            .where(
                ScoreDay.day >= first.isoformat(),
                ScoreDay.day <= last.isoformat(),
                ScoreDay.classifier_id == which.classifier_id,
            )
            .order_by(ScoreDay.day)
        ):
            key = row.part, row.name, row.label
            found.setdefault(key, {False: [], True: []})[is_now].append(row.counts)
    compared = {}
    for key, days in found.items():
        if days[False] and days[True]:
            one = drift.compare(np.array(days[False]), np.array(days[True]))
            if one is not None:
                compared[key] = one
    corrected = drift.corrected(np.array([one.p for one in compared.values()]))
    titles = _titles(session)
    series = [
        Series(label, part, name, titles.get(name, name), one, float(p))
        for ((part, name, label), one), p in zip(compared.items(), corrected, strict=True)
    ]
    return sorted(series, key=lambda each: -each.drift.psi)


def _titles(session: Session) -> dict[str, str]:
    """The titles of the uppermost sections, by the first part of their path."""
    rows = session.execute(
        select(Article.section_path, func.max(Article.section))
        .where(Article.section_path != "")
        .group_by(Article.section_path)
    )
    return {path.split("/")[0]: section.split(" / ")[0] for path, section in rows}


def judged(session: Session, *, since: date, until: date) -> list[tuple[str, int, int, int]]:
    """Return (day, policy version, judged, held) of the days from `since` to `until`."""
    rows = session.execute(
        select(VerdictDay.day, VerdictDay.policy_version_id, VerdictDay.judged, VerdictDay.held)
        .where(VerdictDay.day >= since.isoformat(), VerdictDay.day <= until.isoformat())
        .order_by(VerdictDay.day, VerdictDay.policy_version_id)
    )
    return [(row.day, row.policy_version_id, row.judged, row.held) for row in rows]


def last_day(session: Session) -> date | None:
    """Return the last day that is counted; None while there is none."""
    reach = _reach(session)
    return date.fromisoformat(reach) if reach else None
