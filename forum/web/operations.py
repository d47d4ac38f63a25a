"""For those who run the site: is it alive, is it ready, what does it count; and static files."""

import hmac
from datetime import timedelta
from typing import Any

from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.staticfiles import StaticFiles

from forum import alarms
from forum.database import utc_now
from forum.errors import NotAllowed, NotFound
from forum.web.pages import STATIC
from forum.web.state import State, state_of
from forum.web.transactions import read
from moderation import policies, review_queue, scoring_queue
from moderation.policy import Status

# Older than this, waiting texts mean that nobody scores.
TOO_OLD = timedelta(minutes=2)

_files = StaticFiles(directory=STATIC)


async def alive(request: Request) -> Response:
    """Whether the server answers at all."""
    return PlainTextResponse("ok\n")


async def ready(request: Request) -> Response:
    """Whether comments can be read, posted and scored; 503 with what is missing if not."""
    state = state_of(request)
    parts = {"database": "ok", "worker": "ok", "model": "ok", "policy": "ok"}
    try:
        backlog, misfit = await read(request, _look)
        parts["policy"] = misfit or "ok"
    except (SQLAlchemyError, LookupError) as problem:
        parts["database"] = (
            "has no policy yet: run 'forum migrate'"
            if isinstance(problem, LookupError)
            else "does not answer, or lacks migrations: run 'forum migrate'"
        )
        backlog = None
    trouble = state.scoring.trouble() if state.scoring is not None else ""
    if state.scoring is not None and state.scoring.problem:
        # Said in full in the log: this page is open to all.
        parts["model"] = "is not loaded; the log says why if that lasts"
    elif trouble:
        parts["worker"] = trouble
    if backlog is not None and backlog.oldest is not None:
        age = utc_now() - backlog.oldest
        if age > TOO_OLD and parts["worker"] == "ok":
            parts["worker"] = (
                f"{backlog.waiting} texts wait for scores, the oldest for"
                f" {int(age.total_seconds())} seconds: is 'forum work' running?"
            )
    fine = all(words == "ok" for words in parts.values())
    return JSONResponse({"ready": fine} | parts, status_code=200 if fine else 503)


def _look(session: Session) -> tuple[scoring_queue.Backlog, str]:
    misfit = policies.misfit(session)
    return scoring_queue.backlog(session), misfit.in_words() if misfit else ""


async def metrics(request: Request) -> Response:
    """Counters for Prometheus: for this machine, or with FORUM_METRICS_TOKEN."""
    state = state_of(request)
    token = state.settings.metrics_token
    given = request.headers.get("authorization", "").partition(" ")[2]
    local = request.client is None or request.client.host in ("127.0.0.1", "::1")
    if not (hmac.compare_digest(given.encode(), token.encode()) if token else local):
        raise NotAllowed("Metrics are read from this machine, or with FORUM_METRICS_TOKEN.")
    values, open_ = await read(request, _measure, state)
    return Response(
        state.metrics.write(values, open_), media_type="text/plain; version=0.0.4; charset=utf-8"
    )


def _measure(session: Session, state: State) -> tuple[dict[str, float], dict[str, int]]:
    backlog = scoring_queue.backlog(session)
    waiting = review_queue.counts(session)
    age = (utc_now() - backlog.oldest).total_seconds() if backlog.oldest else 0.0
    worker = state.scoring.worker if state.scoring else None
    shadow = state.scoring.shadow if state.scoring else None
    values: dict[str, Any] = {
        "scoring_waiting": backlog.waiting,
        "scoring_oldest_seconds": age,
        "cases_held": waiting.get(Status.HELD, 0),
        "cases_reported": waiting.get(Status.PUBLISHED, 0),
        "live_readers": state.live.listening(),
        "scored": worker.scored if worker else 0,
        "scoring_failures": worker.failures if worker else 0,
        "worker_ready": float(not (state.scoring and state.scoring.trouble())),
        "policy_fits": float(policies.misfit(session) is None),
        "shadow_scored": shadow.scored if shadow else 0,
        "shadow_failures": shadow.failures if shadow else 0,
        "shadow_behind": shadow.behind if shadow else 0,
    }
    return values, {kind.value: many for kind, many in alarms.count_open(session).items()}


async def nothing_here(request: Request) -> Response:
    """Any address that no route has: refused to the viewer, who stays signed in."""
    raise NotFound("There is nothing at this address. It may have moved.")


async def static(request: Request) -> Response:
    """A static file; its address changes with its content, so it may be kept for ever."""
    response = await _files.get_response(str(request.path_params["file"]), request.scope)
    if request.query_params.get("v"):
        response.headers["cache-control"] = "public, max-age=31536000, immutable"
    else:
        response.headers["cache-control"] = "public, max-age=300"
    return response
