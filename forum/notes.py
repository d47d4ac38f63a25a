"""What moderators tell each other about a case; nobody else reads it."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from forum.accounts import Viewer
from forum.errors import Invalid, NotFound
from forum.tables import Account, Comment, Note
from moderation.tables import time_of

WORDS = 1000
SHOWN = 100


def add(session: Session, case_id: int, words: str, *, by: Account | Viewer) -> None:
    """Leave a note on a case. Raises Invalid, NotFound."""
    words = words.replace("\r\n", "\n").strip()
    if not words:
        raise Invalid("There is nothing in the note yet.", field="note")
    if len(words) > WORDS:
        raise Invalid(f"Please keep a note within {WORDS} characters.", field="note")
    if session.scalar(select(Comment.id).where(Comment.case_id == case_id)) is None:
        raise NotFound("There is no such case.")
    session.add(Note(case_id=case_id, author_id=by.id, words=words, created_at=time_of(session)))
    session.flush()


def on(session: Session, case_id: int) -> Sequence[Note]:
    """Return the newest notes on a case with who wrote them, the oldest of them first."""
    newest = session.scalars(
        select(Note)
        .where(Note.case_id == case_id)
        .order_by(Note.id.desc())
        .limit(SHOWN)
        .options(joinedload(Note.author))
    ).all()
    return newest[::-1]
