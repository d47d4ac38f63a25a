"""Makes a site to measure: accounts that are signed in, threads, published comments with replies.

Rows are written in bulk into the domain's tables, in the form that posting and scoring would have
left there.
"""

import hashlib
import random
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import create_engine, func, insert, make_url, select, text
from sqlalchemy.orm import Session

from bench import words
from forum import accounts, articles, disclaimer, markup, migrate, search
from forum.articles import ArticleText
from forum.database import Database
from forum.settings import Settings, read_settings
from forum.tables import Account, Comment, Login
from moderation import labels, policies
from moderation.policy import Status
from moderation.tables import Case, ClassifierVersion, Decision, Score, time_of

ACCOUNTS = 2000
# Row numbers begin here, so that every smaller one is an address of the same first page: that is
# how a page that nobody kept is asked for again and again.
FIRST = 1_000_000
# Every hundred comments are fifty at top level and fifty that answer one of the same hundred, so
# the first page of a long thread has the shape of a short one.
_HUNDRED = 100
_AT_ONCE = 5000


@dataclass(frozen=True)
class Made:
    """What a load is sent to: threads by name, and tokens of accounts that are signed in."""

    threads: dict[str, str]
    tokens: Sequence[str]


def fill(session: Session, threads: dict[str, int]) -> Made:
    """Write a site with a thread of so many comments for each name."""
    dice = random.Random(1)
    tokens = _accounts(session)
    slugs: dict[str, str] = {}
    grounds = _Grounds(
        authors=list(session.scalars(select(Account.id))),
        disclaimer=disclaimer.of_site(session).id,
        policy=policies.in_force(session).id,
        classifier=_classifier(session),
    )
    # What readers write is repeated from here: rendering it is not what this measures.
    bodies = [_Body.of(words.comment(dice)) for _ in range(500)]
    next_id = FIRST
    for name, size in threads.items():
        body = "\n\n".join(" ".join(words.sentence(dice) for _ in range(6)) for _ in range(6))
        articles.store(session, ArticleText(name, f"The {name} thread", "News / Town", body, None))
        slugs[name] = articles.slugify(f"The {name} thread")
        article = articles.find(session, slugs[name]).id
        for start in range(0, size, _AT_ONCE):
            count = min(_AT_ONCE, size - start)
            _comments(session, dice, grounds, bodies, article, next_id, count)
            next_id += count
    if session.get_bind().dialect.name == "postgresql":
        for table in ("cases", "comments", "decisions"):
            session.execute(text(f"SELECT setval('{table}_id_seq', {next_id})"))
        # As autovacuum does there. SQLite plans without statistics on a real site, too.
        session.execute(text("ANALYZE"))
    return Made(slugs, tokens)


@dataclass(frozen=True)
class _Grounds:
    authors: list[int]
    disclaimer: int
    policy: int
    classifier: int


@dataclass(frozen=True)
class _Body:
    source: str
    html: str
    plain: str
    fingerprint: str
    terms: str

    @classmethod
    def of(cls, source: str) -> "_Body":
        html = markup.render(source)
        plain = markup.plain(html)
        return cls(source, html, plain, markup.fingerprint(plain), search.terms(plain))


def _accounts(session: Session) -> list[str]:
    now = time_of(session)
    password_hash = accounts.hash_password(secrets.token_hex(16))
    tokens = [secrets.token_urlsafe(32) for _ in range(ACCOUNTS)]
    session.execute(
        insert(Account),
        [
            {
                "id": number,
                "name": f"Reader {number}",
                "name_key": accounts.name_key(f"Reader {number}"),
                "role": "reader",
                "password_hash": password_hash,
                "must_change_password": False,
                "created_at": now,
            }
            for number in range(FIRST, FIRST + ACCOUNTS)
        ],
    )
    session.execute(
        insert(Login),
        [
            {
                "token_hash": hashlib.sha256(token.encode()).hexdigest(),
                "account_id": FIRST + number,
                "created_at": now,
                "expires_at": now + timedelta(days=30),
            }
            for number, token in enumerate(tokens)
        ],
    )
    return tokens


def _classifier(session: Session) -> int:
    row = ClassifierVersion(name="made-up", version="0")
    session.add(row)
    session.flush()
    return row.id


def _comments(
    session: Session,
    dice: random.Random,
    grounds: _Grounds,
    bodies: Sequence[_Body],
    article: int,
    first: int,
    count: int,
) -> None:
    now = time_of(session)
    written: list[tuple[dict[str, Any], ...]] = []
    roots: dict[int, int] = {}
    replies: set[int] = set()
    for number in range(first, first + count):
        place = (number - first) % _HUNDRED
        if place == 0:
            replies = set(dice.sample(range(1, _HUNDRED), _HUNDRED // 2))
        body = dice.choice(bodies)
        author = dice.choice(grounds.authors)
        parent = number - place + dice.randrange(place) if place in replies else None
        root = None if parent is None else roots.get(parent, parent)
        if root is not None:
            roots[number] = root
        at = now - timedelta(days=2) + timedelta(milliseconds=number - FIRST)
        written.append(
            (
                {
                    "id": number,
                    "text": body.plain,
                    "status": Status.PUBLISHED.value,
                    "revision": 1,
                    "version": 2,
                    "author": author,
                    "context": article,
                    "script": "latin",
                    "opened_at": at,
                },
                {
                    "id": number,
                    "article_id": article,
                    "author_id": author,
                    "case_id": number,
                    "parent_id": parent,
                    "root_id": root,
                    "source": body.source,
                    "html": body.html,
                    "fingerprint": body.fingerprint,
                    "terms": body.terms,
                    "disclaimer_id": grounds.disclaimer,
                    "created_at": at,
                },
                {
                    "case_id": number,
                    "revision": 1,
                    "classifier_id": grounds.classifier,
                    "scored_at": at,
                    **{name: dice.random() ** 6 for name in labels.NAMES},
                },
                {
                    "id": number,
                    "case_id": number,
                    "revision": 1,
                    "at": at,
                    "kind": "verdict",
                    "from_status": Status.PENDING.value,
                    "to_status": Status.PUBLISHED.value,
                    "findings": [],
                    "policy_version_id": grounds.policy,
                    "classifier_id": grounds.classifier,
                },
            )
        )
    for table, rows in zip(
        (Case, Comment, Score, Decision), zip(*written, strict=True), strict=True
    ):
        session.execute(insert(table), list(rows))


def count_comments(url: str) -> int:
    """Return how many comments a site has."""
    database = Database(url)
    try:
        with database.reading() as session:
            return session.scalar(select(func.count()).select_from(Comment)) or 0
    finally:
        database.close()


def settings_for(url: str) -> Settings:
    """Return the settings of a site in that database; nothing else of the environment counts."""
    return read_settings(_env_file=None, database=url)


class Copies(Protocol):
    """A made site, and copies of it, each for one server."""

    template_url: str

    def copy(self) -> AbstractContextManager[str]:
        """Give the URL of a fresh copy."""
        ...

    def close(self) -> None:
        """Remove what was made."""
        ...


class SqliteCopies:
    """A made site in a file, and copies of it, each for one server."""

    def __init__(self, folder: Path, template: Path | None = None) -> None:
        self._folder = folder
        self._template = template or folder / "template.db"
        self.template_url = f"sqlite:///{self._template}"

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Give the URL of a fresh copy."""
        file = self._folder / f"{secrets.token_hex(4)}.db"
        shutil.copyfile(self._template, file)
        try:
            yield f"sqlite:///{file}"
        finally:
            for suffix in ("", "-wal", "-shm"):
                file.with_name(file.name + suffix).unlink(missing_ok=True)

    def close(self) -> None:
        """The folder goes with everything in it."""


class PostgresCopies:
    """The same on a PostgreSQL server, in databases of our own that are dropped again.

    With `keep` the made site has that name, and stays when the copies are closed.
    """

    def __init__(self, server: str, keep: str = "") -> None:
        self._server = make_url(server).set(drivername="postgresql+psycopg")
        self._keep = bool(keep)
        self.name = keep or f"forum_bench_{secrets.token_hex(4)}"
        if not keep:
            self.run(f"CREATE DATABASE {self.name}")
        self.template_url = self._url(self.name)

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def run(self, statement: str) -> bool:
        """Run a statement on the server; True if it found a row."""
        engine = create_engine(self._server, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            result = connection.execute(text(statement))
            found = result.returns_rows and result.first() is not None
        engine.dispose()
        return found

    @contextmanager
    def copy(self) -> Iterator[str]:
        """Give the URL of a fresh copy."""
        name = f"{self.name}_{secrets.token_hex(4)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {self.name}")
        try:
            yield self._url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        """Drop what was made, but for what is kept."""
        if self._keep:
            return
        self.run(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)")


def make(url: str, threads: dict[str, int]) -> Made:
    """Migrate an empty database and fill it."""
    database = Database(url)
    try:
        migrate.upgrade(database, settings_for(url))
        with database.writing() as session:
            made = fill(session, threads)
        if database.is_sqlite:
            # One file is copied, so nothing may be left beside it.
            with database.writer.connect() as connection:
                connection.commit()
                raw: Any = connection.connection.driver_connection
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return made
    finally:
        database.close()
