"""Puts the parts together: the web application, and the worker beside it or alone."""

import contextlib
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator
from socket import socket
from types import FrameType

import structlog
import uvicorn
from anyio import create_task_group
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import request_response

from forum.database import Database
from forum.mail import Sender
from forum.scoring import Loader, Scoring
from forum.settings import Settings
from forum.web import daybook
from forum.web.access import ANYONE, Edge, guarded
from forum.web.audience import Audience
from forum.web.error_pages import HANDLERS
from forum.web.live import Live
from forum.web.lookout import Lookout
from forum.web.metrics import Metrics, Watch
from forum.web.operations import nothing_here
from forum.web.pace import Pace, Quotas
from forum.web.pages import make_templates
from forum.web.routes import SCORE_API, TABLE
from forum.web.state import State
from forum.web.writer import Writer
from forum.webhook import Caller
from moderation.desk import Desk
from moderation.memory import Memory


def create_app(
    settings: Settings, *, database: Database | None = None, only_scores: bool = False
) -> Starlette:
    """Return the application; its database must be migrated. The worker starts with it.

    With `only_scores` it answers the score API and nothing else, and has no worker.
    """
    database = database or Database(settings.database)
    rows = SCORE_API if only_scores else TABLE
    live = Live(database)
    scoring = Scoring(live.writing, settings) if settings.worker and not only_scores else None
    audience = Audience(database, live)
    loader = Loader(database.reading, settings)
    lookout = Lookout(database, settings)
    sender = Sender(database.writing, settings)
    caller = Caller(database.writing, settings)
    routes = [row.route() for row in rows]
    state = State(
        settings=settings,
        database=database,
        glance=database.glance() if database.is_sqlite else None,
        live=live,
        lookout=lookout,
        writer=Writer(database, live),
        templates=None if only_scores else make_templates(settings, live.rules),
        paths={route.name: route.path_format for route in routes},
        sign_ins=Pace(settings.sign_in_tries, 300),
        changes=Pace(settings.comments_a_minute, 60),
        sign_ups=Pace(20, 3600),
        addresses=Pace(5, 3600),
        metrics=Metrics(),
        desk=Desk(scoring.classifier if scoring else loader, at_once=settings.score_at_once),
        quotas=Quotas(),
        memory=Memory(database.reading),
        scoring=scoring,
        loader=loader,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if state.scoring is not None:
            state.scoring.start()
            sender.start()
            caller.start()
        if only_scores:
            # At once, since it is for nothing else. On a site nobody may ever ask the desk.
            state.desk.start()
        async with create_task_group() as tasks:
            state.tasks = tasks
            if not only_scores:
                tasks.start_soon(live.watch)
                tasks.start_soon(audience.watch)
                tasks.start_soon(daybook.watch, database, settings.zone)
                tasks.start_soon(lookout.watch)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
        state.desk.stop()
        if state.scoring is not None:
            state.scoring.stop()
            sender.stop()
            caller.stop()
        database.close()

    app = Starlette(
        routes=routes,
        middleware=[
            Middleware(Edge, settings=settings),
            Middleware(Watch, metrics=state.metrics),
        ],
        exception_handlers=HANDLERS,
        lifespan=lifespan,
    )
    # Guarded like a route: its page is for whoever is signed in.
    app.router.default = request_response(guarded(nothing_here, ANYONE, "none"))
    app.state.forum = state
    return app


def serve(settings: Settings, *, only_scores: bool = False) -> None:
    """Serve until SIGINT or SIGTERM; live connections are ended, not waited for."""
    _configure_logs(settings)
    app = create_app(settings, only_scores=only_scores)
    config = uvicorn.Config(
        app,
        host=settings.host,
        port=settings.port,
        http="httptools",
        # asyncio's own loop: uvloop was faster in the mean and far slower at its worst.
        loop="asyncio",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_graceful_shutdown=2,
        timeout_keep_alive=30,
    )
    # It would cut the streams off; `Live.close` lets them end.
    AppStatus.enable_automatic_graceful_drain = False
    # uvicorn raises the signal again once everything is closed.
    with contextlib.suppress(KeyboardInterrupt):
        _Server(config, app.state.forum.live).run()


class _Server(uvicorn.Server):
    """Ends the live connections when it is told to stop, and so need not wait for them.

    The process is its own: what is there when it starts stays for good.
    """

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    async def startup(self, sockets: list[socket] | None = None) -> None:
        # SQLite lets go of the interpreter at each statement; who writes would wait 5 ms to go on,
        # at each, while pages are served.
        sys.setswitchinterval(0.0005)
        await super().startup(sockets)
        # The collector need not look at any of it again.
        gc.collect()
        gc.freeze()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._live.close()
        super().handle_exit(sig, frame)


def work(settings: Settings) -> None:
    """Score comments, send mails and call the webhook until SIGINT or SIGTERM, without serving."""
    _configure_logs(settings)
    database = Database(settings.database)
    scoring = Scoring(database.writing, settings)
    sender = Sender(database.writing, settings)
    caller = Caller(database.writing, settings)

    def stop(_number: int, _frame: object) -> None:
        scoring.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    sender.start()
    caller.start()
    scoring.run()
    sender.stop()
    caller.stop()
    database.close()


def _configure_logs(settings: Settings) -> None:
    """Write logs to standard error: one line an event, never with what somebody wrote."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(message)s")
    processors: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if settings.log_json:
        # Without local variables: they hold texts.
        transform = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
        processors.append(structlog.processors.ExceptionRenderer(transform))
        processors.append(structlog.processors.JSONRenderer())
    else:
        processors.append(
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        )
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
