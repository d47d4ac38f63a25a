"""Makes the site of a large newsroom: what moderators work with when a million comments are there.

Rows are poured into the domain's tables without asking the domain, which would take hours, in the
form that posting, scoring, deciding, reporting and appealing would have left there.
"""

import json
import random
import sqlite3
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import JSON, make_url, select, true
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import Session

from bench import words
from bench.site import PostgresCopies, SqliteCopies, settings_for
from forum import accounts, disclaimer, markup, migrate, search
from forum.accounts import Role
from forum.database import Database
from forum.tables import (
    Account,
    Appeal,
    Article,
    Comment,
    Note,
    Report,
    Sanction,
)
from moderation import labels, policies, review_queue, rules
from moderation.explain import Why
from moderation.policy import Finding, Status
from moderation.scripts import written_in
from moderation.tables import (
    Act,
    Base,
    Case,
    Claim,
    ClassifierVersion,
    Decision,
    Notice,
    Place,
    Score,
    ScoringJob,
)

MODERATORS = 12
_AT_ONCE = 20_000
# The newest share of all comments came within so many days; what waits is among them.
_NEW, _NEW_DAYS, _OLD_DAYS = 0.15, 3.0, 1000.0


@dataclass(frozen=True)
class Size:
    """How large the site is."""

    comments: int = 1_000_000
    held: int = 50_000

    @property
    def name(self) -> str:
        return f"newsroom_{self.comments}_{self.held}"

    @property
    def articles(self) -> int:
        return max(30, self.comments // 300)

    @property
    def authors(self) -> int:
        return max(100, self.comments // 16)

    @property
    def reported(self) -> int:
        return self.held // 25

    @property
    def appeals(self) -> int:
        return self.held // 100


def copies_on_sqlite(size: Size, folder: Path) -> SqliteCopies:
    """Make the site in a file of that folder, if it is not there from an earlier run."""
    file = folder / f"{size.name}.db"
    if not file.exists():
        making = file.with_suffix(".making")
        making.unlink(missing_ok=True)
        make(f"sqlite:///{making}", size)
        making.rename(file)
    return SqliteCopies(folder, file)


def copies_on_postgres(size: Size, server: str, *, keep: bool) -> PostgresCopies:
    """Make the site in a database of that server; a kept one is taken from an earlier run."""
    if not keep:
        made = PostgresCopies(server)
        make(made.template_url, size)
        return made
    kept = PostgresCopies(server, keep=f"forum_bench_{size.name}")
    if not kept.run(f"SELECT 1 FROM pg_database WHERE datname = '{kept.name}'"):
        making = PostgresCopies(server)
        make(making.template_url, size)
        making.run(f"ALTER DATABASE {making.name} RENAME TO {kept.name}")
    return kept


def make(url: str, size: Size) -> None:
    """Migrate an empty database and fill it."""
    database = Database(url)
    try:
        migrate.upgrade(database, settings_for(url))
        with database.writing() as session:
            ground = _ground(session, size)
    finally:
        database.close()
    tap = _sqlite(url) if database.is_sqlite else _postgres(url)
    with closing(tap):
        _Pour(size, ground, tap).run()


def open_again(url: str) -> list[str]:
    """Bring a copy to the present: its form, its order, and moderators who are signed in.

    Returns their tokens.
    """
    database = Database(url)
    try:
        migrate.upgrade(database, settings_for(url))
        with database.writing() as session:
            review_queue.reckon(session, true())
        with database.writing() as session:
            chosen = select(Account.id).where(Account.role == Role.MODERATOR).order_by(Account.id)
            return [accounts.sign_in(session, person) for person in session.scalars(chosen)]
    finally:
        database.close()


@dataclass(frozen=True)
class _Ground:
    """What every row points at."""

    articles: list[int]
    moderators: list[int]
    first_author: int
    disclaimer: int
    policy: int
    classifier: int
    # By code: the reason and its clause, as a decision keeps them.
    rules: Mapping[str, str]
    now: datetime


def _ground(session: Session, size: Size) -> _Ground:
    dice = random.Random(2)
    now = session.info["time"]
    classifier = ClassifierVersion(name="made-up", version="0")
    session.add(classifier)
    password_hash = accounts.hash_password("of nobody, and never asked for")
    moderators = [
        accounts.sign_up(session, f"Moderator {number}", password_hash=password_hash)
        for number in range(MODERATORS)
    ]
    for moderator in moderators:
        moderator.role = Role.MODERATOR.value
    body = "\n\n".join(" ".join(words.sentence(dice) for _ in range(6)) for _ in range(6))
    stored = []
    for number in range(size.articles):
        # Few sections have most of the articles.
        section = f"News / Part {int(40 * dice.random() ** 2)}"
        path = section.lower().replace(" / ", "/").replace(" ", "-")
        at = now - timedelta(days=_OLD_DAYS * (1 - number / size.articles))
        stored.append(
            Article(
                identity=f"article-{number}", slug=f"article-{number}", title=f"Article {number}",
                section=section, section_path=path, body=body,
                created_at=at, changed_at=at,
            )
        )  # fmt: skip
    session.add_all(stored)
    session.flush()
    known = rules.in_force(session)
    return _Ground(
        articles=[article.id for article in stored],
        moderators=[moderator.id for moderator in moderators],
        first_author=max(moderator.id for moderator in moderators) + 1,
        disclaimer=disclaimer.of_site(session).id,
        policy=policies.in_force(session).id,
        classifier=classifier.id,
        rules={code: json.dumps(known.words_of(code)) for code in known.reasons},
        now=now,
    )


class _Tap(Protocol):
    """Pours rows into tables, fast."""

    def rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Append rows of text, numbers and None."""
        ...

    def finish(self) -> None:
        """Make the indexes, and keep all of it."""
        ...

    def close(self) -> None:
        """Let the database go."""
        ...


class _SqliteTap:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._indexes = connection.execute(
            "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in self._indexes:
            connection.execute(f"DROP INDEX {name}")

    def rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(
            f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", rows
        )

    def finish(self) -> None:
        for _, sql in self._indexes:
            self._connection.execute(sql)
        self._connection.commit()

    def close(self) -> None:
        self._connection.close()


def _sqlite(url: str) -> _SqliteTap:
    file = make_url(url).database
    assert file is not None
    connection = sqlite3.connect(file)
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-400000"):
        connection.execute(f"PRAGMA {pragma}")
    return _SqliteTap(connection)


class _PostgresTap:
    def __init__(self, connection: "psycopg.Connection[Any]") -> None:
        self._connection = connection
        # The server checks what a row points at by a trigger for each; here all of it is known.
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET TIME ZONE 'UTC'")
        connection.execute("SET maintenance_work_mem = '400MB'")
        self._indexes = connection.execute(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " AND indexname NOT IN (SELECT conname FROM pg_constraint)"
        ).fetchall()
        for name, _ in self._indexes:
            connection.execute(f'DROP INDEX "{name}"')

    def rows(self, table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        lines = "".join(
            "\t".join("\\N" if value is None else str(value) for value in row) + "\n"
            for row in rows
        )
        into = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
        with self._connection.cursor() as cursor, cursor.copy(into) as copy:
            copy.write(lines)

    def finish(self) -> None:
        # Else by triggers, which sleep in this session.
        for name, of in (
            ("decided", "cases AS o ON o.id = c.case_id AND o.status <> 'pending'"
             " AND o.withdrawn_at IS NULL"),
            ("waiting", "places AS o ON o.case_id = c.case_id"),
        ):  # fmt: skip
            self._connection.execute(
                f"INSERT INTO search_{name} SELECT c.case_id, search_terms(c.terms)"
                f" FROM comments AS c JOIN {of}"
            )
        for _, sql in self._indexes:
            self._connection.execute(sql)
        for table in Base.metadata.sorted_tables:
            if "id" in table.columns and table.columns["id"].autoincrement is not False:
                self._connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'),"
                    f" coalesce(max(id), 0) + 1, false) FROM {table.name}"
                )
        self._connection.commit()
        self._connection.autocommit = True
        # As autovacuum does there. SQLite plans without statistics on a real site, too.
        self._connection.execute("VACUUM ANALYZE")

    def close(self) -> None:
        self._connection.close()


def _postgres(url: str) -> _PostgresTap:
    plain = make_url(url).set(drivername="postgresql")
    return _PostgresTap(psycopg.connect(plain.render_as_string(hide_password=False)))


def _defaults(table: SqlTable, given: Sequence[str]) -> dict[str, Any]:
    """What the ORM would put into the columns that are not given."""
    found: dict[str, Any] = {}
    for column in table.columns:
        if column.name in given or column.default is None:
            continue
        value = column.default.arg  # type: ignore[attr-defined]
        value = value(None) if callable(value) else value
        found[column.name] = json.dumps(value) if isinstance(column.type, JSON) else value
    return found


class _Pour:
    """One run: the rows of one comment after the other, handed on twenty thousand at a time."""

    def __init__(self, size: Size, ground: _Ground, tap: _Tap) -> None:
        self._size, self._ground, self._tap = size, ground, tap
        self._dice = random.Random(3)
        self._gathered: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        self._columns: dict[str, list[str]] = {}
        self._rest: dict[str, tuple[Any, ...]] = {}
        self._numbers: dict[str, int] = defaultdict(int)
        self._new_from = int(size.comments * (1 - _NEW))
        self._held: list[int] = []

    def row(self, model: Any, **values: Any) -> None:
        """Gather one row; the keys are the same for all rows of a table."""
        name = model.__tablename__
        if name not in self._columns:
            given = list(values)
            rest = _defaults(model.__table__, given)
            self._columns[name], self._rest[name] = [*given, *rest], tuple(rest.values())
        self._gathered[name].append((*values.values(), *self._rest[name]))

    def number(self, model: Any) -> int:
        """The next number of a table's rows."""
        self._numbers[model.__tablename__] += 1
        return self._numbers[model.__tablename__]

    def pour(self) -> None:
        """Hand on what was gathered."""
        for name, rows in self._gathered.items():
            self._tap.rows(name, self._columns[name], rows)
        self._gathered.clear()

    def run(self) -> None:
        """Write the whole site."""
        self._people()
        recent: dict[int, deque[tuple[int, int | None]]] = defaultdict(lambda: deque(maxlen=8))
        texts = _texts(self._dice)
        for number in range(1, self._size.comments + 1):
            self._comment(number, recent, texts)
            if number % _AT_ONCE == 0:
                self.pour()
        self._claims()
        self._acts()
        self.pour()
        self._tap.finish()

    # ---- people ----

    def _people(self) -> None:
        ground = self._ground
        long_ago = _moment(ground.now - timedelta(days=_OLD_DAYS))
        for number in range(self._size.authors):
            name = f"Reader {number}"
            self.row(
                Account, id=ground.first_author + number, name=name,
                name_key=accounts.name_key(name), role="reader", password_hash="x",
                must_change_password="0", created_at=long_ago,
            )  # fmt: skip

    def _author(self) -> int:
        # A few write most: the busiest one of a hundred comments.
        return self._ground.first_author + int(self._size.authors * self._dice.random() ** 2.4)

    def _moderator(self) -> int:
        return self._dice.choice(self._ground.moderators)

    # ---- comments ----

    def _at(self, number: int) -> datetime:
        back = self._size.comments - number
        new = self._size.comments - self._new_from
        if back <= new:
            return self._ground.now - timedelta(days=_NEW_DAYS * back / new)
        old = (back - new) / self._new_from
        return self._ground.now - timedelta(days=_NEW_DAYS + (_OLD_DAYS - _NEW_DAYS) * old)

    def _comment(
        self,
        number: int,
        recent: dict[int, deque[tuple[int, int | None]]],
        texts: Callable[[int], str],
    ) -> None:
        dice, ground, size = self._dice, self._ground, self._size
        at = self._at(number)
        moment = _moment(at)
        # One long thread, and the articles of those days.
        place = 0
        if dice.random() > 0.012:
            newest = number / size.comments * len(ground.articles)
            place = max(0, int(newest - dice.expovariate(1 / 12)))
        article = ground.articles[place]
        author = self._author()
        before = recent[article]
        parent, root = dice.choice(before) if before and dice.random() < 0.5 else (None, None)
        root = root or parent
        before.append((number, root))

        text = texts(number)
        script = written_in(text)
        fate = self._fate(number)
        status, waits = fate.status, fate.waits
        withdrawn = moment if fate is _WITHDRAWN else None
        self.row(
            Case, id=number, text=text, revision=1, status=status, version=1 + len(fate.lines),
            author=author, context=article, script=script, opened_at=moment,
            waiting_since=moment if waits else None, withdrawn_at=withdrawn,
        )  # fmt: skip
        self.row(
            Comment, id=number, article_id=article, author_id=author, case_id=number,
            parent_id=parent, root_id=root, source=text, html=f"<p>{text}</p>",
            fingerprint=markup.fingerprint(text), terms=search.terms(text),
            disclaimer_id=ground.disclaimer, created_at=moment, deleted_at=withdrawn,
        )  # fmt: skip
        if status == Status.PENDING:
            self.row(
                ScoringJob, case_id=number, revision=1, attempts=0, queued_at=moment,
                ready_at=moment,
            )  # fmt: skip
            return
        bad = dice.choice(labels.NAMES) if fate.bad else ""
        scores = {
            name: round(0.55 + 0.45 * dice.random() if name == bad else dice.random() ** 8, 4)
            for name in labels.NAMES
        }
        why = json.dumps({bad: Why(((8, 14),)).to_json()}) if bad else "{}"
        self.row(
            Score, case_id=number, revision=1, classifier_id=ground.classifier, scored_at=moment,
            **scores, signals="", good=0, why=why,
        )  # fmt: skip
        found = []
        if bad:
            found = [Finding("above_hold", bad, scores[bad], 0.55)]
            if dice.random() < 0.1:
                found.append(Finding("repeated", words="The same words were here before."))
        last = self._lines(number, author, at, fate, json.dumps([one.to_json() for one in found]))
        open_reports = self._reports(number, at, fate, last)
        if fate is _APPEALED:
            self.row(
                Appeal, id=self.number(Appeal), decision_id=last - 1, comment_id=number,
                words="I was quoting the mayor.", created_at=moment, answered_by_id=None,
            )  # fmt: skip
        if fate is _HELD:
            self._held.append(number)
        if waits:
            codes = " ".join(one.code for one in found)
            self.row(
                Place, case_id=number, status=status, since=moment, author=author,
                context=article, script=script, held_for=f" {codes} " if codes else "", **scores,
                reports=open_reports, doublings=0, urgency=0.0,
            )  # fmt: skip
        if fate.bad and dice.random() < 0.02:
            self.row(
                Note, id=self.number(Note), case_id=number, author_id=self._moderator(),
                words="Seen, and left to the desk of the evening.", created_at=moment,
            )  # fmt: skip

    def _fate(self, number: int) -> "_Fate":
        dice, size = self._dice, self._size
        if number > size.comments - max(20, size.comments // 5000):
            return _PENDING
        chance = dice.random()
        if number > self._new_from:
            new = size.comments * _NEW
            for fate, share in (
                (_HELD, size.held / new),
                (_REPORTED, size.reported / new),
                (_APPEALED, size.appeals / new),
            ):
                if chance < share:
                    return fate
                chance -= share
        for fate, share in (
            (_APPROVED, 0.03), (_REJECTED, 0.03), (_REJECTED_BY_POLICY, 0.01), (_TAKEN_BACK, 0.002),
            (_ANSWERED, 0.004), (_WITHDRAWN, 0.01),
        ):  # fmt: skip
            if chance < share:
                return fate
            chance -= share
        return _PUBLISHED

    def _lines(self, number: int, author: int, at: datetime, fate: "_Fate", findings: str) -> int:
        """Write the lines of the log, and return the number of the last."""
        decision, was = 0, Status.PENDING.value
        for step, (kind, to) in enumerate(fate.lines):
            decision = self.number(Decision)
            by_person = kind in ("approve", "reject", "undo")
            reason = self._dice.choice(list(self._ground.rules)) if kind == "reject" else ""
            actor = self._moderator() if by_person else None if kind == "verdict" else author
            moment = _moment(at + timedelta(minutes=step * 7))
            self.row(
                Decision, id=decision, case_id=number, revision=1, at=moment, kind=kind,
                actor=actor, from_status=was, to_status=to, reason=reason,
                rule=self._ground.rules.get(reason),
                findings=findings if kind == "verdict" else "[]",
                policy_version_id=self._ground.policy, classifier_id=self._ground.classifier,
                waited_since=moment if by_person else None,
                undoes_id=decision - 1 if kind == "undo" else None,
            )  # fmt: skip
            if to == Status.REJECTED and kind in ("verdict", "reject"):
                self.row(
                    Notice, id=self.number(Notice), account=author, kind="decision",
                    decision_id=decision, at=moment, read_at=moment, sent_at=moment,
                )  # fmt: skip
            was = to
        return decision

    def _reports(self, number: int, at: datetime, fate: "_Fate", last: int) -> int:
        if fate not in (_REPORTED, _ANSWERED):
            return 0
        count = 1 + int(self._dice.expovariate(1))
        for reporter in {self._author() for _ in range(count)}:
            self.row(
                Report, id=self.number(Report), comment_id=number, revision=1,
                reporter_id=reporter, reason=self._dice.choice(list(self._ground.rules)), words="",
                created_at=_moment(at), answered_by_id=None if fate is _REPORTED else last,
            )  # fmt: skip
        return count

    # ---- what else people did ----

    def _claims(self) -> None:
        # All but the first have a case open, for longer than any measuring takes.
        until = _moment(self._ground.now + timedelta(days=365))
        taken = self._dice.sample(self._held, len(self._ground.moderators) - 1)
        for holder, case in zip(self._ground.moderators[1:], taken, strict=True):
            self.row(Claim, holder=holder, case_id=case, until=until)

    def _acts(self) -> None:
        for _ in range(self._size.comments // 200):
            at = self._ground.now - timedelta(days=_OLD_DAYS * self._dice.random())
            account, by = self._author(), self._moderator()
            self.row(
                Act, id=self.number(Act), at=_moment(at), did="muted", actor=by, subject=account,
                words="For a week: insults.",
            )  # fmt: skip
            self.row(
                Sanction, id=self.number(Sanction), account_id=account, kind="mute", gravity=2,
                words="Insults.", given_by=by, given_at=_moment(at),
                ends_at=_moment(at + timedelta(days=7)),
            )  # fmt: skip


@dataclass(frozen=True, eq=False)
class _Fate:
    """What became of a comment: the lines of its log, each a kind and the status it led to."""

    status: str
    lines: tuple[tuple[str, str], ...]
    waits: bool = False
    bad: bool = False


_HOLD = ("verdict", "held")
_PENDING = _Fate("pending", ())
_PUBLISHED = _Fate("published", (("verdict", "published"),))
_HELD = _Fate("held", (_HOLD,), waits=True, bad=True)
_APPROVED = _Fate("published", (_HOLD, ("approve", "published")), bad=True)
_REJECTED = _Fate("rejected", (_HOLD, ("reject", "rejected")), bad=True)
_REJECTED_BY_POLICY = _Fate("rejected", (("verdict", "rejected"),), bad=True)
_TAKEN_BACK = _Fate(
    "rejected",
    (_HOLD, ("approve", "published"), ("undo", "held"), ("reject", "rejected")),
    bad=True,
)
_WITHDRAWN = _Fate("published", (("verdict", "published"), ("withdraw", "published")))
_ANSWERED = _Fate(
    "published",
    (("verdict", "published"), ("report", "published"), ("approve", "published")),
)
_REPORTED = _Fate("published", (("verdict", "published"), ("report", "published")), waits=True)
_APPEALED = _Fate(
    "rejected", (_HOLD, ("reject", "rejected"), ("appeal", "rejected")), waits=True, bad=True
)


def _moment(at: datetime) -> str:
    # In UTC, as SQLite keeps it, and as PostgreSQL reads it in a session of that zone.
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"


def _texts(dice: random.Random) -> Callable[[int], str]:
    """What people write: hardly two the same, but for some that go round in many copies."""
    sentences = [words.sentence(dice) for _ in range(3000)]
    copied = [" ".join(dice.choices(sentences, k=3)) for _ in range(40)]
    arabic = "لا أوافق على هذا الرأي، لكن الأرقام في المقال صحيحة."
    german = "Der Stadtrat hat den Fahrplan schon wieder geändert, ohne jemanden zu fragen."

    def text(number: int) -> str:
        chance = dice.random()
        if chance < 0.02:
            return dice.choice(copied)
        said = " ".join(dice.choices(sentences, k=dice.choice((1, 2, 2, 3, 3, 4, 8))))
        if chance < 0.05:
            said = f"{said} {arabic}"
        elif chance < 0.1:
            said = f"{said} {german}"
        return f"Letter {number}. {said}"

    return text
