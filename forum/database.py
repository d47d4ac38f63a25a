"""The one connection to the database: reading and writing transactions on SQLite or PostgreSQL."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection, create_engine, event
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from moderation.statements import DRIVER

Clock = Callable[[], datetime]
Act = Callable[[Session], Any]
# What an act returned, and what it raised.
Outcome = tuple[Any, Exception | None]


def utc_now() -> datetime:
    """Return the time, in UTC."""
    return datetime.now(UTC)


class Database:
    """Opens transactions. Each has one time, taken from `clock` when it begins.

    SQLite has one writer: here a pool of one whose transactions begin IMMEDIATE, so that two never
    read the same and then both write; readers are many and see the last commit. On PostgreSQL
    both are ordinary transactions, the reading ones READ ONLY.
    """

    def __init__(self, url: str, *, clock: Clock = utc_now) -> None:
        self.url = url
        self.clock = clock
        self.is_sqlite = url.startswith("sqlite")
        self._glances: list[Glance] = []
        if self.is_sqlite:
            self.writer = _sqlite(url, begin="BEGIN IMMEDIATE", pool_size=1, max_overflow=0)
            self._reader = _sqlite(url, begin="BEGIN", pool_size=16, max_overflow=16)
        else:
            # The connection that was used last goes first: it has prepared what is asked most.
            self.writer = create_engine(
                url, pool_size=16, pool_use_lifo=True, pool_pre_ping=True, hide_parameters=True
            )
            self._reader = self.writer.execution_options(postgresql_readonly=True)
        self._closed = 0
        for engine in {self.writer, self._reader} if self.is_sqlite else {self.writer}:
            self._close_what_comes_late(engine)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Yield a session that commits at the end of the block, or rolls back when it raises."""
        with Session(self.writer, expire_on_commit=False) as session, session.begin():
            session.info["time"] = self.clock()
            yield session

    def write_together(self, acts: Sequence[Act]) -> list[Outcome]:
        """Run each act as a transaction of its own would, and commit once for all. SQLite's only.

        They have one time. Returns what each returned or raised; an act that raised has written
        nothing. Raises when the commit fails: then nothing of any of them is kept.
        """
        with self.writer.connect() as connection, connection.begin():
            known = {"time": self.clock(), DRIVER: connection.connection.driver_connection}
            # One for all, each time emptied: to make one takes as long as an insert.
            session = Session(
                connection, expire_on_commit=False, join_transaction_mode="rollback_only"
            )
            return [_run_within(session, known, act) for act in acts]

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session that cannot write."""
        # Committed, though there is nothing to keep: at a rollback psycopg would forget what it
        # has prepared, and PostgreSQL would plan every statement anew.
        with (
            self._reader.connect() as connection,
            connection.begin(),
            Session(
                connection,
                expire_on_commit=False,
                autoflush=False,
                join_transaction_mode="rollback_only",
            ) as session,
        ):
            session.info["time"] = self.clock()
            yield session

    def glance(self) -> "Glance":
        """Return what asks single questions quickly, for one thread at a time. SQLite's only."""
        glance = Glance(self._reader, self.clock)
        self._glances.append(glance)
        return glance

    def close(self) -> None:
        """Close every connection; one that is in use, when it is given back."""
        self._closed += 1
        while self._glances:
            self._glances.pop().close()
        self.writer.dispose()
        self._reader.dispose()

    def _close_what_comes_late(self, engine: Engine) -> None:
        # SQLAlchemy forgets what is in use when it closes the rest: whoever gives it back gives it
        # to a pool that nobody has any more, and it stays open until the collector finds it.
        @event.listens_for(engine, "connect")
        def note(_connection: Any, record: ConnectionPoolEntry) -> None:
            record.info["closed"] = self._closed

        @event.listens_for(engine, "checkin")
        def close(_connection: Any, record: ConnectionPoolEntry) -> None:
            if record.info.get("closed") != self._closed:
                record.invalidate()


def _run_within(session: Session, known: dict[str, Any], act: Act) -> Outcome:
    # Below SQLAlchemy, whose own savepoints take as long as all that a post writes.
    raw = known[DRIVER]
    raw.execute("SAVEPOINT act")
    session.info.clear()
    session.info.update(known)
    try:
        with session:
            answer = act(session)
            session.flush()
    except Exception as problem:
        # A full disk takes the whole transaction with it, and with it what others wrote.
        if not raw.in_transaction:
            raise
        raw.execute("ROLLBACK TO act")
        raw.execute("RELEASE act")
        return None, problem
    raw.execute("RELEASE act")
    return answer, None


class Glance:
    """Gives sessions for prepared statements that only read; each is a transaction of its own.

    It keeps its connection and its session, so it belongs to one thread at a time.
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock
        self._session = Session()
        self._connection: PoolProxiedConnection | None = None

    def __call__(self) -> Session:
        """Return the session, for statements at this moment. Nothing is to be closed."""
        info = self._session.info
        if self._connection is None:
            self._connection = self._engine.raw_connection()
            info[DRIVER] = self._connection.driver_connection
        info["time"] = self._clock()
        return self._session

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()


def _sqlite(url: str, *, begin: str, pool_size: int, max_overflow: int) -> Engine:
    # The statement cache of the driver keeps the few hundred statements that we have prepared.
    engine = create_engine(
        url,
        pool_size=pool_size,
        max_overflow=max_overflow,
        connect_args={"check_same_thread": False, "cached_statements": 512, "timeout": 30},
        # An error message must not carry a comment into the log.
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def set_up(connection: Any, _record: object) -> None:
        # We begin transactions ourselves; the driver would begin them too late.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in (
            "journal_mode=WAL",
            "foreign_keys=ON",
            "busy_timeout=30000",
            # NORMAL loses the last commits at a power cut: a comment that we confirmed must stay.
            "synchronous=FULL",
            "temp_store=MEMORY",
            "cache_size=-32000",
            "mmap_size=268435456",
            # Pages; posts wait while what gathered here goes into the file, with two more waits
            # for the disk, and what changes often goes there once.
            "wal_autocheckpoint=8000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        if begin == "BEGIN":
            cursor.execute("PRAGMA query_only=ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Any) -> None:
        # Below SQLAlchemy: told through it, beginning takes longer than what most reads ask.
        try:
            connection.connection.driver_connection.execute(begin)
        except sqlite3.Error as problem:
            raise OperationalError(begin, None, problem) from problem

    return engine
