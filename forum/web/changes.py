"""The comments that other thresholds would decide otherwise, nearest to the line first."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import outlook
from forum.errors import Invalid, NotFound
from forum.web.forms import query_number, query_text
from forum.web.outlook import TIMES, read_on, scope_of, see
from forum.web.pages import page
from forum.web.policy import typed_policy
from forum.web.state import state_of
from forum.web.transactions import read
from moderation import labels, policies
from moderation.scripts import WRITTEN_IN

# What the address carries besides the thresholds.
_OF_PAGE = ("days", "section", "label", "script", "after")
# What the form of the policy has, and this page does not need.
_OF_FORM = ("based_on", "classifier", "note", "goal", "action")


async def policy_changes(request: Request) -> Response:
    """What the thresholds in the address would decide otherwise than the policy in force."""
    state, scope = state_of(request), await scope_of(request)
    label, script = query_text(request, "label"), query_text(request, "script")
    after = query_number(request, "after") or 0
    if label and label not in labels.BY_NAME:
        raise NotFound("There is no such label. Please choose one of the list.")
    if script and script not in WRITTEN_IN:
        raise NotFound("No text is written in this script. Please choose one of the list.")
    proposed = {
        name: query_text(request, name)
        for name in request.query_params
        if name not in (*_OF_PAGE, *_OF_FORM)
    }
    problem, then = None, None
    try:
        # Without any, nothing changes side.
        if proposed:
            then = typed_policy(proposed)
    except Invalid as invalid:
        problem = invalid

    def ask(session: Session) -> dict[str, Any]:
        current = policies.in_force(session)
        seen = see(session, state, scope, current.classifier_id)
        found = None
        if problem is None:
            found = outlook.changes(
                session,
                seen.part,
                current.policy,
                # The form has the site's thresholds alone.
                replace(then or current.policy, overrides=policies.places(session)),
                viewer=request.state.viewer.id,
                label=label,
                script=script,
                after=after,
            )
        return {"current": current, "seen": seen, "changes": found}

    known = await read(request, ask)
    read_on(state)
    return await page(
        request,
        "admin/changes.html",
        status=problem.status if problem else 200,
        problem=problem,
        proposed=proposed,
        # So the way back finds the thresholds in their fields.
        loaded={
            name: value or "never"
            for name, value in proposed.items()
            if name.startswith(("hold_", "reject_"))
        },
        label=label,
        script=script,
        after=after,
        scripts=WRITTEN_IN,
        all_labels=labels.ALL,
        times=TIMES,
        **known,
    )
