"""The Perspective API, answered here: its three addresses, its keys, its quota."""

import asyncio
import contextlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from forum import keys, perspective, suggestions
from forum.keys import Holder
from forum.perspective import Refused
from forum.web import google
from forum.web.state import state_of
from forum.web.transactions import in_thread, read, transact
from moderation.classifier import ClassifierUnavailable
from moderation.desk import Busy

log = structlog.get_logger("forum.perspective")

# How long somebody waits for scores before being told to come again, in seconds.
PATIENCE = 10.0
API, VERSION = "commentanalyzer", "v1alpha1"
_DOCUMENT = Path(__file__).parent / "discovery.json"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_RETRY_INFO = "type.googleapis.com/google.rpc.RetryInfo"
_SERVICE = {"service": "commentanalyzer.googleapis.com"}


async def analyze(request: Request) -> Response:
    """The scores of a comment; 503 while the classifier is not there, never a guess."""
    holder = await _holder(request)
    if isinstance(holder, Response):
        return holder
    body = await request.body()
    try:
        asked = await in_thread(request, perspective.question, body)
        scored = await asyncio.wait_for(
            asyncio.wrap_future(state_of(request).desk.ask(asked.texts)), PATIENCE
        )
        return _answer(await in_thread(request, asked.answer, scored))
    except Refused as problem:
        return google.error(400, problem.message, problem.details)
    except (Busy, TimeoutError):
        return google.error(503, "Too much waits to be scored. Please try again.", retry_after=1)
    except ClassifierUnavailable:
        return google.error(
            503, "The classifier is not there just now. Nothing was scored.", retry_after=5
        )
    # Whatever a classifier raises about a text, that text has no score.
    except Exception as problem:
        log.error("not_scored", problem=type(problem).__name__)
        return google.error(503, "The classifier failed on this comment. Nothing was scored.")


async def suggest(request: Request) -> Response:
    """Keep the scores that somebody thinks a comment should have had."""
    holder = await _holder(request)
    if isinstance(holder, Response):
        return holder
    body = await request.body()
    try:
        suggested = await in_thread(request, perspective.suggestion, body)
    except Refused as problem:
        return google.error(400, problem.message, problem.details)
    if suggested.keep:
        await transact(
            request,
            suggestions.keep,
            suggested.text,
            suggested.scores,
            key_id=holder.id,
            community=suggested.community,
            token=suggested.token,
        )
    return _answer({"clientToken": suggested.token} if suggested.token else {})


async def describe(request: Request) -> Response:
    """The discovery document, which Google's own clients build themselves from. For everybody."""
    asked_for = (
        request.path_params.get("api", API),
        request.path_params.get("version") or request.query_params.get("version", VERSION),
    )
    if asked_for != (API, VERSION):
        return google.error(404, f"There is only {API} {VERSION} here.")
    return _answer(_document() | _addresses(request))


async def ready(request: Request) -> Response:
    """Whether comments can be scored, where nothing else is served; 503 with what is missing."""
    parts = {"database": "ok", "model": "ok"}
    try:
        await read(request, keys.find, "")
    except SQLAlchemyError:
        parts["database"] = "does not answer"
    if state_of(request).loader.problem:
        # Said in full in the log: this page is open to all.
        parts["model"] = "is not loaded; the log says why if that lasts"
        # Who is not ready may never be asked for scores, and it is tried again when asked.
        with contextlib.suppress(Busy):
            state_of(request).desk.ask([])
    fine = all(words == "ok" for words in parts.values())
    return JSONResponse({"ready": fine} | parts, status_code=200 if fine else 503)


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(_DOCUMENT.read_text(encoding="utf-8"))
    return document


def _addresses(request: Request) -> dict[str, str]:
    settings = state_of(request).settings
    # Where the operator named no address, the one that was asked can be asked again.
    root = (
        settings.address + "/" if "address" in settings.model_fields_set else str(request.base_url)
    )
    return {"rootUrl": root, "baseUrl": root}


def _answer(told: dict[str, Any]) -> Response:
    return JSONResponse(told, headers={"cache-control": "no-store"})


async def _holder(request: Request) -> Holder | Response:
    """Return who asks, or the refusal. Each request that shows a key counts for its quota."""
    key = request.query_params.get("key") or request.headers.get("x-goog-api-key", "")
    if not key:
        if request.headers.get("authorization"):
            return google.error(
                401,
                "Request had invalid authentication credentials. This server knows API keys only:"
                " send ?key= or the header x-goog-api-key.",
            )
        return google.error(
            403,
            "Method doesn't allow unregistered callers (callers without established identity)."
            " Please use API Key or other form of API consumer identity to call this API.",
        )
    holder = await read(request, keys.find, key.strip())
    if holder is None:
        return google.error(
            400,
            "API key not valid. Please pass a valid API key.",
            [_info("API_KEY_INVALID")],
        )
    wait = state_of(request).quotas.take(holder.id, holder.a_minute)
    if wait:
        return google.error(
            429,
            "Quota exceeded for quota metric 'Analysis requests (AnalyzeComment)' and limit"
            f" 'Analysis requests (AnalyzeComment) per minute': {holder.a_minute} a minute.",
            [_info("RATE_LIMIT_EXCEEDED"), {"@type": _RETRY_INFO, "retryDelay": f"{wait}s"}],
            retry_after=wait,
        )
    return holder


def _info(reason: str) -> dict[str, Any]:
    return {
        "@type": _ERROR_INFO,
        "reason": reason,
        "domain": "googleapis.com",
        "metadata": _SERVICE,
    }
