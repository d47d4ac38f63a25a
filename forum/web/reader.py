"""What readers see and do: the front page, threads, comments."""

import gzip
import hashlib
import json
import re
import secrets
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy.orm import Session
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from forum import accounts, articles, comments, disclaimer, sanctions, threads
from forum.accounts import Account, Role, Viewer
from forum.comments import Draft
from forum.errors import ForumError, NotAllowed, NotFound, NotSignedIn, TooMany
from forum.sanctions import Doing
from forum.threads import Change, Order, Shown, Thread
from forum.web import access
from forum.web.forms import Form, path_number, path_text, query_number, query_text
from forum.web.live import Kept
from forum.web.pages import common, page, see_other, standing
from forum.web.state import State, state_of
from forum.web.transactions import glance, in_thread, read, transact
from moderation import switches
from moderation.policy import Status

A_FRONT_PAGE = 30


async def front_page(request: Request) -> Response:
    """The newest threads, of all sections or of one and those below it."""
    section_path = path_text(request, "section")
    before = query_number(request, "before")

    def ask(session: Session) -> tuple[Any, Any]:
        return (
            threads.overviews(
                session, section_path=section_path, before=before, at_most=A_FRONT_PAGE + 1
            ),
            articles.sections(session),
        )

    found, sections = await read(request, ask)
    within = [s for s in sections if (s.path + "/").startswith(section_path + "/")]
    if section_path and not within:
        raise NotFound("There is no section at this address.")
    more = found[A_FRONT_PAGE - 1].article.id if len(found) > A_FRONT_PAGE else None
    return await page(
        request,
        "reader/front.html",
        threads=found[:A_FRONT_PAGE],
        sections=sections,
        section=min(within, key=lambda s: len(s.path)) if section_path else None,
        section_path=section_path,
        more=more,
        continued=before is not None,
    )


async def thread(request: Request) -> Response:
    """A thread. To those who are not signed in an unchanged page is answered from memory."""
    slug = path_text(request, "slug")
    key = _place(request)
    live = state_of(request).live
    viewer: Viewer | None = request.state.viewer
    plain = viewer is None and request.state.barred is None and _is_plain(request)
    unseen: list[Shown] = []
    if viewer is not None:
        # Before the page, and the page not older than this: what is published meanwhile is then
        # found on both, and never on none.
        unseen, line = await glance(request, threads.own_unseen, slug, viewer.id)
        if line > live.seen:
            await in_thread(request, live.look)
    kept = live.kept(slug, key)
    if kept is None:
        kept = await read(request, _make_page, request, slug, key)
    if plain:
        return _from_memory(request, kept)
    if viewer is None:
        return HTMLResponse(
            _render(
                request, kept.thread, kept.pieces.values(), viewer=None, standing=standing(request)
            )
        )
    return HTMLResponse(_personal_page(request, kept, viewer, unseen))


def _is_plain(request: Request) -> bool:
    """Whether the address asks for nothing but a place in the thread: no word of what was done."""
    return set(request.query_params) <= {"order", "after", "start", "root"}


# A page says "today", so it is another one tomorrow.
_Place = tuple[Order, int | None, int | None, int | None, date]


def _place(request: Request) -> _Place:
    wanted = query_text(request, "order")
    return (
        Order(wanted) if wanted in set(Order) else Order.OLDEST,
        query_number(request, "after"),
        query_number(request, "start"),
        query_number(request, "root"),
        _today(state_of(request)),
    )


def _today(state: State) -> date:
    return datetime.now(state.settings.zone).date()


def _make_page(session: Session, request: Request, slug: str, key: _Place) -> Kept:
    """Read and render a page as everybody sees it, and keep it."""
    live = state_of(request).live
    generation = live.generation()
    # Another request may have made it while this one waited for a thread.
    kept = live.kept(slug, key)
    if kept is not None:
        return kept
    # Opened here and not by the caller's transaction, which may be older than the generation.
    with state_of(request).database.reading() as fresh:
        order, after, start, root, _day = key
        found = threads.read(fresh, slug, order=order, after=after, start=start, root=root)
    pieces = {shown.id: _piece(request, shown) for shown in found.comments}
    by_author: dict[int, list[Shown]] = {}
    for shown in found.comments:
        by_author.setdefault(shown.author_id, []).append(shown)
    body = _render(request, found, pieces.values(), viewer=None).encode()
    kept = Kept(
        thread=found,
        comments={shown.id: shown for shown in found.comments},
        by_author=by_author,
        pieces=pieces,
        joined="\n".join(pieces.values()).encode(),
        body=body,
        gzipped=gzip.compress(body, 6),
        etag=f'"{hashlib.sha256(body).hexdigest()[:20]}"',
    )
    live.keep(slug, key, kept, generation)
    return kept


def _from_memory(request: Request, kept: Kept) -> Response:
    headers = {"etag": kept.etag, "vary": "Cookie, Accept-Encoding"}
    if kept.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        return HTMLResponse(kept.gzipped, headers=headers | {"content-encoding": "gzip"})
    return HTMLResponse(kept.body, headers=headers)


def _personal_page(
    request: Request, kept: Kept, viewer: Viewer, own_unseen: Sequence[Shown]
) -> str | bytes:
    """The kept comments, with what is the viewer's own put in its place."""
    unseen = {shown.id: shown for shown in own_unseen}
    moderates = Role(viewer.role).allows(Role.MODERATOR)
    mine = kept.thread.comments if moderates else kept.by_author.get(viewer.id, ())
    nothing_own = not (mine or unseen or viewer.standing or viewer.unread)
    if nothing_own and viewer.role == Role.READER and _is_plain(request):
        return _fill_frame(request, kept, viewer.name)
    pieces = dict(kept.pieces)
    for shown in mine:
        if not shown.deleted:
            # One's own comment that is a gap to others is shown to its author.
            mine_now = unseen.get(shown.id, shown) if shown.gone else shown
            pieces[shown.id] = _piece(request, mine_now, viewer)
    waiting: list[str] = []
    for shown in reversed(unseen.values()):
        if shown.id in kept.comments:
            continue
        parent = kept.comments.get(shown.parent_id or 0)
        if parent is not None:
            pieces[parent.id] += "\n" + _piece(request, _below(shown, parent), viewer)
        else:
            waiting.insert(0, _piece(request, shown, viewer))
    return _render(
        request,
        kept.thread,
        pieces.values(),
        viewer=viewer,
        waiting=waiting,
        standing=viewer.standing,
    )


# Where a frame is cut. Made up at each start, so nobody can write them into a text.
_NAME, _COMMENTS = secrets.token_hex(16), secrets.token_hex(16)
_EVERY_READER = Viewer(0, _NAME, Role.READER.value, must_change_password=False)
_CUT = re.compile(f"({_NAME}|{_COMMENTS})")


def _fill_frame(request: Request, kept: Kept, name: str) -> bytes:
    """A page on which nothing but the name at its top is the viewer's own."""
    if kept.frame is None:
        html = _render(
            request,
            kept.thread,
            [_COMMENTS] if kept.pieces else [],
            viewer=_EVERY_READER,
        )
        kept.frame = [part.encode() for part in _CUT.split(html)]
    own = {_NAME.encode(): str(escape(name)).encode(), _COMMENTS.encode(): kept.joined}
    return b"".join(own.get(part, part) for part in kept.frame)


def _below(shown: Shown, parent: Shown) -> Shown:
    return replace(shown, depth=parent.depth + 1, reply_to="" if parent.gone else parent.author)


def _piece(request: Request, shown: Shown, viewer: Viewer | None = None) -> str:
    """One comment's HTML, as this viewer sees it; None is everybody."""
    state = state_of(request)
    moderates = viewer is not None and Role(viewer.role).allows(Role.MODERATOR)
    if viewer is None or viewer.id != shown.author_id:
        return _others_piece(state, shown, moderates, _today(state))
    until = shown.created_at + timedelta(minutes=state.settings.edit_minutes)
    editable = shown.status != Status.REJECTED and state.database.clock() < until
    return _render_piece(state, shown, own=True, editable=editable, moderates=moderates)


# All that such a piece depends on is its key: of a thread that changed, one comment is rendered.
@lru_cache(maxsize=4096)
def _others_piece(state: State, shown: Shown, moderates: bool, _day: date) -> str:
    return _render_piece(state, shown, own=False, editable=False, moderates=moderates)


def _render_piece(state: State, shown: Shown, *, own: bool, editable: bool, moderates: bool) -> str:
    html: str = state.templates.get_template("parts/comment.html").render(
        comment=shown, own=own, editable=editable, moderates=moderates, path=state.path
    )
    return html


def _render(
    request: Request,
    found: Thread,
    pieces: Collection[str],
    *,
    viewer: Viewer | None,
    waiting: list[str] | None = None,
    problem: ForumError | None = None,
    typed: dict[str, str] | None = None,
    standing: str = "",
) -> str:
    state = state_of(request)
    context = common(request) | {
        # Said by whoever asks, since a page that is kept is the same for everybody.
        "standing": standing,
        "viewer": viewer,
        "here": common(request)["path"]("thread", slug=found.article.slug),
        "thread": found,
        # As one: every piece would be asked whether it is safe.
        "comments": [Markup("\n".join(pieces))] if pieces else [],  # noqa: S704
        "waiting": [Markup(piece) for piece in waiting or ()],  # noqa: S704
        "problem": problem,
        "typed": typed or {"text": "", "name": ""},
    }
    if viewer is None or viewer is _EVERY_READER:
        # A page that is kept is the same for everybody: nothing of this request goes into it.
        context |= {"notice": "", "done": ""}
    html: str = state.templates.get_template("reader/thread.html").render(context)
    return html


async def post_comment(request: Request) -> Response:
    """Post a comment or a reply; what is refused comes back with the typed text."""
    form = await Form.read(request)
    slug = path_text(request, "slug")
    parent = form.number("parent")
    try:
        draft = await drafted(request, form.text("text"))
        comment_id, token = await transact(
            request,
            post,
            request,
            slug,
            draft,
            parent,
            form.text("name"),
            form.number("read"),
        )
    except ForumError as problem:
        return await _again(request, slug, problem, form, parent)
    answer = see_other(
        request, "thread", slug=slug, ask={"notice": "posted"}, anchor=f"comment-{comment_id}"
    )
    if token:
        access.remember(answer, state_of(request).settings, token)
    return answer


# A text as short as most is rendered before a thread is awake; a long one may take a tenth of a
# second, for which nobody else shall wait.
_SHORT = 500


async def drafted(request: Request, text: str) -> Draft:
    """Return what somebody typed as it can be posted. Raises Invalid, or NotSignedIn."""
    settings = state_of(request).settings
    if request.state.viewer is None and request.state.barred is None and not settings.guests:
        raise NotSignedIn("Please sign in to comment; your text is kept here.")
    if len(text) <= _SHORT:
        return comments.draft(text, settings=settings)
    return await in_thread(request, comments.draft, text, settings=settings)


def post(
    session: Session,
    request: Request,
    slug: str,
    draft: Draft,
    parent: int | None,
    name: str,
    read_warning: int | None = None,
) -> tuple[int, str]:
    """Post as the viewer, or as a guest who signs in by it. Return the comment and a token.

    `read_warning` is the number of a warning that the viewer has now read.
    """
    author, token = _commenter(session, request, name)
    if read_warning is not None:
        sanctions.read_warning(session, read_warning, account=author)
    comment = comments.post(
        session,
        slug,
        draft,
        parent_id=parent,
        author=author,
        settings=state_of(request).settings,
    )
    return comment.id, token


def _commenter(session: Session, request: Request, name: str) -> tuple[Account | Viewer, str]:
    """Return who comments: the viewer, or a new guest with a token to remember them by."""
    viewer: Viewer | None = request.state.viewer
    if viewer is not None:
        return viewer, ""
    if request.state.barred is not None:
        sanctions.check(session, request.state.barred.id, Doing.COMMENT)
    newcomers = state_of(request).sign_ups
    key = f"address {request.client.host if request.client else ''}"
    if wait := newcomers.wait(key):
        raise TooMany(
            f"Too many new guests came from your network. Please wait {wait} seconds, or sign in;"
            " your text is kept here.",
            retry_after=wait,
        )
    guest = accounts.come_as_guest(session, name)
    newcomers.count(key)
    return guest, accounts.sign_in(session, guest.id)


async def _again(
    request: Request, slug: str, problem: ForumError, form: Form, parent: int | None
) -> Response:
    typed = {"text": form.text("text"), "name": form.text("name")}
    if problem.status == 404:
        raise problem
    if parent is not None:
        answered = await read(request, threads.one, parent)
        if answered is not None:
            shown = await read(request, _answered, request, parent)
            return await page(
                request,
                "reader/reply.html",
                status=problem.status,
                **shown,
                problem=problem,
                typed=typed,
            )

    def show(session: Session) -> str:
        found = threads.read(session, slug)
        pieces = [_piece(request, shown, request.state.viewer) for shown in found.comments]
        return _render(
            request,
            found,
            pieces,
            viewer=request.state.viewer,
            problem=problem,
            typed=typed,
            standing=standing(request),
        )

    pause = getattr(problem, "retry_after", None)
    headers = {} if pause is None else {"retry-after": str(pause)}
    return HTMLResponse(await read(request, show), status_code=problem.status, headers=headers)


def _answered(session: Session, request: Request, comment_id: int) -> dict[str, Any]:
    """What a page about one comment knows: it, its article and the disclaimer."""
    shown = threads.one(session, comment_id, viewer=getattr(request.state.viewer, "id", None))
    if shown is None:
        raise NotFound("This comment is not here, or not any more.")
    comment = comments.find(session, comment_id)
    return {
        "comment": comment,
        "shown": Markup(_piece(request, shown)),  # noqa: S704
        "article": comment.article,
        "disclaimer": disclaimer.of_article(session, comment.article),
    }


async def permalink(request: Request) -> Response:
    """Where a comment stands: its thread, beginning at its top-level comment."""
    comment_id = path_number(request, "id")
    viewer: Viewer | None = request.state.viewer

    def ask(session: Session) -> tuple[str, int, bool]:
        comment = comments.find(session, comment_id)
        if threads.one(session, comment_id, viewer=viewer.id if viewer else None) is None:
            raise NotFound("This comment is not shown, or not any more.")
        root = comment.root_id or comment.id
        many = threads.replies_below(session, root) > threads.REPLIES_SHOWN
        return comment.article.slug, root, many and comment.root_id is not None

    slug, root, many = await read(request, ask)
    # Below a top-level comment with very many replies only its own page shows every one.
    ask_for = {"root": root, "after": comment_id - 1} if many else {"start": root}
    return see_other(request, "thread", slug=slug, ask=ask_for, anchor=f"comment-{comment_id}")


async def comment_part(request: Request) -> Response:
    """One comment's HTML, for a page that is open and heard that it changed."""
    comment_id = path_number(request, "id")
    viewer: Viewer | None = request.state.viewer

    def ask(session: Session) -> str:
        shown = threads.one(session, comment_id, viewer=viewer.id if viewer else None)
        if shown is None:
            raise NotFound("This comment is not shown any more.")
        return _piece(request, shown, viewer)

    return HTMLResponse(await read(request, ask))


async def reply(request: Request) -> Response:
    """The form to answer a comment."""
    shown = await read(request, _answered, request, path_number(request, "id"))
    return await page(
        request, "reader/reply.html", **shown, problem=None, typed={"text": "", "name": ""}
    )


async def edit(request: Request) -> Response:
    """The form to change one's own comment."""
    comment_id = path_number(request, "id")
    return await _own_page(request, "reader/edit.html", comment_id)


async def save_edit(request: Request) -> Response:
    """Change one's own comment; it is checked again."""
    comment_id = path_number(request, "id")
    form = await Form.read(request)

    def act(session: Session, draft: Draft) -> str:
        comment = comments.edit(
            session,
            comment_id,
            draft,
            author=request.state.viewer,
            settings=state_of(request).settings,
        )
        return comment.article.slug

    try:
        keep_pace(request, "edits")
        slug = await transact(request, act, await drafted(request, form.text("text")))
    except ForumError as problem:
        if isinstance(problem, NotAllowed | NotFound):
            raise
        return await _own_page(
            request, "reader/edit.html", comment_id, problem=problem, typed=form.text("text")
        )
    return see_other(
        request, "thread", slug=slug, ask={"notice": "edited"}, anchor=f"comment-{comment_id}"
    )


def keep_pace(request: Request, what: str) -> None:
    """Count one more edit or report of the viewer. Raises TooMany."""
    pace = state_of(request).changes
    key = f"{what} {request.state.viewer.id}"
    if wait := pace.wait(key):
        raise TooMany(
            f"That was {pace.tries} {what} within a minute. Please wait {wait} seconds; what you"
            " typed is kept here.",
            retry_after=wait,
        )
    pace.count(key)


async def confirm_delete(request: Request) -> Response:
    """Ask before one's own comment is deleted."""
    return await _own_page(request, "reader/delete.html", path_number(request, "id"))


async def delete(request: Request) -> Response:
    """Delete one's own comment."""

    def act(session: Session) -> str:
        comment = comments.delete(session, path_number(request, "id"), author=request.state.viewer)
        return comment.article.slug

    slug = await transact(request, act)
    return see_other(request, "thread", slug=slug, ask={"notice": "deleted"})


async def _own_page(
    request: Request,
    template: str,
    comment_id: int,
    problem: ForumError | None = None,
    typed: str | None = None,
) -> Response:
    def ask(session: Session) -> dict[str, Any]:
        comment = comments.own(session, comment_id, request.state.viewer)
        return {
            "comment": comment,
            "article": comment.article,
            "disclaimer": disclaimer.of_article(session, comment.article),
            "typed": {"text": comment.source if typed is None else typed},
        }

    known = await read(request, ask)
    return await page(
        request,
        template,
        status=problem.status if problem else 200,
        problem=problem,
        **known,
    )


async def report(request: Request) -> Response:
    """The form to report a comment."""
    shown = await read(request, _answered, request, path_number(request, "id"))
    return await page(
        request, "reader/report.html", **shown, problem=None, typed={"reason": "", "words": ""}
    )


async def send_report(request: Request) -> Response:
    """Report a comment to the moderators."""
    comment_id = path_number(request, "id")
    form = await Form.read(request)

    def act(session: Session) -> str:
        comment = comments.report(
            session,
            comment_id,
            reporter=request.state.viewer,
            reason=form.text("reason"),
            words=form.text("words"),
        )
        return comment.article.slug

    try:
        keep_pace(request, "reports")
        slug = await transact(request, act)
    except ForumError as problem:
        if isinstance(problem, NotAllowed | NotFound):
            raise
        shown = await read(request, _answered, request, comment_id)
        return await page(
            request,
            "reader/report.html",
            status=problem.status,
            **shown,
            problem=problem,
            typed={"reason": form.text("reason"), "words": form.text("words")},
        )
    return see_other(
        request, "thread", slug=slug, ask={"notice": "reported"}, anchor=f"comment-{comment_id}"
    )


async def events(request: Request) -> Response:
    """What changes in a thread, as server-sent events; an event's id is its line of the log."""
    slug = path_text(request, "slug")
    live = state_of(request).live
    viewer: Viewer | None = request.state.viewer
    last = request.headers.get("last-event-id", "")
    after = int(last) if last.isascii() and last.isdigit() and len(last) < 19 else None
    if after is None:
        after = query_number(request, "after")
    await read(request, articles.find, slug)

    async def stream() -> AsyncIterator[ServerSentEvent]:
        # Listening begins before the log is read, so nothing falls between the two.
        with live.listen(slug) as heard:
            if after is not None:
                for change in await read(request, threads.changes_of, slug, after):
                    yield _event(change, viewer)
            async for change in heard:
                yield _event(change, viewer)

    return EventSourceResponse(stream(), ping=20)


_GAP = {"deleted": "deleted", Status.REJECTED.value: "removed"}


def _event(change: Change, viewer: Viewer | None) -> ServerSentEvent:
    status = change.status
    if status != Status.PUBLISHED and not (viewer and viewer.id == change.author_id):
        status = _GAP.get(status, "checking")
    return ServerSentEvent(
        event="comment",
        id=str(change.decision),
        data=json.dumps(
            {
                "comment": change.comment_id,
                "status": status,
                "own": bool(viewer and viewer.id == change.author_id),
            }
        ),
    )


async def rules(request: Request) -> Response:
    """The rules of the discussion, and the site's disclaimer."""

    def ask(session: Session) -> dict[str, Any]:
        return {
            "disclaimer": disclaimer.of_site(session),
            "public_log": switches.is_on(session, switches.Name.PUBLIC_LOG),
            "public_report": switches.is_on(session, switches.Name.PUBLIC_REPORT),
        }

    return await page(request, "reader/rules.html", **await read(request, ask))
