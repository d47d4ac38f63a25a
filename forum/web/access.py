"""Who may: roles, the session cookie, the origin of forms, and what every answer carries."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from sqlalchemy.exc import DBAPIError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from forum import accounts
from forum.accounts import Role
from forum.errors import ForeignOrigin, ForumError, NotAllowed, NotSignedIn, TooLarge
from forum.sanctions import Kind
from forum.settings import Settings
from forum.web.error_pages import broken
from forum.web.state import state_of
from forum.web.transactions import glance

Handler = Callable[[Request], Awaitable[Response]]

# In the route table: open to all, signed in or not.
ANYONE = None

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}


def cookie_name(settings: Settings) -> str:
    """Return the session cookie's name; with HTTPS no other site of the domain can set it."""
    return "__Host-forum" if settings.secure else "forum"


def token_of(request: Request) -> str:
    """Return the login token that the request carries, in its cookie or as a bearer token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return token.strip()
    return request.cookies.get(cookie_name(state_of(request).settings), "")


def remember(response: Response, settings: Settings, token: str) -> None:
    """Set the session cookie."""
    response.set_cookie(
        cookie_name(settings),
        token,
        max_age=int(accounts.LOGIN_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=settings.secure,
        path="/",
    )


def forget(response: Response, settings: Settings) -> None:
    """Clear the session cookie."""
    response.delete_cookie(
        cookie_name(settings), httponly=True, samesite="lax", secure=settings.secure, path="/"
    )


def guarded(handler: Handler, who: Role | None, name: str) -> Handler:
    """Let a handler be reached only by `who`; the viewer's account is `request.state.viewer`."""

    async def answer(request: Request) -> Response:
        try:
            return await guard(request)
        except (ForumError, HTTPException, DBAPIError):
            raise
        except ClientDisconnect:
            # Whoever asked is gone: nobody reads this, and nothing of ours went wrong.
            return Response(status_code=400)
        # Answered here and not by the server, so that the page has its headers like any other.
        except Exception as problem:
            return await broken(request, problem)

    async def guard(request: Request) -> Response:
        request.scope["forum.route"] = name
        request.state.viewer = request.state.barred = None
        refusal = request.scope.get("forum.refused")
        if refusal is not None:
            raise refusal
        # Static files are the same for all, also for one who has to choose a password first.
        token = "" if name == "static" else token_of(request)
        viewer = await glance(request, accounts.signed_in, token) if token else None
        # A banned account's login ends at once, and comes back when the ban is over.
        if viewer is not None and viewer.standing == Kind.BAN:
            request.state.barred, viewer = viewer, None
        request.state.viewer = viewer
        if who is not None:
            if viewer is None:
                raise NotSignedIn("You need to sign in for this.")
            if not Role(viewer.role).allows(who):
                raise NotAllowed(f"This page is for {_PLURAL[who]}.")
        if (
            viewer is not None
            and viewer.must_change_password
            and request.scope["path"] not in ("/account/password", "/sign-out")
        ):
            if request.scope["path"].startswith("/api/"):
                raise NotAllowed("Please choose a new password in the browser first.")
            return RedirectResponse("/account/password", status_code=303)
        return await handler(request)

    return answer


_PLURAL = {
    Role.GUEST: "people who are signed in",
    Role.READER: "people with an account",
    Role.MODERATOR: "moderators",
    Role.ADMIN: "admins",
}


# What an answer carries that does not say otherwise.
_HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "private, no-cache",
}


class Edge:
    """The outermost layer: refuses foreign forms and huge bodies, puts headers on every answer."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self.app = app
        self.limit = settings.body_limit
        headers = dict(_HEADERS)
        if settings.secure:
            headers["strict-transport-security"] = "max-age=31536000"
        self.headers = [(name.encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        received = 0

        async def limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limit:
                raise TooLarge(self._too_large())
            return message

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = message["headers"]
                names = {name for name, _ in said}
                message["headers"] = [*said, *(one for one in self.headers if one[0] not in names)]
            await send(message)

        scope["forum.refused"] = self._refusal(scope)
        await self.app(scope, limited, with_headers)

    def _refusal(self, scope: Scope) -> Exception | None:
        headers = Headers(scope=scope)
        length = headers.get("content-length", "")
        if length.isdigit() and int(length[:20]) > self.limit:
            return TooLarge(self._too_large())
        if scope["method"] not in _SAFE_METHODS and not _from_here(headers):
            return ForeignOrigin(
                "This was sent from a page of another site, so it was not done. Please open the"
                " page here and try again."
            )
        return None

    def _too_large(self) -> str:
        return f"That is more than {self.limit // 1024} KiB, which nothing here needs."


def _from_here(headers: Headers) -> bool:
    """Whether a form was sent by a page of this site, or by a program that is no browser.

    Browsers name the origin of every form they send. Sec-Fetch-Site is theirs alone; where it is
    missing (plain HTTP), Origin has to name the host that was asked.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:
        return False
