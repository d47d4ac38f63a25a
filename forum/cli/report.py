"""forum report: the transparency report of a month."""

from typing import Annotated

import typer

from forum.cli import site
from forum.cli.terminal import Refused, say


def report(
    month: Annotated[
        str, typer.Option(metavar="MONTH", help="Like 2026-11; the newest without it.")
    ] = "",
    anew: Annotated[
        bool,
        typer.Option("--anew", help="Derive the public log and all figures from the logs anew."),
    ] = False,
) -> None:
    """Print the transparency report of a month as CSV."""
    from forum import transparency

    settings = site.settings()
    with site.database(settings) as database:
        transparency.catch_up(database, settings.zone, anew=anew)
        with database.reading() as session:
            known = transparency.months(session)
            found = transparency.of_month(session, month or next(iter(known), ""))
        if found is None:
            raise Refused(
                f"There is no report of {month}. There are: {', '.join(known)}."
                if known
                else "There is no report yet: the first day is not over."
            )
        say(transparency.as_csv(found).rstrip())
