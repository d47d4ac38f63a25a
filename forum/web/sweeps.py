"""The moderators' sweeps, and the admins' page of how much one may miss."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import bulk, sweeps
from forum.errors import Changed, ForumError, Invalid
from forum.sweeps import Terms
from forum.views import View
from forum.web.forms import Form, path_number
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact


async def sweep_list(request: Request) -> Response:
    """The newest sweeps, and the form to begin one."""
    return await _list_page(request)


async def begin_sweep(request: Request) -> Response:
    """Begin a sweep: the first draws are there at once."""
    form = await Form.read(request)
    try:
        sweep_id = await transact(
            request,
            sweeps.begin,
            form.text("label"),
            _number(form, "least"),
            _number(form, "most"),
            moderator=request.state.viewer,
        )
    except Invalid as problem:
        return await _list_page(request, problem, form.fields)
    return see_other(request, "sweep", id=sweep_id)


async def _list_page(
    request: Request,
    problem: ForumError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    def ask(session: Session) -> dict[str, Any]:
        return {"found": sweeps.listed(session), "terms": sweeps.terms(session)}

    return await page(
        request,
        "moderator/sweeps.html",
        status=problem.status if problem else 200,
        problem=problem,
        typed={"label": "", "least": "", "most": ""} | dict(typed or {}),
        **await read(request, ask),
    )


async def sweep(request: Request) -> Response:
    """One sweep: what is drawn, what it proves, and by which arithmetic."""
    return await _sweep_page(request, path_number(request, "id"))


async def _sweep_page(
    request: Request, sweep_id: int, problem: ForumError | None = None
) -> Response:
    return await page(
        request,
        "moderator/sweep.html",
        status=problem.status if problem else 200,
        problem=problem,
        now=await read(request, sweeps.standing, sweep_id),
    )


async def go_on_sweep(request: Request) -> Response:
    """Draw more, or draft the batch that approves all the rest of the band."""
    sweep_id = path_number(request, "id")
    form = await Form.read(request)
    try:
        if form.text("to") == "draw":
            await transact(request, sweeps.draw_more, sweep_id)
            return see_other(request, "sweep", id=sweep_id)
        batch_id = await transact(request, _draft_rest, sweep_id, moderator=request.state.viewer)
    except (Changed, Invalid) as problem:
        return await _sweep_page(request, sweep_id, problem)
    return see_other(request, "batch", id=batch_id)


def _draft_rest(session: Session, sweep_id: int, *, moderator: Any) -> int:
    found = sweeps.standing(session, sweep_id).sweep
    view = View(label=found.label, least=found.least, most=found.most)
    return bulk.draft(session, view, moderator=moderator, rest_of=sweep_id)


async def sweep_terms(request: Request) -> Response:
    """How much a sweep may miss, and how certain it must be."""
    return await _terms_page(request)


async def save_sweep_terms(request: Request) -> Response:
    """Save terms for the sweeps that begin from now on."""
    form = await Form.read(request)
    try:
        limit, certainty = _number(form, "limit"), _number(form, "certainty")
        new = Terms(limit / 100, 1 - certainty / 100, form.number("based_on") or 0)
        await transact(request, sweeps.set_terms, new, author=request.state.viewer)
    except (Changed, Invalid) as problem:
        return await _terms_page(request, problem, form.fields)
    return see_other(request, "sweep_terms", ask={"notice": "sweep-terms"})


async def _terms_page(
    request: Request,
    problem: ForumError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    terms = await read(request, sweeps.terms)
    plain = {"limit": f"{terms.limit:.6%}", "certainty": f"{1 - terms.error:.6%}"}
    numbers = {name: value.rstrip("%").rstrip("0").rstrip(".") for name, value in plain.items()}
    return await page(
        request,
        "admin/sweep_terms.html",
        status=problem.status if problem else 200,
        problem=problem,
        terms=terms,
        typed=numbers | dict(typed or {}),
    )


def _number(form: Form, name: str) -> float:
    try:
        value = float(form.text(name).strip().replace(",", "."))
    except ValueError:
        raise Invalid("Please write a number.", field=name) from None
    # Not a number compares as neither less nor more.
    if not abs(value) <= 1000:
        raise Invalid("Please write a number.", field=name)
    return value
