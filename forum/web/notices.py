"""What readers are told of decisions on their comments, and what they can do about them."""

import json
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import appeals, comments, disclaimer, mail, notices, statements
from forum.comments import Draft
from forum.errors import ForumError, Invalid, TooMany
from forum.notices import OfSanction
from forum.web.account import own_page_with
from forum.web.forms import Form, path_number, path_text, query_number
from forum.web.pages import page, see_other
from forum.web.reader import drafted, keep_pace
from forum.web.state import state_of
from forum.web.transactions import read, transact


async def listed(request: Request) -> Response:
    """One's notices, newest first; what was new is read by it."""
    viewer = request.state.viewer
    told, more = await read(request, notices.told, viewer, before=query_number(request, "before"))
    if any(each.notice.read_at is None for each in told):
        await transact(request, notices.read, viewer, told)
    return await page(request, "account/notices.html", told=told, more=more)


async def one(request: Request) -> Response:
    """One notice, with what its author can do; one of a sanction leads to where it stands."""
    viewer = request.state.viewer
    found = await read(request, notices.any_one, viewer, path_number(request, "id"))
    if isinstance(found, OfSanction):
        if found.notice.read_at is None:
            await transact(request, notices.read, viewer, [found])
        return see_other(request, "standing")
    return await _notice_page(request)


async def _notice_page(
    request: Request, problem: ForumError | None = None, typed: dict[str, str] | None = None
) -> Response:
    viewer, number = request.state.viewer, path_number(request, "id")

    def ask(session: Session) -> dict[str, Any]:
        told = notices.one(session, viewer, number)
        return {
            "told": told,
            "disclaimer": disclaimer.of_article(session, told.comment.article),
        }

    known = await read(request, ask)
    if known["told"].notice.read_at is None:
        await transact(request, notices.read, viewer, [known["told"]])
    return await page(
        request,
        "account/notice.html",
        status=problem.status if problem else 200,
        problem=problem,
        typed={"text": known["told"].comment.source, "words": ""} | (typed or {}),
        **known,
    )


async def appeal(request: Request) -> Response:
    """Appeal against the decision that a notice tells of."""
    form = await Form.read(request)
    viewer, number = request.state.viewer, path_number(request, "id")

    def act(session: Session) -> None:
        told = notices.one(session, viewer, number)
        appeals.make(session, told.decision, told.comment, words=form.text("words"))

    try:
        await transact(request, act)
    except ForumError as problem:
        if problem.status in (403, 404):
            raise
        return await _notice_page(request, problem, {"words": form.text("words")})
    return see_other(request, "notice", id=number, ask={"notice": "appealed"})


async def resubmit(request: Request) -> Response:
    """Offer a rejected comment again, in other words."""
    form = await Form.read(request)
    viewer, number = request.state.viewer, path_number(request, "id")

    def act(session: Session, draft: Draft) -> tuple[str, int]:
        told = notices.one(session, viewer, number)
        comment = comments.resubmit(session, told.comment.id, draft, author=viewer)
        return comment.article.slug, comment.id

    try:
        keep_pace(request, "edits")
        slug, comment_id = await transact(request, act, await drafted(request, form.text("text")))
    except ForumError as problem:
        if problem.status in (403, 404):
            raise
        return await _notice_page(request, problem, {"text": form.text("text")})
    return see_other(
        request, "thread", slug=slug, ask={"notice": "edited"}, anchor=f"comment-{comment_id}"
    )


async def statement(request: Request) -> Response:
    """The statement of reasons for one rejection, as JSON: for its author, and for admins."""
    settings = state_of(request).settings
    found = await read(
        request, statements.of, path_number(request, "id"), request.state.viewer, settings=settings
    )
    return Response(
        json.dumps(found, ensure_ascii=False, indent=2) + "\n", media_type="application/json"
    )


async def save_address(request: Request) -> Response:
    """Note where one wants mail, and send the link that confirms it; or take the address away."""
    typed = (await Form.read(request)).text("address").strip()
    try:
        if typed:
            _keep_mail_pace(request)
        await transact(request, mail.set_address, request.state.viewer, typed)
    except ForumError as problem:
        return await own_page_with(request, problem)
    return see_other(request, "account", ask={"notice": "address" if typed else "no-mail"})


def _keep_mail_pace(request: Request) -> None:
    """Count one more address of the viewer: mails go to people who did not ask. Raises TooMany."""
    state, key = state_of(request), f"account {request.state.viewer.id}"
    if not state.settings.mails:
        raise Invalid("This site sends no mails. Your notices are on your page.", field="address")
    if wait := state.addresses.wait(key):
        raise TooMany(
            f"That was {state.addresses.tries} addresses within an hour. Please wait {wait}"
            " seconds.",
            retry_after=wait,
            field="address",
        )
    state.addresses.count(key)


async def address(request: Request) -> Response:
    """Where the link of a mail leads: one click more, since programs open links as well."""
    found = await read(request, mail.find, path_text(request, "token"))
    return await page(request, "account/address.html", address=found)


async def confirm_address(request: Request) -> Response:
    """Confirm an address."""
    token = path_text(request, "token")
    await Form.read(request)
    await transact(request, mail.confirm, token)
    return see_other(request, "address", token=token, ask={"notice": "confirmed"})
