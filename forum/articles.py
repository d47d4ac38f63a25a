"""Articles: storing what was loaded, finding them by section, closing and reopening."""

import re
import secrets
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, bindparam, func, select
from sqlalchemy.orm import Session, joinedload

from forum.errors import NotFound
from forum.tables import Article, Disclaimer
from moderation.tables import time_of


@dataclass(frozen=True)
class ArticleText:
    """An article as it was read from somewhere.

    `identity` tells whether it is the same article: its canonical address, else its path.
    `section` is a path of names joined by " / ", `body` paragraphs with an empty line between.
    """

    identity: str
    title: str
    section: str
    body: str
    disclaimer: str | None


def slugify(words: str) -> str:
    """Return words as they stand in an address: letters and digits of any script, and hyphens."""
    folded = unicodedata.normalize("NFKC", words).casefold()
    # A combining vowel sign belongs to its letter.
    parts = re.findall(r"(?:[^\W_]|[\u0300-\u036f\u064b-\u065f\u0900-\u0dff])+", folded)
    return "-".join(parts)[:80].strip("-")


def store(session: Session, text: ArticleText) -> Literal["new", "changed", "same"]:
    """Keep an article, new or again; its comments stay with it."""
    now = time_of(session)
    article = session.scalar(
        select(Article)
        .where(Article.identity == text.identity)
        .options(joinedload(Article.disclaimer))
    )
    section_path = "/".join(
        filter(None, (slugify(name) for name in text.section.split(" / ") if name))
    )
    if article is None:
        article = Article(
            identity=text.identity,
            slug=_free_slug(session, text.title),
            title=text.title,
            section=text.section,
            section_path=section_path,
            body=text.body,
            disclaimer_id=_own_disclaimer(session, text.disclaimer),
            created_at=now,
            changed_at=now,
        )
        session.add(article)
        session.flush()
        return "new"
    own = article.disclaimer.text if article.disclaimer else None
    if own != text.disclaimer:
        article.disclaimer_id = _own_disclaimer(session, text.disclaimer)
    article.title = text.title
    article.section = text.section
    article.section_path = section_path
    article.body = text.body
    if not session.is_modified(article):
        return "same"
    article.changed_at = now
    session.flush()
    return "changed"


def _own_disclaimer(session: Session, text: str | None) -> int | None:
    if text is None:
        return None
    own = Disclaimer(text=text, for_site=False, created_at=time_of(session))
    session.add(own)
    session.flush()
    return own.id


def _free_slug(session: Session, title: str) -> str:
    wanted = slugify(title) or "thread"
    taken = session.scalar(select(Article.id).where(Article.slug == wanted))
    return wanted if taken is None else f"{wanted}-{secrets.token_hex(3)}"


def find(session: Session, slug: str) -> Article:
    """Return the article of this address. Raises NotFound."""
    article = session.scalar(_BY_SLUG, {"slug": slug})
    if article is None:
        raise no_such_thread()
    return article


def ids(session: Session, slugs: Iterable[str]) -> dict[str, int]:
    """Return the articles' numbers, by slug."""
    rows = session.execute(select(Article.slug, Article.id).where(Article.slug.in_(slugs)))
    return dict(rows.all())


def titled(session: Session, slug: str) -> str:
    """Return an article's title; empty where there is none of that name."""
    return session.scalar(select(Article.title).where(Article.slug == slug)) or ""


def no_such_thread() -> NotFound:
    """Return what to raise where no article has the address that was asked for."""
    return NotFound("There is no thread at this address. It may have been renamed.")


_BY_SLUG = select(Article).where(Article.slug == bindparam("slug"))


def newest(
    session: Session, *, section_path: str = "", before: int | None = None, at_most: int = 30
) -> list[Article]:
    """Return articles of a section and those below it, newest first, older than id `before`."""
    query = select(Article).order_by(Article.id.desc()).limit(at_most)
    if section_path:
        query = query.where(within(section_path))
    if before is not None:
        query = query.where(Article.id < before)
    return list(session.scalars(query))


def within(section_path: str) -> ColumnElement[bool]:
    """The condition that an article stands in this section or one below it."""
    # A range and not LIKE, so that the index serves on every database; "0" follows "/".
    return (Article.section_path == section_path) | (
        (Article.section_path >= section_path + "/") & (Article.section_path < section_path + "0")
    )


def of_section(session: Session, section_path: str) -> list[int]:
    """Return the numbers of the articles in this section and below it."""
    return list(session.scalars(select(Article.id).where(within(section_path))))


@dataclass(frozen=True)
class Section:
    """A section with its name as a path, its address and how many articles it has itself."""

    name: str
    path: str
    articles: int


def sections(session: Session) -> list[Section]:
    """Return every section that has articles, by name."""
    rows = session.execute(
        select(func.max(Article.section), Article.section_path, func.count())
        .group_by(Article.section_path)
        .order_by(Article.section_path)
    )
    return [Section(name, path, count) for name, path, count in rows]


def set_closed(session: Session, article_id: int, *, closed: bool) -> Article:
    """Close a discussion, or open it again. What was said stays readable. Raises NotFound."""
    article = session.get(Article, article_id)
    if article is None:
        raise NotFound("There is no such article.")
    if closed != (article.closed_at is not None):
        article.closed_at = time_of(session) if closed else None
        article.changed_at = time_of(session)
        session.flush()
    return article
