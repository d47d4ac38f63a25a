"""Refusals in the shape that Google's clients read."""

from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse

from forum.errors import ForumError, TooMany
from forum.web.state import state_of

# Below these the score API answers; all else is the site.
PATHS = ("/v1alpha1/", "/$discovery/", "/discovery/")

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "UNIMPLEMENTED",
    413: "INVALID_ARGUMENT",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    503: "UNAVAILABLE",
}


def speaks(request: Request) -> bool:
    """Whether whoever asks expects Google's shape: at its addresses, or where there is no site."""
    return request.url.path.startswith(PATHS) or state_of(request).templates is None


def error(
    status: int,
    message: str,
    details: Sequence[Mapping[str, Any]] = (),
    *,
    retry_after: int = 0,
) -> JSONResponse:
    """Return an error of this HTTP status; `retry_after` is in seconds, 0 for no word on it."""
    told: dict[str, Any] = {"code": status, "message": message, "status": _STATUS[status]}
    if details:
        told["details"] = list(details)
    headers = {"cache-control": "no-store"}
    if retry_after:
        headers["retry-after"] = str(retry_after)
    return JSONResponse({"error": told}, status_code=status, headers=headers)


def refused(problem: ForumError) -> JSONResponse:
    """Return what this site refuses anywhere, as Google would."""
    status = problem.status if problem.status in _STATUS else 400
    return error(
        status,
        problem.message,
        retry_after=problem.retry_after if isinstance(problem, TooMany) else 0,
    )
