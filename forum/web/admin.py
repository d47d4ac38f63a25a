"""The admins' room: the policy, the disclaimer, accounts, articles."""

from collections.abc import Collection
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import accounts, articles, disclaimer
from forum.accounts import Role
from forum.errors import ForumError, Invalid, NotFound
from forum.web.forms import Form, path_number, query_number, query_text
from forum.web.pages import page, see_other
from forum.web.transactions import in_thread, read, transact
from moderation import labels, policies, simulation
from moderation.policies import PolicyChanged
from moderation.policy import InvalidPolicy, Mode, Policy, Threshold

A_PAGE = 50


async def policy_form(request: Request) -> Response:
    """The thresholds in force, with the scores that we keep and every version before."""
    return await _policy_page(request)


async def _policy_page(
    request: Request,
    *,
    typed: dict[str, str] | None = None,
    problem: Invalid | None = None,
    based_on: int | None = None,
    faster: int | None = None,
    proposed: Policy | None = None,
    status: int = 200,
) -> Response:
    """`typed` is what stands in the fields; `faster` the version that another admin saved."""

    def ask(session: Session) -> dict[str, Any]:
        current = policies.in_force(session)
        scores = simulation.kept_scores(session)
        versions = policies.versions(session)
        return {
            "current": current,
            "scores": scores,
            "versions": versions,
            "names": accounts.names(session, {v.author for v in versions if v.author}),
            "faster": policies.version(session, faster) if faster else None,
        }

    known = await read(request, ask)
    scores, current = known.pop("scores"), known["current"]
    histograms = simulation.histograms(scores)
    comparison = None
    if proposed is not None:
        comparison = await in_thread(request, simulation.compare, scores, current.policy, proposed)
    return await page(
        request,
        "admin/policy.html",
        status=status,
        rows=_rows(current.policy, histograms),
        histograms=histograms,
        texts=len(scores),
        typed=typed if typed is not None else _as_typed(current.policy),
        based_on=based_on or current.id,
        problem=problem,
        comparison=comparison,
        modes=list(Mode),
        **known,
    )


def _rows(policy: Policy, scored: Collection[str]) -> list[labels.Label]:
    """Return the labels that have a place on the page: those the policy names or we score."""
    return [label for label in labels.ALL if label.name in {*policy.thresholds, *scored}]


def _as_typed(policy: Policy, note: str = "") -> dict[str, str]:
    fields = {"mode": policy.mode.value, "note": note}
    fields |= {f"{limit}_{name}": "" for name in labels.NAMES for limit in ("hold", "reject")}
    for name, threshold in policy.thresholds.items():
        fields[f"hold_{name}"] = "" if threshold.hold is None else f"{threshold.hold:g}"
        fields[f"reject_{name}"] = "" if threshold.reject is None else f"{threshold.reject:g}"
    return fields


def _policy(form: Form) -> Policy:
    """Build the policy of a form. Raises Invalid, naming the field."""
    thresholds = {}
    for name in labels.NAMES:
        if f"hold_{name}" not in form.fields and f"reject_{name}" not in form.fields:
            continue
        hold = _limit(form, f"hold_{name}")
        reject = _limit(form, f"reject_{name}")
        try:
            thresholds[name] = Threshold(hold, reject)
        except InvalidPolicy as problem:
            raise Invalid(str(problem), field=f"reject_{name}") from None
    if not thresholds:
        raise Invalid("The form has no thresholds. Please send it from the policy page.")
    if form.text("mode") not in set(Mode):
        raise Invalid("Please choose what happens to comments below the thresholds.", field="mode")
    return Policy(thresholds, Mode(form.text("mode")))


def _limit(form: Form, name: str) -> float | None:
    typed = form.text(name).strip().replace(",", ".")
    if not typed:
        return None
    try:
        value = float(typed)
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise Invalid(
            "A threshold is a number from 0 to 1, like 0.85, or empty for never.", field=name
        )
    return value


async def save_policy(request: Request) -> Response:
    """Show what new thresholds would do, or put them in force as a new version."""
    form = await Form.read(request)
    based_on = form.required("based_on")
    typed = {
        name: value for name, value in form.fields.items() if name not in ("based_on", "action")
    }
    typed.setdefault("note", "")
    try:
        policy = _policy(form)
        if len(form.text("note")) > 500:
            raise Invalid("Please keep the note within 500 characters.", field="note")
    except Invalid as problem:
        whole = _as_typed((await read(request, policies.in_force)).policy) | typed
        return await _policy_page(
            request, typed=whole, problem=problem, based_on=based_on, status=problem.status
        )
    if form.text("action") == "preview":
        return await _policy_page(request, typed=typed, based_on=based_on, proposed=policy)
    try:
        await transact(
            request,
            policies.adopt,
            policy,
            author=request.state.viewer.id,
            note=form.text("note").strip(),
            based_on=based_on,
        )
    except PolicyChanged as changed:
        # What was typed stays; saving again from this page is on top of the other's version.
        return await _policy_page(
            request,
            typed=typed,
            based_on=changed.current,
            faster=changed.current,
            proposed=policy,
            status=409,
        )
    return see_other(request, "policy", ask={"notice": "policy"})


async def policy_version(request: Request) -> Response:
    """One version as it was, beside the one in force."""
    number = path_number(request, "id")

    def ask(session: Session) -> dict[str, Any]:
        try:
            version = policies.version(session, number)
        except LookupError as problem:
            raise NotFound(str(problem)) from None
        authors = {version.author} if version.author else set()
        return {
            "version": version,
            "current": policies.in_force(session),
            "names": accounts.names(session, authors),
        }

    known = await read(request, ask)
    names = {*known["version"].policy.thresholds, *known["current"].policy.thresholds}
    return await page(
        request,
        "admin/policy_version.html",
        rows=[label for label in labels.ALL if label.name in names],
        **known,
    )


async def restore_policy(request: Request) -> Response:
    """Put an earlier version in force again, as a new one."""
    form = await Form.read(request)
    number, based_on = path_number(request, "id"), form.required("based_on")

    def act(session: Session) -> None:
        try:
            old = policies.version(session, number)
        except LookupError as problem:
            raise NotFound(str(problem)) from None
        policies.adopt(
            session,
            old.policy,
            author=request.state.viewer.id,
            note=f"Version {number} restored.",
            based_on=based_on,
            restores=number,
        )

    try:
        await transact(request, act)
    except PolicyChanged as changed:
        return await _policy_page(request, faster=changed.current, status=409)
    return see_other(request, "policy", ask={"notice": "restored"})


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
    found = await read(
        request, articles.newest, before=query_number(request, "before"), at_most=A_PAGE + 1
    )
    more = found[A_PAGE - 1].id if len(found) > A_PAGE else None
    return await page(request, "admin/articles.html", articles=found[:A_PAGE], more=more)


async def change_article(request: Request) -> Response:
    """Close or reopen a discussion."""
    form = await Form.read(request)
    if form.text("action") not in ("close", "reopen"):
        raise Invalid("Please use one of the buttons beside the article.")
    closed = form.text("action") == "close"
    await transact(request, articles.set_closed, path_number(request, "id"), closed=closed)
    return see_other(request, "articles", ask={"notice": "closed" if closed else "reopened"})
