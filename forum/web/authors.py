"""The moderators' view of people: an author's file, sanctions, and the log of them."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import accounts, authors, covering, sanctions
from forum.accounts import Role, Viewer
from forum.errors import Changed, ForumError, Invalid
from forum.sanctions import KINDS
from forum.web.forms import Form, path_number, query_number
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact
from moderation import acts

LOG_A_PAGE = 50


async def author(request: Request) -> Response:
    """An author's record, sanctions and comments, with the form to give a sanction."""
    return await _author_page(request, path_number(request, "id"))


async def _author_page(
    request: Request,
    account_id: int,
    problem: ForumError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    viewer: Viewer = request.state.viewer
    file = await read(
        request,
        authors.open_file,
        account_id,
        viewer=viewer.id,
        before=query_number(request, "before"),
    )
    above = not Role(file.account.role).allows(Role(viewer.role))
    kinds = {kind: one for kind, one in KINDS.items() if Role(viewer.role).allows(one.by)}
    empty = {"kind": "", "days": "", "words": "", "case": str(query_number(request, "case") or "")}
    return await page(
        request,
        "moderator/author.html",
        status=problem.status if problem else 200,
        file=file,
        cover=await read(request, covering.for_, viewer.id),
        kinds=KINDS,
        may_give=kinds if above else {},
        problem=problem,
        typed=empty | (typed or {}),
        continued="before" in request.query_params,
    )


async def sanction(request: Request) -> Response:
    """Give an author a sanction."""
    account_id = path_number(request, "id")
    form = await Form.read(request)
    try:
        days = form.text("days").strip()
        if days and not (days.isascii() and days.isdigit() and len(days) < 6):
            raise Invalid("The days are a whole number, or empty.", field="days")
        await transact(
            request,
            sanctions.give,
            account_id,
            form.text("kind"),
            words=form.text("words"),
            days=int(days) if days else None,
            by=request.state.viewer,
            case_id=form.number("case"),
        )
    except Invalid as problem:
        return await _author_page(request, account_id, problem, form.fields)
    return see_other(
        request, "author", id=account_id, ask={"notice": "sanctioned", "case": form.text("case")}
    )


async def lift(request: Request) -> Response:
    """End a sanction before its time."""
    form = await Form.read(request)
    account_id = form.required("account")
    try:
        await transact(
            request,
            sanctions.lift,
            path_number(request, "id"),
            words=form.text("words"),
            by=request.state.viewer,
        )
    except (Changed, Invalid) as problem:
        return await _author_page(request, account_id, problem)
    return see_other(request, "author", id=account_id, ask={"notice": "lifted"})


async def acts_log(request: Request) -> Response:
    """Sanctions, and changes of the listed words and of the rules, newest first."""
    before = query_number(request, "before")

    def ask(session: Session) -> dict[str, Any]:
        found = acts.listed(session, before=before, at_most=LOG_A_PAGE + 1)
        lines = found[:LOG_A_PAGE]
        people = {line.actor for line in lines} | {line.subject for line in lines if line.subject}
        return {
            "lines": lines,
            "more": lines[-1].id if len(found) > LOG_A_PAGE else None,
            "names": accounts.names(session, people),
        }

    return await page(
        request, "moderator/acts.html", continued=before is not None, **await read(request, ask)
    )
