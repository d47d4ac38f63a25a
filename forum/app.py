"""Puts the parts together: the web application, and the worker beside it or alone."""

import contextlib
import gc
import logging
import signal
import sys
from collections.abc import AsyncIterator
from types import FrameType

import structlog
import uvicorn
from anyio import create_task_group
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.middleware import Middleware

from forum.database import Database
from forum.scoring import Scoring
from forum.settings import Settings
from forum.web.access import Edge
from forum.web.error_pages import HANDLERS
from forum.web.live import Live
from forum.web.metrics import Metrics, Watch
from forum.web.pace import Pace
from forum.web.pages import make_templates
from forum.web.routes import TABLE
from forum.web.state import State
from forum.web.writer import Writer


def create_app(settings: Settings, *, database: Database | None = None) -> Starlette:
    """Return the application; its database must be migrated. The worker starts with it."""
    database = database or Database(settings.database)
    live = Live(database)
    routes = [row.route() for row in TABLE]
    state = State(
        settings=settings,
        database=database,
        live=live,
        writer=Writer(database, live),
        templates=make_templates(settings),
        paths={route.name: route.path_format for route in routes},
        sign_ins=Pace(settings.sign_in_tries, 300),
        sign_ups=Pace(20, 3600),
        metrics=Metrics(),
        scoring=Scoring(live.writing, settings) if settings.worker else None,
    )

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if state.scoring is not None:
            state.scoring.start()
        async with create_task_group() as tasks:
            tasks.start_soon(live.watch)
            # What is here now stays for good: the collector need not look at it again.
            gc.collect()
            gc.freeze()
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()
        if state.scoring is not None:
            state.scoring.stop()
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
    app.state.forum = state
    return app


def serve(settings: Settings) -> None:
    """Serve the site until SIGINT or SIGTERM; live connections are ended, not waited for."""
    _configure_logs(settings)
    app = create_app(settings)
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
    """Ends the live connections when it is told to stop, and so need not wait for them."""

    def __init__(self, config: uvicorn.Config, live: Live) -> None:
        super().__init__(config)
        self._live = live

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._live.close()
        super().handle_exit(sig, frame)


def work(settings: Settings) -> None:
    """Score comments until SIGINT or SIGTERM, without serving."""
    _configure_logs(settings)
    database = Database(settings.database)
    scoring = Scoring(database.writing, settings)

    def stop(_number: int, _frame: object) -> None:
        scoring.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    scoring.run()
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
