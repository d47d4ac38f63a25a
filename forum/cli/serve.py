"""forum serve, forum work and forum score-api: what runs until Ctrl-C."""

from contextlib import suppress
from typing import Annotated

import typer

from forum.cli import site
from forum.cli.terminal import say


def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; else FORUM_HOST.", show_default=False)
    ] = "",
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; else FORUM_PORT.", show_default=False)
    ] = None,
    worker: Annotated[
        bool | None,
        typer.Option(
            "--worker/--no-worker",
            help="Score comments in this process, too; else FORUM_WORKER.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the site, with the scoring worker inside. Ctrl-C stops it."""
    given = {"host": host or None, "port": port, "worker": worker}
    settings = site.settings(**{name: value for name, value in given.items() if value is not None})
    with suppress(KeyboardInterrupt):
        with site.database(settings):
            pass
        from forum.app import serve as serve_site

        say(f"Serving {settings.address} at {settings.host}:{settings.port}. Ctrl-C stops it.")
        serve_site(settings)


def work() -> None:
    """Score comments and send mails, without a server. Ctrl-C stops it."""
    settings = site.settings()
    with suppress(KeyboardInterrupt):
        with site.database(settings):
            pass
        from forum.app import work as work_alone

        say("Scoring what waits. Ctrl-C stops it.")
        work_alone(settings)


def score_api(
    host: Annotated[
        str, typer.Option(help="Address to listen on; else FORUM_HOST.", show_default=False)
    ] = "",
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; else FORUM_PORT.", show_default=False)
    ] = None,
) -> None:
    """Serve the score API, the Perspective API's twin, without a site. Ctrl-C stops it.

    Scores go by the calibration that FORUM_DATABASE has for the classifier: a site's own, made by
    'forum model calibrate', where it is that site's database; else the classifier's.
    """
    given = {"host": host or None, "port": port}
    settings = site.settings(**{name: value for name, value in given.items() if value is not None})
    with suppress(KeyboardInterrupt):
        with site.database(settings):
            pass
        from forum.app import serve as serve_scores

        say(f"Scoring for keys at {settings.host}:{settings.port}. Ctrl-C stops it.")
        serve_scores(settings, only_scores=True)
