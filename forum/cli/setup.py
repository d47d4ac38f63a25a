"""forum setup and forum migrate: a database, and what a new site needs in it."""

from pathlib import Path
from typing import Annotated

import typer

from forum.cli import site
from forum.cli.terminal import Refused, say

SAMPLE = Path(__file__).parent.parent / "sample"


def setup(
    admin: Annotated[str, typer.Option(metavar="NAME", help="Name of the first admin.")] = "admin",
) -> None:
    """Prepare everything: database, first admin, sample article. Safe to run again."""
    from forum import accounts, articles, ingest, migrate

    settings = site.settings()
    with site.connected(settings) as database:
        migrate.upgrade(database, settings)
        with database.writing() as session:
            password = ""
            if not accounts.has_admin(session):
                _, password = accounts.create(session, admin, role=accounts.Role.ADMIN)
        # Said as soon as it is true: whatever fails below, nobody is locked out.
        say(f"{settings.site_name}: {settings.address}")
        if password:
            say(f"Admin: {admin}")
            say(f"One-time password: {password}")
            say("It lets you in once, to choose your own. It is not shown again.")
        with database.reading() as session:
            empty = not articles.newest(session, at_most=1)
        if empty:
            files, problems = ingest.find([SAMPLE])
            for outcome in [*problems, *ingest.load(database, files)]:
                if outcome.problem:
                    raise Refused(f"The sample article cannot be loaded: {outcome.problem}")


def migrate() -> None:
    """Bring the database to the form that this version needs. Safe to run again."""
    from forum import migrate

    settings = site.settings()
    with site.connected(settings) as database:
        migrate.upgrade(database, settings)
        say(f"Up to date: {site.shown(database.url)}")
