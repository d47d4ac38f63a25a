"""Threads for programs: the same domain functions as the pages, in JSON (openapi.json)."""

import json
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from forum import accounts, disclaimer, markup, threads
from forum.errors import Invalid, NotFound
from forum.threads import Order, Overview, Shown
from forum.web import access, reader
from forum.web.account import let_in
from forum.web.forms import cleaned, path_text, query_number, query_text, read_json
from forum.web.state import state_of
from forum.web.transactions import read, transact

A_PAGE = 30
OPENAPI = Path(__file__).parent / "openapi.json"


def _absolute(request: Request, name: str, **params: Any) -> str:
    return state_of(request).settings.address + state_of(request).path(name, **params)


async def list_threads(request: Request) -> Response:
    """Threads, newest first, of all sections or of one."""
    found = await read(
        request,
        threads.overviews,
        section_path=query_text(request, "section"),
        before=query_number(request, "before"),
        at_most=A_PAGE + 1,
    )
    return JSONResponse(
        {
            "threads": [_overview(request, each) for each in found[:A_PAGE]],
            "next": found[A_PAGE - 1].article.id if len(found) > A_PAGE else None,
        }
    )


def _overview(request: Request, found: Overview) -> dict[str, Any]:
    article = found.article
    return {
        "slug": article.slug,
        "url": _absolute(request, "thread", slug=article.slug),
        "title": article.title,
        "section": article.section,
        "section_path": article.section_path,
        "comments": found.comments,
        "closed": article.closed_at is not None,
    }


async def read_thread(request: Request) -> Response:
    """An article with its disclaimer."""

    def ask(session: Session) -> dict[str, Any]:
        thread = threads.overview(session, path_text(request, "slug"))
        return _overview(request, thread) | {
            "body": thread.article.body,
            "disclaimer": disclaimer.of_article(session, thread.article).text,
        }

    return JSONResponse(await read(request, ask))


async def list_comments(request: Request) -> Response:
    """A page of a thread's published comments, in reading order, with its disclaimer."""
    order = query_text(request, "order") or Order.OLDEST.value
    if order not in set(Order):
        raise NotFound("There is no such order: use oldest or newest.")
    found = await read(
        request,
        threads.read,
        path_text(request, "slug"),
        order=Order(order),
        after=query_number(request, "after"),
        root=query_number(request, "root"),
    )
    return JSONResponse(
        {
            "disclaimer": found.disclaimer.text,
            "total": found.total,
            "comments": [_comment(request, shown) for shown in found.comments],
            "next": found.next,
        }
    )


def _comment(request: Request, shown: Shown) -> dict[str, Any]:
    known = {
        "id": shown.id,
        "parent": shown.parent_id,
        "depth": shown.depth,
        "gone": shown.gone,
        "more_replies": shown.more_replies,
    }
    if shown.gone:
        return known
    return known | {
        "url": _absolute(request, "comment", id=shown.id),
        "author": shown.author,
        "guest": shown.role == accounts.Role.GUEST,
        "html": shown.html,
        "text": markup.plain(shown.html),
        "created_at": shown.created_at.isoformat(),
        "edited_at": shown.edited_at.isoformat() if shown.edited_at else None,
    }


async def post_comment(request: Request) -> Response:
    """Post a comment or a reply: accepted, and unseen until it is checked."""
    sent = await read_json(request)
    text, parent, name = sent.get("text", ""), sent.get("parent"), sent.get("name", "")
    if not isinstance(text, str):
        raise Invalid("The text must be a string.", field="text")
    if parent is not None and (
        not isinstance(parent, int) or isinstance(parent, bool) or not 0 < parent < 2**63
    ):
        raise Invalid("The parent must be the id of a comment.", field="parent")
    if not isinstance(name, str):
        raise Invalid("The name must be a string.", field="name")

    draft = await reader.drafted(request, cleaned(text))
    comment_id, token = await transact(
        request, reader.post, request, path_text(request, "slug"), draft, parent, cleaned(name)
    )
    url = _absolute(request, "comment", id=comment_id)
    answer = {"id": comment_id, "status": "pending", "url": url}
    if token:
        # A guest's token lets the same program edit and delete what it posted.
        answer["token"] = token
    return JSONResponse(answer, status_code=202, headers={"location": url})


async def sign_in(request: Request) -> Response:
    """A token for name and password, to send as `Authorization: Bearer TOKEN`."""
    sent = await read_json(request)
    name, password = sent.get("name"), sent.get("password")
    if not isinstance(name, str) or not isinstance(password, str):
        raise Invalid("Please send name and password, each a string.", field="name")
    token = await let_in(request, cleaned(name), cleaned(password))
    return JSONResponse(
        {"token": token, "expires_in": int(accounts.LOGIN_LASTS.total_seconds())}, status_code=201
    )


async def sign_out(request: Request) -> Response:
    """End the login whose token was sent."""
    await transact(request, accounts.sign_out, access.token_of(request))
    return Response(status_code=204)


async def openapi(request: Request) -> Response:
    """This API, described as OpenAPI."""
    return JSONResponse(json.loads(OPENAPI.read_text(encoding="utf-8")))
