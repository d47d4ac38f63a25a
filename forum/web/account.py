"""Signing up, in and out, and one's own page."""

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from forum import accounts, comments, mail, sanctions
from forum.accounts import Account, Viewer
from forum.errors import ForumError, Invalid, NotFound, TooMany
from forum.sanctions import KINDS
from forum.web import access
from forum.web.forms import Form, local_path, path_number, query_number, query_text
from forum.web.pages import page, query, see_other
from forum.web.state import state_of
from forum.web.transactions import read, slowly, transact

A_PAGE = 50


async def sign_up_form(request: Request) -> Response:
    """The form for a new account."""
    return await page(
        request,
        "account/sign_up.html",
        problem=None,
        typed={"name": "", "next": local_path(query_text(request, "next"))},
    )


async def sign_up(request: Request) -> Response:
    """Make an account and sign in with it."""
    form = await Form.read(request)
    name, going = form.text("name"), local_path(form.text("next"))
    pace, key = state_of(request).sign_ups, f"address {_address(request)}"
    try:
        _check_pace(pace.wait(key), "accounts from your network")
        accounts.check_name(name)
        password_hash = await slowly(request, accounts.hash_password, form.text("password"))

        def act(session: Session) -> str:
            account = accounts.sign_up(session, name, password_hash=password_hash)
            return accounts.sign_in(session, account.id)

        token = await transact(request, act)
    except ForumError as problem:
        return await page(
            request,
            "account/sign_up.html",
            status=problem.status,
            problem=problem,
            typed={"name": name, "next": going},
        )
    pace.count(key)
    return _signed_in(request, going, token, "welcome")


async def sign_in_form(request: Request) -> Response:
    """The form to sign in."""
    return await page(
        request,
        "account/sign_in.html",
        problem=None,
        typed={"name": "", "next": local_path(query_text(request, "next"))},
    )


async def sign_in(request: Request) -> Response:
    """Sign in with name and password."""
    form = await Form.read(request)
    name, going = form.text("name"), local_path(form.text("next"))
    try:
        token = await let_in(request, name, form.text("password"))
    except ForumError as problem:
        return await page(
            request,
            "account/sign_in.html",
            status=problem.status,
            problem=problem,
            typed={"name": name, "next": going},
        )
    return _signed_in(request, going, token, "signed-in")


_WRONG = "This name and password do not belong together."


async def let_in(request: Request, name: str, password: str) -> str:
    """Return a login's token for the right name and password. Raises Invalid, or TooMany."""
    pace = state_of(request).sign_ins
    # Names are kept in memory for a while, so one that nobody can have ends here.
    if len(name) > 2 * accounts.NAME_LENGTH:
        raise Invalid(_WRONG, field="password")
    # By name, so that one account cannot be guessed at from many machines; and by machine.
    by_name = f"name {accounts.name_key(name)}"
    by_address = f"address {_address(request)}"
    _check_pace(max(pace.wait(by_name), pace.wait(by_address)), "wrong passwords")
    pace.count(by_name)
    pace.count(by_address)
    account = await _known(request, name, password)
    if account is None:
        raise Invalid(_WRONG, field="password")
    pace.forget(by_name)
    pace.take_back(by_address)

    def begin(session: Session) -> str:
        sanctions.check_sign_in(session, account.id)
        return accounts.sign_in(session, account.id)

    return await transact(request, begin)


async def _known(request: Request, name: str, password: str) -> Account | None:
    """Return the account that this name and password open, or None."""
    account, password_hash = await read(request, accounts.credentials, name)
    right = await slowly(request, accounts.verify, password_hash, password)
    return account if right else None


def _check_pace(wait: int, what: str) -> None:
    if wait:
        raise TooMany(
            f"There were too many {what}. Please wait {wait} seconds and try again.",
            retry_after=wait,
            field="password",
        )


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


def _signed_in(request: Request, going: str, token: str, notice: str) -> Response:
    where, _, rest = going.partition("?")
    answer = RedirectResponse(where + (f"?{rest}" if rest else query(notice=notice)), 303)
    access.remember(answer, state_of(request).settings, token)
    return answer


async def sign_out(request: Request) -> Response:
    """End this login."""
    await transact(request, accounts.sign_out, access.token_of(request))
    answer = see_other(request, "front", ask={"notice": "signed-out"})
    access.forget(answer, state_of(request).settings)
    return answer


async def own_page(request: Request) -> Response:
    """One's own comments, with where each stands."""
    return await own_page_with(request)


async def own_page_with(request: Request, problem: ForumError | None = None) -> Response:
    """The same, perhaps with what is wrong with an address that was typed."""
    viewer: Viewer = request.state.viewer
    account = await read(request, accounts.get, viewer.id)
    found = await read(
        request,
        comments.by_author,
        viewer.id,
        before=query_number(request, "before"),
        at_most=A_PAGE + 1,
    )
    more = found[A_PAGE - 1].id if len(found) > A_PAGE else None
    return await page(
        request,
        "account/own.html",
        status=problem.status if problem else 200,
        problem=problem,
        since=account.created_at,
        address=await read(request, mail.address_of, viewer.id),
        comments=found[:A_PAGE],
        more=more,
    )


async def standing(request: Request) -> Response:
    """What concerns one's account: what, why and until when; also for one who is banned."""
    who: Viewer | None = request.state.viewer or request.state.barred
    if who is None:
        # Not a matter of roles: who is banned may look, signed out as they are.
        raise NotFound("This page is about your account. Please sign in to see it.")
    return await page(
        request,
        "account/standing.html",
        found=await read(request, sanctions.standing, who.id),
        kinds=KINDS,
    )


async def read_warning(request: Request) -> Response:
    """Note that a warning was read."""
    await transact(
        request,
        sanctions.read_warning,
        path_number(request, "id"),
        account=request.state.viewer,
    )
    return see_other(request, "standing", ask={"notice": "read"})


async def password_form(request: Request) -> Response:
    """The form for a new password."""
    return await page(request, "account/password.html", problem=None)


async def change_password(request: Request) -> Response:
    """Set a new password; every other login ends."""
    form = await Form.read(request)
    viewer: Viewer = request.state.viewer
    try:
        if (
            not viewer.must_change_password
            and await _known(request, viewer.name, form.text("old")) is None
        ):
            raise Invalid("This is not your present password.", field="old")
        if form.text("password") != form.text("again"):
            raise Invalid("The two new passwords differ. Please type them again.", field="again")
        hashed = await slowly(request, accounts.hash_password, form.text("password"))
        await transact(
            request,
            accounts.change_password,
            viewer.id,
            password_hash=hashed,
            keep=access.token_of(request),
        )
    except ForumError as problem:
        return await page(request, "account/password.html", status=problem.status, problem=problem)
    return see_other(request, "account", ask={"notice": "password"})
