"""The page on which a moderator chooses how to work; nobody else sees what it says."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from forum import habits
from forum.errors import ForumError, Invalid
from forum.habits import CAN_LEAVE_OUT, Chosen
from forum.views import View
from forum.web.forms import Form
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact


async def form(request: Request) -> Response:
    """What the moderator chose."""
    return await _page(request)


async def _page(
    request: Request,
    problem: ForumError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    if typed is None:
        typed = _typed(await read(request, habits.of, request.state.viewer.id))
    return await page(
        request,
        "moderator/habits.html",
        status=problem.status if problem else 200,
        problem=problem,
        typed=typed,
        can_leave_out=CAN_LEAVE_OUT,
    )


def _typed(chosen: Chosen) -> dict[str, str]:
    """What stands in the form, by its fields; a box that is not ticked is not there."""
    typed = {
        "cases": "" if chosen.cases is None else str(chosen.cases),
        "score": f"{chosen.score:.12g}",
        "minutes": str(chosen.minutes),
        **{f"without_{name}": "1" for name in chosen.left_out},
    }
    return typed | ({"covers": "1"} if chosen.covers else {})


async def save(request: Request) -> Response:
    """Keep what the moderator chose."""
    form = await Form.read(request)
    try:
        await transact(
            request,
            habits.save,
            request.state.viewer,
            covers=form.text("covers") == "1",
            cases=_whole(form, "cases") if form.text("cases").strip() else None,
            score=_score(form),
            minutes=_whole(form, "minutes"),
            left_out=[
                label.name for label in CAN_LEAVE_OUT if form.text(f"without_{label.name}") == "1"
            ],
        )
    except Invalid as problem:
        empty = dict.fromkeys(("cases", "score", "minutes"), "")
        return await _page(request, problem, empty | form.fields)
    return see_other(request, "habits", ask={"notice": "habits"})


def _whole(form: Form, name: str) -> int:
    typed = form.text(name).strip()
    if not (typed.isascii() and typed.isdigit() and len(typed) < 6):
        raise Invalid("Please write a whole number.", field=name)
    return int(typed)


def _score(form: Form) -> float:
    try:
        return float(form.text("score").strip().replace(",", "."))
    except ValueError:
        raise Invalid("A score is a number from 0 to 1.", field="score") from None


async def rest(request: Request) -> Response:
    """Put the suggestion of a pause away, and go back to the queue."""
    sent = await Form.read(request)
    await transact(request, habits.rest, request.state.viewer)
    return see_other(request, "queue", ask=View.read(sent.fields).asked)
