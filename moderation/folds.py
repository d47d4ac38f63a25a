"""Held cases that say the same, folded into one: a copied text is decided at once.

Two texts are alike when at most one in twenty of their words is not in both, in plain spelling
and without links, numbers and signs. Short ones are alike only when they are equal.

A fold is found again by keys: four, each of four minima over the distinct words (Broder, On the
resemblance and containment of documents, 1997). Of texts that share nine in ten of these, 98 in
100 have a key in common; those found are then compared word by word, so that no chance folds.
"""

import re
import secrets
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
from sqlalchemy import delete, exists, func, insert, select
from sqlalchemy.orm import Session, aliased

from moderation.spelling import plain
from moderation.tables import Case, FoldKey, Place

_other = aliased(Place)
# How many cases are in a place's fold, as part of another statement.
MANY = select(func.count()).where(_other.fold == Place.fold).scalar_subquery()

# So many cases has a fold at most; a larger wave begins another.
MOST = 500
# Texts with fewer letters than these are alike only when they are equal.
SHORT = 24
# Of the words of both together, the share that may be in one of them alone.
DIFFER = 0.05

_KEYS, _MINIMA = 4, 4
# How many folds with a key in common are looked at, those with most of them first.
_LOOKED_AT = 20
_CHANCE = np.random.default_rng(1997)
_TIMES = _CHANCE.integers(1, 2**63, (_KEYS * _MINIMA, 1), dtype=np.uint64) * 2 + 1
_PLUS = _CHANCE.integers(0, 2**63, (_KEYS * _MINIMA, 1), dtype=np.uint64)

_LINK = re.compile(
    r"(?:https?://|www\.)\S+|\b(?:[a-z0-9-]{1,63}\.){1,5}[a-z]{2,12}\b(?:/\S*)?", re.IGNORECASE
)
# Written without spaces between words: each letter stands for itself.
_UNSPACED = "\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff"
_WORD = re.compile(f"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\\W\\d_])+")


@dataclass(frozen=True)
class Fold:
    """What one row of the queue stands for: the number of the fold, and how many cases it has."""

    number: int
    many: int


def words_of(text: str) -> list[str]:
    """Return the words by which a text is compared."""
    text = _LINK.sub(" ", text)
    if not text.isascii():
        # Pictures would become words in plain spelling.
        text = "".join(" " if _is_picture(character) else character for character in text)
    return _WORD.findall(plain(text).text.casefold())


def _is_picture(character: str) -> bool:
    return not character.isascii() and unicodedata.category(character) in ("So", "Sk")


def alike(one: str, other: str) -> bool:
    """Whether two texts say the same."""
    these, those = words_of(one), words_of(other)
    if _is_short(these) or _is_short(those):
        return one.split() == other.split()
    both = len(these) + len(those)
    return both - 2 * (Counter(these) & Counter(those)).total() <= DIFFER * both


def _is_short(words: Sequence[str]) -> bool:
    return sum(map(len, words)) < SHORT


def _keys(text: str) -> list[int]:
    words = words_of(text)
    if _is_short(words):
        return [_number(" ".join(text.split()).encode())]
    numbers = np.array([_number(word.encode()) for word in set(words)], np.int64).view(np.uint64)
    # Overflowing is what these products are for.
    least = (numbers * _TIMES + _PLUS).min(axis=1).reshape(_KEYS, _MINIMA)
    return [_number(bytes([at]) + minima.tobytes()) for at, minima in enumerate(least)]


def _number(data: bytes) -> int:
    return int.from_bytes(blake2b(data, digest_size=8).digest(), signed=True)


def join(session: Session, case_id: int) -> int:
    """Return the number of the fold that a case that begins to be held belongs to, old or new."""
    text = session.scalars(select(Case.text).where(Case.id == case_id)).one()
    keys = _keys(text)
    found = (
        select(FoldKey.fold)
        .where(FoldKey.key.in_(keys))
        .group_by(FoldKey.fold)
        .order_by(func.count().desc())
        .limit(_LOOKED_AT)
    )
    first = (
        select(func.min(Place.case_id).label("first"), func.count().label("many"))
        .where(Place.fold.in_(found), Place.case_id != case_id)
        .group_by(Place.fold)
        .subquery()
    )
    for fold, many, other in session.execute(
        select(Place.fold, first.c.many, Case.text)
        .join(first, first.c.first == Place.case_id)
        .join(Case, Case.id == Place.case_id)
        .order_by(Place.case_id)
    ):
        if alike(text, other):
            if many + 1 >= MOST:
                # Full, it is found no more.
                session.execute(delete(FoldKey).where(FoldKey.fold == fold))
            return int(fold)
    # Drawn by lot: a case that leaves and comes back in other words begins another.
    fold = secrets.randbits(53)
    session.execute(insert(FoldKey), [{"key": key, "fold": fold} for key in dict.fromkeys(keys)])
    return fold


def left(session: Session, fold: int) -> None:
    """Forget a fold if no case is in it any more."""
    session.execute(
        delete(FoldKey).where(FoldKey.fold == fold, ~exists().where(Place.fold == fold))
    )
