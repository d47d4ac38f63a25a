"""The site that a command is about: its settings and its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forum.cli.terminal import Refused

if TYPE_CHECKING:
    from forum.database import Database
    from forum.settings import Settings

ClassifierOption = Annotated[
    str,
    typer.Option(
        metavar="SPEC",
        help="As FORUM_CLASSIFIER, which it stands in for.",
    ),
]


def settings(**given: object) -> "Settings":
    from forum.settings import read_settings

    return read_settings(**given)


@contextmanager
def connected(settings: "Settings") -> "Iterator[Database]":
    """Yield the database, whatever it holds. Raises Refused when it cannot be used."""
    from alembic.util import CommandError
    from sqlalchemy.exc import DatabaseError, OperationalError

    from forum.database import Database

    url = shown(settings.database)
    try:
        database = Database(settings.database)
    except ModuleNotFoundError:
        raise Refused("PostgreSQL needs its driver: pip install 'forum[postgres]'.") from None
    try:
        yield database
    except CommandError:
        raise Refused(
            f"The database {url} was made by another version of forum. Install a newer version."
        ) from None
    except DatabaseError as problem:
        # Its subclasses but one are our own mistakes.
        if type(problem) not in (DatabaseError, OperationalError):
            raise
        reason = " ".join(str(problem.orig).split()).rstrip(".")
        raise Refused(
            f"The database {url} cannot be used: {reason}. Look at FORUM_DATABASE."
        ) from None
    finally:
        database.close()


@contextmanager
def database(settings: "Settings") -> "Iterator[Database]":
    """Yield the database of a site that is set up. Raises Refused with what to do first."""
    from sqlalchemy import make_url

    from forum import migrate

    file = make_url(settings.database).database
    # Opening it would make an empty one.
    if settings.database.startswith("sqlite") and file and not Path(file).exists():
        raise Refused(f"There is no database at {file}. Make one: 'forum setup'.")
    with connected(settings) as database:
        if not migrate.is_current(database):
            raise Refused(
                f"The database {shown(settings.database)} is not in the form that this version"
                " needs. Run 'forum migrate' first."
            )
        yield database


def shown(url: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)
