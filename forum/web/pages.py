"""Turning what the domain answers into HTML pages: the templates and what all of them know."""

import calendar
import hashlib
import re
from collections.abc import Callable
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from forum import house
from forum.settings import Settings
from forum.web.engine import Engine
from forum.web.state import state_of
from forum.web.transactions import in_thread
from moderation import labels, predictions
from moderation.policy import Finding, Status
from moderation.rules import Rules

STATIC = Path(__file__).parent.parent / "static"

# What a page may say at its top after something was done; the address carries the key alone, so
# nobody can put words in our mouth by a link.
NOTICES = {
    "posted": "Thank you. Your comment is waiting to be checked; you see it below.",
    "edited": "Your changes are saved and waiting to be checked.",
    "deleted": "Your comment is deleted.",
    "reported": "Thank you. A moderator will look at this comment.",
    "signed-in": "You are signed in.",
    "signed-out": "You are signed out.",
    "welcome": "Welcome. Your account is ready.",
    "password": "Your new password is set. Other devices were signed out.",
    "approved": "Approved.",
    "rejected": "Rejected.",
    "undone": "Taken back. The case is where it was.",
    "policy": "The new policy is in force, from the next comment on.",
    "restored": "The earlier policy is in force again, as a new version.",
    "places": "Saved. It counts from the next comment on.",
    "rehearsal": "The rehearsal has begun; it judges from the next comment on.",
    "rehearsal-stopped": "The rehearsal is over. What it found stays below.",
    "rehearsal-adopted": "The rehearsed policy is in force, from the next comment on.",
    "appealed": "Thank you. Somebody else will look at your comment again.",
    "address": "We have sent a link to this address. Please open it to confirm.",
    "confirmed": "Thank you. From now on we write to this address.",
    "no-mail": "Your address is taken away. You find your notices here.",
    "rules": "Saved. It counts from the next decision on.",
    "view-kept": "Kept. You find it beside the tabs.",
    "view-renamed": "Renamed.",
    "view-removed": "Removed. Its cases are where they were.",
    "order": "The queue is in its new order.",
    "habits": "Saved. Nobody else sees it.",
    "sweep-terms": "Saved, for the sweeps that begin from now on.",
    "shares": "The new shares count from the next decision on.",
    "golden": "The case is a golden one now.",
    "golden-retired": "The case is shown to no newcomer any more.",
    "alarm-acknowledged": "Acknowledged. It stays here until it is over.",
    "alarm-limits": "Saved. They count from the next look on, within a minute.",
    "fit-asked": "The scores are being fitted. Please look again in a minute or two.",
    "calibration": "The curves are in force from the next comment on. The thresholds moved with"
    " them: the same comments are held and rejected as before.",
    "calibration-undone": "The scores are the classifier’s own again, and the thresholds moved"
    " back with them.",
    "words": "The list is changed, from the next comment on.",
    "words-as-they-were": "All of this was on the list already.",
    "disclaimer": "The new disclaimer is shown with every thread from now on.",
    "role": "The role is changed.",
    "sanctioned": "Done. The author is told.",
    "lifted": "Lifted. The author sees it.",
    "read": "Thank you. You can comment again.",
    "suggestion": "The suggestion is removed.",
    "switched": "Turned. It counts from now on.",
    "closed": "Closed.",
    "reopened": "Open again.",
}


# What stands in the place of a comment that is not shown. Others need not know whether one that was
# edited is scored again or waits for a moderator.
GAPS = {
    "checking": "A comment here is being checked.",
    "removed": "A comment was removed here.",
    "deleted": "A comment was deleted here by its author.",
}


def make_templates(settings: Settings, rules: Callable[[], Rules]) -> Environment:
    """Return the templates; a name that is missing in one is an error, not an empty place.

    `rules` gives the site's rules as they are now: few pages show them.
    """
    zone = settings.zone
    environment = Engine(
        loader=FileSystemLoader(house("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters |= {
        "moment": lambda value: moment(value, zone),
        "clock": lambda value: f"{value.astimezone(zone):%H:%M}",
        "number": number,
        "lasting": lasting,
        "paragraphs": paragraphs,
        "score": labels.in_digits,
        "a_day": predictions.in_digits,
        "inline_code": inline_code,
    }
    environment.globals |= {
        "site_name": settings.site_name,
        "guests_welcome": settings.guests,
        "mails": settings.mails,
        "comment_length": settings.comment_length,
        "edit_minutes": settings.edit_minutes,
        "asset": asset,
        "labels": labels.BY_NAME,
        "gaps": GAPS,
        "rules": rules,
        "Status": Status,
        "in_words": lambda found: Finding.from_json(found).in_words(),
        "query": query,
    }
    return environment


async def page(
    request: Request, template: str, *, status: int = 200, **context: Any
) -> HTMLResponse:
    """Return a page made from a template, rendered off the event loop."""
    known = common(request) | context
    environment = state_of(request).templates
    # A template is compiled when it is first asked for, which takes a while, too.
    html = await in_thread(request, lambda: environment.get_template(template).render(known))
    pause = getattr(context.get("problem"), "retry_after", None)
    headers = {} if pause is None else {"retry-after": str(pause)}
    return HTMLResponse(html, status_code=status, headers=headers)


def common(request: Request) -> dict[str, Any]:
    """Return what every template knows about the request."""
    return {
        "viewer": getattr(request.state, "viewer", None),
        "path": state_of(request).path,
        "here": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "notice": NOTICES.get(request.query_params.get("notice", ""), ""),
        "done": request.query_params.get("done", ""),
        "standing": standing(request),
        "alarms_waiting": state_of(request).lookout.waiting,
    }


def standing(request: Request) -> str:
    """Return the gravest sanction in force on whoever asks, also on one who is banned."""
    who = getattr(request.state, "viewer", None) or getattr(request.state, "barred", None)
    return who.standing if who else ""


def query(**params: Any) -> str:
    """Return a query string of what is not empty, with its question mark."""
    given = {key: value for key, value in params.items() if value not in (None, "", False)}
    return "?" + urlencode(given) if given else ""


def see_other(
    request: Request,
    name: str,
    *,
    anchor: str = "",
    ask: dict[str, Any] | None = None,
    **params: Any,
) -> Response:
    """Send the browser on after a form: reloading then sends nothing twice."""
    where = state_of(request).path(name, **params) + query(**(ask or {}))
    return RedirectResponse(where + (f"#{anchor}" if anchor else ""), status_code=303)


@cache
def asset(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    version = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={version}"


def number(value: float) -> str:
    """Write a whole number with thin spaces between its thousands."""
    return f"{value:,}".replace(",", "\u202f")


def lasting(seconds: int) -> str:
    """Write how long something took, in the two largest units that it has."""
    left, said = seconds, []
    for size, word in ((86_400, "d"), (3600, "h"), (60, "min"), (1, "s")):
        count, left = divmod(left, size)
        if count:
            said.append(f"{number(count)} {word}")
    return " ".join(said[:2]) or "0 s"


def moment(value: datetime | None, zone: tzinfo, now: datetime | None = None) -> Markup:
    """Write a time in words, in the newsroom's zone; exact on hover and for machines."""
    if value is None:
        return Markup("")
    local = value.astimezone(zone)
    day, at = f"{local.day} {_MONTHS[local.month]}", f"{local.hour:02}:{local.minute:02}"
    now = now or datetime.now(zone)
    # A kept page grows old, so words that would be wrong after a minute are not used.
    if local.date() == now.date():
        words = f"today, {at}"
    else:
        words = f"{day}, {at}" if local.year == now.year else f"{day} {local.year}"
    # A time and its name hold nothing to escape: a page may have hundreds of them.
    return Markup(  # noqa: S704
        f'<time datetime="{local.isoformat(timespec="seconds")}"'
        f' title="{day} {local.year}, {at} {local.tzname()}">{words}</time>'
    )


_MONTHS = tuple(calendar.month_name)


def paragraphs(text: str) -> list[str]:
    """Return the paragraphs of an article's body."""
    return [part for part in (p.strip() for p in text.split("\n\n")) if part]


def inline_code(text: str) -> Markup:
    """Show what stands between back-ticks as code, the ticks included: word for word."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>`\1`</code>", str(escape(text))))  # noqa: S704
