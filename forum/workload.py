"""How much work comes to moderators, how much they do, and what it comes from. Nobody is named.

The log is counted by the hour, once an hour is over, into a few rows that a page can read. They say
nothing that the log does not: `forget` throws them away and `catch_up` makes the same again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from typing import Any

from sqlalchemy import Row, case, delete, func, or_, select
from sqlalchemy.orm import Session, aliased

from forum.tables import Article, WorkGround, WorkHour, WorkReach
from forum.views import HELD_FOR
from moderation import claims, labels
from moderation.claims import SecondsPerDecision
from moderation.decisions import BY_PEOPLE, Kind
from moderation.policy import Status
from moderation.tables import Case, Decision, Place, time_of

HOUR = timedelta(hours=1)
HOURS, DAYS = 24, 14
KEPT = timedelta(days=DAYS + 2)
# So long after an hour its lines are all there: a line is numbered before it can be seen.
LATE = timedelta(minutes=5)
# So many lines at most are counted while a page waits.
AT_ONCE = 20_000
SECTIONS = 50


@dataclass
class Tally:
    """What happened in a time. `waited`: by those decided, all together, in seconds."""

    arrived: int = 0
    decided: int = 0
    left: int = 0
    waited: int = 0

    def __iadd__(self, other: "Tally") -> "Tally":
        self.arrived += other.arrived
        self.decided += other.decided
        self.left += other.left
        self.waited += other.waited
        return self


@dataclass
class _Counted:
    """Lines of the log, counted by hour and section, and by hour and ground."""

    hours: dict[tuple[datetime, str], Tally] = field(default_factory=lambda: defaultdict(Tally))
    grounds: Counter[tuple[datetime, str]] = field(default_factory=Counter)
    alone: Counter[tuple[datetime, str]] = field(default_factory=Counter)


# Counting -----------------------------------------------------------------------------------------


def is_behind(session: Session) -> bool:
    """Whether an hour is over and not counted yet."""
    reach = session.get(WorkReach, 1)
    if reach is None:
        return session.scalar(select(Decision.id).limit(1)) is not None
    return time_of(session) - LATE >= reach.hour + HOUR


def catch_up(session: Session) -> bool:
    """Count one hour that is over; True if there is another, for another call."""
    now = time_of(session)
    reach = session.scalar(select(WorkReach).where(WorkReach.id == 1).with_for_update())
    if reach is None:
        reach = _beginning(session)
        session.add(reach)
    if now - LATE < reach.hour + HOUR:
        return False
    end = reach.hour + HOUR
    upto = _last_before(session, end, above=reach.line)
    counted = _counted(_lines(session, reach.line, upto))
    # Each line goes where it belongs by its number, also one that was written a moment late.
    kept: dict[str, Tally] = defaultdict(Tally)
    for (_, section), tally in counted.hours.items():
        kept[section] += tally
    session.add_all(
        WorkHour(hour=reach.hour, section_path=section, **vars(tally))
        for section, tally in kept.items()
    )
    grounds = _by_name(counted.grounds)
    alone = _by_name(counted.alone)
    session.add_all(
        WorkGround(hour=reach.hour, ground=name, cases=count, alone=alone[name])
        for name, count in grounds.items()
    )
    reach.line, reach.hour = upto, end
    for table in (WorkHour, WorkGround):
        session.execute(delete(table).where(table.hour < now - KEPT))
    session.flush()
    return now - LATE >= end + HOUR


def forget(session: Session) -> None:
    """Throw away what was counted; `catch_up` counts the same anew."""
    for table in (WorkHour, WorkGround, WorkReach):
        session.execute(delete(table))


def _beginning(session: Session) -> WorkReach:
    """Where counting begins: with the log, or with the oldest hour that is kept."""
    now = time_of(session)
    first = session.scalar(select(Decision.at).order_by(Decision.id).limit(1))
    hour = max(_hour(first or now), _hour(now - KEPT))
    return WorkReach(id=1, line=_last_before(session, hour, above=0), hour=hour)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _last_before(session: Session, moment: datetime, *, above: int) -> int:
    """The number of the last line before a moment. Found by halves: the log is in order."""
    low, high = above, session.scalar(select(func.max(Decision.id))) or 0
    while low < high:
        middle = (low + high + 1) // 2
        line = session.execute(
            select(Decision.id, Decision.at)
            .where(Decision.id <= middle, Decision.id > low)
            .order_by(Decision.id.desc())
            .limit(1)
        ).one_or_none()
        if line is None or line.at < moment:
            low = middle
        else:
            high = line.id - 1
    return low


_Undone = aliased(Decision)
_LINES = (
    select(
        Decision.at,
        Decision.kind,
        Decision.from_status,
        Decision.to_status,
        Decision.waited_since,
        Decision.findings,
        _Undone.waited_since.label("undone"),
        func.coalesce(Article.section_path, "").label("section"),
    )
    .join(Case, Case.id == Decision.case_id)
    .outerjoin(Article, Article.id == Case.context)
    .outerjoin(_Undone, _Undone.id == Decision.undoes_id)
    # Most lines are verdicts that publish at once: nobody's work.
    .where(
        or_(
            Decision.waited_since.is_not(None),
            Decision.to_status == Status.HELD,
            Decision.kind.in_([Kind.REPORT, Kind.APPEAL, Kind.UNDO]),
        )
    )
    .order_by(Decision.id)
)


def _lines(session: Session, above: int, upto: int | None = None) -> Sequence[Row[Any]]:
    query = _LINES.where(Decision.id > above)
    query = query.limit(AT_ONCE) if upto is None else query.where(Decision.id <= upto)
    return session.execute(query).all()


def _counted(lines: Iterable[Row[Any]]) -> _Counted:
    counted = _Counted()
    for line in lines:
        hour, before, after = _hour(line.at), line.waited_since is not None, _waits_after(line)
        tally = counted.hours[hour, line.section]
        if after and not before:
            tally.arrived += 1
            grounds = _grounds(line)
            for ground in grounds:
                counted.grounds[hour, ground] += 1
                counted.alone[hour, ground] += len(grounds) == 1
        elif before and line.kind in BY_PEOPLE:
            tally.decided += 1
            tally.waited += round((line.at - line.waited_since).total_seconds())
        elif before and not after:
            tally.left += 1
    return counted


def _waits_after(line: Row[Any]) -> bool:
    """Whether a case waits for a person after this line; as `decisions.decide` has it."""
    match line.kind:
        case Kind.UNDO:
            return line.undone is not None
        case Kind.REPORT | Kind.APPEAL:
            return True
        case Kind.APPROVE | Kind.REJECT | Kind.WITHDRAW:
            return False
    if line.to_status == Status.HELD:
        return True
    stays = line.kind == Kind.EDIT or line.to_status == Status.PUBLISHED
    looked_at = line.from_status in (Status.HELD, Status.REJECTED)
    return stays and line.waited_since is not None and not looked_at


def _grounds(line: Row[Any]) -> set[str]:
    """On what a case was held, or that it was reported or appealed; a threshold by its label."""
    if line.kind == Kind.UNDO:
        return set()
    if line.kind in (Kind.REPORT, Kind.APPEAL):
        return {line.kind}
    counts = [found for found in line.findings if "trusted" not in found]
    return {
        found["label"] if found["code"].startswith("above_") else found["code"] for found in counts
    }


def _by_name(counts: Mapping[tuple[datetime, str], int]) -> Counter[str]:
    found: Counter[str] = Counter()
    for (_, name), count in counts.items():
        found[name] += count
    return found


# Looking ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Span:
    """An hour or a day: what happened in it, and how many waited at its end."""

    begins: datetime
    tally: Tally
    waiting: int

    @property
    def waited(self) -> timedelta | None:
        """How long those decided had waited, on average."""
        many = self.tally.decided
        return timedelta(seconds=self.tally.waited / many) if many else None


@dataclass(frozen=True)
class InSection:
    """A section: the last 24 hours of it, and what waits there now."""

    name: str
    path: str
    tally: Tally
    waiting: int
    oldest: datetime | None
    over_a_day: int


@dataclass(frozen=True)
class Ground:
    """Why cases came in 14 days: how many for this, how many for nothing else."""

    title: str
    cases: int
    alone: int
    # Of all that came, 0 to 1.
    share: float
    # How long people need for those that came for nothing else; None where nothing was measured.
    takes: timedelta | None


@dataclass(frozen=True)
class Workload:
    """All of it: the last 24 hours by hour, 14 days by day, by section, and by ground."""

    hours: Sequence[Span]
    days: Sequence[Span]
    sections: Sequence[InSection]
    more_sections: int
    grounds: Sequence[Ground]
    waiting: int
    oldest: datetime | None
    # In the last 24 hours.
    day: Tally
    spent: SecondsPerDecision
    # Whether the whole log of that time is counted.
    complete: bool

    @property
    def lasts(self) -> timedelta | None:
        """How long what waits takes at the pace of the last 24 hours; None without a pace."""
        if not self.day.decided:
            return None
        return timedelta(days=self.waiting / self.day.decided)

    @property
    def takes(self) -> timedelta | None:
        """How long one person needs for what waits, by the mean of what was measured."""
        if self.spent.mean is None:
            return None
        return timedelta(seconds=self.waiting * self.spent.mean)


def load(session: Session, zone: tzinfo) -> Workload:
    """Return how the work stands; days are those of a zone."""
    now = time_of(session)
    this_hour = _hour(now)
    begins = [this_hour - HOUR * back for back in range(HOURS)]
    day = now.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)
    days = [day - timedelta(days=back) for back in range(DAYS)]
    first = min(begins[-1], days[-1])

    reach = session.get(WorkReach, 1) or _beginning(session)
    live_lines = _lines(session, reach.line)
    live = _counted(live_lines)
    by_hour: dict[datetime, Tally] = defaultdict(Tally)
    for hour, *numbers in session.execute(
        select(WorkHour.hour, *_sums()).where(WorkHour.hour >= first).group_by(WorkHour.hour)
    ):
        by_hour[hour] += Tally(*map(int, numbers))
    by_section: dict[str, Tally] = defaultdict(Tally)
    for section, *numbers in session.execute(
        select(WorkHour.section_path, *_sums())
        .where(WorkHour.hour >= begins[-1])
        .group_by(WorkHour.section_path)
    ):
        by_section[section] += Tally(*map(int, numbers))
    for (hour, section), tally in live.hours.items():
        by_hour[hour] += tally
        if hour >= begins[-1]:
            by_section[section] += tally

    by_day: dict[datetime, Tally] = defaultdict(Tally)
    for hour, tally in by_hour.items():
        by_day[_midnight(hour, zone)] += tally
    waits = _waiting(session)
    waiting = sum(one.waiting for one in waits.values())
    spent = claims.seconds_per_decision(session, since=first)
    sections = _sections(session, by_section, waits)
    today = Tally()
    for hour in begins:
        today += by_hour[hour]
    return Workload(
        hours=_spans(begins, by_hour, waiting),
        days=_spans(days, by_day, waiting),
        sections=sections[:SECTIONS],
        more_sections=len(sections[SECTIONS:]),
        grounds=_ground_rows(session, first, live, spent, sum(t.arrived for t in by_hour.values())),
        waiting=waiting,
        oldest=min((one.oldest for one in waits.values()), default=None),
        day=today,
        spent=spent,
        complete=len(live_lines) < AT_ONCE,
    )


def staffing(session: Session, seconds_each: float) -> list[float]:
    """Return how many cases people could decide in each hour of the day, in UTC, as of late.

    Hours in which anybody decided were staffed, on as many days as they were; then they could have
    done what they did in a busy hour, and one person at the least as much as a decision takes.
    """
    now = time_of(session)
    first = _hour(now) - timedelta(days=DAYS)
    decided: dict[datetime, int] = dict(
        session.execute(
            select(WorkHour.hour, func.sum(WorkHour.decided))
            .where(WorkHour.hour >= first, WorkHour.decided > 0)
            .group_by(WorkHour.hour)
        ).all()
    )
    if not decided:
        return [0.0] * HOURS
    busy = sorted(map(int, decided.values()))[int(0.9 * (len(decided) - 1))]
    pace = max(float(busy), 3600 / seconds_each)
    # A site that has just begun has fewer days than these.
    days = max(1.0, (now - min(decided)) / timedelta(days=1))
    staffed = Counter(hour.hour for hour in decided)
    return [pace * min(1.0, staffed[hour] / days) for hour in range(HOURS)]


def _sums() -> list[Any]:
    return [
        func.sum(column)
        for column in (WorkHour.arrived, WorkHour.decided, WorkHour.left, WorkHour.waited)
    ]


def _midnight(hour: datetime, zone: tzinfo) -> datetime:
    return hour.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0)


def _spans(
    begins: Sequence[datetime], tallies: Mapping[datetime, Tally], waiting: int
) -> list[Span]:
    """The newest first. How many waited is reckoned back from how many wait now."""
    found = []
    for moment in begins:
        tally = tallies.get(moment, Tally())
        found.append(Span(moment, tally, max(waiting, 0)))
        waiting -= tally.arrived - tally.decided - tally.left
    return found


@dataclass(frozen=True)
class _Waiting:
    waiting: int
    oldest: datetime
    over_a_day: int


def _waiting(session: Session) -> dict[str, _Waiting]:
    """What waits now, by section. Places are grouped before articles are looked up."""
    old = time_of(session) - timedelta(days=1)
    places = (
        select(
            Place.context,
            func.count().label("waiting"),
            func.min(Place.since).label("oldest"),
            func.sum(case((Place.since < old, 1), else_=0)).label("over_a_day"),
        )
        .where(Place.status != Status.PENDING)
        .group_by(Place.context)
        .subquery()
    )
    path = func.coalesce(Article.section_path, "")
    rows = session.execute(
        select(
            path,
            func.sum(places.c.waiting),
            func.min(places.c.oldest),
            func.sum(places.c.over_a_day),
        )
        .select_from(places)
        .outerjoin(Article, Article.id == places.c.context)
        .group_by(path)
    )
    return {path: _Waiting(int(many), oldest, int(old)) for path, many, oldest, old in rows}


def _sections(
    session: Session, tallies: Mapping[str, Tally], waits: Mapping[str, _Waiting]
) -> list[InSection]:
    """The sections in which anything waits or happened, the fullest first."""
    paths = set(tallies) | set(waits)
    names: dict[str, str] = dict(
        session.execute(
            select(Article.section_path, func.max(Article.section))
            .where(Article.section_path.in_(paths))
            .group_by(Article.section_path)
        ).all()
    )
    found = [
        InSection(
            names.get(path, path),
            path,
            tallies.get(path, Tally()),
            waits[path].waiting if path in waits else 0,
            waits[path].oldest if path in waits else None,
            waits[path].over_a_day if path in waits else 0,
        )
        for path in paths
    ]
    return sorted(found, key=lambda one: (-one.waiting, -one.tally.arrived, one.path))


_TITLES: Mapping[str, str] = {
    **HELD_FOR,
    **{label.name: f"The threshold of {label.title}" for label in labels.ALL},
    Kind.REPORT: "Reported by readers",
    Kind.APPEAL: "Appealed by authors",
}


def _ground_rows(
    session: Session, first: datetime, live: _Counted, spent: SecondsPerDecision, arrived: int
) -> list[Ground]:
    cases, alone = _by_name(live.grounds), _by_name(live.alone)
    for ground, many, only in session.execute(
        select(WorkGround.ground, func.sum(WorkGround.cases), func.sum(WorkGround.alone))
        .where(WorkGround.hour >= first)
        .group_by(WorkGround.ground)
    ):
        cases[ground] += int(many)
        alone[ground] += int(only)
    return [
        Ground(
            _TITLES.get(name, name),
            many,
            alone[name],
            many / max(arrived, many),
            None if spent.mean is None else timedelta(seconds=alone[name] * spent.mean),
        )
        for name, many in sorted(cases.items(), key=lambda each: (-each[1], each[0]))
    ]
