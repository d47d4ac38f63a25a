"""What the site knows of a comment besides its text. Every sign is looked for."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from forum import sanctions
from forum.tables import Article, Comment
from moderation import cases
from moderation.decisions import Kind
from moderation.policy import Signal
from moderation.reading import Evidence
from moderation.tables import Case, time_of

# For how long the same words count as repeated, and from how many characters on: who agrees in a
# word or two says what others said.
SAME_FOR = timedelta(days=7)
LONG_ENOUGH = 25
# So many comments of one author within a minute are too fast.
FAST = 3

# Made once: an alias takes longer to make than its statement to run.
_Other, _Earlier = aliased(Comment), aliased(Comment)


def witness(session: Session, case_ids: Sequence[int]) -> Mapping[int, Evidence]:
    """Return the signals of each case, how many good comments its author has, and where it stands:
    the section of its article, and since how many days that is there."""
    if not case_ids:
        return {}
    repeated = exists().where(
        _Other.fingerprint == Comment.fingerprint,
        _Other.created_at > time_of(session) - SAME_FOR,
        _Other.id != Comment.id,
        _Other.deleted_at.is_(None),
    )
    # When the author's last comment but so many was posted.
    before = (
        select(_Earlier.created_at)
        .where(_Earlier.author_id == Comment.author_id, _Earlier.id < Comment.id)
        .order_by(_Earlier.id.desc())
        .limit(1)
        .offset(FAST - 2)
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            Comment.case_id,
            Comment.author_id,
            Comment.created_at,
            Comment.html.contains("<a href", autoescape=True).label("links"),
            (repeated & (func.length(Case.text) >= LONG_ENOUGH)).label("repeated"),
            before.label("before"),
            cases.last_by_people(Comment.case_id).label("decided"),
            Article.section_path,
            Article.created_at.label("loaded_at"),
        )
        .join(Comment.case)
        .join(Comment.article)
        .where(Comment.case_id.in_(case_ids))
    ).all()
    authors = {row.author_id for row in rows}
    good = cases.published_by(session, authors)
    watched = sanctions.watched(session, authors)
    found = {}
    for row in rows:
        signals = []
        if row.author_id in watched:
            # Of no kind that a policy can ignore.
            signals.append(Signal("pre_moderation", "Its author is under pre-moderation."))
        if row.decided == Kind.REJECT:
            signals.append(Signal("resubmitted", "A moderator rejected an earlier wording."))
        if row.repeated:
            signals.append(
                Signal("repeated", "The same words were posted here before, within a week.")
            )
        if row.links:
            signals.append(Signal("link", "It links to another place."))
        if not good.get(row.author_id):
            signals.append(Signal("first_comment", "Its author has no published comment yet."))
        if row.before is not None and row.before > row.created_at - timedelta(minutes=1):
            signals.append(
                Signal("too_fast", f"Its author posted {FAST} comments or more within a minute.")
            )
        found[row.case_id] = Evidence(
            tuple(signals),
            good.get(row.author_id, 0),
            row.section_path,
            max((time_of(session) - row.loaded_at).days, 0),
        )
    return found
