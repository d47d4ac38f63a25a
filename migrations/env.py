"""Runs the migrations on the database that `forum migrate` opened, or the settings name."""

from alembic import context
from sqlalchemy import Connection

import forum.tables  # noqa: F401  (both packages' tables stand in one metadata)
from forum.database import Database
from forum.settings import read_settings
from moderation.tables import Base, Moment


def render_item(kind: str, item: object, _autogen: object) -> str | bool:
    # A migration stays as it was written: it must not follow our own types as they change.
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, Moment) else False


def include_name(name: str | None, kind: str, _parents: object) -> bool:
    # What a search finds is kept by triggers, in a form of each database's own.
    return not (kind == "table" and (name or "").startswith("search_"))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=connection.dialect.name == "sqlite",
        render_item=render_item,
        include_name=include_name,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    database = Database(read_settings().database)
    with database.writer.connect() as own:
        run(own)
        own.commit()
