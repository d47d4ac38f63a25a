"""What can go wrong, in the forum's words. Translated once, into a page or problem+json."""

from typing import ClassVar


class ForumError(Exception):
    """Something was refused. `code` is stable, `title` is for the page, the message says more.

    `field` names the form field that the message belongs to, if it belongs to one.
    """

    status: ClassVar[int] = 400
    code: ClassVar[str] = "bad-request"
    title: ClassVar[str] = "That did not work"

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class BadRequest(ForumError):
    """The request itself cannot be understood."""


class NotSignedIn(ForumError):
    status = 401
    code = "not-signed-in"
    title = "Please sign in"


class NotAllowed(ForumError):
    status = 403
    code = "not-allowed"
    title = "Not open to you"


class Restricted(ForumError):
    """A sanction forbids it."""

    status = 403
    code = "restricted"
    title = "Your account is restricted"


class Unread(Restricted):
    """A warning has to be read first; `warning` is its number."""

    code = "warning-unread"
    title = "Please read this first"

    def __init__(self, message: str, *, warning: int) -> None:
        super().__init__(message)
        self.warning = warning


class ForeignOrigin(ForumError):
    status = 403
    code = "foreign-origin"
    title = "Sent from another site"


class NotFound(ForumError):
    status = 404
    code = "not-found"
    title = "Nothing here"


class WrongMethod(ForumError):
    status = 405
    code = "wrong-method"
    title = "Not like that"


class Changed(ForumError):
    """Somebody else was faster."""

    status = 409
    code = "changed-meanwhile"
    title = "Somebody was faster"


class ThreadClosed(ForumError):
    status = 409
    code = "thread-closed"
    title = "This discussion is closed"


class TooLarge(ForumError):
    status = 413
    code = "too-large"
    title = "Too much at once"


class Invalid(ForumError):
    """A form with something wrong in it; it comes back with what was typed."""

    status = 422
    code = "invalid"
    title = "Please look at this again"


class Repeated(Invalid):
    code = "said-before"
    title = "You said that already"


class TooLate(Invalid):
    code = "too-late"
    title = "The time for that is over"


class TooMany(ForumError):
    """`retry_after` is in seconds."""

    status = 429
    code = "too-many"
    title = "A little slower, please"

    def __init__(self, message: str, *, retry_after: int, field: str = "") -> None:
        super().__init__(message, field=field)
        self.retry_after = retry_after


class Broken(ForumError):
    """A mistake of ours."""

    status = 500
    code = "broken"
    title = "Something broke"


class Unavailable(ForumError):
    status = 503
    code = "unavailable"
    title = "Not available just now"


def all_errors() -> list[type[ForumError]]:
    """Return every kind of error, for the documentation and its test."""
    found = [ForumError]
    for kind in found:
        found.extend(kind.__subclasses__())
    return [kind for kind in found if kind is not ForumError]
