"""Migrations: forward and back with rows in it, and afterwards the database equals the models."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlalchemy.exc import DBAPIError

import forum.tables  # noqa: F401
from forum import accounts, articles, comments, migrate, views
from forum.database import Database
from forum.settings import read_settings
from forum.views import Show, View
from moderation import cases, decisions
from moderation.decisions import Kind
from moderation.policy import Status
from moderation.tables import Base
from tests.people import TEA


@pytest.fixture
def empty(empty_url: str) -> Iterator[Database]:
    """A database without tables."""
    database = Database(empty_url)
    yield database
    database.close()


def upgraded(database: Database) -> None:
    migrate.upgrade(database, read_settings(_env_file=None, database=database.url))


def test_the_migrated_database_equals_the_models(empty):
    upgraded(empty)
    with empty.writer.connect() as connection:
        # Tables that a search keeps are no part of the models.
        context = MigrationContext.configure(
            connection,
            opts={
                "include_name": lambda name, kind, _: (
                    not f"{kind} {name}".startswith("table search_")
                )
            },
        )
        differences = compare_metadata(context, Base.metadata)
    assert differences == []
    assert migrate.is_current(empty)


def test_migrating_again_changes_nothing(empty):
    upgraded(empty)
    with empty.writing() as session:
        articles.store(session, TEA)
    upgraded(empty)
    with empty.reading() as session:
        assert [article.title for article in articles.newest(session)] == [TEA.title]


def test_every_migration_goes_back_and_forth_with_rows_in_it(empty):
    upgraded(empty)
    with empty.writing() as session:
        articles.store(session, TEA)
        case_id = cases.open_case(session, "You idiot.", author=1, context=1)
        decisions.decide(session, case_id, Kind.VERDICT, Status.HELD, version=1)
    config = migrate._config()
    revisions = list(ScriptDirectory.from_config(config).walk_revisions())
    for revision in revisions:
        with empty.writer.begin() as connection:
            config.attributes["connection"] = connection
            command.downgrade(config, revision.down_revision or "base")
    with empty.writer.connect() as connection:
        assert set(inspect(connection).get_table_names()) <= {"alembic_version"}
    upgraded(empty)
    assert migrate.is_current(empty)


def test_comments_that_were_there_before_can_be_searched(empty):
    upgraded(empty)
    config = migrate._config()
    with empty.writing() as session:
        articles.store(session, TEA)
        ann = accounts.come_as_guest(session, "Ann")
        settings = read_settings(_env_file=None, database=empty.url)
        for said in ("Müller's milk", "Müller's tea", "Müller's mug"):
            draft = comments.draft(said, settings=settings)
            slug = articles.slugify(TEA.title)
            comments.post(session, slug, draft, author=ann, settings=settings)
        decisions.decide(session, 1, Kind.VERDICT, Status.HELD, version=1)
        decisions.decide(session, 2, Kind.VERDICT, Status.PUBLISHED, version=1)
    with empty.writer.begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0002")
    upgraded(empty)
    with empty.reading() as session:
        for show, found in ((Show.HELD, [1]), (Show.PUBLISHED, [2])):
            view = View(show=show, q="muller")
            assert views.look(session, view, viewer=1, at_most=5).case_ids == found


def test_the_log_stays_append_only_at_the_newest_migration(empty):
    """A migration that rebuilds the table on SQLite would lose the triggers unseen."""
    upgraded(empty)
    with empty.writing() as session:
        case_id = cases.open_case(session, "You idiot.", author=1, context=1)
        decisions.decide(session, case_id, Kind.VERDICT, Status.HELD, version=1)
    for statement in ("UPDATE decisions SET words = ''", "DELETE FROM decisions"):
        with pytest.raises(DBAPIError, match="append-only"), empty.writing() as session:
            session.execute(text(statement))
