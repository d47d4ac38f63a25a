"""What lives as long as the application: settings, database, live updates, the worker."""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from anyio import CapacityLimiter
from anyio.abc import TaskGroup
from starlette.requests import HTTPConnection

from forum.database import Database, Glance
from forum.scoring import Loader, Scoring
from forum.settings import Settings
from forum.web.live import Live
from forum.web.lookout import Lookout
from forum.web.metrics import Metrics
from forum.web.pace import Pace, Quotas
from forum.web.writer import Writer
from moderation.desk import Desk
from moderation.memory import Memory


@dataclass(eq=False)
class State:
    """The parts that a handler may need."""

    settings: Settings
    database: Database
    # The event loop's own; None on PostgreSQL, where every answer is waited for.
    glance: Glance | None
    live: Live
    lookout: Lookout
    writer: Writer
    # None where there are no pages: `forum score-api`.
    templates: Any
    # Each address by its route's name, with {…} where its parameters go.
    paths: Mapping[str, str]
    sign_ins: Pace
    # Edits and reports, each by account.
    changes: Pace
    # New accounts, guests' too, by network address.
    sign_ups: Pace
    # Mail addresses, each by account.
    addresses: Pace
    metrics: Metrics
    # Scores for the score API, and how often its keys were used.
    desk: Desk
    quotas: Quotas
    # Gives the desk its classifier where no worker has one.
    loader: Loader
    # The scored texts, as the threshold room looks at them.
    memory: Memory
    # None where `forum work` scores in a process of its own.
    scoring: Scoring | None = None
    limiters: dict[str, CapacityLimiter] = field(default_factory=dict)
    # Where work goes on after its request was answered; ends with the server.
    tasks: TaskGroup | None = None

    def beside(self, work: Callable[..., Coroutine[Any, Any, None]], *args: object) -> None:
        """Let `work(…)` go on beside the requests; it must not raise."""
        if self.tasks is not None:
            self.tasks.start_soon(work, *args)

    def path(self, route: str, **params: object) -> str:
        """Return the path of a route, with letters of any script escaped."""
        # A page has hundreds of links: Starlette would walk its routes for each.
        given = {name: quote(str(value), safe="/~") for name, value in params.items()}
        return self.paths[route].format_map(given)

    def wake_worker(self) -> None:
        """Tell the worker in this process that something may be waiting."""
        if self.scoring is not None:
            self.scoring.wake()


def state_of(connection: HTTPConnection) -> State:
    """Return the application's state."""
    state: State = connection.app.state.forum
    return state
