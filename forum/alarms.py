"""Alarms: what an admin should look at, since when, and what to do; seen by a look each minute.

A look asks a few questions that are cheap however large the site is: of the queue of scoring, of
what is counted by hour and by day. What it sees opens an alarm, or keeps it open; what it has not
seen for SETTLES is cleared. Both are told once, by mail and to the webhook.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

import numpy as np
import structlog
from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from forum import scoredays
from forum.errors import NotFound
from forum.removals import begin_of
from forum.scoredays import DAY, Series, Windows
from forum.tables import Account, Address, Alarm, AlarmCall, WorkGround, WorkHour, WorkReach
from moderation import (
    calibrations,
    decisions,
    drift,
    history,
    labels,
    limits,
    lineup,
    policies,
    predictions,
)
from moderation import notices as outbox
from moderation.decisions import Kind as Line
from moderation.drift import Expected
from moderation.limits import Limits
from moderation.policy import SIGNALS, Status
from moderation.tables import (
    Decision,
    Notice,
    PolicyVersion,
    Score,
    ScoringJob,
    time_of,
)

log = structlog.get_logger("forum.alarms")

# What was not seen for so long is over; a number that wavers at its limit is one alarm, not many.
SETTLES = timedelta(minutes=10)
# A mail that has failed so often has failed for twenty minutes.
TRIES = 3
# A hold rate leaves its interval by chance on one day in five hundred.
HOLD_RATE_ERROR = 0.002
FOUR_WEEKS = 28
# A day on which fewer were judged tells nothing of the rate.
LEAST_JUDGED = 50
# To judge the weeks before a policy by it, so many comments are read, once.
REJUDGED = 200_000
# So many held comments are looked through for listed words.
LOOKED_THROUGH = 20_000
LISTED = 50
# So many parts of the comments are named in an alarm.
PARTS = 5


class Kind(StrEnum):
    """What an alarm is about."""

    SILENCE = "silence"
    FAILURES = "failures"
    HOLD_RATE = "hold_rate"
    ONE_GROUND = "one_ground"
    DRIFT = "drift"
    MAIL = "mail"
    PROPOSAL = "proposal"


@dataclass(frozen=True)
class Seen:
    """Something that a look saw: of which kind, about what, and in words."""

    kind: Kind
    subject: str
    title: str
    words: str
    advice: str


# For what drift was reckoned: the last counted day, the limits' version, and the classifier.
Reckoned = tuple[date, int, int]


@dataclass
class Memory:
    """What a server need not reckon each minute; nothing is lost with it."""

    drifts: tuple[Reckoned, Sequence[Series]] | None = None
    # By policy version: (held, judged) of days before it, judged by it.
    rejudged: dict[int, list[tuple[int, int]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Look:
    """What a check may ask: the database, the limits in force, and the settings it goes by."""

    session: Session
    version: int
    limits: Limits
    zone: tzinfo
    mails: bool
    memory: Memory

    @property
    def now(self) -> datetime:
        return time_of(self.session)


# Looking ------------------------------------------------------------------------------------------


def look(
    session: Session, *, zone: tzinfo, mails: bool, memory: Memory
) -> dict[Kind, Sequence[Seen]]:
    """Return what there is to see, by kind. A kind that could not be looked at is left out.

    `mails`: whether the site sends any.
    """
    version, now = limits.in_force(session)
    at = Look(session, version, now, zone, mails, memory)
    found: dict[Kind, Sequence[Seen]] = {}
    for kind, check in _CHECKS.items():
        try:
            found[kind] = check(at)
        # One that breaks must not hide the others.
        except Exception as problem:
            log.exception("alarm_not_looked_for", kind=kind.value, problem=type(problem).__name__)
            session.rollback()
    return found


def _silence(at: Look) -> list[Seen]:
    """Something waits for scores, and nothing was scored for some minutes."""
    since = at.now - timedelta(minutes=at.limits.silence)
    waiting, oldest = at.session.execute(select(func.count(), func.min(ScoringJob.queued_at))).one()
    decides = lineup.deciding(at.session)
    if not waiting or oldest > since:
        return []
    # Not what a shadow scored meanwhile.
    scored = select(Score.case_id).where(Score.scored_at > since).limit(1)
    if decides is not None:
        scored = scored.where(Score.classifier_id == decides.id)
    if at.session.scalar(scored) is not None:
        return []
    return [
        Seen(
            Kind.SILENCE,
            "",
            "Nothing is scored",
            f"{_many(waiting, 'comment')} {'wait' if waiting != 1 else 'waits'} for scores, and"
            f" none was scored for {_many(at.limits.silence, 'minute')}. Readers do not see them"
            " meanwhile.",
            "Ask whoever runs the site whether the scoring worker runs: /readyz and the log say"
            " what is missing. Nothing is lost: what waits is scored once it runs.",
        )
    ]


def _failures(at: Look) -> list[Seen]:
    """Comments that could not be scored within a day."""
    counted = at.session.scalar(
        select(func.sum(WorkGround.cases)).where(
            WorkGround.ground == "scoring_failed", WorkGround.hour >= at.now - DAY
        )
    )
    # And what came since the last hour that is counted.
    line = at.session.scalar(select(WorkReach.line)) or 0
    since = at.session.scalar(
        select(func.count())
        .select_from(Decision)
        .where(Decision.id > line, Decision.kind == Line.PARK, Decision.at >= at.now - DAY)
    )
    many = int(counted or 0) + (since or 0)
    if many < at.limits.failures:
        return []
    return [
        Seen(
            Kind.FAILURES,
            "",
            "Comments could not be scored",
            f"{_many(many, 'comment')} of the last 24 hours made the classifier fail five"
            " times. They are held, for a moderator to read.",
            "Ask whoever runs the site to look for case_parked in the log: it names what went"
            " wrong. The cases are in the review queue.",
        )
    ]


def _hold_rate(at: Look) -> list[Seen]:
    """The last counted day held more or less than the policy in force is expected to."""
    version, day = policies.in_force(at.session), scoredays.last_day(at.session)
    if day is None or version.adopted_at > begin_of(day, at.zone):
        return []
    counted = scoredays.judged(at.session, since=day, until=day)
    found = next(((n, held) for _, by, n, held in counted if by == version.id), None)
    if found is None or found[0] < LEAST_JUDGED:
        return []
    many, held = found
    expected = expected_hold_rate(at, version, day, many)
    rate = held / many
    if expected is None or expected.low <= rate <= expected.high:
        return []
    more = rate > expected.high
    return [
        Seen(
            Kind.HOLD_RATE,
            str(version.id),
            f"Policy version {version.id} holds {'more' if more else 'less'} than expected",
            f"On {_day(day)} it held {_percent(rate)} of {_many(many, 'comment')}; between"
            f" {_percent(expected.low)} and {_percent(expected.high)} were to be expected.",
            "See on the page of the policy which labels hold, and on the page of drift whether the"
            " scores have moved. If readers have changed, the thresholds may have to follow.",
        )
    ]


def expected_hold_rate(at: Look, version: PolicyVersion, day: date, judged: int) -> Expected | None:
    """Return which share of so many `judged` comments a version should hold on a day.

    By its own days of the four weeks before. Where there are too few of them, by what was predicted
    when it was adopted; a version without a prediction judges the four weeks before it anew, and on
    a site so large that REJUDGED comments are fewer than a week of them, nothing is expected before
    its own first week is over.
    """
    before = scoredays.judged(at.session, since=day - DAY * FOUR_WEEKS, until=day - DAY)
    days = [(held, many) for _, by, many, held in before if by == version.id]
    if len(days) < drift.FEWEST_SHARES and (predicted := predictions.of(version)) is not None:
        sums = map(sum, zip(*predicted.daily.values(), strict=True))
        days = list(zip(predicted.daily[Status.HELD], sums, strict=True))
    elif len(days) < drift.FEWEST_SHARES:
        if version.id not in at.memory.rejudged:
            at.memory.rejudged[version.id] = _rejudged(at.session, version, at.zone)
        days = at.memory.rejudged[version.id]
    counts = np.array(days, dtype=float).reshape(-1, 2)
    return drift.expected_share(counts[:, 0], counts[:, 1], judged, error=HOLD_RATE_ERROR)


def _rejudged(session: Session, version: PolicyVersion, zone: tzinfo) -> list[tuple[int, int]]:
    """(held, judged) a day of the four weeks before a version, had it been in force."""
    until = begin_of(version.adopted_at.astimezone(zone).date(), zone)
    known = history.read(
        session,
        version.classifier_id,
        since=until - DAY * FOUR_WEEKS,
        until=until,
        at_most=REJUDGED,
    )
    if not len(known):
        return []
    held = history.judge_all(known, version.policy) == history.HELD
    # Days of 24 hours back from the adoption: it is their spread that counts.
    back = (int(until.timestamp()) - 1 - known.at) // 86_400
    days = [
        (int(held[back == one].sum()), int((back == one).sum())) for one in np.unique(back).tolist()
    ]
    # Of the first day not all may have been read.
    return days[:-1] if len(known) == REJUDGED else days


def _one_ground(at: Look) -> list[Seen]:
    """One signal, one threshold or one listed word that alone holds most of what is held."""
    since = at.now - DAY
    counts = {
        row.ground: (int(row.cases), int(row.alone))
        for row in at.session.execute(
            select(
                WorkGround.ground,
                func.sum(WorkGround.cases).label("cases"),
                func.sum(WorkGround.alone).label("alone"),
            )
            .where(WorkGround.hour >= since)
            .group_by(WorkGround.ground)
        )
    }
    came = at.session.scalar(select(func.sum(WorkHour.arrived)).where(WorkHour.hour >= since))
    # What readers and authors asked for was not held.
    held = int(came or 0) - sum(counts.get(asked, (0, 0))[0] for asked in _ASKED)
    if held < at.limits.least_holds:
        return []
    found = []
    for ground, (_, alone) in counts.items():
        known = ground in labels.NAMES or (ground in SIGNALS and not ground.startswith("listed_"))
        if known and alone > at.limits.share * held:
            found.append(_alone(ground, alone, held))
    if counts.get("listed_hold", (0, 0))[1] > at.limits.share * held:
        found += _listed(at, held)
    return found


_ASKED = (Line.REPORT.value, Line.APPEAL.value)


def _alone(ground: str, alone: int, held: int) -> Seen:
    if ground in labels.NAMES:
        title = labels.BY_NAME[ground].title
        words = f"The hold threshold of {title} alone"
        advice = (
            "See on the page of the policy what another threshold would do. If these cases are"
            " rightly held, acknowledge this, or raise the limit below."
        )
    else:
        title = SIGNALS[ground].title
        words = f"The signal “{title}” alone"
        advice = (
            "See in the review queue whether these cases are rightly held. If not, let the signal"
            " count for nothing, or skip it for authors with good comments, on the page of the"
            " policy."
        )
    return Seen(
        Kind.ONE_GROUND,
        ground,
        f"{title} causes most of the holds",
        f"{words} held {alone} of {_many(held, 'comment')} held within 24 hours"
        f" ({_percent(alone / held)}).",
        advice,
    )


def _listed(at: Look, held: int) -> list[Seen]:
    """Listed words that hold most, each with whatever else is on the list with it."""
    first = decisions.first_since(at.session, at.now - DAY)
    lines = at.session.execute(
        select(Decision.findings)
        .where(
            Decision.id >= first,
            Decision.kind == Line.VERDICT,
            Decision.to_status == Status.HELD,
        )
        .order_by(Decision.id.desc())
        .limit(LOOKED_THROUGH)
    )
    counts: dict[str, int] = {}
    for (findings,) in lines:
        counted = [each for each in findings if "trusted" not in each]
        if [each["code"] for each in counted] == ["listed_hold"]:
            said = counted[0].get("words", "")
            counts[said] = counts.get(said, 0) + 1
    return [
        Seen(
            Kind.ONE_GROUND,
            f"listed_hold {said}",
            "One entry of the list of words causes most of the holds",
            f"{many} of {_many(held, 'comment')} held within 24 hours ({_percent(many / held)})"
            f" have nothing against them but this: {said}",
            "See in the review queue whether these cases are rightly held. If not, take the entry"
            " off the list of words; Try shows what another wording would catch.",
        )
        for said, many in counts.items()
        if many > at.limits.share * held
    ]


def _drift(at: Look) -> list[Seen]:
    """Labels whose scores are spread otherwise than in the reference, by more than the limit.

    One alarm a label: what moves everywhere is one thing to look at, not a dozen.
    """
    moved: dict[str, list[Series]] = {}
    for one in drifted(at):
        if one.p <= drift.ERROR and one.drift.psi >= at.limits.drift:
            moved.setdefault(one.label, []).append(one)
    found = []
    for label, series in moved.items():
        most = series[0]
        where = ", ".join(each.where for each in series[:PARTS])
        more = f" and {len(series) - PARTS} more" if len(series) > PARTS else ""
        found.append(
            Seen(
                Kind.DRIFT,
                label,
                f"The scores of {labels.BY_NAME[label].title} have moved",
                f"In the last seven days they are spread otherwise than in the reference: {where}"
                f"{more}. The furthest: index {most.drift.psi:.2f}, corrected p {_p(most.p)}, over"
                f" {_many(int(most.drift.present.sum()), 'comment')}.",
                "See on the page of drift where they went. Read some of those comments: if readers"
                " write otherwise, the thresholds may have to follow; if not, ask whoever runs the"
                " site what changed in what is scored.",
            )
        )
    return found


def drifted(at: Look) -> Sequence[Series]:
    """Return how every series drifted, reckoned once a day and anew for other limits."""
    found = windows(at.session)
    if found is None:
        return []
    key, which = found
    if at.memory.drifts is None or at.memory.drifts[0] != key:
        at.memory.drifts = key, scoredays.drifts(at.session, which)
    return at.memory.drifts[1]


def windows(session: Session) -> tuple[Reckoned, Windows] | None:
    """Return which days are compared by the limits in force; None where no day is counted."""
    day, decides = scoredays.last_day(session), lineup.deciding(session)
    if day is None or decides is None:
        return None
    version, now = limits.in_force(session)
    which = scoredays.windows(day, now.reference_days, now.reference_from, decides.id)
    return (day, version, decides.id), which


def _mail(at: Look) -> list[Seen]:
    """Mails that nobody takes, and calls of the webhook."""
    found = []
    for subject, table, what, where in (
        ("mail", Notice, "Mails", "mail_server_unreachable or mail_refused"),
        ("webhook", AlarmCall, "Calls of the webhook", "webhook_not_called"),
    ):
        if subject == "mail" and not at.mails:
            continue
        stuck = (
            select(table.id)
            .where(table.ready_at.is_not(None), table.attempts >= TRIES, table.last_error != "")
            .limit(1_000)
            .subquery()
        )
        many = at.session.scalar(select(func.count()).select_from(stuck)) or 0
        if many:
            more = "At least " if many == 1_000 else ""
            found.append(
                Seen(
                    Kind.MAIL,
                    subject,
                    f"{what} cannot be sent",
                    f"{more}{many} {'were' if many != 1 else 'was'} tried {TRIES} times or more"
                    " and not taken. They are tried again, and what they say stands on the site.",
                    f"Ask whoever runs the site to look for {where} in the log.",
                )
            )
    return found


def _proposal(at: Look) -> list[Seen]:
    """Curves that bring the scores nearer to what people decided."""
    found = calibrations.proposal(at.session)
    if found is None or not calibrations.is_open(at.session, found):
        return []
    better = [
        labels.BY_NAME[each.label].title
        for each in calibrations.refits_of(found)
        if each.gain >= calibrations.GAIN
    ]
    return [
        Seen(
            Kind.PROPOSAL,
            "",
            "The scores could be fitted better",
            "What people decided here since the scores were last fitted brings these nearer to the"
            f" truth: {', '.join(better)}.",
            "Look at the diagrams before and after, and adopt the curves, or leave them. No"
            " comment is held or published otherwise by it.",
        )
    ]


_CHECKS: Mapping[Kind, Callable[[Look], Sequence[Seen]]] = {
    Kind.SILENCE: _silence,
    Kind.FAILURES: _failures,
    Kind.HOLD_RATE: _hold_rate,
    Kind.ONE_GROUND: _one_ground,
    Kind.DRIFT: _drift,
    Kind.MAIL: _mail,
    Kind.PROPOSAL: _proposal,
}


def _many(count: int, what: str) -> str:
    return f"{count:,} {what}{'s' * (count != 1)}".replace(",", "\u202f")


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _p(value: float) -> str:
    return "below 0.001" if value < 0.001 else f"{value:.3f}"


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"


# Keeping ------------------------------------------------------------------------------------------


def is_news(session: Session, found: Mapping[Kind, Sequence[Seen]]) -> bool:
    """Whether `settle` would change anything but when an alarm was last seen."""
    return bool(any(found.values()) or session.scalar(select(Alarm.id).where(_OPEN).limit(1)))


def settle(session: Session, found: Mapping[Kind, Sequence[Seen]], *, calls: bool) -> None:
    """Open what was seen and is not open, and clear what was not seen for SETTLES.

    Kinds that are not in `found` stay as they are. `calls`: whether a webhook is to be told.
    """
    now = time_of(session)
    alarms = {(row.kind, row.subject): row for row in session.scalars(select(Alarm).where(_OPEN))}
    for seen in (each for some in found.values() for each in some):
        alarm = alarms.pop((seen.kind.value, seen.subject), None)
        if alarm is None:
            _open(session, seen, calls=calls)
        else:
            alarm.seen_at = now
            alarm.title, alarm.words, alarm.advice = seen.title, seen.words, seen.advice
    session.flush()
    for alarm in alarms.values():
        if alarm.kind in found and alarm.seen_at < now - SETTLES:
            _clear(session, alarm, calls=calls)


_OPEN = Alarm.cleared_at.is_(None)
OPENED, CLEARED = outbox.ALARM, outbox.CLEARED


def _open(session: Session, seen: Seen, *, calls: bool) -> None:
    now = time_of(session)
    alarm = Alarm(
        kind=seen.kind.value,
        subject=seen.subject,
        title=seen.title,
        words=seen.words,
        advice=seen.advice,
        opened_at=now,
        seen_at=now,
    )
    try:
        with session.begin_nested():
            session.add(alarm)
            session.flush()
    except IntegrityError:
        # Another server saw it this very moment, and tells of it.
        return
    log.warning("alarm_opened", kind=alarm.kind, alarm=alarm.id)
    _tell(session, alarm, OPENED, calls=calls)


def _clear(session: Session, alarm: Alarm, *, calls: bool) -> None:
    now = time_of(session)
    done = session.execute(update(Alarm).where(Alarm.id == alarm.id, _OPEN).values(cleared_at=now))
    if done.rowcount:  # type: ignore[attr-defined]
        log.info("alarm_cleared", kind=alarm.kind, alarm=alarm.id)
        _tell(session, alarm, CLEARED, calls=calls)


def _tell(session: Session, alarm: Alarm, event: str, *, calls: bool) -> None:
    """Write mails to the admins who gave an address, and a call of the webhook."""
    now = time_of(session)
    admins = session.scalars(
        select(Account.id)
        .join(Address, Address.account_id == Account.id)
        .where(
            Account.role == "admin",
            Account.closed_at.is_(None),
            Address.confirmed_at.is_not(None),
        )
    ).all()
    for admin in admins:
        notice = outbox.tell(session, admin, kind=event, about=alarm.id, pause=timedelta())
        # On the site it stands among the alarms.
        notice.read_at = now
    if calls:
        body = {
            "event": "opened" if event == OPENED else "cleared",
            "at": now.isoformat(timespec="seconds"),
            "alarm": {
                "id": alarm.id,
                "kind": alarm.kind,
                "subject": alarm.subject,
                "title": alarm.title,
                "words": alarm.words,
                "advice": alarm.advice,
                "since": alarm.opened_at.isoformat(timespec="seconds"),
            },
        }
        session.add(AlarmCall(body=body, at=now, ready_at=now))
    session.flush()


def acknowledge(session: Session, alarm_id: int, *, by: int) -> None:
    """Note that somebody looks after an alarm; of two, the first. Raises NotFound."""
    now = time_of(session)
    session.execute(
        update(Alarm)
        .where(Alarm.id == alarm_id, Alarm.acknowledged_at.is_(None))
        .values(acknowledged_by=by, acknowledged_at=now)
    )
    if session.get(Alarm, alarm_id) is None:
        raise NotFound("There is no such alarm.")


def listed(session: Session) -> tuple[Sequence[Alarm], Sequence[Alarm]]:
    """Return the open alarms, newest first, and those that were cleared last."""
    newest = select(Alarm).order_by(Alarm.id.desc())
    return (
        session.scalars(newest.where(_OPEN).limit(500)).all(),
        session.scalars(newest.where(Alarm.cleared_at.is_not(None)).limit(LISTED)).all(),
    )


def count_waiting(session: Session) -> dict[Kind, int]:
    """Count the open alarms of every kind that nobody has acknowledged."""
    return _counted(session, Alarm.acknowledged_at.is_(None))


def count_open(session: Session) -> dict[Kind, int]:
    """Count the open alarms of every kind, acknowledged ones included."""
    return _counted(session)


def _counted(session: Session, *which: ColumnElement[bool]) -> dict[Kind, int]:
    counts = dict(
        session.execute(
            select(Alarm.kind, func.count()).where(_OPEN, *which).group_by(Alarm.kind)
        ).all()
    )
    return {kind: counts.get(kind.value, 0) for kind in Kind}
