"""The ground that tests stand on: real databases, the real classifier, a clock that we turn."""

import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import hypothesis
import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from forum import migrate
from forum.database import Database
from forum.quoting import quotables
from forum.settings import Settings, read_settings
from forum.signals import witness
from moderation import harmless, labels, policies
from moderation.classifier import Classifier
from moderation.loading import load_classifier
from moderation.suites import identity
from moderation.worker import Worker
from tests.people import Site

POSTGRES = os.environ.get("FORUM_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def _postgres_problem() -> str:
    """Return why PostgreSQL cannot be used, in a few words; empty if it can."""
    engine = create_engine(
        make_url(POSTGRES).set(drivername="postgresql+psycopg"),
        connect_args={"connect_timeout": 3},
    )
    try:
        with engine.connect():
            return ""
    except OperationalError as problem:
        return str(problem.orig).strip().splitlines()[0]
    finally:
        engine.dispose()


PROBLEM = _postgres_problem()
LEGS = ["sqlite"] if PROBLEM else ["sqlite", "postgresql"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    # How a page looks is the same whatever keeps it, and looking takes a browser its time.
    legs = ["sqlite"] if metafunc.definition.get_closest_marker("looks") else LEGS
    for name in {"database_url", "empty_url"} & set(metafunc.fixturenames):
        metafunc.parametrize(name, legs, indirect=True)


def pytest_xdist_auto_num_workers() -> int:
    # One more than there are cores: browsers, disks and servers are waited for.
    return (os.cpu_count() or 1) + 1


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # What takes longest comes first, or one worker would be at it when the others are done.
    items.sort(key=lambda item: "journeys" not in item.path.parts)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran = {
        report.nodeid
        for reports in terminalreporter.stats.values()
        for report in reports
        if isinstance(report, pytest.TestReport) and report.when == "call"
    }
    missing = "" if shutil.which("npm") else "npm is not installed"
    for leg, sign, problem in (
        ("PostgreSQL", "[postgresql", PROBLEM),
        ("npm", "the_client_of_npm", missing),
    ):
        if any(sign in name for name in ran):
            terminalreporter.write_line(f"{leg} leg: ran")
        else:
            terminalreporter.write_line(
                f"{leg} leg: NOT RUN ({problem or 'no test of it was chosen'})"
            )


# A property holds or not; how long one example takes depends on the machine.
hypothesis.settings.register_profile("forum", deadline=None)
hypothesis.settings.load_profile("forum")


class Clock:
    """A clock that stands still until it is turned."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        # Never the same moment twice, as with real clocks; and the order of events is told.
        self.now += timedelta(microseconds=1)
        return self.now

    def turn(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def _settings(url: str, **given: object) -> Settings:
    return read_settings(_env_file=None, database=url, worker=False, **given)


@pytest.fixture(scope="session")
def swift_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder for databases: in memory where there is room, so that no commit waits for a disk."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or shutil.disk_usage(memory).free < 2**30:
        yield tmp_path_factory.mktemp("databases")
        return
    with tempfile.TemporaryDirectory(prefix="forum-test-", dir=memory) as folder:
        yield Path(folder)


def _with_the_suite_read(database: Database) -> None:
    """Let the identity suite be read, and nothing found in it: really reading it takes a minute."""
    many = len(identity.cases())
    with database.writing() as session:
        classifier = policies.in_force(session).classifier_id
        for start in range(0, many, 1000):
            scores = [[0.0] * len(labels.NAMES)] * min(1000, many - start)
            harmless.keep(session, classifier, start, scores)


@pytest.fixture(scope="session")
def migrated_file(swift_folder: Path) -> Path:
    """An SQLite file with every migration; each test gets a copy."""
    file = swift_folder / "migrated.db"
    database = Database(f"sqlite:///{file}")
    migrate.upgrade(database, _settings(database.url))
    _with_the_suite_read(database)
    database.close()
    return file


@pytest.fixture(scope="session")
def on_postgres() -> Iterator[Callable[[str], None]]:
    """Run a statement on the server, outside any transaction."""
    engine = create_engine(
        make_url(POSTGRES).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT"
    )

    def run(statement: str) -> None:
        with engine.connect() as connection:
            connection.execute(text(statement))

    yield run
    engine.dispose()


def _named(name: str) -> str:
    url = make_url(POSTGRES).set(drivername="postgresql+psycopg", database=name)
    return url.render_as_string(hide_password=False)


# A copy of all that a new database has beside its structure: its rows, and its counters.
_KEEP_AS_NEW = """
CREATE SCHEMA as_new;
DO $$ DECLARE one text; BEGIN
  FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('CREATE TABLE as_new.%1$I AS TABLE public.%1$I', one);
  END LOOP;
END $$;
CREATE TABLE as_new."its counters" AS
  SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public';
"""
_MAKE_AS_NEW = """
DO $$ DECLARE one text; last bigint; written boolean; BEGIN
  -- Neither the order of foreign keys nor the triggers that keep the log are asked.
  SET LOCAL session_replication_role = replica;
  FOR one IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', one) INTO written;
    IF written THEN EXECUTE format('DELETE FROM public.%I', one); END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM as_new.%I)', one) INTO written;
    IF written THEN
      EXECUTE format(
        'INSERT INTO public.%1$I OVERRIDING SYSTEM VALUE SELECT * FROM as_new.%1$I', one);
    END IF;
  END LOOP;
  FOR one, last IN SELECT * FROM as_new."its counters" LOOP
    PERFORM setval(format('public.%I', one)::regclass, coalesce(last, 1), last IS NOT NULL);
  END LOOP;
END $$;
"""


@pytest.fixture(scope="session")
def migrated_name(on_postgres: Callable[[str], None]) -> Iterator[str]:
    """A PostgreSQL database with every migration, and a copy of its rows to make it new again."""
    name = f"forum_test_{uuid.uuid4().hex[:8]}"
    on_postgres(f"CREATE DATABASE {name}")
    # What a power cut would lose is of no use: no commit waits for a disk.
    on_postgres(f"ALTER DATABASE {name} SET synchronous_commit = off")
    database = Database(_named(name))
    migrate.upgrade(database, _settings(database.url))
    _with_the_suite_read(database)
    with database.writing() as session:
        session.execute(text(_KEEP_AS_NEW))
    database.close()
    yield name
    on_postgres(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without tables, of the kind that the parameter names."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    on_postgres = request.getfixturevalue("on_postgres")
    name = f"forum_test_{uuid.uuid4().hex[:8]}"
    on_postgres(f"CREATE DATABASE {name}")
    yield _named(name)
    on_postgres(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> str:
    """The address of a migrated database of one's own.

    It is the same for all tests of a process, made new before each: on PostgreSQL making and
    dropping one takes up to a second.
    """
    if request.param == "sqlite":
        file = request.getfixturevalue("swift_folder") / "forum.db"
        for old in file.parent.glob("forum.db*"):
            old.unlink()
        shutil.copy(request.getfixturevalue("migrated_file"), file)
        return f"sqlite:///{file}"
    on_postgres = request.getfixturevalue("on_postgres")
    name = request.getfixturevalue("migrated_name")
    # Whoever a test left behind would hold locks.
    on_postgres(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
    engine = create_engine(_named(name), poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text(_MAKE_AS_NEW))
    return _named(name)


@cache
def _kept_database(url: str) -> Database:
    """One for all tests at an address: what SQLAlchemy compiled for one test serves the next."""
    return Database(url)


@pytest.fixture
def database(database_url: str, clock: Clock) -> Iterator[Database]:
    database = _kept_database(database_url)
    database.clock = clock
    yield database
    database.close()


@pytest.fixture(scope="session")
def classifier() -> Classifier:
    """The classifier that ships."""
    return load_classifier()


@pytest.fixture
def settings(request: pytest.FixtureRequest, database_url: str) -> Settings:
    """The settings of the test's site; `@pytest.mark.site(guests=True)` changes some."""
    mark = request.node.get_closest_marker("site")
    return _settings(database_url, **(mark.kwargs if mark else {}))


@pytest.fixture
def site(database: Database, settings: Settings) -> Iterator[Site]:
    """The whole application on a real database, spoken to by HTTP."""
    with Site(settings, database) as site:
        yield site


@pytest.fixture
def work(site: Site, classifier: Classifier) -> Callable[[], int]:
    """Let the worker score what waits; returns how many texts that were."""
    worker = Worker(site.state.live.writing, classifier, quotables=quotables, witness=witness)

    def until_nothing_waits() -> int:
        done = 0
        while scored := worker.round():
            done += scored
        return done

    return until_nothing_waits
