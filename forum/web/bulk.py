"""The moderators' batches: choose cases, look at them together, decide them as one act, undo."""

import re
from collections.abc import Mapping
from time import monotonic
from typing import Any

import structlog
from anyio import CancelScope, sleep
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from forum import bulk, covering
from forum.bulk import BatchFile, State
from forum.errors import BadRequest, ForumError, Invalid
from forum.views import View
from forum.web.error_pages import wants_json
from forum.web.forms import Form, cleaned, path_number, query_number
from forum.web.pages import number, page, see_other
from forum.web.state import state_of
from forum.web.transactions import read, transact
from moderation.decisions import Kind

log = structlog.get_logger("forum.bulk")

# A page of the queue has 25 cases, and a script may have added more pages below it.
_MOST_CHOSEN = 2000
_CHOSEN = re.compile(r"case-(\d{1,18})")
# For so many seconds whoever asked waits for a batch to be through.
_WAITED_FOR = 3.0


async def draft_batch(request: Request) -> Response:
    """Put down which cases are to be decided together: those chosen, or all that match."""
    form = await Form.read(request, at_most=_MOST_CHOSEN)
    view = _view(form.fields)
    chosen = None if form.text("which") == "all" else _chosen(form)
    batch_id = await transact(
        request, bulk.draft, view, moderator=request.state.viewer, chosen=chosen
    )
    return see_other(request, "batch", id=batch_id)


def _view(given: Mapping[str, str]) -> View:
    return View.read({name: cleaned(value) for name, value in given.items()})


def _chosen(form: Form) -> dict[int, int]:
    found = {}
    for name, value in form.fields.items():
        if named := _CHOSEN.fullmatch(name):
            if not (value.isascii() and value.isdigit() and len(value) < 19):
                raise BadRequest("This form cannot be read. Please choose the cases again.")
            found[int(named[1])] = int(value)
    return found


async def batch(request: Request) -> Response:
    """One batch: what it would decide, how far it is, or what it did."""
    return await _batch_page(request, path_number(request, "id"))


async def _batch_page(
    request: Request,
    batch_id: int,
    problem: ForumError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    def ask(session: Session) -> dict[str, Any]:
        file = bulk.open_file(session, batch_id)
        drafted = file.batch.state == State.DRAFT
        return {
            "file": file,
            "preview": bulk.preview(session, file) if drafted else None,
            "cover": covering.for_(session, request.state.viewer.id) if drafted else None,
        }

    return await page(
        request,
        "moderator/batch.html",
        status=problem.status if problem else 200,
        problem=problem,
        typed={"reason": "", "words": ""} | dict(typed or {}),
        said=in_words,
        at_most=bulk.AT_MOST,
        **await read(request, ask),
    )


async def run_batch(request: Request) -> Response:
    """Decide all of a draft, or go on with what was broken off."""
    batch_id = path_number(request, "id")
    form = await Form.read(request)
    typed = {"reason": form.text("reason"), "words": form.text("words")}
    try:
        match form.text("to"):
            case "approve" | "reject" | "verdict" as to:
                await transact(
                    request,
                    bulk.start,
                    batch_id,
                    Kind(to),
                    moderator=request.state.viewer,
                    **typed,
                )
            case "on":
                pass
            case _:
                raise Invalid("Please choose to approve or to reject.")
    except Invalid as problem:
        return await _batch_page(request, batch_id, problem, typed)
    await carry_on(request, batch_id)
    return see_other(request, "batch", id=batch_id)


async def undo_batch(request: Request) -> Response:
    """Take a batch back, in one act; whoever did it at a case is led to that one again."""
    batch_id = path_number(request, "id")
    form = await Form.read(request)
    at = form.number("case")
    await transact(request, bulk.undo, batch_id, moderator=request.state.viewer)
    await carry_on(request, batch_id)
    if wants_json(request):
        case_id, version, line = await read(request, bulk.undone, batch_id, at)
        return JSONResponse({"case": case_id, "version": version, "line": line})
    if at:
        ask = {"notice": "undone", **_view(form.fields).asked}
        return see_other(request, "case", id=at, ask=ask)
    return see_other(request, "batch", id=batch_id)


async def carry_on(request: Request, batch_id: int) -> None:
    """Do the first parts of a batch now, and what is left behind the answer."""
    until, more = monotonic() + _WAITED_FOR, True
    while more and monotonic() < until:
        more = await transact(request, bulk.advance, batch_id)
    if more:
        state_of(request).beside(_to_the_end, request, batch_id)


async def _to_the_end(request: Request, batch_id: int) -> None:
    more = True
    try:
        while more:
            # A part that was begun is waited for; between two a server can stop.
            with CancelScope(shield=True):
                more = await transact(request, bulk.advance, batch_id)
            # Whoever waits to write has their turn.
            await sleep(0.01)
    # The batch stands where it is: its page offers to go on.
    except Exception as problem:
        log.exception("batch_stands", batch=batch_id, problem=type(problem).__name__)


async def batches(request: Request) -> Response:
    """The batches that were run, newest first."""
    found, more = await read(request, bulk.listed, before=query_number(request, "before"))
    return await page(
        request,
        "moderator/batches.html",
        found=found,
        more=more,
        said=in_words,
        continued="before" in request.query_params,
    )


def in_words(file: BatchFile, of: int = 0) -> str:
    """Say what a batch did, in a sentence or two; `of`: of how many that were seen."""
    did = {"approve": "Approved", "reject": "Rejected", "verdict": "Decided by the policy:"}.get(
        file.batch.kind, ""
    )
    match file.batch.state:
        case State.DRAFT:
            return f"{_comments(file.waiting)} to decide."
        case State.UNDOING | State.UNDONE:
            head = f"Taken back: {_comments(file.undone)}."
        case _:
            head = f"{did} {_comments(file.decided)}."
    if file.batch.state == State.DONE and of > file.decided + file.aside:
        gone = of - file.decided
        head += f" {number(gone)} had changed meanwhile, or somebody else had them open."
    elif file.aside:
        head += f" {number(file.aside)} left as {'it was' if file.aside == 1 else 'they were'}."
    return head


def _comments(count: int) -> str:
    return f"{number(count)} {'comment' if count == 1 else 'comments'}"
