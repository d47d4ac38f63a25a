"""The moderators' room: the review queue, a case, the log."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import timedelta, tzinfo
from typing import Any

from sqlalchemy.orm import Session
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from forum import appeals, articles, authors, bulk, habits, notes, review, saved, views
from forum.accounts import Role
from forum.errors import Changed, ForumError, Invalid
from forum.review import CaseFile, Happening
from forum.sanctions import KINDS
from forum.views import AGES, HELD_FOR, Show, View
from forum.web.bulk import carry_on, in_words
from forum.web.error_pages import wants_json
from forum.web.forms import Form, cleaned, path_number, query_number, query_text
from forum.web.pages import NOTICES, number, page, see_other
from forum.web.state import state_of
from forum.web.transactions import read, transact
from moderation.decisions import Kind
from moderation.scripts import WRITTEN_IN


def _view(given: Mapping[str, str]) -> View:
    return View.read({name: cleaned(value) for name, value in given.items()})


async def queue(request: Request) -> Response:
    """The review queue: cases that wait, or those decided, as the address asks."""
    return await _queue_page(request, _view(request.query_params))


async def _queue_page(
    request: Request,
    view: View,
    problem: ForumError | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    after = query_text(request, "after")
    done, batch = query_number(request, "done"), query_number(request, "batch")
    viewer = request.state.viewer

    def ask(session: Session) -> dict[str, Any]:
        return {
            "queue": review.queue(session, view, moderator=viewer, after=after),
            "counts": views.counts(session, view, viewer=viewer.id),
            "saved": saved.of(session, viewer),
            "sections": articles.sections(session),
            "about": articles.titled(session, view.article) if view.article else "",
            "undoable": review.undoable(session, done) if done else None,
            "folded": bulk.open_file(session, batch) if batch else None,
            "left_out": views.left_out(session, view, viewer=viewer.id),
            "exposure": habits.exposure(session, viewer.id),
            "appealed": appeals.figures(session)
            if view.show is Show.APPEALS and Role(viewer.role).allows(Role.ADMIN)
            else None,
        }

    return await page(
        request,
        "moderator/queue.html",
        status=problem.status if problem else 200,
        view=view,
        together=bulk.allows(view),
        continued=bool(after),
        held_for=HELD_FOR,
        ages=AGES,
        scripts=WRITTEN_IN,
        name_length=saved.NAME,
        in_batch=in_words,
        at=query_number(request, "at"),
        problem=problem,
        typed=typed or {},
        **await read(request, ask),
    )


async def keep_view(request: Request) -> Response:
    """Keep the view that is shown under a name."""
    form = await Form.read(request)
    view, name = _view(form.fields), form.text("name")
    try:
        await transact(request, saved.keep, name, view, owner=request.state.viewer)
    except Invalid as problem:
        return await _queue_page(request, view, problem, {"new": name})
    return see_other(request, "queue", ask={**view.asked, "notice": "view-kept"})


async def change_view(request: Request) -> Response:
    """Rename or remove a view of one's own."""
    form = await Form.read(request)
    number, view = path_number(request, "id"), _view(form.fields)
    name = form.text("name")
    owner = request.state.viewer
    try:
        match form.text("to"):
            case "rename":
                await transact(request, saved.rename, number, name, owner=owner)
                notice = "view-renamed"
            case "remove":
                await transact(request, saved.remove, number, owner=owner)
                notice = "view-removed"
            case _:
                raise Invalid("Please choose to rename or to remove.")
    except Invalid as problem:
        return await _queue_page(request, view, problem, {str(number): name})
    return see_other(request, "queue", ask={**view.asked, "notice": notice})


async def case(request: Request) -> Response:
    """Everything about one case, with the decision to take; it is claimed for who opens it."""
    return await case_page(request, path_number(request, "id"))


async def next_case(request: Request) -> Response:
    """Go to the next case of a view that nobody else has, or to the one before a place.

    With `ahead`, for a page that has that case open: the next page itself, and nothing is claimed.
    """
    if (but := query_number(request, "ahead")) is not None:
        return await _ahead(request, but)
    return await _go_on(
        request,
        _view(request.query_params),
        after=query_text(request, "after"),
        before=query_text(request, "before"),
    )


async def _ahead(request: Request, but: int) -> Response:
    view = _view(request.query_params)

    def find(session: Session) -> CaseFile | None:
        return review.look_ahead(
            session,
            view,
            moderator=request.state.viewer,
            lasts=_claims_last(request),
            after=query_text(request, "after"),
            but=but,
        )

    return await _file_page(request, find, view)


async def _go_on(
    request: Request,
    view: View,
    *,
    after: str,
    before: str = "",
    notice: str = "",
    done: int | None = None,
    batch: int | None = None,
    at: int | None = None,
) -> Response:
    case_id = await transact(
        request,
        review.pick,
        view,
        moderator=request.state.viewer,
        lasts=_claims_last(request),
        after=after,
        before=before,
    )
    ask = {**view.asked, "notice": notice, "done": done, "batch": batch, "at": at}
    if case_id is None:
        return see_other(request, "queue", ask=ask)
    return see_other(request, "case", id=case_id, ask=ask)


def _claims_last(request: Request) -> timedelta:
    return timedelta(minutes=state_of(request).settings.claim_minutes)


async def claim(request: Request) -> Response:
    """Claim a case for a page that has it open already. A script asks."""
    until, version = await transact(
        request,
        review.claim,
        path_number(request, "id"),
        moderator=request.state.viewer,
        lasts=_claims_last(request),
    )
    return JSONResponse({"until": until.isoformat(), "version": version})


async def queue_events(request: Request) -> Response:
    """What happens to the queue, as server-sent events: counts of a view, claims, decisions."""
    state, viewer = state_of(request), request.state.viewer
    view = _view(request.query_params)
    last = request.headers.get("last-event-id", "")
    since = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None
    if since is None:
        since = query_number(request, "since")

    def ask(session: Session, since: int | None) -> tuple[Happening, dict[str, int]]:
        found = review.happening(session, since, moderator=viewer)
        counts = views.counts(session, view, viewer=viewer.id)
        named = {f"view-{one.id}": one.count for one in saved.of(session, viewer)}
        waiting = {key: count for key, count in named.items() if count is not None}
        return found, {show.value: count for show, count in counts.items()} | waiting

    async def stream() -> AsyncIterator[ServerSentEvent]:
        line, before = since, None
        while not state.live.closed:
            # One look a second answers for claims that end, and for what other servers did.
            now = await read(request, review.pulse)
            if now != before:
                before = now
                found, counts = await read(request, ask, line)
                line = found.line
                yield _event(found, counts, state.settings.zone)
            await asyncio.sleep(_LOOK_EVERY)

    return EventSourceResponse(stream(), ping=20)


# In seconds.
_LOOK_EVERY = 1.0


def _event(found: Happening, counts: Mapping[str, int], zone: tzinfo) -> ServerSentEvent:
    return ServerSentEvent(
        event="queue",
        id=str(found.line),
        data=json.dumps(
            {
                "counts": {key: number(count) for key, count in counts.items()},
                "changed": [{"case": case_id, "words": words} for case_id, words in found.changed],
                "taken": [
                    {
                        "case": case_id,
                        "fold": fold,
                        "words": f"{name} has it until {until.astimezone(zone):%H:%M}",
                    }
                    for case_id, fold, name, until in found.taken
                ],
            }
        ),
    )


async def leave(request: Request) -> Response:
    """Let others have a case that was opened."""
    form = await Form.read(request)
    await transact(
        request, review.leave, path_number(request, "id"), moderator=request.state.viewer
    )
    return see_other(request, "queue", ask=_view(form.fields).asked)


async def case_page(
    request: Request,
    case_id: int,
    problem: ForumError | None = None,
    typed: dict[str, str] | None = None,
    view: View | None = None,
) -> Response:
    """Open a case and show it; with a problem, what was typed is kept."""
    if view is None:
        view = _view(request.query_params)
    # What is read for the page is read beside those who write.
    await transact(
        request,
        review.take_up,
        case_id,
        moderator=request.state.viewer,
        lasts=_claims_last(request),
    )

    def find(session: Session) -> CaseFile:
        return review.open_file(session, case_id, view, viewer=request.state.viewer.id)

    return await _file_page(request, find, view, problem, typed)


async def _file_page(
    request: Request,
    find: Callable[[Session], CaseFile | None],
    view: View,
    problem: ForumError | None = None,
    typed: dict[str, str] | None = None,
) -> Response:
    """Show the case that is found, or nothing at all where none is."""
    done, batch = query_number(request, "done"), query_number(request, "batch")
    viewer = request.state.viewer

    def ask(session: Session) -> dict[str, Any] | None:
        file = find(session)
        if file is None:
            return None
        reviewed = file.reviewed
        return {
            "file": file,
            "undoable": review.undoable(session, done) if done else None,
            "folded": bulk.open_file(session, batch) if batch else None,
            "notes": [
                note
                for note in notes.on(session, reviewed.case.id)
                if note.author_id not in file.hushed
            ],
            "author_file": authors.open_file(session, reviewed.comment.author_id, viewer=viewer.id),
            "exposure": habits.exposure(session, viewer.id),
        }

    found = await read(request, ask)
    if found is None:
        return Response(status_code=204)
    return await page(
        request,
        "moderator/case.html",
        status=problem.status if problem else 200,
        in_batch=in_words,
        at=query_number(request, "at"),
        kinds=KINDS,
        problem=problem,
        typed=typed or {"reason": "", "words": ""},
        view=view,
        **found,
    )


async def decide(request: Request) -> Response:
    """Approve or reject a case, on the version that the moderator saw."""
    case_id = path_number(request, "id")
    form = await Form.read(request)
    version = form.required("version")
    view = _view(form.fields)
    moderator = request.state.viewer
    if (seen := form.number("seen")) is not None:
        return await _decide_fold(request, case_id, form, view, version, seen)
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
        if wants_json(request):
            raise
        return await case_page(
            request,
            case_id,
            problem,
            {"reason": form.text("reason"), "words": form.text("words")},
            view,
        )
    if wants_json(request):
        undo_at = state_of(request).path("undo", id=decision.id)
        return JSONResponse({"case": case_id, "words": NOTICES[notice], "undo": undo_at})
    # The form of a case's own page knows its place, and leads to the next one.
    if place := form.text("after"):
        return await _go_on(request, view, after=place, notice=notice, done=decision.id)
    ask = {**view.asked, "notice": notice, "done": decision.id}
    return see_other(request, "queue", ask=ask)


async def _decide_fold(
    request: Request, case_id: int, form: Form, view: View, version: int, seen: int
) -> Response:
    """Approve or reject a case with all that say the same, as one batch."""
    typed = {"reason": form.text("reason"), "words": form.text("words")}
    try:
        if (to := form.text("to")) not in ("approve", "reject"):
            raise Invalid("Please choose to approve or to reject.")
        batch_id = await transact(
            request,
            bulk.decide_fold,
            case_id,
            Kind(to),
            version=version,
            seen=seen,
            moderator=request.state.viewer,
            **typed,
        )
    except (Changed, Invalid) as problem:
        if wants_json(request):
            raise
        return await case_page(request, case_id, problem, typed, view)
    await carry_on(request, batch_id)
    if wants_json(request):
        file = await read(request, bulk.open_file, batch_id)
        undo_at = state_of(request).path("undo_batch", id=batch_id)
        said = in_words(file, of=form.number("many") or 0)
        return JSONResponse({"case": case_id, "words": said, "undo": undo_at})
    if place := form.text("after"):
        return await _go_on(request, view, after=place, batch=batch_id, at=case_id)
    return see_other(request, "queue", ask={**view.asked, "batch": batch_id, "at": case_id})


async def add_note(request: Request) -> Response:
    """Leave a note for colleagues on a case."""
    case_id = path_number(request, "id")
    form = await Form.read(request)
    view = _view(form.fields)
    try:
        await transact(request, notes.add, case_id, form.text("note"), by=request.state.viewer)
    except Invalid as problem:
        typed = {"reason": "", "words": "", "note": form.text("note")}
        return await case_page(request, case_id, problem, typed, view)
    return see_other(request, "case", id=case_id, ask=view.asked, anchor="notes")


async def undo(request: Request) -> Response:
    """Take the last decision on a case back."""
    form = await Form.read(request)
    undone = await transact(
        request, review.undo, path_number(request, "id"), moderator=request.state.viewer
    )
    if wants_json(request):
        version = await read(request, review.version_of, undone.case_id)
        return JSONResponse({"case": undone.case_id, "version": version, "line": undone.id})
    return see_other(
        request,
        "case",
        id=undone.case_id,
        ask={"notice": "undone", **_view(form.fields).asked},
    )


async def log(request: Request) -> Response:
    """The decisions log, newest first."""
    by_people = query_text(request, "by") == "people"
    lines, more = await read(
        request,
        review.log,
        viewer=request.state.viewer.id,
        before=query_number(request, "before"),
        by_people=by_people,
    )
    return await page(
        request,
        "moderator/log.html",
        lines=lines,
        more=more,
        by_people=by_people,
        continued="before" in request.query_params,
    )
