"""What readers do: post, reply, edit, delete, report. Each is one transaction or nothing."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from forum import disclaimer, markup
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
from forum.settings import Settings
from forum.tables import Account, Article, Comment, Report, Revision
from moderation import cases
from moderation.decisions import REASONS, Stale
from moderation.policy import Status
from moderation.tables import time_of

REPORT_WORDS = 500


@dataclass(frozen=True)
class Draft:
    """A comment as typed; `parent_id` is the comment that it answers."""

    text: str
    parent_id: int | None = None


@dataclass(frozen=True)
class Posted:
    """What was stored."""

    id: int
    case_id: int


def post(
    session: Session, article_id: int, draft: Draft, *, author: Account, settings: Settings
) -> Posted:
    """Store a comment with its case and scoring job. Nobody but its author sees it until decided.

    Raises Invalid, Repeated, TooMany, ThreadClosed or NotFound, in words for the author.
    """
    source, html, words = _checked(draft.text, settings)
    fingerprint = markup.fingerprint(words)
    now = time_of(session)
    # Statements put together once, and no objects: a fifth of the time, and every post takes it.
    execute = session.connection().execute
    if session.get_bind().dialect.name != "sqlite":
        # One person's posts come one after the other, so that two at once cannot slip past the
        # limits. On SQLite everybody's do.
        execute(_LOCK, {"author": author.id})
    place = execute(
        _BEFORE_POSTING,
        {
            "article": article_id,
            "author": author.id,
            "after_it": settings.comments_a_minute - 1,
            "fingerprint": fingerprint,
            "since": now - _SAME_FOR,
            "but": 0,
        },
    ).one_or_none()
    if place is None:
        raise NotFound("There is no such thread.")
    _check_open(place.closed_at)
    _check_pace(place.posted_at, now, settings)
    _check_new(place.said)
    parent = _parent(session, article_id, draft.parent_id)

    said = {"source": source, "disclaimer_id": place.disclaimer_id, "created_at": now}
    case_id = cases.open_case(session, words, author=author.id, context=article_id)
    rest = {
        "article_id": article_id,
        "author_id": author.id,
        "case_id": case_id,
        "parent_id": parent.id if parent else None,
        "root_id": (parent.root_id or parent.id) if parent else None,
        "html": html,
        "fingerprint": fingerprint,
    }
    comment_id: int = execute(_INSERT, said | rest).inserted_primary_key[0]  # type: ignore[index]
    execute(_INSERT_REVISION, said | {"comment_id": comment_id, "number": 1})
    return Posted(comment_id, case_id)


_LOCK = select(Account.id).where(Account.id == bindparam("author")).with_for_update()
_INSERT = insert(Comment)
_INSERT_REVISION = insert(Revision)
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
        Comment.article_id == bindparam("article"),
        Comment.fingerprint == bindparam("fingerprint"),
        Comment.created_at > bindparam("since"),
        Comment.deleted_at.is_(None),
        Comment.id != bindparam("but"),
    )
    .limit(1)
)
_BEFORE_POSTING = select(
    Article.closed_at,
    func.coalesce(Article.disclaimer_id, disclaimer.NEWEST_OF_SITE).label("disclaimer_id"),
    _POSTED_AT.scalar_subquery().label("posted_at"),
    _SAID.scalar_subquery().label("said"),
).where(Article.id == bindparam("article"))


def _check_open(closed_at: datetime | None) -> None:
    if closed_at is not None:
        raise ThreadClosed(
            "This discussion is closed to new comments. What was said stays here to read."
        )


def _checked(text: str, settings: Settings) -> tuple[str, str, str]:
    """Return source, HTML and plain words of a typed text. Raises Invalid."""
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
    return source, html, words


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


def own(session: Session, comment_id: int, author: Account | None) -> Comment:
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
    session: Session, comment_id: int, text: str, *, author: Account, settings: Settings
) -> Comment:
    """Replace a comment's text; it goes through scoring again and every wording is kept.

    Raises TooLate after the time for it, Invalid, NotAllowed, NotFound.
    """
    comment = own(session, comment_id, author)
    _check_open(comment.article.closed_at)
    if comment.case.status == Status.REJECTED:
        raise TooLate("A moderator has decided on this comment; it can no longer be edited.")
    if not can_edit(comment, settings=settings, session=session):
        raise TooLate(
            f"A comment can be edited for {settings.edit_minutes} minutes, so that replies keep"
            " their meaning. You can add a reply to it.",
            field="text",
        )
    source, html, words = _checked(text, settings)
    if source == comment.source:
        return comment
    fingerprint = markup.fingerprint(words)
    _check_new(
        session.scalar(
            _SAID,
            {
                "author": author.id,
                "article": comment.article_id,
                "fingerprint": fingerprint,
                "since": time_of(session) - _SAME_FOR,
                "but": comment.id,
            },
        )
    )
    try:
        cases.reopen(session, comment.case, words)
    except Stale:
        raise Changed("The comment was decided on while you were writing.", field="text") from None
    now = time_of(session)
    comment.source, comment.html, comment.fingerprint = source, html, fingerprint
    comment.edited_at = now
    shown = comment.article.disclaimer_id or disclaimer.of_site(session).id
    comment.disclaimer_id = shown
    session.add(
        Revision(
            comment_id=comment.id,
            number=comment.case.revision,
            source=source,
            disclaimer_id=shown,
            created_at=now,
        )
    )
    session.flush()
    return comment


def delete(session: Session, comment_id: int, *, author: Account) -> Comment:
    """Take one's comment back. Replies stay, below a line that says so."""
    comment = own(session, comment_id, author)
    try:
        cases.withdraw(session, comment.case)
    except Stale:
        raise Changed("Something happened to this comment just now. Please look again.") from None
    comment.deleted_at = time_of(session)
    session.flush()
    return comment


def report(
    session: Session, comment_id: int, *, reporter: Account, reason: str, words: str
) -> Comment:
    """Tell the moderators about a published comment; it comes back to the review queue."""
    comment = find(session, comment_id)
    # A moderator who decides this very moment does so before or after the report, not meanwhile.
    session.refresh(comment.case, with_for_update=True)
    if comment.case.status != Status.PUBLISHED or comment.deleted_at is not None:
        raise NotFound("This comment is no longer published.")
    if reason not in REASONS:
        raise Invalid("Please choose a reason.", field="reason")
    words = markup.tidy(words)
    if reason == "other" and not words:
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
    return comment


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
