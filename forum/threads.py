"""A thread as it is read: the article, its disclaimer and a page of comments in reading order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session, aliased

from forum import articles, disclaimer
from forum.tables import Account, Article, Comment, Disclaimer
from moderation import cases
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.statements import Prepared
from moderation.tables import Case, Decision, RulesVersion

ROOTS_A_PAGE = 50
REPLIES_SHOWN = 40
REPLIES_A_PAGE = 200
# A page of a thread never carries more of its author's unseen comments than this.
OWN_SHOWN = 50


class Order(StrEnum):
    """Which top-level comments come first. Replies always read from the oldest."""

    OLDEST = "oldest"
    NEWEST = "newest"


@dataclass(frozen=True, slots=True)
class Shown:
    """One comment in its place. `status` is published but for the viewer's own and for gaps.

    `depth` 0 is top level. `gone` is a place kept for replies: the comment itself is not shown.
    `more_replies` counts the published replies below a top-level comment that this page leaves
    out.
    """

    id: int
    article_id: int
    parent_id: int | None
    root_id: int | None
    author_id: int
    author: str
    role: str
    html: str
    created_at: datetime
    edited_at: datetime | None
    status: str
    deleted: bool
    case_id: int
    depth: int = 0
    reply_to: str = ""
    more_replies: int = 0

    @property
    def gone(self) -> bool:
        return self.deleted or self.status != Status.PUBLISHED


@dataclass(frozen=True)
class Thread:
    """A page of a thread. The disclaimer has no default: no thread is shown without one."""

    article: Article
    disclaimer: Disclaimer
    order: Order
    comments: Sequence[Shown]
    total: int
    # The keyset cursor of the next page, and whether this one is not the first.
    next: int | None
    continued: bool
    # The last line of the log when this was read: live updates go on from here.
    mark: int
    # Set when only one top-level comment and its replies are shown.
    root: int | None = None


_COLUMNS = (
    Comment.id,
    Comment.article_id,
    Comment.parent_id,
    Comment.root_id,
    Comment.author_id,
    Account.name,
    Account.role,
    Comment.html,
    Comment.created_at,
    Comment.edited_at,
    Case.status,
    Comment.deleted_at,
    Comment.case_id,
)
# The status is asked for in a way that no index answers. Most cases are published, and SQLite,
# which has no statistics, would rather walk all of the site's than those of the thread.
_VISIBLE = and_(Case.status.concat("") == Status.PUBLISHED, Comment.deleted_at.is_(None))


def read(
    session: Session,
    slug: str,
    *,
    order: Order = Order.OLDEST,
    after: int | None = None,
    start: int | None = None,
    root: int | None = None,
) -> Thread:
    """Return a page of the thread as everybody sees it. Raises NotFound.

    `after` is the cursor of the page before; `start` begins at that top-level comment, itself
    included; `root` shows that top-level comment alone with its replies, `after` then being a
    reply's id.
    """
    # First: what is decided while the rest is read is told again, and not missed.
    ((mark,),) = _LAST_LINE(session)
    article = articles.find(session, slug)
    shown_disclaimer = disclaimer.of_article(session, article)
    total = cases.published_in(session, article.id)
    if root is not None:
        comments, next_ = _replies_page(session, article.id, root, after)
    else:
        comments, next_ = _roots_page(session, article.id, order, after, start)
    return Thread(
        article=article,
        disclaimer=shown_disclaimer,
        order=order,
        comments=comments,
        total=total,
        next=next_,
        continued=after is not None or start is not None,
        mark=mark or 0,
        root=root,
    )


_LAST_LINE = Prepared(select(func.max(Decision.id)))


def _rows(
    session: Session, *conditions: ColumnElement[bool], newest_first: bool, at_most: int
) -> list[Shown]:
    return _shown_by(session, _query(*conditions, newest_first=newest_first, at_most=at_most))


def _shown_by(
    session: Session, query: Select[*tuple[Any, ...]], given: dict[str, Any] | None = None
) -> list[Shown]:
    # Below the session, which would ask of every row whether it holds objects; and all at once,
    # since others may take the interpreter between two.
    return [_shown(row) for row in session.connection().execute(query, given).all()]


def _query(
    *conditions: ColumnElement[bool], newest_first: bool, at_most: int
) -> Select[*tuple[Any, ...]]:
    return (
        select(*_COLUMNS)
        .join(Case, Case.id == Comment.case_id)
        .join(Account, Account.id == Comment.author_id)
        .where(*conditions)
        .order_by(Comment.id.desc() if newest_first else Comment.id)
        .limit(at_most)
    )


def _shown(row: Sequence[object]) -> Shown:
    *head, deleted_at, case_id = row
    return Shown(*head, deleted_at is not None, case_id)  # type: ignore[call-arg, arg-type]


def _roots_page(
    session: Session, article_id: int, order: Order, after: int | None, start: int | None
) -> tuple[list[Shown], int | None]:
    roots = _shown_by(
        session,
        _roots_query(order is Order.NEWEST, after is not None, start is not None),
        {"article": article_id, "after": after, "start": start},
    )
    next_ = roots[ROOTS_A_PAGE - 1].id if len(roots) > ROOTS_A_PAGE else None
    roots = roots[:ROOTS_A_PAGE]
    replies, left_out = _first_replies(session, [root.id for root in roots])
    return _in_reading_order(roots, replies, left_out), next_


@cache
def _roots_query(newest: bool, after: bool, start: bool) -> Select[*tuple[Any, ...]]:
    """The top-level comments of a page; putting it together takes longer than running it."""
    reply, reply_case = aliased(Comment), aliased(Case)
    # A place is kept for a comment that is gone while somebody's reply to it stands.
    answered = exists(
        select(reply.id)
        .join(reply_case, reply_case.id == reply.case_id)
        .where(
            reply.root_id == Comment.id,
            reply_case.status == Status.PUBLISHED,
            reply.deleted_at.is_(None),
        )
    )
    conditions = [
        Comment.article_id == bindparam("article"),
        Comment.root_id.is_(None),
        or_(_VISIBLE, answered),
    ]
    if after:
        cursor: BindParameter[int] = bindparam("after")
        conditions.append(Comment.id < cursor if newest else Comment.id > cursor)
    if start:
        first: BindParameter[int] = bindparam("start")
        conditions.append(Comment.id <= first if newest else Comment.id >= first)
    return _query(*conditions, newest_first=newest, at_most=ROOTS_A_PAGE + 1)


def _first_replies(session: Session, roots: list[int]) -> tuple[list[Shown], dict[int, int]]:
    """Return the first published replies below each of the roots, and how many more there are."""
    if not roots:
        return [], {}
    replies: list[Shown] = []
    left_out: dict[int, int] = {}
    for *columns, of in session.connection().execute(_replies_query(), {"roots": roots}).all():
        reply = _shown(columns)
        replies.append(reply)
        if of > REPLIES_SHOWN:
            left_out[reply.root_id or 0] = of - REPLIES_SHOWN
    return replies, left_out


@cache
def _replies_query() -> Select[*tuple[Any, ...]]:
    # Numbers alone are ranked: there may be thousands, and most are not shown.
    ranked = (
        select(
            Comment.id,
            func.row_number().over(partition_by=Comment.root_id, order_by=Comment.id).label("nth"),
            func.count().over(partition_by=Comment.root_id).label("of"),
        )
        .join(Case, Case.id == Comment.case_id)
        .where(Comment.root_id.in_(bindparam("roots", expanding=True)), _VISIBLE)
        .subquery()
    )
    return (
        select(*_COLUMNS, ranked.c.of)
        .join(ranked, ranked.c.id == Comment.id)
        .join(Case, Case.id == Comment.case_id)
        .join(Account, Account.id == Comment.author_id)
        .where(ranked.c.nth <= REPLIES_SHOWN)
        .order_by(Comment.id)
    )


def _replies_page(
    session: Session, article_id: int, root: int, after: int | None
) -> tuple[list[Shown], int | None]:
    top = _rows(
        session,
        Comment.id == root,
        Comment.article_id == article_id,
        Comment.root_id.is_(None),
        newest_first=False,
        at_most=1,
    )
    replies = _rows(
        session,
        Comment.root_id == root,
        Comment.article_id == article_id,
        Comment.id > (after or 0),
        _VISIBLE,
        newest_first=False,
        at_most=REPLIES_A_PAGE + 1,
    )
    next_ = replies[REPLIES_A_PAGE - 1].id if len(replies) > REPLIES_A_PAGE else None
    if top and top[0].gone and not replies:
        top = []
    return _in_reading_order(top, replies[:REPLIES_A_PAGE], {}), next_


def _in_reading_order(
    roots: list[Shown], replies: list[Shown], left_out: dict[int, int]
) -> list[Shown]:
    """Put replies below what they answer, oldest first, and say how deep each stands.

    A reply whose parent is not on the page stands below the top-level comment.
    """
    known = {comment.id: comment for comment in (*roots, *replies)}
    below: dict[int, list[Shown]] = {}
    for reply in replies:
        parent = reply.parent_id if reply.parent_id in known else reply.root_id
        below.setdefault(parent or 0, []).append(reply)
    ordered: list[Shown] = []
    for root in roots:
        # A list and not recursion: a discussion of two may be thousands of replies deep.
        waiting = [(root, 0, "")]
        while waiting:
            comment, depth, reply_to = waiting.pop()
            more = left_out.get(comment.id, 0)
            if depth or more:
                comment = replace(comment, depth=depth, reply_to=reply_to, more_replies=more)
            ordered.append(comment)
            name = "" if comment.gone else comment.author
            waiting.extend(
                (reply, depth + 1, name if reply.parent_id == comment.id else "")
                for reply in reversed(below.get(comment.id, ()))
            )
    return ordered


def own_unseen(session: Session, slug: str, author_id: int) -> tuple[list[Shown], int]:
    """Return the author's comments here that others do not see, newest first.

    With them the last line of the log: a page not older than that has what they lack.
    """
    unseen = [_shown(row) for row in _OWN_UNSEEN(session, author=author_id, slug=slug)]
    ((line,),) = _LAST_LINE(session)
    return unseen, line or 0


_OWN_UNSEEN = Prepared(
    _query(
        Comment.author_id == bindparam("author"),
        Comment.article_id
        == select(Article.id).where(Article.slug == bindparam("slug")).scalar_subquery(),
        Comment.deleted_at.is_(None),
        Case.status != Status.PUBLISHED,
        newest_first=True,
        at_most=OWN_SHOWN,
    )
)


def one(session: Session, comment_id: int, *, viewer: int | None = None) -> Shown | None:
    """Return one comment as this viewer sees it, or None if the viewer does not see it."""
    found = _rows(session, Comment.id == comment_id, newest_first=False, at_most=1)
    if not found or found[0].deleted or (found[0].gone and found[0].author_id != viewer):
        return None
    comment: Shown = found[0]
    if comment.parent_id is None:
        return comment
    return replace(comment, depth=1)


def replies_below(session: Session, root: int) -> int:
    """Count the published replies below a top-level comment."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Comment)
            .join(Case, Case.id == Comment.case_id)
            .where(Comment.root_id == root, _VISIBLE)
        )
        or 0
    )


@dataclass(frozen=True)
class Overview:
    """An article on the front page, with how many comments are published below it."""

    article: Article
    comments: int


def overview(session: Session, slug: str) -> Overview:
    """Return one thread with its count. Raises NotFound."""
    article = articles.find(session, slug)
    return Overview(article, cases.published_in(session, article.id))


def overviews(
    session: Session, *, section_path: str = "", before: int | None = None, at_most: int = 30
) -> list[Overview]:
    """Return threads, newest article first, of one section or of all."""
    found = articles.newest(session, section_path=section_path, before=before, at_most=at_most)
    counts = cases.published_by_context(session, [article.id for article in found])
    return [Overview(article, counts.get(article.id, 0)) for article in found]


_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Mark:
    """Up to where the changes that readers see have been looked at."""

    decision: int = 0
    disclaimer: int = 0
    rules: int = 0
    article: datetime = _LONG_AGO
    # What was seen already of the last stretch before the mark, which is read again.
    decisions: frozenset[int] = frozenset()
    articles: frozenset[tuple[str, datetime]] = frozenset()


@dataclass(frozen=True)
class Change:
    """Something that readers of a thread see. Without a slug, every thread is meant."""

    slug: str = ""
    decision: int = 0
    comment_id: int = 0
    author_id: int = 0
    root_id: int | None = None
    status: str = ""


# On PostgreSQL a transaction that began earlier may commit later, and its rows have lower numbers
# than what was seen already; so the tail is read with this overlap, which is more than a few
# workers with the largest batches write at once. SQLite's one writer keeps the order. Times
# overlap on both: a clock may be set back.
_OVERLAP = 2048
_OVERLAP_TIME = timedelta(seconds=2)


def changes(session: Session, mark: Mark | None) -> tuple[Mark, list[Change]]:
    """Return what readers see differently since `mark`, and the new mark. None: start from now."""
    # Below the session, which doubles the time; this follows every transaction.
    execute = session.connection().execute
    decision, disclaimer_id, rules, article_at = execute(_NEWEST).one()
    now = Mark(decision or 0, disclaimer_id or 0, rules or 0, article_at or _LONG_AGO)
    since = now if mark is None else mark
    overlap = 0 if session.get_bind().dialect.name == "sqlite" else _OVERLAP
    decisions = frozenset(execute(_DECIDED_AFTER, {"decision": since.decision - overlap}).scalars())
    moved = frozenset(
        (slug, at) for slug, at in execute(_MOVED_AFTER, {"at": since.article - _OVERLAP_TIME})
    )
    now = replace(
        now,
        decisions=frozenset(n for n in decisions if n > now.decision - overlap),
        articles=frozenset(each for each in moved if each[1] > now.article - _OVERLAP_TIME),
    )
    if mark is None:
        return now, []
    everywhere = (now.disclaimer, now.rules) != (mark.disclaimer, mark.rules)
    found = [Change()] if everywhere else []
    found += [Change(slug=slug) for slug, _ in moved - mark.articles]
    found += _decided(session, set(decisions - mark.decisions))
    return now, found


def is_newest(session: Session, mark: Mark) -> bool:
    """Whether nothing that readers see was written since `mark`; on SQLite, by one statement."""
    ((decision, disclaimer_id, rules, article_at, moved),) = _STILL(
        session, at=mark.article - _OVERLAP_TIME
    )
    return (decision or 0, disclaimer_id or 0, rules or 0, article_at or _LONG_AGO, moved) == (
        mark.decision,
        mark.disclaimer,
        mark.rules,
        mark.article,
        len(mark.articles),
    )


# Asked after every transaction, so they are put together once.
_NEWEST = select(
    select(func.max(Decision.id)).scalar_subquery(),
    select(func.max(Disclaimer.id)).where(Disclaimer.for_site).scalar_subquery(),
    select(func.max(RulesVersion.id)).scalar_subquery(),
    select(func.max(Article.changed_at)).scalar_subquery(),
)
_STILL = Prepared(
    _NEWEST.add_columns(
        select(func.count()).where(Article.changed_at > bindparam("at")).scalar_subquery()
    )
)
_DECIDED_AFTER = select(Decision.id).where(Decision.id > bindparam("decision"))
_MOVED_AFTER = select(Article.slug, Article.changed_at).where(Article.changed_at > bindparam("at"))


# Anybody may ask for what followed any line; a long log is not walked for it.
_LINES_BACK = 10_000


def changes_of(session: Session, slug: str, after_decision: int) -> list[Change]:
    """Return what happened in one thread after that line of the log, for one who comes back.

    Of the site's last lines only: who was away for longer reads the page anew.
    """
    article = articles.find(session, slug)
    ((last,),) = _LAST_LINE(session)
    oldest = (last or 0) - _LINES_BACK
    return _decided(
        session,
        set(
            session.scalars(
                select(Decision.id)
                .join(Case, Case.id == Decision.case_id)
                .where(Decision.id > max(after_decision, oldest), Case.context == article.id)
                # The newest: of one comment the last change is what counts.
                .order_by(Decision.id.desc())
                .limit(500)
            )
        ),
    )


def _decided(session: Session, decisions: set[int]) -> list[Change]:
    if not decisions:
        return []
    rows = session.execute(
        select(
            Article.slug,
            Decision.id,
            Comment.id,
            Comment.author_id,
            Comment.root_id,
            # A comment that its author deleted keeps its status, and readers lose it all the same.
            case((Decision.kind == Kind.WITHDRAW, "deleted"), else_=Decision.to_status),
        )
        .join(Comment, Comment.case_id == Decision.case_id)
        .join(Article, Article.id == Comment.article_id)
        .where(
            Decision.id.in_(decisions),
            # A report, or a published comment approved once more, changes nothing on the page.
            or_(
                Decision.from_status != Decision.to_status,
                Decision.kind.in_([Kind.EDIT, Kind.WITHDRAW]),
            ),
        )
        .order_by(Decision.id)
    )
    return [Change(*row) for row in rows]
