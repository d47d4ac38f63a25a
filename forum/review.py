"""The review queue and the log, as moderators see them: cases with all that surrounds them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property
from html import escape

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    bindparam,
    func,
    select,
    update,
)
from sqlalchemy.orm import Session, joinedload

from forum import accounts, appeals, comments, covering, marking, search, views
from forum.accounts import Viewer
from forum.covering import Cover
from forum.errors import Changed, Invalid, NotFound
from forum.search import Search
from forum.tables import Account, Appeal, Comment, Disclaimer, Report, Revision
from forum.views import View
from moderation import audits, cases, claims, decisions, review_queue, rules
from moderation.audits import Stratum
from moderation.cases import Ground, Record
from moderation.decisions import Kind, NotScored, Stale
from moderation.explain import Why
from moderation.folds import Fold
from moderation.policy import Finding, Status, title_of
from moderation.tables import Audit, Case, Claim, Decision, Place, time_of

A_PAGE = 25
LOG_A_PAGE = 50
WORDS = 500


@dataclass(frozen=True)
class Quoted:
    """Passages of the article or of the comment answered, and what they score."""

    passages: Sequence[str]
    scores: Mapping[str, float]


@dataclass(frozen=True)
class Reviewed:
    """A case as a moderator sees it."""

    comment: Comment
    case: Case
    ground: Ground | None
    reports: Sequence[Report]
    record: Record
    last: Decision | None = None
    # The author's appeal that waits for an answer.
    appeal: Appeal | None = None
    # Who has it open, and their name.
    claim: Claim | None = None
    holder: str = ""
    # Its place in the view, to go on from there; empty where it is not in it.
    place: str = ""
    # What the view looks for in the text.
    search: Search | None = None
    # Covers words that hurt, for a moderator who wants that.
    cover: Cover | None = None
    # Shown without scores and reasons, so that they do not lead whoever decides.
    words_alone: bool = False
    # It was judged anew and otherwise: a third person decides.
    disputed: bool = False
    # When it was written, as far as whoever looks is to know.
    written_at: datetime | None = None
    # The cases that say the same, where the view decides them at once; and the last line of the log
    # when they were looked at.
    fold: Fold | None = None
    seen: int = 0

    @cached_property
    def html(self) -> str:
        """The comment's HTML, with the words marked that carried a score, and where it is long
        the parts that scored highest; and what was searched for."""
        html = self.comment.html
        found = list(self._why.values())
        spans = [span for why in found for span in why.spans]
        if self.explained:
            html = marking.marked(html, spans)
            html = marking.marked(html, [why.part for why in found if why.part], "u")
        if self._searched:
            html = marking.marked(html, self._searched, "b")
        return self.cover.html(html, spans) if self.cover else html

    @cached_property
    def _searched(self) -> Sequence[tuple[int, int]]:
        return search.spans(self.case.text, self.search) if self.search else ()

    def covered(self, html: str) -> str:
        """Another text's HTML that belongs to the case, with words covered as in its own."""
        return self.cover.html(html) if self.cover else html

    def say(self, words: str) -> str:
        """Plain words as HTML, with those covered that are covered in the case."""
        if self.cover is None:
            return escape(words, quote=False)
        return self.cover.words(
            words, [said for name in self._why for said in self.carried_by(name)]
        )

    @property
    def explained(self) -> bool:
        """Whether anything is marked."""
        return any(why.spans or why.part for why in self._why.values())

    @property
    def noticed(self) -> list[str]:
        """Titles of the signals that were seen and meant nothing to the policy."""
        if self.ground is None:
            return []
        counted = {found["code"] for found in self.ground.decision.findings}
        return [title_of(code) for code in self.ground.signals if code not in counted]

    @property
    def _why(self) -> Mapping[str, Why]:
        ground = self.ground
        # A slice of other words than these would mark anything.
        as_scored = ground is not None and ground.decision.revision == self.case.revision
        return ground.why if ground is not None and as_scored else {}

    def carried_by(self, label: str) -> list[str]:
        """The words that carried the score of a label, each once."""
        why = self._why.get(label, Why())
        return list(dict.fromkeys(self.case.text[start:end] for start, end in why.spans))

    def part_of(self, label: str) -> tuple[str, str] | None:
        """The first and the last words of the part of a long text that scored highest.

        None where it is the same part for every label: there is only one to see.
        """
        why = self._why.get(label, Why())
        if why.part is None or len({each.part for each in self._why.values()}) == 1:
            return None
        words = self.case.text[slice(*why.part)].split()
        return " ".join(words[:4]), " ".join(words[-4:])

    @property
    def quoted(self) -> Quoted | None:
        """What the comment quotes, which its author need not answer for."""
        ground = self.ground
        if ground is None or not ground.quoted or ground.decision.revision != self.case.revision:
            return None
        spans = ground.quoted["spans"]
        return Quoted([self.case.text[start:end] for start, end in spans], ground.quoted["scores"])


@dataclass(frozen=True)
class QueuePage:
    """Cases, and the cursor of the next page; or of where a search goes on.

    `line` is the last one of the log when they were looked at.
    """

    cases: Sequence[Reviewed]
    line: int
    next: str | None
    further: str = ""


_COMMENTS = (
    select(Comment)
    .where(Comment.case_id.in_(bindparam("cases", expanding=True)))
    .options(
        joinedload(Comment.case),
        joinedload(Comment.article),
        joinedload(Comment.author),
        joinedload(Comment.parent).joinedload(Comment.author),
    )
)


def queue(
    session: Session, view: View, *, moderator: Account | Viewer, after: str = ""
) -> QueuePage:
    """Return a page of a view's cases, in its order, those behind a place."""
    seen = _last_line(session)
    look = views.look(session, view, viewer=moderator.id, after=after, at_most=A_PAGE + 1)
    ids = list(look.case_ids)
    more, ids = len(ids) > A_PAGE, ids[:A_PAGE]
    found = session.scalars(_COMMENTS, {"cases": ids})
    by_case = {comment.case_id: comment for comment in found}
    cases_ = _reviewed(session, [by_case[case_id] for case_id in ids], view, moderator.id, seen)
    return QueuePage(cases_, seen, cases_[-1].place if more else None, look.further)


def pick(
    session: Session,
    view: View,
    *,
    moderator: Account | Viewer,
    lasts: timedelta,
    after: str = "",
    before: str = "",
) -> int | None:
    """Claim the next case of a view that nobody else has, and return its number.

    The next behind a place, or the one before it; behind the last comes the first. None where
    nothing is left for this moderator.
    """
    if not view.waits:
        look = views.look(session, view, viewer=moderator.id, after=after, before=before, at_most=1)
        if look.case_ids:
            return look.case_ids[0]
        return pick(session, view, moderator=moderator, lasts=lasts) if after or before else None
    # Two who pick at once on PostgreSQL do not wait for each other's first choice. The case is
    # locked and not its place, as whoever decides does first.
    query = (
        _free(session, view, moderator, after=after, before=before)
        .join(Case, Case.id == Place.case_id)
        .with_for_update(of=Case, skip_locked=True)
    )
    while (case_id := session.scalar(query)) is not None:
        if session.get(Place, case_id, populate_existing=True) is None:
            # Decided while PostgreSQL waited for the lock: its place was seen before.
            continue
        claim = claims.take(session, case_id, holder=moderator.id, lasts=lasts)
        if claim is not None and claim.holder == moderator.id:
            return case_id
        # Taken between the two statements: the next look sees it.
    return pick(session, view, moderator=moderator, lasts=lasts) if after or before else None


def _free(
    session: Session, view: View, moderator: Account | Viewer, *, after: str = "", before: str = ""
) -> Select[int]:
    """The next case of a view that nobody else has."""
    query = views.cases_of(
        session, view, viewer=moderator.id, after=after, before=before, folded=True
    )
    return query.where(claims.is_free_for(moderator.id, session)).limit(1)


def _reviewed(
    session: Session, found: Sequence[Comment], view: View, viewer: int, seen: int
) -> list[Reviewed]:
    about = [comment.case_id for comment in found]
    again = audits.to_judge(session, about, viewer)
    disputes = audits.dispute(session, about)
    grounds = cases.grounds(session, about)
    records = cases.records(session, {comment.author_id for comment in found}, seen_by=viewer)
    reports: dict[int, list[Report]] = {}
    for report in session.scalars(_REPORTS, {"comments": [comment.id for comment in found]}):
        reports.setdefault(report.comment_id, []).append(report)
    # What people decided is shown of what is decided; an appeal is always against a rejection.
    last: dict[int, Decision] = {}
    if not view.waits:
        decided = session.scalars(_DECIDED_BY_PEOPLE, {"cases": about})
        last = {decision.case_id: decision for decision in decided}
    rejected = [each.id for each in found if each.case.status == Status.REJECTED]
    appealed = appeals.open_ones(session, rejected) if rejected else {}
    places = views.places(session, view, about)
    cover = covering.for_(session, viewer)
    holders = claims.of_folds(session, about)
    names = accounts.names(session, {claim.holder for claim in holders.values()})

    def one(comment: Comment) -> Reviewed:
        audit = again.get(comment.case_id)
        place, fold = places.get(comment.case_id, ("", None))
        case = _as_it_waits(comment.case, audit)
        # Somebody else may judge anew what is decided to whoever looks.
        claim = holders.get(comment.case_id) if case.waiting_since else None
        words_alone = audit is not None and audit.words_alone
        return Reviewed(
            comment=comment,
            case=case,
            ground=None if words_alone else grounds.get(comment.case_id),
            reports=reports.get(comment.id, ()),
            record=records.get(comment.author_id, Record()),
            last=None if audit else last.get(comment.case_id),
            words_alone=words_alone,
            disputed=comment.case_id in disputes,
            written_at=audit.since if audit and audit.golden_id else comment.created_at,
            appeal=appealed.get(comment.id),
            claim=claim,
            holder=names.get(claim.holder, "A closed account") if claim else "",
            place=place,
            search=view.search,
            cover=cover,
            fold=fold,
            seen=seen,
        )

    return [one(comment) for comment in found]


_REPORTS = (
    select(Report)
    .where(
        Report.comment_id.in_(bindparam("comments", expanding=True)),
        Report.answered_by_id.is_(None),
    )
    .order_by(Report.id)
    .options(joinedload(Report.reporter))
)
_DECIDED_BY_PEOPLE = (
    select(Decision)
    .where(
        Decision.case_id.in_(bindparam("cases", expanding=True)),
        Decision.kind.in_(decisions.BY_PEOPLE),
        cases.STANDS,
    )
    .order_by(Decision.id)
)


def _as_it_waits(case: Case, audit: Audit | None) -> Case:
    """Return a case as it looks to somebody who is to judge it anew: held, not decided."""
    if audit is None or audit.stratum == Stratum.HELD:
        return case
    return Case(
        id=case.id,
        text=case.text,
        revision=case.revision,
        status=Status.HELD.value,
        version=audits.shown_version(audit, case),
        author=case.author,
        context=case.context,
        opened_at=case.opened_at,
        waiting_since=audit.since,
        script=case.script,
    )


@dataclass(frozen=True)
class CaseFile:
    """Everything about one case."""

    reviewed: Reviewed
    parent: Comment | None
    # What the comment said before, from the first wording on.
    earlier: Sequence[Revision]
    history: Sequence[Decision]
    disclaimer: Disclaimer
    # Names of the accounts in the history.
    names: Mapping[int, str]
    # The last thing that happened, if a person did it and it can be taken back.
    undoable: Decision | None
    # The accounts whose notes on it would tell what whoever looks is not to know.
    hushed: Collection[int] = ()


def open_file(
    session: Session,
    case_id: int,
    view: View = View(),  # noqa: B008
    *,
    viewer: int = 0,
) -> CaseFile:
    """Return a case with its history, and with its place in a view. Raises NotFound."""
    seen = _last_line(session)
    comment = session.scalar(_COMMENTS, {"cases": [case_id]})
    if comment is None:
        raise NotFound("There is no such case.")
    history = [line for line in cases.history(session, case_id) if line.kind != Kind.GOLDEN]
    audit = audits.to_judge(session, [case_id], viewer).get(case_id)
    knowing: set[int] = set()
    if audit is not None and audit.stratum != Stratum.HELD:
        knowing = {line.actor for line in history if line.actor and line.id >= audit.decision_id}
        history = [line for line in history if line.id < audit.decision_id]
    if audit is not None and audit.words_alone:
        history = [line for line in history if line.kind not in (Kind.VERDICT, Kind.PARK)]
    return CaseFile(
        reviewed=_reviewed(session, [comment], view, viewer, seen)[0],
        parent=comment.parent,
        earlier=list(
            session.scalars(
                select(Revision).where(Revision.comment_id == comment.id).order_by(Revision.number)
            )
        ),
        history=history,
        disclaimer=session.get_one(Disclaimer, comment.disclaimer_id),
        names=accounts.names(session, {line.actor for line in history if line.actor}),
        undoable=history[-1] if history and history[-1].kind in decisions.BY_PEOPLE else None,
        hushed=knowing - {viewer},
    )


def take_up(
    session: Session,
    case_id: int,
    *,
    moderator: Account | Viewer,
    lasts: timedelta,
) -> None:
    """Claim a case that is opened, if it waits and nobody else has it."""
    case = session.get(Case, case_id)
    if case is not None and case.withdrawn_at is None:
        waits = case.waiting_since is not None
        if waits or audits.to_judge(session, [case_id], moderator.id):
            claims.take(session, case_id, holder=moderator.id, lasts=lasts)


def look_ahead(
    session: Session,
    view: View,
    *,
    moderator: Account | Viewer,
    lasts: timedelta,
    after: str,
    but: int,
) -> CaseFile | None:
    """Return the case that `pick` would lead to when case `but` is decided, as it will be then.

    It is claimed for nobody: its file says so, so that it can be shown at once when it is. None
    where nothing else is left, and for what does not wait.
    """
    if not view.waits:
        return None
    asked = [_free(session, view, moderator, after=place) for place in dict.fromkeys((after, ""))]
    found = (session.scalar(query.where(Place.case_id != but)) for query in asked)
    case_id = next((each for each in found if each is not None), None)
    if case_id is None:
        return None
    file = open_file(session, case_id, view, viewer=moderator.id)
    claim = Claim(holder=moderator.id, case_id=case_id, until=time_of(session) + lasts)
    return replace(file, reviewed=replace(file.reviewed, claim=claim, holder=""))


def leave(session: Session, case_id: int, *, moderator: Account | Viewer) -> None:
    """Let others have a case, if it is this moderator who has it."""
    claims.leave(session, case_id, holder=moderator.id)


def approve(
    session: Session,
    case_id: int,
    *,
    version: int,
    moderator: Account | Viewer,
    batch: int | None = None,
) -> Decision:
    """Publish a case, or keep it published; open reports are answered by it.

    `version` is the case's version that the moderator saw. Raises Changed, saying who was faster,
    or Invalid while it has no scores.
    """
    return _decide(
        session, case_id, Kind.APPROVE, Status.PUBLISHED, version, moderator, batch=batch
    )


def reject(
    session: Session,
    case_id: int,
    *,
    version: int,
    moderator: Account | Viewer,
    reason: str,
    words: str,
    batch: int | None = None,
) -> Decision:
    """Reject a case for a reason. Raises Changed, or Invalid for no reason or while unscored."""
    words = said(session, reason, words)
    to, kind = Status.REJECTED, Kind.REJECT
    return _decide(session, case_id, kind, to, version, moderator, reason, words, batch)


def said(session: Session, reason: str, words: str) -> str:
    """Return the words of a rejection as they are kept. Raises Invalid: no reason, or no words."""
    chosen = rules.in_force(session).reasons.get(reason)
    if chosen is None:
        raise Invalid("Please choose a reason: the log and the author need it.", field="reason")
    words = " ".join(words.split())
    if chosen.wants_words and not words:
        raise Invalid("Please say the reason in a few words.", field="words")
    if len(words) > WORDS:
        raise Invalid(f"Please keep the reason within {WORDS} characters.", field="words")
    return words


def _decide(
    session: Session,
    case_id: int,
    kind: Kind,
    to: Status,
    version: int,
    moderator: Account | Viewer,
    reason: str = "",
    words: str = "",
    batch: int | None = None,
) -> Decision:
    if audits.any_of(session, case_id):
        audit = audits.to_judge(session, [case_id], moderator.id).get(case_id)
        if audit is not None and audit.stratum != Stratum.HELD:
            return _judge_again(session, audit, kind, version, moderator, reason, words, batch)
        _check_third(session, case_id, moderator)
    comment_id = session.scalar(select(Comment.id).where(Comment.case_id == case_id)) or 0
    appeals.check_judge(session, comment_id, moderator)
    ground = cases.grounds(session, [case_id]).get(case_id)
    try:
        decision = decisions.decide(
            session,
            case_id,
            kind,
            to,
            version=version,
            actor=moderator.id,
            reason=reason,
            words=words,
            policy_version=ground.decision.policy_version_id if ground else None,
            classifier=ground.decision.classifier_id if ground else None,
            batch=batch,
        )
    except Stale:
        raise Changed(_meanwhile(session, case_id)) from None
    except NotScored:
        raise Invalid(
            "This comment is still being checked. Please decide when it has its scores."
        ) from None
    appeals.answer(session, comment_id, decision)
    session.execute(
        update(Report)
        .where(Report.comment_id == comment_id, Report.answered_by_id.is_(None))
        .values(answered_by_id=decision.id)
    )
    return decision


def _judge_again(
    session: Session,
    audit: Audit,
    says: Kind,
    version: int,
    moderator: Account | Viewer,
    reason: str,
    words: str,
    batch: int | None,
) -> Decision:
    """Take an answer to an audit, which looks like any decision to whoever gives it."""
    case = session.get_one(Case, audit.case_id)
    try:
        if version != audits.shown_version(audit, case):
            raise Stale(case.id)
        return decisions.judge_again(
            session,
            audit,
            says,
            version=case.version,
            actor=moderator.id,
            reason=reason,
            words=words,
            batch=batch,
        )
    except Stale:
        raise Changed(_meanwhile(session, audit.case_id)) from None


def _check_third(session: Session, case_id: int, moderator: Account | Viewer) -> None:
    """Raise Invalid when one of two who judged differently would decide, and others could."""
    disputed = audits.dispute(session, [case_id]).get(case_id)
    if disputed is None or moderator.id not in (disputed.decided_by, disputed.answered_by):
        return
    if accounts.has_moderator_besides(session, {disputed.decided_by, disputed.answered_by}):
        raise Invalid(
            "You have judged this comment, and somebody else did so differently: a third person"
            " decides."
        )


def undo(session: Session, decision_id: int, *, moderator: Account | Viewer) -> Decision:
    """Take a decision back; reports that it answered are open again. Raises Changed, NotFound."""
    try:
        undone = decisions.undo(session, decision_id, actor=moderator.id)
    except LookupError:
        raise NotFound("There is no such decision to undo.") from None
    except Stale as stale:
        raise Changed(_meanwhile(session, stale.case_id)) from None
    session.execute(
        update(Report).where(Report.answered_by_id == decision_id).values(answered_by_id=None)
    )
    appeals.reopen(session, decision_id)
    review_queue.reported(session, undone.case_id, comments.open_reports(session, undone.case_id))
    return undone


_DID = {
    Kind.VERDICT: "judged this comment",
    Kind.PARK: "held this comment",
    Kind.APPROVE: "approved this comment",
    Kind.REJECT: "rejected this comment",
    Kind.UNDO: "took a decision on this comment back",
    Kind.EDIT: "edited this comment",
    Kind.REPORT: "reported this comment",
    Kind.WITHDRAW: "deleted this comment",
    Kind.APPEAL: "appealed against the rejection of this comment",
    Kind.AUDIT: "judged this comment",
    Kind.GOLDEN: "judged this comment",
}


def _meanwhile(session: Session, case_id: int) -> str:
    history = [line for line in cases.history(session, case_id) if line.kind != Kind.GOLDEN]
    if not history:
        return "This case has changed meanwhile, so nothing was recorded. Please look again."
    last = history[-1]
    name = accounts.names(session, {last.actor}).get(last.actor, "") if last.actor else ""
    who = name or "The classifier"
    return f"{who} was faster and {_DID[Kind(last.kind)]}. Your decision was not recorded."


@dataclass(frozen=True)
class LogLine:
    """A line of the log with the names that belong to it."""

    decision: Decision
    who: str
    comment: Comment
    scores: Mapping[str, float]

    @property
    def did(self) -> str:
        if self.decision.kind == Kind.VERDICT and self.decision.actor is not None:
            return "applied the policy to this comment"
        return _DID[Kind(self.decision.kind)]

    @property
    def findings(self) -> list[str]:
        return [Finding.from_json(found).in_words() for found in self.decision.findings]


def log(
    session: Session, *, viewer: int = 0, before: int | None = None, by_people: bool = False
) -> tuple[list[LogLine], int | None]:
    """Return a page of the decisions log, newest first, and the cursor of the next.

    Answers to golden cases are nobody else's; a decision that the viewer is to judge anew, not
    knowing of it, stands there when that is done.
    """
    query = (
        select(Decision)
        .where(*_of_audits(session, viewer))
        .order_by(Decision.id.desc())
        .limit(LOG_A_PAGE + 1)
        .options(joinedload(Decision.policy_version), joinedload(Decision.classifier))
    )
    if before is not None:
        query = query.where(Decision.id < before)
    if by_people:
        # Written out, since the index is known by these very words.
        kinds: BindParameter[list[Kind]] = bindparam(
            "kinds", [*decisions.BY_PEOPLE, Kind.UNDO], literal_execute=True
        )
        query = query.where(Decision.kind.in_(kinds))
    lines = list(session.scalars(query))
    next_ = lines[LOG_A_PAGE - 1].id if len(lines) > LOG_A_PAGE else None
    lines = lines[:LOG_A_PAGE]
    about = {
        comment.case_id: comment
        for comment in session.scalars(
            select(Comment)
            .where(Comment.case_id.in_({line.case_id for line in lines}))
            .options(joinedload(Comment.article), joinedload(Comment.author))
        )
    }
    names = accounts.names(session, {line.actor for line in lines if line.actor})
    scores = cases.scores_of(
        session, {(line.case_id, line.revision, line.classifier_id or 0) for line in lines}
    )
    return [
        LogLine(
            line,
            names.get(line.actor or 0, "The classifier"),
            about[line.case_id],
            scores.get((line.case_id, line.revision, line.classifier_id or 0), {}),
        )
        for line in lines
    ], next_


def _of_audits(session: Session, viewer: int) -> list[ColumnElement[bool]]:
    """Which lines of the log a person may see: all, where nothing was ever audited."""
    if not audits.begun(session):
        return []
    return [Decision.kind != Kind.GOLDEN, Decision.id.not_in(audits.unseen_lines(viewer))]


@dataclass(frozen=True)
class Happening:
    """What a moderator with the queue open is told: since a line of the log, and as it is now."""

    # The last line of the log.
    line: int
    # Who did what to which case since then, in words.
    changed: Sequence[tuple[int, str]]
    # Which cases others have open: the case, its fold if it is in one, their name, until when.
    taken: Sequence[tuple[int, int | None, str, datetime]]


def _last_line(session: Session) -> int:
    return session.scalar(_LAST_LINE) or 0


_LAST_LINE = select(func.max(Decision.id))


def pulse(session: Session) -> tuple[object, ...]:
    """Return what is different whenever the queue is, for little."""
    line = select(func.max(Decision.id)).scalar_subquery()
    claimed = select(func.count(), func.max(Claim.until)).where(Claim.until > time_of(session))
    return tuple(session.execute(claimed.add_columns(line)).one())


def happening(session: Session, since: int | None, *, moderator: Account | Viewer) -> Happening:
    """Return what others did after a line of the log; None: only where things stand."""
    last = _last_line(session)
    lines: Sequence[Decision] = ()
    if since is not None:
        lines = session.scalars(
            select(Decision)
            .where(
                Decision.id > since,
                Decision.actor.is_not(None),
                *_of_audits(session, moderator.id),
            )
            .order_by(Decision.id.desc())
            .limit(A_PAGE * 8)
        ).all()
    others = (
        select(Claim, Place.fold)
        .outerjoin(Place, Place.case_id == Claim.case_id)
        .where(claims.taken_from(moderator.id, session))
    )
    if audits.begun(session):
        others = others.where(Claim.case_id.not_in(audits.not_for(moderator.id)))
    claimed = session.execute(others).all()
    names = accounts.names(
        session,
        {line.actor for line in lines if line.actor} | {claim.holder for claim, _ in claimed},
    )
    # Of one case what came last is what counts.
    by_case = {
        line.case_id: f"{names.get(line.actor or 0, 'A closed account')} {_DID[Kind(line.kind)]}."
        for line in reversed(lines)
        if line.actor != moderator.id
    }
    taken = [
        (claim.case_id, fold, names.get(claim.holder, "Somebody"), claim.until)
        for claim, fold in claimed
    ]
    return Happening(last, list(by_case.items()), taken)


def version_of(session: Session, case_id: int) -> int:
    """Return the version that the next decision on a case has to name."""
    return session.scalars(select(Case.version).where(Case.id == case_id)).one()


def claim(
    session: Session, case_id: int, *, moderator: Account | Viewer, lasts: timedelta
) -> tuple[datetime, int]:
    """Claim a case, or say who has it; until when, and which version it has for whoever claims it.

    Raises Changed or NotFound.
    """
    found = claims.take(session, case_id, holder=moderator.id, lasts=lasts)
    if found is None:
        raise NotFound("There is no such case.")
    if found.holder != moderator.id:
        name = accounts.names(session, {found.holder}).get(found.holder, "Somebody")
        raise Changed(f"{name} has it open.")
    case = session.get_one(Case, case_id)
    audit = audits.to_judge(session, [case_id], moderator.id).get(case_id)
    return found.until, _as_it_waits(case, audit).version


def undoable(session: Session, decision_id: int) -> Decision | None:
    """Return a person's decision if nothing happened to its case since; else None."""
    decision = session.get(Decision, decision_id)
    if decision is None or decision.kind not in (*decisions.BY_PEOPLE, Kind.AUDIT, Kind.GOLDEN):
        return None
    history = cases.history(session, decision.case_id)
    return decision if history[-1].id == decision.id else None


def mark_golden(session: Session, case_id: int, *, words: str, by: Account | Viewer) -> None:
    """Make a decided case a golden one, answered as it was decided. Raises Invalid, NotFound."""
    words = words.replace("\r\n", "\n").strip()
    if not words or len(words) > 1000:
        raise Invalid(
            "Newcomers read why it was decided so. Please say it in up to 1000 characters.",
            field="why",
        )
    case = session.get(Case, case_id)
    if case is None:
        raise NotFound("There is no such case.")
    decided = case.status in (Status.PUBLISHED, Status.REJECTED)
    if not decided or case.waiting_since is not None or case.withdrawn_at is not None:
        raise Invalid("Only a case that is decided, and waits for nobody, can be a golden one.")
    answer = audits.APPROVE if case.status == Status.PUBLISHED else audits.REJECT
    audits.mark(session, case, answer=answer, words=words, by=by.id)
