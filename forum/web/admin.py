"""The admins' room: words, the disclaimer, accounts, articles."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import accounts, articles, disclaimer, overrides
from forum.accounts import Role
from forum.errors import Changed, ForumError, Invalid
from forum.web.forms import Form, path_number, query_number, query_text
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact
from moderation import (
    wordlist,
)
from moderation.policy import Means

A_PAGE = 50
WORDS_A_PAGE = 100
# They stand in the address, which has to stay short.
TRIED_WORDS = 2000


async def word_list(request: Request) -> Response:
    """The listed words, with the form to add some."""
    return await _words_page(request)


async def _words_page(
    request: Request, problem: ForumError | None = None, typed: dict[str, str] | None = None
) -> Response:
    looking_for, after = query_text(request, "looking_for"), query_text(request, "after")

    def ask(session: Session) -> dict[str, Any]:
        found = wordlist.entries(
            session, looking_for=looking_for, after=after, at_most=WORDS_A_PAGE + 1
        )
        return {
            "entries": found[:WORDS_A_PAGE],
            "more": found[WORDS_A_PAGE - 1].words if len(found) > WORDS_A_PAGE else "",
            "counts": wordlist.counts(session),
            "names": accounts.names(session, {entry.added_by for entry in found}),
        }

    return await page(
        request,
        "admin/words.html",
        status=problem.status if problem else 200,
        problem=problem,
        typed={"words": "", "note": "", "means": Means.HOLD.value, "reason": ""} | (typed or {}),
        looking_for=looking_for,
        **await read(request, ask),
    )


async def change_words(request: Request) -> Response:
    """Put words on the list, or take one off it."""
    form = await Form.read(request)
    by = request.state.viewer.id

    def act(session: Session) -> int:
        if form.text("action") == "remove":
            wordlist.remove(session, form.required("entry"), by=by)
            return 1
        if form.text("action") == "reason":
            entry = form.required("entry")
            return wordlist.name_reason(session, entry, form.text("reason"), by=by)
        if form.text("means") not in wordlist.SIGNAL_OF:
            raise Invalid("Please choose what the words do.", field="means")
        return wordlist.add(
            session,
            form.text("words"),
            means=Means(form.text("means")),
            note=" ".join(form.text("note").split()),
            by=by,
            reason=form.text("reason"),
        )

    try:
        changed = await transact(request, act)
    except LookupError:
        raise Changed("This entry is not on the list any more.") from None
    except (
        wordlist.Unusable,
        wordlist.NoSuchReason,
        wordlist.ListChanged,
        Invalid,
    ) as problem:
        refused: ForumError
        if isinstance(problem, Invalid):
            refused = problem
        elif isinstance(problem, wordlist.Unusable):
            refused = Invalid(str(problem), field="words")
        elif isinstance(problem, wordlist.NoSuchReason):
            refused = Invalid(str(problem), field="reason")
        else:
            refused = Changed("Somebody changed the list just now. Please send this again.")
        return await _words_page(request, refused, form.fields)
    return see_other(request, "words", ask={"notice": "words" if changed else "words-as-they-were"})


async def try_words(request: Request) -> Response:
    """What a list would have caught in the last 30 days, some comments at a time."""
    typed = query_text(request, "words")
    before = query_number(request, "before")
    problem, trial = None, None

    def ask(session: Session) -> wordlist.Trial:
        matcher = wordlist.typed_matcher(typed) if typed else wordlist.in_force(session)
        return wordlist.tried(session, matcher, before=before)

    try:
        if len(typed) > TRIED_WORDS:
            raise wordlist.Unusable(f"Please try at most {TRIED_WORDS} characters at once.")
        trial = await read(request, ask)
    except wordlist.Unusable as refused:
        problem = Invalid(str(refused), field="words")
    return await page(
        request,
        "admin/words_tried.html",
        status=problem.status if problem else 200,
        problem=problem,
        words=typed,
        trial=trial,
        continued=before is not None,
        whole=not typed,
    )


async def disclaimer_form(request: Request) -> Response:
    """The site's disclaimer and its earlier wordings."""
    return await _disclaimer_page(request)


async def _disclaimer_page(
    request: Request, problem: ForumError | None = None, typed: str | None = None
) -> Response:
    versions = await read(request, disclaimer.versions)
    return await page(
        request,
        "admin/disclaimer.html",
        status=problem.status if problem else 200,
        versions=versions,
        current=versions[0],
        problem=problem,
        typed={"text": versions[0].text if typed is None else typed},
    )


async def save_disclaimer(request: Request) -> Response:
    """Put a new wording of the disclaimer in force."""
    form = await Form.read(request)
    based_on = form.required("based_on")
    try:
        await transact(
            request,
            disclaimer.change,
            form.text("text").replace("\r\n", "\n"),
            author_id=request.state.viewer.id,
            based_on=based_on,
        )
    except ForumError as problem:
        return await _disclaimer_page(request, problem, form.text("text"))
    return see_other(request, "disclaimer", ask={"notice": "disclaimer"})


async def account_list(request: Request) -> Response:
    """Accounts and their roles."""
    looking_for = query_text(request, "name")
    found = await read(
        request,
        accounts.listed,
        looking_for=looking_for,
        after=query_number(request, "after") or 0,
        at_most=A_PAGE + 1,
    )
    more = found[A_PAGE - 1].id if len(found) > A_PAGE else None
    return await page(
        request,
        "admin/accounts.html",
        accounts=found[:A_PAGE],
        more=more,
        looking_for=looking_for,
        roles=[role for role in Role if role is not Role.GUEST],
    )


async def change_account(request: Request) -> Response:
    """Change a role, or close or reopen an account."""
    account_id = path_number(request, "id")
    form = await Form.read(request)
    by = request.state.viewer.id
    match form.text("action"):
        case "role":
            if form.text("role") not in set(Role):
                raise Invalid("There is no such role.", field="role")
            await transact(request, accounts.change_role, account_id, form.text("role"), by=by)
            notice = "role"
        case "close":
            await transact(request, accounts.set_closed, account_id, closed=True, by=by)
            notice = "closed"
        case "reopen":
            await transact(request, accounts.set_closed, account_id, closed=False, by=by)
            notice = "reopened"
        case _:
            raise Invalid("Please use one of the buttons beside the account.")
    return see_other(request, "accounts", ask={"notice": notice})


async def article_list(request: Request) -> Response:
    """Articles, newest first, to close or reopen their discussions."""
    before = query_number(request, "before")

    def ask(session: Session) -> dict[str, Any]:
        found = articles.newest(session, before=before, at_most=A_PAGE + 1)
        return {
            "articles": found[:A_PAGE],
            "more": found[A_PAGE - 1].id if len(found) > A_PAGE else None,
            "places": overrides.by_article(session, found[:A_PAGE]),
        }

    return await page(request, "admin/articles.html", **await read(request, ask))


async def change_article(request: Request) -> Response:
    """Close or reopen a discussion."""
    form = await Form.read(request)
    if form.text("action") not in ("close", "reopen"):
        raise Invalid("Please use one of the buttons beside the article.")
    closed = form.text("action") == "close"
    await transact(request, articles.set_closed, path_number(request, "id"), closed=closed)
    return see_other(request, "articles", ask={"notice": "closed" if closed else "reopened"})
