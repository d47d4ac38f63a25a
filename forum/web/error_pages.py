"""What went wrong, said once: as a page with a way back, or as problem+json."""

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from forum.errors import (
    BadRequest,
    Broken,
    ForumError,
    NotFound,
    NotSignedIn,
    TooLarge,
    TooMany,
    Unavailable,
    WrongMethod,
)
from forum.web import google
from forum.web.pages import page, query

log = structlog.get_logger("forum.web")


async def refused(request: Request, problem: Exception) -> Response:
    """Answer a ForumError."""
    assert isinstance(problem, ForumError)  # noqa: S101
    if google.speaks(request):
        return google.refused(problem)
    headers = {}
    if isinstance(problem, TooMany):
        headers["retry-after"] = str(problem.retry_after)
    if wants_json(request):
        return JSONResponse(
            {
                "type": f"/errors#{problem.code}",
                "title": problem.title,
                "status": problem.status,
                "detail": problem.message,
                "code": problem.code,
                **({"field": problem.field} if problem.field else {}),
            },
            status_code=problem.status,
            media_type="application/problem+json",
            headers=headers,
        )
    if isinstance(problem, NotSignedIn) and request.method == "GET":
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse("/sign-in" + query(next=here), status_code=303)
    return await page(request, "errors/error.html", status=problem.status, problem=problem)


async def http_problem(request: Request, problem: Exception) -> Response:
    """Answer what Starlette itself refuses: no such address, wrong method."""
    assert isinstance(problem, HTTPException)  # noqa: S101
    if problem.status_code == 405:
        response = await refused(request, WrongMethod("This address does not answer that."))
        response.headers.update(problem.headers or {})
        return response
    if problem.status_code == 413:
        return await refused(request, TooLarge("That is more than this form may hold."))
    if problem.status_code == 404:
        return await refused(
            request, NotFound("There is nothing at this address. It may have moved.")
        )
    if problem.status_code < 500:
        return await refused(request, BadRequest("The request cannot be understood."))
    return await refused(request, Unavailable(str(problem.detail)))


async def database_away(request: Request, problem: Exception) -> Response:
    """Answer when the database cannot be reached or is too busy."""
    log.error("database_problem", problem=type(problem).__name__, path=request.url.path)
    return await refused(
        request,
        Unavailable("The database does not answer just now. Please try again in a minute."),
    )


async def broken(request: Request, problem: Exception) -> Response:
    """Answer a mistake of ours: with words, and with everything about it in the log."""
    log.error("request_failed", path=request.url.path, exc_info=problem)
    return await refused(request, Broken("This is our mistake, and it is in our log."))


def wants_json(request: Request) -> bool:
    """Whether a program asks, or a script of a page."""
    if request.url.path.startswith("/api/"):
        return True
    accept = request.headers.get("accept", "")
    return "json" in accept and "text/html" not in accept


HANDLERS = {
    ForumError: refused,
    HTTPException: http_problem,
    DBAPIError: database_away,
}
