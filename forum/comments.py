"""What readers do: post, reply, edit, delete, report. Each is one transaction or nothing."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from forum import appeals, articles, disclaimer, markup, sanctions, search
from forum.accounts import Viewer
from forum.errors import (
    Changed,
    Invalid,
    NotAllowed,
    NotFound,
    Repeated,
    ThreadClosed,
    TooLate,
    TooMany,
)
from forum.sanctions import Doing
from forum.settings import Settings
from forum.tables import Account, Article, Comment, Report, Revision
from moderation import cases, review_queue, rules
from moderation.decisions import Stale
from moderation.policy import Status
from moderation.statements import Prepared
from moderation.tables import time_of

REPORT_WORDS = 500


@dataclass(frozen=True)
class Draft:
    """A text that may be posted: its source, as safe HTML, in plain words, and as it is compared:
    by its fingerprint, and by its terms."""

    source: str
    html: str
    words: str
    fingerprint: str
    terms: str


def draft(text: str, *, settings: Settings) -> Draft:
    """Return a typed text as it can be posted. Raises Invalid, in words for the author.

    A long text may take a tenth of a second: call this before the transaction.
    """
    source = markup.tidy(text)
    if not source:
        raise Invalid("There is nothing in it yet. Please write something.", field="text")
    if len(source) > settings.comment_length:
        raise Invalid(
            f"That is {len(source):,} characters; a comment may have"
            f" {settings.comment_length:,} at most.".replace(",", "\u202f"),
            field="text",
        )
    html = markup.render(source)
    words = markup.plain(html)
    # Spaces, marks and invisible characters alone are nothing to read.
    if not any(unicodedata.category(character)[0] in "LNPS" for character in words):
        raise Invalid("There is nothing to read in it. Please write something.", field="text")
    return Draft(source, html, words, markup.fingerprint(words), search.terms(words))


@dataclass(frozen=True)
class Posted:
    """What was stored."""

    id: int
    case_id: int


def post(
    session: Session,
    slug: str,
    draft: Draft,
    *,
    parent_id: int | None = None,
    author: Account | Viewer,
    settings: Settings,
) -> Posted:
    """Store a comment with its case and scoring job. Nobody but its author sees it until decided.

    `parent_id` is the comment that it answers. Raises Invalid, Repeated, TooMany, ThreadClosed,
    Restricted or NotFound, in words for the author.
    """
    now = time_of(session)
    if session.get_bind().dialect.name != "sqlite":
        # One person's posts come one after the other, so that two at once cannot slip past the
        # limits. On SQLite everybody's do.
        _LOCK(session, author=author.id)
    place = _BEFORE_POSTING(
        session,
        slug=slug,
        author=author.id,
        after_it=settings.comments_a_minute - 1,
        fingerprint=draft.fingerprint,
        since=now - _SAME_FOR,
        but=0,
        now=now,
    )
    if not place:
        raise articles.no_such_thread()
    ((article_id, closed_at, disclaimer_id, posted_at, said, sanctioned),) = place
    if sanctioned:
        sanctions.check(session, author.id, Doing.COMMENT)
    _check_open(closed_at)
    _check_pace(posted_at, now, settings)
    _check_new(said)
    parent = _parent(session, article_id, parent_id)

    case_id = cases.open_case(session, draft.words, author=author.id, context=article_id)
    ((comment_id,),) = _INSERT(
        session,
        article_id=article_id,
        author_id=author.id,
        case_id=case_id,
        parent_id=parent.id if parent else None,
        root_id=(parent.root_id or parent.id) if parent else None,
        source=draft.source,
        html=draft.html,
        fingerprint=draft.fingerprint,
        terms=draft.terms,
        disclaimer_id=disclaimer_id,
        created_at=now,
    )
    return Posted(comment_id, case_id)


_LOCK = Prepared(select(Account.id).where(Account.id == bindparam("author")).with_for_update())
_INSERT = Prepared(insert(Comment).returning(Comment.id))
# For how long nobody can post the same words again below one article.
_SAME_FOR = timedelta(days=1)
# When the comment was posted after which the author has posted so many: no more than one row of
# all that somebody ever wrote.
_POSTED_AT = (
    select(Comment.created_at)
    .where(Comment.author_id == bindparam("author"))
    .order_by(Comment.id.desc())
    .limit(1)
    .offset(bindparam("after_it"))
)
_SAID = (
    select(Comment.id)
    .where(
        Comment.author_id == bindparam("author"),
        Comment.article_id == Article.id,
        Comment.fingerprint == bindparam("fingerprint"),
        Comment.created_at > bindparam("since"),
        Comment.deleted_at.is_(None),
        Comment.id != bindparam("but"),
    )
    .limit(1)
    .correlate(Article)
    .scalar_subquery()
)
_BEFORE_POSTING = Prepared(
    select(
        Article.id,
        Article.closed_at,
        func.coalesce(Article.disclaimer_id, disclaimer.NEWEST_OF_SITE),
        _POSTED_AT.scalar_subquery(),
        _SAID,
        sanctions.ANY_IN_FORCE,
    ).where(Article.slug == bindparam("slug"))
)


def _check_open(closed_at: datetime | None) -> None:
    if closed_at is not None:
        raise ThreadClosed(
            "This discussion is closed to new comments. What was said stays here to read."
        )


def _check_pace(posted_at: datetime | None, now: datetime, settings: Settings) -> None:
    if posted_at is not None and posted_at > now - timedelta(minutes=1):
        wait = max(1, 60 - int((now - posted_at).total_seconds()))
        raise TooMany(
            f"That was {settings.comments_a_minute} comments within a minute. Please wait {wait}"
            " seconds; your text is kept here.",
            retry_after=wait,
            field="text",
        )


def _check_new(said: int | None) -> None:
    if said is not None:
        raise Repeated("You posted the same words in this discussion already.", field="text")


def _parent(session: Session, article_id: int, parent_id: int | None) -> Comment | None:
    if parent_id is None:
        return None
    parent = session.scalar(
        select(Comment).where(Comment.id == parent_id).options(joinedload(Comment.case))
    )
    if (
        parent is None
        or parent.article_id != article_id
        or parent.deleted_at is not None
        or parent.case.status != Status.PUBLISHED
    ):
        raise Invalid(
            "The comment that you answer is no longer here. You can post yours as a new one.",
            field="parent",
        )
    return parent


def find(session: Session, comment_id: int) -> Comment:
    """Return a comment with its article, author and case. Raises NotFound."""
    comment = session.scalar(
        select(Comment)
        .where(Comment.id == comment_id)
        .options(joinedload(Comment.article), joinedload(Comment.author), joinedload(Comment.case))
    )
    if comment is None:
        raise NotFound("There is no comment at this address.")
    return comment


def own(session: Session, comment_id: int, author: Account | Viewer | None) -> Comment:
    """Return a comment of one's own that is not deleted. Raises NotFound or NotAllowed."""
    comment = find(session, comment_id)
    if author is None or comment.author_id != author.id:
        raise NotAllowed("Only its author can do that.")
    if comment.deleted_at is not None:
        raise NotFound("You have deleted this comment.")
    return comment


def can_edit(comment: Comment, *, settings: Settings, session: Session) -> bool:
    """Whether its author may still change it."""
    return (
        comment.deleted_at is None
        and comment.case.status != Status.REJECTED
        and time_of(session) < comment.created_at + timedelta(minutes=settings.edit_minutes)
    )


def edit(
    session: Session, comment_id: int, draft: Draft, *, author: Account | Viewer, settings: Settings
) -> Comment:
    """Replace a comment's text; it goes through scoring again and every wording is kept.

    Raises TooLate after the time for it, Invalid, NotAllowed, NotFound.
    """
    comment = own(session, comment_id, author)
    sanctions.check(session, author.id, Doing.EDIT)
    _check_open(comment.article.closed_at)
    if comment.case.status == Status.REJECTED:
        raise TooLate("This comment was rejected. Your notices tell why, and what you can do.")
    if not can_edit(comment, settings=settings, session=session):
        raise TooLate(
            f"A comment can be edited for {settings.edit_minutes} minutes, so that replies keep"
            " their meaning. You can add a reply to it.",
            field="text",
        )
    return comment if draft.source == comment.source else _reword(session, comment, draft)


def resubmit(
    session: Session, comment_id: int, draft: Draft, *, author: Account | Viewer
) -> Comment:
    """Offer one's rejected comment again, in other words; it goes through scoring like a new one.

    Raises Changed when it is not rejected any more, Invalid, ThreadClosed, NotAllowed, NotFound.
    """
    comment = own(session, comment_id, author)
    sanctions.check(session, author.id, Doing.EDIT)
    _check_open(comment.article.closed_at)
    if comment.case.status != Status.REJECTED:
        raise Changed("This comment is not rejected any more.", field="text")
    if draft.fingerprint == comment.fingerprint:
        raise Invalid(
            "These are the words that were decided on. Please change what the notice names, or"
            " appeal.",
            field="text",
        )
    return _reword(session, comment, draft)


def _reword(session: Session, comment: Comment, draft: Draft) -> Comment:
    _check_new(
        session.scalar(
            select(_SAID).where(Article.id == comment.article_id),
            {
                "author": comment.author_id,
                "fingerprint": draft.fingerprint,
                "since": time_of(session) - _SAME_FOR,
                "but": comment.id,
            },
        )
    )
    earlier = Revision(
        comment_id=comment.id,
        number=comment.case.revision,
        source=comment.source,
        disclaimer_id=comment.disclaimer_id,
        created_at=comment.edited_at or comment.created_at,
    )
    try:
        line = cases.reopen(session, comment.case, draft.words)
    except Stale:
        raise Changed("The comment was decided on while you were writing.", field="text") from None
    # Who offers other words lets the old ones go.
    appeals.answer(session, comment.id, line)
    session.add(earlier)
    comment.source, comment.html = draft.source, draft.html
    comment.fingerprint, comment.terms = draft.fingerprint, draft.terms
    comment.edited_at = time_of(session)
    comment.disclaimer_id = comment.article.disclaimer_id or disclaimer.of_site(session).id
    session.flush()
    return comment


def delete(session: Session, comment_id: int, *, author: Account | Viewer) -> Comment:
    """Take one's comment back. Replies stay, below a line that says so."""
    comment = own(session, comment_id, author)
    try:
        line = cases.withdraw(session, comment.case)
    except Stale:
        raise Changed("Something happened to this comment just now. Please look again.") from None
    appeals.answer(session, comment.id, line)
    comment.deleted_at = time_of(session)
    session.flush()
    return comment


def report(
    session: Session, comment_id: int, *, reporter: Account | Viewer, reason: str, words: str
) -> Comment:
    """Tell the moderators about a published comment; it comes back to the review queue.

    Each wording can be reported once by a reader. Raises NotFound, Invalid, Repeated.
    """
    sanctions.check(session, reporter.id, Doing.REPORT)
    comment = find(session, comment_id)
    # A moderator who decides this very moment does so before or after the report, not meanwhile.
    session.refresh(comment.case, with_for_update=True)
    if comment.case.status != Status.PUBLISHED or comment.deleted_at is not None:
        raise NotFound("This comment is no longer published.")
    chosen = rules.in_force(session).reasons.get(reason)
    if chosen is None:
        raise Invalid("Please choose a reason.", field="reason")
    words = markup.tidy(words)
    if chosen.wants_words and not words:
        raise Invalid("Please say in a few words what is wrong with it.", field="words")
    if len(words) > REPORT_WORDS:
        raise Invalid(f"Please keep it within {REPORT_WORDS} characters.", field="words")
    if comment.author_id == reporter.id:
        raise Invalid("This is your own comment; you can delete it.", field="reason")
    try:
        with session.begin_nested():
            session.add(
                Report(
                    comment_id=comment_id,
                    revision=comment.case.revision,
                    reporter_id=reporter.id,
                    reason=reason,
                    words=words,
                    created_at=time_of(session),
                )
            )
            session.flush()
    except IntegrityError:
        raise Repeated("You have reported this comment already. Thank you.") from None
    cases.report(session, comment.case, reporter=reporter.id, reason=reason)
    review_queue.reported(session, comment.case_id, open_reports(session, comment.case_id))
    return comment


def open_reports(session: Session, case_id: int) -> int:
    """Count the reports on a case that nobody has answered."""
    return session.scalars(
        select(func.count())
        .select_from(Report)
        .join(Comment, Comment.id == Report.comment_id)
        .where(Comment.case_id == case_id, Report.answered_by_id.is_(None))
    ).one()


def by_author(
    session: Session, author_id: int, *, before: int | None = None, at_most: int = 50
) -> list[Comment]:
    """Return an account's own comments, newest first, with article and case."""
    query = (
        select(Comment)
        .where(Comment.author_id == author_id, Comment.deleted_at.is_(None))
        .order_by(Comment.id.desc())
        .limit(at_most)
        .options(joinedload(Comment.article), joinedload(Comment.case))
    )
    if before is not None:
        query = query.where(Comment.id < before)
    return list(session.scalars(query))
