"""The moderators' room: the review queue, a case, the log."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import review
from forum.errors import Changed, ForumError, Invalid, NotFound
from forum.review import Show
from forum.web.forms import Form, path_number, query_number, query_text
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact


def _show(wanted: str) -> Show:
    if not wanted:
        return Show.HELD
    if wanted not in set(Show):
        raise NotFound("There is no such view of the queue.")
    return Show(wanted)


async def queue(request: Request) -> Response:
    """The review queue: cases that wait, oldest first, or those decided."""
    show = _show(query_text(request, "show"))
    after = query_text(request, "after")
    done = query_number(request, "done")

    def ask(session: Session) -> dict[str, Any]:
        return {
            "queue": review.queue(session, show, after=after),
            "counts": review.counts(session),
            "undoable": review.undoable(session, done) if done else None,
        }

    return await page(
        request,
        "moderator/queue.html",
        show=show,
        continued=bool(after),
        **await read(request, ask),
    )


async def case(request: Request) -> Response:
    """Everything about one case, with the decision to take."""
    return await _case_page(request, path_number(request, "id"))


async def _case_page(
    request: Request,
    case_id: int,
    problem: ForumError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    return await page(
        request,
        "moderator/case.html",
        status=problem.status if problem else 200,
        file=await read(request, review.open_file, case_id),
        problem=problem,
        typed=typed or {"reason": "", "words": ""},
        show=_show(query_text(request, "show")) if "show" in request.query_params else None,
    )


async def decide(request: Request) -> Response:
    """Approve or reject a case, on the version that the moderator saw."""
    case_id = path_number(request, "id")
    form = await Form.read(request)
    version = form.required("version")
    show = _show(form.text("show"))
    moderator = request.state.viewer
    try:
        match form.text("to"):
            case "approve":
                decision = await transact(
                    request, review.approve, case_id, version=version, moderator=moderator
                )
                notice = "approved"
            case "reject":
                decision = await transact(
                    request,
                    review.reject,
                    case_id,
                    version=version,
                    moderator=moderator,
                    reason=form.text("reason"),
                    words=form.text("words"),
                )
                notice = "rejected"
            case _:
                raise Invalid("Please choose to approve or to reject.")
    except (Changed, Invalid) as problem:
        return await _case_page(
            request,
            case_id,
            problem,
            {"reason": form.text("reason"), "words": form.text("words")},
        )
    return see_other(
        request, "queue", ask={"show": show.value, "notice": notice, "done": decision.id}
    )


async def undo(request: Request) -> Response:
    """Take the last decision on a case back."""
    form = await Form.read(request)
    undone = await transact(
        request, review.undo, path_number(request, "id"), moderator=request.state.viewer
    )
    return see_other(
        request,
        "case",
        id=undone.case_id,
        ask={"notice": "undone", "show": _show(form.text("show")).value},
    )


async def log(request: Request) -> Response:
    """The decisions log, newest first."""
    by_people = query_text(request, "by") == "people"
    lines, more = await read(
        request, review.log, before=query_number(request, "before"), by_people=by_people
    )
    return await page(
        request,
        "moderator/log.html",
        lines=lines,
        more=more,
        by_people=by_people,
        continued="before" in request.query_params,
    )
