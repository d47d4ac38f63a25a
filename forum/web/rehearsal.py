"""The admins' page of rehearsals: a policy on trial, beside the one in force."""

import json
from datetime import timedelta
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import accounts
from forum.errors import Changed, ForumError, Invalid
from forum.web.forms import Form, query_number, query_text
from forum.web.pages import page, see_other
from forum.web.policy import fairness_reason
from forum.web.transactions import in_thread, read, transact
from moderation import harmless, labels, policies, predictions, rehearsals
from moderation.fairness import Check
from moderation.harmless import NeedsYes
from moderation.policies import PolicyChanged
from moderation.policy import SIGNALS, InvalidPolicy, Policy
from moderation.predictions import Prediction
from moderation.rehearsals import CannotRehearse

A_PAGE = 25
# A week tells of every day; and at first it only looks on.
_AT_FIRST = {"days": "7", "share": "0", "note": ""}


async def rehearsal(request: Request) -> Response:
    """The rehearsal that runs or ran last, and the form for another, with `policy` in the query."""
    typed = {"policy": query_text(request, "policy")}
    try:
        return await _page(request, typed=typed, proposed=_policy(typed["policy"]))
    except Invalid as problem:
        return await _page(request, typed=typed, problem=problem)


async def change_rehearsal(request: Request) -> Response:
    """Start a rehearsal, stop the one that runs, or put its policy in force."""
    form = await Form.read(request)
    proposed: Policy | None = None
    try:
        match form.text("action"):
            case "start":
                proposed = _policy(form.text("policy"))
                notice = await _start(request, form, proposed)
            case "stop":
                notice = await _stop(request, form)
            case "adopt":
                notice = await _adopt(request, form)
            case _:
                raise Invalid("Please choose one of the buttons on the page.")
    except NeedsYes as needs:
        problem = Invalid(
            "The fairness check does not speak for it. Nothing was changed. Below stands what was"
            " found; to go on all the same, please say why.",
            field="fairness_reason",
        )
        return await _page(
            request, typed=form.fields, problem=problem, proposed=proposed, check=needs.check
        )
    except (Invalid, Changed) as refused:
        return await _page(request, typed=form.fields, problem=refused, proposed=proposed)
    return see_other(request, "rehearsal", ask={"notice": notice})


async def _start(request: Request, form: Form, policy: Policy | None) -> str:
    if policy is None:
        raise Invalid("There is no policy to rehearse. Please begin on the policy page.")
    days, percent = _number(form, "days"), _number(form, "share")
    based_on, by = form.required("based_on"), request.state.viewer.id
    reason, note = fairness_reason(form), " ".join(form.text("note").split())
    if not 0 <= days <= rehearsals.LONGEST.days:
        raise Invalid(f"Please give from 1 to {rehearsals.LONGEST.days} days.", field="days")

    try:
        # Where it decides nothing, nobody can be treated worse.
        found = None
        if percent > 0:
            found = await read(
                request,
                harmless.accepted,
                policy,
                based_on=based_on,
                reason=reason,
                seen=form.fields.get("fairness_seen"),
            )
        await transact(
            request,
            rehearsals.start,
            policy,
            by=by,
            share=percent / 100,
            lasts=timedelta(days=days),
            based_on=based_on,
            note=note,
            fairness=found,
        )
    except CannotRehearse as problem:
        raise Invalid(str(problem), field=problem.field) from None
    except PolicyChanged as changed:
        raise _faster(changed) from None
    return "rehearsal"


async def _stop(request: Request, form: Form) -> str:
    number = form.required("rehearsal")
    if await transact(request, rehearsals.end, number, by=request.state.viewer.id) is None:
        raise Changed("This rehearsal is over already.")
    return "rehearsal-stopped"


async def _adopt(request: Request, form: Form) -> str:
    number, based_on = form.required("rehearsal"), form.required("based_on")
    by, reason = request.state.viewer.id, fairness_reason(form)

    def ask(session: Session) -> tuple[Policy, int, Prediction | None, dict[str, Any]]:
        found = rehearsals.newest(session)
        if found is None or found.id != number:
            raise Changed("Another rehearsal was started meanwhile. Please look at that one.")
        if found.classifier_id != policies.in_force(session).classifier_id:
            raise Invalid("It was rehearsed with another classifier; its numbers mean nothing now.")
        checked = harmless.accepted(
            session,
            found.policy,
            based_on=based_on,
            reason=reason,
            seen=form.fields.get("fairness_seen"),
        )
        expected = predictions.expect(session, found.policy, found.classifier_id)
        return found.policy, found.classifier_id, expected, checked

    def act(session: Session) -> None:
        policies.adopt(
            session,
            policy,
            author=by,
            note=f"Rehearsed: rehearsal {number}.",
            based_on=based_on,
            classifier=classifier,
            prediction=None if expected is None else expected.to_json(),
            fairness=checked,
        )
        rehearsals.end(session, number, by=by, why="adopted")

    try:
        policy, classifier, expected, checked = await read(request, ask)
        await transact(request, act)
    except PolicyChanged as changed:
        raise _faster(changed) from None
    return "rehearsal-adopted"


def _faster(changed: PolicyChanged) -> Changed:
    return Changed(
        f"Version {changed.current} was saved meanwhile. Nothing of yours was changed; it would be"
        " compared with that one now. Please look again, and send it again."
    )


def _policy(typed: str) -> Policy | None:
    """Return the policy that a form carries; None for an empty one. Raises Invalid."""
    if not typed:
        return None
    try:
        return Policy.read(json.loads(typed))
    except (InvalidPolicy, ValueError, RecursionError):
        raise Invalid(
            "The policy to rehearse cannot be read. Please begin on the policy page.",
            field="policy",
        ) from None


def _number(form: Form, name: str) -> float:
    typed = form.text(name).strip().replace(",", ".")
    try:
        value = float(typed)
    except ValueError:
        value = -1.0
    # Not so for what is no number at all.
    if not 0 <= value <= 10_000:
        raise Invalid("Please give a number, like 7 or 0.5.", field=name)
    return value


async def _page(
    request: Request,
    *,
    typed: dict[str, str],
    problem: ForumError | None = None,
    proposed: Policy | None = None,
    check: Check | None = None,
) -> Response:
    before = query_number(request, "before")

    def ask(session: Session) -> dict[str, Any]:
        current, found = policies.in_force(session), rehearsals.newest(session)
        known: dict[str, Any] = {"current": current, "found": found, "runs": False}
        if found is None:
            return known | {"outcome": None, "apart": [], "names": {}}
        people = {who for who in (found.started_by, found.ended_by) if who}
        return known | {
            "runs": rehearsals.runs(session, found),
            "outcome": rehearsals.outcome(session, found),
            "apart": rehearsals.apart(session, found.id, before=before, at_most=A_PAGE + 1),
            "names": accounts.names(session, people),
        }

    known = await read(request, ask)
    apart, found, outcome = known.pop("apart"), known["found"], known["outcome"]
    sides = await in_thread(request, outcome.compare) if found and found.share else []
    return await page(
        request,
        "admin/rehearsal.html",
        status=problem.status if problem else 200,
        typed=_AT_FIRST | {name: value for name, value in typed.items() if value},
        problem=problem,
        proposed=proposed,
        check=check,
        sides=sides,
        rows=_rows(proposed, known["current"].policy),
        signals=SIGNALS,
        apart=apart[:A_PAGE],
        more=apart[A_PAGE - 1].case_id if len(apart) > A_PAGE else None,
        continued=before is not None,
        **known,
    )


def _rows(*shown: Policy | None) -> list[labels.Label]:
    """Return the labels that any of these policies names, in the labels' order."""
    names = {name for policy in shown if policy for name in policy.thresholds}
    return [label for label in labels.ALL if label.name in names]
