"""The admins' page of what the policy in force makes of comments that are held already."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import bulk, covering
from forum.errors import ForumError, Invalid
from forum.web.forms import Form
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact
from moderation import applying
from moderation.policy import Status

# So many comments of each kind are shown in full.
_SHOWN = 5


async def held_page(request: Request) -> Response:
    """How many held comments would be published, stay and be rejected, with some of each."""
    return await _held_page(request)


async def _held_page(request: Request, problem: ForumError | None = None) -> Response:
    def ask(session: Session) -> dict[str, Any]:
        found = applying.held(session)
        moving = {status: found.to(status) for status in (Status.PUBLISHED, Status.REJECTED)}
        shown = [one.case_id for some in moving.values() for one in some[:_SHOWN]]
        comments = bulk.comments_of(session, shown)
        return {
            "version": found.version,
            "stay": len(found.to(Status.HELD)),
            "aside": found.aside,
            "moving": {status: len(some) for status, some in moving.items()},
            "examples": {
                status: [comments[one.case_id] for one in some[:_SHOWN] if one.case_id in comments]
                for status, some in moving.items()
            },
            "cover": covering.for_(session, request.state.viewer.id),
        }

    return await page(
        request,
        "admin/held.html",
        status=problem.status if problem else 200,
        problem=problem,
        **await read(request, ask),
    )


async def draft_held(request: Request) -> Response:
    """Put down what would be decided, to be looked at once more and then run."""
    form = await Form.read(request)
    try:
        batch_id = await transact(
            request,
            bulk.draft_held,
            admin=request.state.viewer,
            based_on=form.required("based_on"),
        )
    except Invalid as problem:
        return await _held_page(request, problem)
    return see_other(request, "batch", id=batch_id)
