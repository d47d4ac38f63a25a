"""The versions of the policy: each as it was, two beside each other, an earlier one again."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import accounts
from forum.errors import Changed, ForumError, Invalid, NotFound
from forum.web.forms import Form, path_number, query_number, query_text
from forum.web.pages import page, see_other
from forum.web.policy import fairness_reason, unfair
from forum.web.transactions import in_thread, read, transact
from moderation import (
    calibrations,
    differences,
    fairness,
    harmless,
    history,
    labels,
    policies,
    predictions,
    simulation,
)
from moderation.fairness import Check
from moderation.harmless import NeedsYes
from moderation.policies import PolicyChanged
from moderation.policy import SIGNALS, Policy

A_PAGE = 50


async def version_list(request: Request) -> Response:
    """Every version, newest first, a page at a time."""
    before = query_number(request, "before")

    def ask(session: Session) -> dict[str, Any]:
        found = policies.versions(session, before=before, at_most=A_PAGE + 1)
        shown = found[:A_PAGE]
        return {
            "versions": shown,
            "more": shown[-1].id if len(found) > A_PAGE else None,
            "current": policies.in_force(session),
            "names": accounts.names(session, {one.author for one in shown if one.author}),
        }

    return await page(
        request,
        "admin/policy_versions.html",
        continued=before is not None,
        **await read(request, ask),
    )


async def policy_version(request: Request) -> Response:
    """One version as it was, beside the one in force, with what was expected of it and came."""
    return await _version_page(request, path_number(request, "id"))


async def _version_page(
    request: Request,
    number: int,
    *,
    problem: ForumError | None = None,
    check: Check | None = None,
    reason: str = "",
) -> Response:
    """`check` is what speaks against restoring it, `reason` what was typed in spite of that."""

    def ask(session: Session) -> dict[str, Any]:
        version = _version(session, number)
        authors = {version.author} if version.author else set()
        current = policies.in_force(session)
        _, classifier = calibrations.brought_over(session, version)
        return {
            "version": version,
            "current": current,
            "recalibrated": classifier != version.classifier_id,
            "for_another": classifier != current.classifier_id,
            "names": accounts.names(session, authors),
            "prediction": predictions.of(version),
            "came": predictions.came(session, version),
            "goal": _goal_in_words(version.goal or {}),
            "checked": fairness.in_words(version.fairness) if version.fairness else "",
            "now": session.info["time"],
        }

    known = await read(request, ask)
    return await page(
        request,
        "admin/policy_version.html",
        status=problem.status if problem else 200,
        problem=problem,
        check=check,
        reason=reason,
        rows=_rows(known["version"].policy, known["current"].policy),
        signals=SIGNALS,
        **known,
    )


def _version(session: Session, number: int) -> Any:
    try:
        return policies.version(session, number)
    except LookupError as problem:
        raise NotFound(str(problem)) from None


def _rows(*shown: Policy) -> list[labels.Label]:
    named = {name for policy in shown for name in policy.thresholds}
    return [label for label in labels.ALL if label.name in named]


def _goal_in_words(goal: Mapping[str, Any]) -> list[str]:
    """Say what an admin wanted, a part each."""
    said = []
    if "missed" in goal:
        said.append(f"at most one in {goal['missed']:.6g} published comments one to remove")
    if "agree" in goal:
        said.append(f"reject alone only where {goal['agree']:.4g} in 100 agree")
    if "hours" in goal:
        said.append(f"no more than {goal['hours']:.4g} hours of moderators a day")
    if "label" in goal:
        said.append(f"by {labels.BY_NAME[goal['label']].title} alone")
    if "section" in goal:
        said.append(f"in the section {goal['section']}")
    return said


async def compare(request: Request) -> Response:
    """Two versions, in words and in numbers."""
    typed = {"of": query_text(request, "of"), "with": query_text(request, "with")}
    if not any(typed.values()):
        return await _compared(request, typed)
    try:
        numbers = [_number(typed, name) for name in typed]

        def ask(session: Session) -> dict[str, Any]:
            one, other = (_asked_for(session, *each) for each in zip(typed, numbers, strict=True))
            same = one.classifier_id == other.classifier_id
            return {
                "one": one,
                "other": other,
                "known": history.read(session, one.classifier_id, at_most=simulation.RECENT)
                if same
                else None,
                "outturns": [
                    (version, predictions.of(version), predictions.came(session, version))
                    for version in (one, other)
                    if version.prediction
                ],
            }

        found = await read(request, ask)
    except Invalid as problem:
        return await _compared(request, typed, problem)
    known, one, other = found.pop("known"), found["one"], found["other"]
    comparison = None
    if known is not None:
        comparison = await in_thread(request, simulation.compare, known, one.policy, other.policy)
    return await _compared(
        request,
        typed,
        said=differences.in_words(one.policy, other.policy),
        comparison=comparison,
        rows=_rows(one.policy, other.policy),
        signals=SIGNALS,
        **found,
    )


async def _compared(
    request: Request, typed: dict[str, str], problem: ForumError | None = None, **found: Any
) -> Response:
    nothing = {"one": None, "other": None, "comparison": None, "outturns": ()}
    return await page(
        request,
        "admin/policy_compared.html",
        status=problem.status if problem else 200,
        typed=typed,
        problem=problem,
        **{**nothing, **found},
    )


def _number(typed: dict[str, str], name: str) -> int:
    given = typed[name].strip()
    if not (given.isascii() and given.isdigit() and len(given) < 19):
        raise Invalid("Please name two versions by their numbers, as in 3 and 7.", field=name)
    return int(given)


def _asked_for(session: Session, name: str, number: int) -> Any:
    try:
        return policies.version(session, number)
    except LookupError as problem:
        raise Invalid(str(problem), field=name) from None


async def restore_policy(request: Request) -> Response:
    """Put an earlier version in force again, as a new one."""
    form = await Form.read(request)
    number, based_on = path_number(request, "id"), form.required("based_on")

    def expect(session: Session) -> dict[str, Any]:
        old = _version(session, number)
        brought, classifier = calibrations.brought_over(session, old)
        policy = brought.at(session.info["time"])
        checked = harmless.accepted(
            session,
            policy,
            based_on=based_on,
            classifier=classifier,
            reason=fairness_reason(form),
            seen=form.fields.get("fairness_seen"),
        )
        prediction = predictions.expect(session, policy, classifier)
        return {
            "policy": policy,
            "classifier": classifier,
            "goal": old.goal,
            "prediction": None if prediction is None else prediction.to_json(),
            "fairness": checked,
        }

    try:
        # Many texts are judged for it, and nobody who writes should wait for that.
        found = await read(request, expect)
        await transact(
            request,
            policies.adopt,
            author=request.state.viewer.id,
            note=f"Version {number} restored.",
            based_on=based_on,
            restores=number,
            **found,
        )
    except (NeedsYes, Invalid) as refused:
        return await _version_page(
            request,
            number,
            problem=refused if isinstance(refused, Invalid) else unfair(refused),
            check=refused.check if isinstance(refused, NeedsYes) else None,
            reason=form.text("fairness_reason"),
        )
    except PolicyChanged as changed:
        raise Changed(
            f"Version {changed.current} was saved meanwhile, so nothing was restored. Please look"
            " at both on the page of the policy."
        ) from None
    return see_other(request, "policy", ask={"notice": "restored"})
