"""The admins' page of how good the decisions are, the shares that are audited, golden cases."""

import math
from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import accounts, review
from forum.errors import Changed, ForumError, Invalid
from forum.web.forms import Form, path_number, query_number
from forum.web.moderator import case_page
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact
from moderation import audits, quality
from moderation.audits import InvalidShares, Shares, SharesChanged
from moderation.sampling import Estimate

SHARES = {
    "published": ("Published by the machine", "Of 100 that stayed far below every threshold."),
    "near": ("Published, near a threshold", "Of 100 that came near one."),
    "held": (
        "Held, on their words alone",
        "Of 100 held cases, shown without scores and reasons. Audited cases hide among these.",
    ),
    "rejected": ("Rejected by the machine", "Of 100."),
    "approved_by_people": ("Approved by people", "Of 100 held cases that somebody approved."),
    "rejected_by_people": ("Rejected by people", "Of 100 held cases that somebody rejected."),
    "golden": ("Golden cases for newcomers", "After so many of 100 decisions of a newcomer."),
    "nearness": ("Near is from", "Of 100: at 50, from half of a threshold on."),
    "newcomer": ("Newcomer up to", "Decisions somebody has taken."),
}
MONTHS = (3, 1, 12)
_NOTE = 500


async def quality_page(request: Request) -> Response:
    """What the audits tell, and the shares in force."""
    return await _page(request)


async def save_shares(request: Request) -> Response:
    """Save shares as a new version, from the next decision on."""
    form = await Form.read(request)
    try:
        shares = _shares(form)
        note = " ".join(form.text("note").split())
        if len(note) > _NOTE:
            raise Invalid(f"Please keep the note within {_NOTE} characters.", field="note")
        await transact(
            request,
            audits.adopt,
            shares,
            author=request.state.viewer.id,
            note=note,
            based_on=form.number("based_on") or 0,
        )
    except Invalid as problem:
        return await _page(request, form.fields, problem)
    except SharesChanged:
        faster = Changed("Another admin saved first. Nothing of yours was saved yet.")
        return await _page(request, form.fields, faster)
    return see_other(request, "quality", ask={"notice": "shares"})


async def mark_golden(request: Request) -> Response:
    """Make a decided case a golden one, or take that back."""
    form = await Form.read(request)
    case_id = path_number(request, "id")
    if form.text("action") == "retire":
        await transact(request, audits.retire, case_id)
        return see_other(
            request, "quality", ask={"notice": "golden-retired"}, anchor="golden-cases"
        )
    why = form.text("why")
    try:
        await transact(request, review.mark_golden, case_id, words=why, by=request.state.viewer)
    except Invalid as problem:
        typed = {"reason": "", "words": "", "why": why}
        return await case_page(request, case_id, problem, typed)
    return see_other(request, "quality", ask={"notice": "golden"}, anchor="golden-cases")


async def practice(request: Request) -> Response:
    """What a moderator answered to golden cases, and why the answer is what it is."""
    found = await read(request, audits.practised, request.state.viewer.id)
    return await page(request, "moderator/practice.html", answers=found)


async def _page(
    request: Request,
    typed: Mapping[str, str] | None = None,
    problem: ForumError | None = None,
) -> Response:
    asked = query_number(request, "months")
    months = asked if asked in MONTHS else MONTHS[0]

    def ask(session: Session) -> dict[str, Any]:
        current, shares = audits.in_force(session)
        versions = audits.versions(session)
        return {
            "current": current,
            "in_force": _numbers(shares),
            "versions": [(v, _numbers(Shares.from_json(v.content))) for v in versions],
            "names": accounts.names(session, {version.author for version in versions}),
            "found": quality.of(session, months),
            "golden": audits.golden_totals(session),
        }

    known = await read(request, ask)
    plain = {**known["in_force"], "note": ""}
    return await page(
        request,
        "admin/quality.html",
        status=problem.status if problem else 200,
        typed=plain if typed is None else plain | dict(typed),
        problem=problem,
        shares=SHARES,
        months=months,
        choices=MONTHS,
        figure=figure,
        **known,
    )


def figure(estimate: Estimate, *, percent: bool = True) -> str:
    """Write a figure with its interval, or how much is missing to it."""
    if estimate.needed or not math.isfinite(estimate.value):
        more = max(estimate.needed, 1)
        return f"at least {more} more audited {'case' if more == 1 else 'cases'}"
    if percent:
        value, low, high = (f"{100 * n:.1f}" for n in (estimate.value, estimate.low, estimate.high))
        return f"{value} % ({low} to {high})"
    return f"{estimate.value:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def _numbers(shares: Shares) -> dict[str, str]:
    values = shares.to_json()
    return {
        name: f"{values[name]}" if name == "newcomer" else f"{100 * values[name]:.6g}"
        for name in SHARES
    }


def _shares(form: Form) -> Shares:
    """Build the shares of a form. Raises Invalid, naming the field."""
    found: dict[str, Any] = {}
    for name, (title, _) in SHARES.items():
        try:
            value = float(form.text(name).strip().replace(",", "."))
            found[name] = int(value) if name == "newcomer" else value / 100
        except (ValueError, OverflowError):
            raise Invalid(f"{title} needs a number.", field=name) from None
    try:
        return Shares(**found)
    except InvalidShares as problem:
        raise Invalid(f"{SHARES[problem.name][0]}: {problem}", field=problem.name) from None
