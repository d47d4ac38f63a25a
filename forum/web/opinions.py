"""The admins' pages of other opinions on scores: a shadow's, and those that were suggested."""

from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import suggestions
from forum.errors import BadRequest
from forum.web.forms import Form, query_number, query_text
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact
from moderation import labels, lineup, policies, translation
from moderation.policy import Status
from moderation.translation import NothingToTranslateBy

A_PAGE = 25
SUGGESTIONS_A_PAGE = 50
# What the one decides and what the other would have, as it stands in the address.
_DECIDED = (Status.PUBLISHED, Status.HELD, Status.REJECTED)
KINDS = {
    f"{one.value}-{other.value}": (one, other)
    for one in _DECIDED
    for other in _DECIDED
    if one is not other
}


async def shadow(request: Request) -> Response:
    """Which comments the shadow would have decided otherwise, with both scores and policies."""
    asked_for, before = query_text(request, "kind"), query_number(request, "before")
    if asked_for and asked_for not in KINDS:
        raise BadRequest("There is no such kind. Please choose one of the list on the page.")

    def ask(session: Session) -> dict[str, Any]:
        current, other = policies.in_force(session), lineup.shadowing(session)
        known: dict[str, Any] = {"current": current, "other": other, "apart": None, "too_few": ""}
        if other is None or other.id == current.classifier_id:
            return known | {"other": None}
        try:
            known["apart"] = translation.disagreements(
                session,
                current.policy,
                current.classifier_id,
                other.id,
                kind=KINDS.get(asked_for),
                before=before,
                a_page=A_PAGE,
            )
        except NothingToTranslateBy as problem:
            known["too_few"] = str(problem)
        return known

    return await page(
        request,
        "admin/shadow.html",
        kinds=KINDS,
        kind=asked_for,
        continued=before is not None,
        all_labels=labels.ALL,
        **await read(request, ask),
    )


async def suggested(request: Request) -> Response:
    """What users of the score API think that texts should have scored, newest first."""
    before = query_number(request, "before")
    found = await read(request, suggestions.page, before=before, at_most=SUGGESTIONS_A_PAGE + 1)
    return await page(
        request,
        "admin/suggestions.html",
        suggestions=found[:SUGGESTIONS_A_PAGE],
        more=found[SUGGESTIONS_A_PAGE - 1].id if len(found) > SUGGESTIONS_A_PAGE else None,
        continued=before is not None,
        all_labels=labels.ALL,
    )


async def remove_suggestion(request: Request) -> Response:
    """Remove one suggestion, for good."""
    form = await Form.read(request)
    await transact(request, suggestions.remove, form.required("suggestion"))
    return see_other(request, "suggestions", ask={"notice": "suggestion"})
