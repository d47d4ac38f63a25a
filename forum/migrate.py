"""Brings a database to the present form, and gives a new one its first policy and disclaimer."""

from collections.abc import Iterator
from contextlib import contextmanager

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from forum import disclaimer, house
from forum.database import Database
from forum.settings import Settings
from moderation import policies, rules
from moderation.loading import load_classifier


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(house("migrations")).replace("%", "%%"))
    return config


def upgrade(database: Database, settings: Settings) -> None:
    """Run the migrations that are missing. Safe to call again, and from several machines."""
    config = _config()
    with _schema_change(database) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    shipped = load_classifier()
    with database.writing() as session:
        policies.start(session, shipped)
        rules.start(session)
        disclaimer.start(session, settings.site_name)


@contextmanager
def _schema_change(database: Database) -> Iterator[Connection]:
    """A transaction in which tables may be rebuilt, by one machine at a time."""
    with database.writer.connect() as connection:
        if not database.is_sqlite:
            with connection.begin():
                # Two machines that start at once take turns; the number only has to be ours.
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7241906)")
                yield connection
            return
        # SQLite rebuilds a table by dropping it, which its foreign keys would forbid; they can
        # only be switched outside a transaction, so below SQLAlchemy, which begins one by itself.
        raw = connection.connection
        raw.cursor().execute("PRAGMA foreign_keys=OFF").close()
        try:
            with connection.begin():
                yield connection
                broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
                if broken:
                    raise RuntimeError(f"The migration left rows without what they name: {broken}")
        finally:
            raw.cursor().execute("PRAGMA foreign_keys=ON").close()


def is_current(database: Database) -> bool:
    """Whether the database has every migration."""
    with database.writer.connect() as connection:
        present = MigrationContext.configure(connection).get_current_heads()
    return set(present) == set(ScriptDirectory.from_config(_config()).get_heads())
