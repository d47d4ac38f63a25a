"""The one way from a handler to the domain: one transaction on a worker thread."""

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from anyio import CapacityLimiter, to_thread
from sqlalchemy.orm import Session
from starlette.requests import Request

from forum.web import gently
from forum.web.state import State, state_of

P = ParamSpec("P")
T = TypeVar("T")

# How many reading transactions run at once. PostgreSQL is waited for; on SQLite they would only
# take turns at the interpreter, and turns cost: with eight a page took twice as long.
READERS = 8
READERS_OF_SQLITE = 2


async def read(
    request: Request, ask: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Return `ask(session, …)`, run in a transaction that cannot write."""
    state = state_of(request)
    gently.asked()

    def run() -> T:
        with state.database.reading() as session:
            return ask(session, *args, **kwargs)

    at_once = READERS_OF_SQLITE if state.database.is_sqlite else READERS
    return await to_thread.run_sync(run, limiter=_limiter(state, "readers", at_once))


async def glance(
    request: Request, ask: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Return what `read` would, for a question that one prepared statement answers.

    SQLite has answered before a thread is awake, so there it is asked on the event loop.
    """
    state = state_of(request)
    if state.glance is None:
        return await read(request, ask, *args, **kwargs)
    return ask(state.glance(), *args, **kwargs)


async def transact(
    request: Request, act: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Return `act(session, …)`; all it wrote is committed, or nothing if it raised.

    What readers of a thread see is up to date when this returns.
    """
    state = state_of(request)
    gently.asked()

    def run(session: Session) -> T:
        return act(session, *args, **kwargs)

    answer: T = await state.writer.write(run)
    state.wake_worker()
    return answer


async def in_thread(request: Request, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `work(…)`, run on a worker thread without a transaction: templates."""
    state = state_of(request)
    return await to_thread.run_sync(
        lambda: work(*args, **kwargs), limiter=_limiter(state, "workers", 4)
    )


async def slowly(request: Request, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Return `work(…)` that takes a core for long, as passwords do; few at once, by themselves.

    Whoever tries many passwords keeps others from signing in for a while, never from reading.
    """
    return await to_thread.run_sync(
        lambda: work(*args, **kwargs), limiter=_limiter(state_of(request), "slow", 2)
    )


def _limiter(state: State, name: str, at_once: int) -> CapacityLimiter:
    # A limiter belongs to the running loop, which is not there yet when the state is made.
    return state.limiters.setdefault(name, CapacityLimiter(at_once))
