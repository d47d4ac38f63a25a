"""Keys for programs of others that ask for scores. Only a key's hash is kept."""

import hashlib
import re
import secrets
from dataclasses import dataclass

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from forum.errors import Invalid, NotFound
from forum.tables import ApiKey as ApiKey
from moderation.tables import time_of

# How often a key may be used, in requests a minute, where nothing else is said.
A_MINUTE = 600

_SHAPE = re.compile(r"forum_[A-Za-z0-9_-]{43}")
_LONGEST_NAME = 60


@dataclass(frozen=True)
class Holder:
    """Whoever showed a key that is in force."""

    id: int
    a_minute: int


def create(session: Session, name: str, *, a_minute: int = A_MINUTE) -> str:
    """Make a key and return it; it cannot be shown again. Raises Invalid."""
    if not (name.strip() and name.isprintable() and len(name) <= _LONGEST_NAME):
        raise Invalid(f"Please name the key for who uses it, in 1 to {_LONGEST_NAME} letters.")
    if not 1 <= a_minute <= 1_000_000:
        raise Invalid("A key may be used between 1 and 1,000,000 times a minute.")
    key = "forum_" + secrets.token_urlsafe(32)
    try:
        with session.begin_nested():
            session.add(
                ApiKey(
                    name=name,
                    key_hash=_hash(key),
                    a_minute=a_minute,
                    created_at=time_of(session),
                )
            )
            session.flush()
    except IntegrityError:
        raise Invalid(f"There is a key called '{name}' already. Revoke it first.") from None
    return key


def find(session: Session, key: str) -> Holder | None:
    """Return who holds this key; None when nobody does or it was revoked.

    It is looked up by its hash, so that the time taken says nothing about any other key.
    """
    # What is no key of ours need not bother the database.
    if not _SHAPE.fullmatch(key):
        return None
    row = session.execute(
        select(ApiKey.id, ApiKey.a_minute).where(
            ApiKey.key_hash == _hash(key), ApiKey.revoked_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else Holder(*row)


def revoke(session: Session, name: str) -> None:
    """Let a key open nothing from now on. Raises NotFound."""
    revoked = session.execute(
        update(ApiKey)
        .where(ApiKey.name == name, ApiKey.revoked_at.is_(None))
        .values(revoked_at=time_of(session))
        .returning(ApiKey.id)
    ).all()
    if not revoked:
        raise NotFound(f"There is no key called '{name}'. See 'forum key list'.")


def listed(session: Session) -> list[ApiKey]:
    """Return all keys, revoked ones too, in the order in which they were made."""
    return list(session.scalars(select(ApiKey).order_by(ApiKey.id)))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()
