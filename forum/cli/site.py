"""The site that a command is about: its settings and its database."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forum.cli.terminal import Refused, tell

if TYPE_CHECKING:
    from forum.database import Database
    from forum.settings import Settings
    from moderation.classifier import Classifier

ClassifierOption = Annotated[
    str,
    typer.Option(
        metavar="SPEC",
        help="As FORUM_CLASSIFIER, which it stands in for.",
    ),
]


class NoSite(Refused):
    """There is no database where the settings look for one."""


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
    # Without SQLAlchemy, which takes longer to come than most answers that need no site.
    file = re.match(r"sqlite[^:]*:///([^?]+)", settings.database)
    # Opening it would make an empty one.
    if file and file[1] != ":memory:" and not Path(file[1]).exists():
        raise NoSite(f"There is no database at {file[1]}. Make one: 'forum setup'.")
    from forum import migrate

    with connected(settings) as database:
        if not migrate.is_current(database):
            raise Refused(
                f"The database {shown(settings.database)} is not in the form that this version"
                " needs. Run 'forum migrate' first."
            )
        yield database


def classifier(settings: "Settings", spec: str) -> "tuple[Classifier, bool]":
    """Load a classifier as the site here uses it, and say whether the site calibrated it.

    Where no site is, or its database cannot be asked, the scores are the classifier's own.
    """
    from moderation.loading import load_classifier

    loaded = load_classifier(spec or settings.classifier)
    try:
        with database(settings) as here, here.reading() as session:
            # Where no site is, nobody waits for all that this brings along.
            from moderation import calibrations

            applied = calibrations.applied(session, loaded)
    except NoSite:
        return loaded, False
    except Refused as problem:
        tell(f"{problem} The scores are the classifier's own.")
        return loaded, False
    return applied, applied is not loaded


def scored_by(classifier: "Classifier", calibrated: bool) -> str:
    """Say in a sentence whose scores were shown."""
    by = f"Scored by {classifier.name}, version {classifier.version}"
    return f"{by}, with the calibration of the site here." if calibrated else f"{by}."


def shown(url: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)
