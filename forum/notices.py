"""What an author is told, in words: on the site and by mail they are the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, select
from sqlalchemy.orm import Session, joinedload

from forum import appeals, sanctions
from forum.accounts import Viewer
from forum.errors import NotFound
from forum.tables import Account, Alarm, Appeal, Comment, Sanction
from moderation import notices, rules
from moderation.decisions import BY_PEOPLE, Kind
from moderation.policy import Status
from moderation.tables import Decision, Notice, time_of

A_PAGE = 20


@dataclass(frozen=True)
class Told:
    """A notice with what it is about."""

    notice: Notice
    decision: Decision
    comment: Comment
    # Whether the comment is rejected still, by this very decision.
    in_force: bool
    # The author's appeal against it, and that which it answered.
    appeal: Appeal | None
    answers: Appeal | None
    # Until when it may be appealed; empty when it cannot, or not any more.
    until: datetime | None

    @property
    def below(self) -> str:
        """The title of the article that the comment stands below."""
        return self.comment.article.title

    @property
    def rejects(self) -> bool:
        """Whether it tells of a rejection."""
        return self.decision.kind in (Kind.VERDICT, Kind.REJECT)

    @property
    def appealed(self) -> str:
        """How the appeal against it stands: open, upheld, overturned or left; empty without one."""
        if self.appeal is None:
            return ""
        answer = self.appeal.answer
        if answer is None:
            return "open"
        return {Kind.APPROVE: "overturned", Kind.REJECT: "upheld"}.get(Kind(answer.kind), "left")

    @property
    def title(self) -> str:
        """What happened, as a headline."""
        line = self.decision
        if self.answers is not None:
            return "Your appeal: " + ("the decision stands" if self.rejects else "you were right")
        if self.rejects:
            removed = line.from_status == Status.PUBLISHED
            return "Your comment was removed" if removed else "Your comment was not published"
        if line.kind == Kind.APPROVE:
            return "Your comment is published after all"
        return _TAKEN_BACK[Status(line.to_status)][0]

    @property
    def sentences(self) -> list[str]:
        """What happened, why, and who decided, in full sentences."""
        line, rule = self.decision, self.decision.rule
        if not self.rejects:
            if self.answers is not None:
                return ["Another moderator looked at it and published it. We are sorry."]
            if line.kind == Kind.APPROVE:
                return ["A moderator looked at it again and decided that it may stand."]
            return [_TAKEN_BACK[Status(line.to_status)][1]]
        said = [_WHO[self.answers is not None, line.actor is not None]]
        if rule:
            said.append(f"The reason: {rule['reason']}.")
            said.append(f"It goes against rule {rule['number']}, {rule['title']}: {rule['text']}")
        if line.words:
            said.append(f"In the moderator's words: {line.words}")
        return said


# By whether it answers an appeal, and whether a person decided.
_WHO = {
    (False, False): (
        "A program that estimates how likely a comment is to break our rules decided this; no"
        " person has looked at it yet."
    ),
    (False, True): "A moderator decided this.",
    (True, True): (
        "A moderator other than the one who decided first looked at your comment and at what you"
        " wrote, and came to the same decision. There is no further appeal to us."
    ),
}
# What an undo says, by where it puts the comment.
_TAKEN_BACK = {
    Status.PUBLISHED: (
        "Your comment is published again",
        "A moderator took the decision to remove it back.",
    ),
    Status.REJECTED: (
        "Your comment is not published",
        "A moderator took the decision to publish it back.",
    ),
    Status.HELD: (
        "Your comment is looked at again",
        "A moderator took the decision to reject it back. It will be decided anew.",
    ),
}


@dataclass(frozen=True)
class OfSanction:
    """A notice of a sanction that was given or lifted."""

    notice: Notice
    sanction: Sanction
    # About no comment, so below no article.
    below: str = ""

    @property
    def title(self) -> str:
        """What happened, as a headline."""
        kind = sanctions.Kind(self.sanction.kind)
        if self.notice.kind == sanctions.LIFTED:
            return f"The {sanctions.KINDS[kind].title.lower()} is lifted"
        return _GIVEN[kind]

    @property
    def sentences(self) -> list[str]:
        """What it means, until when, and why, in full sentences."""
        one = self.sanction
        if self.notice.kind == sanctions.LIFTED:
            said = ["A moderator ended it before its time. It does not hold any more."]
            return [*said, f"In the moderator's words: {one.lifted_words}"][
                : 1 + bool(one.lifted_words)
            ]
        said = [sanctions.KINDS[sanctions.Kind(one.kind)].means]
        if one.kind != sanctions.Kind.WARNING:
            said.append(f"This holds {sanctions.until(one.ends_at)}.")
        return [*said, f"The reason, in the moderator's words: {one.words}"]


@dataclass(frozen=True)
class OfAlarm:
    """A notice of an alarm that was opened or cleared: sent by mail, and not listed on the site."""

    notice: Notice
    alarm: Alarm

    @property
    def title(self) -> str:
        """What happened, as a headline."""
        over = self.notice.kind == notices.CLEARED
        return f"{'Over' if over else 'Alarm'}: {self.alarm.title}"

    @property
    def sentences(self) -> list[str]:
        """What happened, and what to do."""
        if self.notice.kind == notices.CLEARED:
            return ["What this alarm was about is over. What it said last:", self.alarm.words]
        return [self.alarm.words, self.alarm.advice]


_GIVEN = {
    sanctions.Kind.WARNING: "A moderator has warned you",
    sanctions.Kind.PRE_MODERATION: "Your comments wait for a moderator",
    sanctions.Kind.MUTE: "You cannot comment for now",
    sanctions.Kind.SUSPENSION: "Your account is suspended",
    sanctions.Kind.BAN: "Your account is banned",
}


def told(
    session: Session, account: Account | Viewer, *, before: int | None = None
) -> tuple[list[Told | OfSanction], int | None]:
    """Return a page of what somebody was told, newest first, and the cursor of the next."""
    found = notices.of(session, account.id, before=before, at_most=A_PAGE + 1)
    next_ = found[A_PAGE - 1].id if len(found) > A_PAGE else None
    each = _all(session, found[:A_PAGE])
    return [each[notice.id] for notice in found[:A_PAGE]], next_


def any_one(session: Session, account: Account | Viewer, notice_id: int) -> Told | OfSanction:
    """Return one's own notice. Raises NotFound for anything else."""
    notice = session.get(Notice, notice_id)
    found = {} if notice is None or notice.account != account.id else _all(session, [notice])
    if notice_id not in found:
        raise NotFound("There is no such notice for you.")
    return found[notice_id]


def one(session: Session, account: Account | Viewer, notice_id: int) -> Told:
    """Return one's own notice of a decision. Raises NotFound for anything else."""
    found = any_one(session, account, notice_id)
    if not isinstance(found, Told):
        raise NotFound("This notice is of no decision.")
    return found


def by_id(session: Session, ids: Sequence[int]) -> dict[int, Told | OfSanction | OfAlarm]:
    """Return notices of decisions, sanctions and alarms by their numbers, whosever they are."""
    found = session.scalars(select(Notice).where(Notice.id.in_(ids))).all()
    raised = [notice for notice in found if notice.kind in _OF_ALARMS]
    alarms = {
        alarm.id: alarm
        for alarm in session.scalars(
            select(Alarm).where(Alarm.id.in_([notice.about for notice in raised]))
        )
    }
    return {
        **_all(session, found),
        **{notice.id: OfAlarm(notice, alarms[notice.about or 0]) for notice in raised},
    }


_OF_ALARMS = (notices.ALARM, notices.CLEARED)


def _all(session: Session, found: Sequence[Notice]) -> dict[int, Told | OfSanction]:
    found = [notice for notice in found if notice.kind not in _OF_ALARMS]
    decided = [notice for notice in found if notice.decision_id is not None]
    given = {
        one.id: one
        for one in session.scalars(
            select(Sanction).where(
                Sanction.id.in_([each.about for each in found if each.about is not None])
            )
        )
    }
    return {each.notice.id: each for each in _with_comments(session, decided)} | {
        notice.id: OfSanction(notice, given[notice.about])
        for notice in found
        if notice.about is not None
    }


def read(session: Session, account: Account | Viewer, seen: Sequence[Told | OfSanction]) -> None:
    """Note that somebody has read these."""
    fresh = [each.notice.id for each in seen if each.notice.read_at is None]
    if fresh:
        notices.read(session, account.id, fresh)


def _with_comments(session: Session, found: Sequence[Notice]) -> list[Told]:
    lines = {
        line.id: line
        for line in session.scalars(
            select(Decision).where(Decision.id.in_([notice.decision_id for notice in found]))
        )
    }
    about = {
        comment.case_id: comment
        for comment in session.scalars(
            select(Comment)
            .where(Comment.case_id.in_({line.case_id for line in lines.values()}))
            .options(
                joinedload(Comment.article), joinedload(Comment.case), joinedload(Comment.author)
            )
        )
    }
    against, answering = _appeals(session, list(lines))
    stand = appeals.in_force(session, lines.values(), about)
    now, days = time_of(session), timedelta(days=rules.in_force(session).appeal_days)
    found_lines = [(notice, lines[notice.decision_id or 0]) for notice in found]
    return [
        Told(
            notice,
            line,
            about[line.case_id],
            in_force=line.id in stand,
            appeal=against.get(line.id),
            answers=answering.get(line.id),
            until=line.at + days
            if line.id in stand
            and not against.get(line.id)
            and not answering.get(line.id)
            and now <= line.at + days
            else None,
        )
        for notice, line in found_lines
    ]


def _appeals(session: Session, lines: Sequence[int]) -> tuple[dict[int, Appeal], dict[int, Appeal]]:
    """Return the appeals against these decisions, and those that they answered."""
    found = session.scalars(
        select(Appeal)
        .where(or_(Appeal.decision_id.in_(lines), Appeal.answered_by_id.in_(lines)))
        .options(joinedload(Appeal.answer))
    ).all()
    against = {each.decision_id: each for each in found}
    answering = {
        each.answered_by_id: each
        for each in found
        if each.answer is not None and each.answer.kind in BY_PEOPLE
    }
    return against, {number: each for number, each in answering.items() if number}
