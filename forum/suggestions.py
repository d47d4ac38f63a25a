"""What users of the score API say a text should have scored, kept to be looked at."""

from collections.abc import Iterator

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, joinedload

from forum.tables import Suggestion as Suggestion
from moderation.labels import Scores
from moderation.tables import time_of

# The newest so many are kept: whoever holds a key must not fill the disk.
KEPT = 20_000


def keep(
    session: Session,
    text: str,
    scores: Scores,
    *,
    key_id: int,
    community: str = "",
    token: str = "",
) -> None:
    """Keep the scores that the holder of a key suggests for a text; the oldest go.

    `token` names the text in the holder's own words: what was suggested for it earlier goes, too.
    """
    # PostgreSQL keeps no NUL.
    text, community, token = (words.replace("\x00", "") for words in (text, community, token))
    if token:
        session.execute(
            delete(Suggestion).where(Suggestion.key_id == key_id, Suggestion.token == token)
        )
    made = Suggestion(
        key_id=key_id,
        text=text,
        scores=dict(scores),
        community=community,
        token=token,
        created_at=time_of(session),
    )
    session.add(made)
    session.flush()
    session.execute(delete(Suggestion).where(Suggestion.id <= made.id - KEPT))


def page(session: Session, *, before: int | None = None, at_most: int) -> list[Suggestion]:
    """Return suggestions, the newest first, each with its key; those `before` that number."""
    query = select(Suggestion).options(joinedload(Suggestion.key)).order_by(Suggestion.id.desc())
    if before is not None:
        query = query.where(Suggestion.id < before)
    return list(session.scalars(query.limit(at_most)))


def listed(session: Session) -> Iterator[Suggestion]:
    """Yield all that are kept, the newest first, each with its key."""
    before = None
    while found := page(session, before=before, at_most=500):
        yield from found
        before = found[-1].id


def remove(session: Session, number: int) -> None:
    """Remove a suggestion; one that is gone already is as it should be."""
    session.execute(delete(Suggestion).where(Suggestion.id == number))
