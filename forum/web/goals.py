"""Thresholds for what an admin wants, and how good each label's scores are."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import outlook
from forum.errors import Invalid
from forum.web.forms import query_text
from forum.web.outlook import TIMES, Scope, Seen, read_on, scope_of, see
from forum.web.pages import page, query
from forum.web.policy import as_typed
from forum.web.state import state_of
from forum.web.transactions import read, slowly
from moderation import curves, goals, labels, policies
from moderation.curves import Place
from moderation.goals import Goal, Point, Proposal
from moderation.outlook import newest
from moderation.policy import Policy

# So many points of the front can be loaded.
_SHOWN = 12
# Among the newest so many texts thresholds are searched: seconds, and enough for any goal.
_SEARCHED = 300_000
_FIELDS = ("missed", "agree", "hours")


async def policy_goal(request: Request) -> Response:
    """Ask for a goal, and show what reaches it."""
    state, scope = state_of(request), await scope_of(request)
    typed = {name: query_text(request, name).strip() for name in (*_FIELDS, "label")}
    problem, goal = None, None
    try:
        goal = _goal(typed)
    except Invalid as invalid:
        problem = invalid

    def ask(session: Session) -> dict[str, Any]:
        current = policies.in_force(session)
        seen = see(session, state, scope, current.classifier_id)
        return {"current": current, "seen": seen, "misfit": policies.misfit(session)}

    known = await read(request, ask)
    read_on(state)
    if known["misfit"] and goal is not None:
        goal = None
        problem = Invalid(
            "Another classifier scores now than the thresholds in force are for. Please save"
            " thresholds for it first."
        )
    found = None
    if goal is not None:
        found = await slowly(request, _found, goal, typed, known["seen"], known["current"].policy)
    return await page(
        request,
        "admin/goal.html",
        status=problem.status if problem else 200,
        problem=problem,
        typed=typed,
        found=found,
        times=TIMES,
        all_labels=labels.ALL,
        **known,
    )


def _goal(typed: Mapping[str, str]) -> Goal | None:
    """Read a goal; None where nothing is asked yet. Raises Invalid, naming the field."""
    if typed["label"] and typed["label"] not in labels.BY_NAME:
        raise Invalid("There is no such label. Please choose one of the list.", field="label")
    missed = _number(typed, "missed", "In how many comments one may be missed: from 2 to 100000.")
    agree = _number(typed, "agree", "In how many of 100 people must agree: from 1 to 100.")
    hours = _number(typed, "hours", "Hours a day: a number from 0 to 10000, like 6 or 2.5.")
    if missed is not None and not 2 <= missed <= 100_000:
        raise Invalid("In how many comments one may be missed: from 2 to 100000.", field="missed")
    if agree is not None and not 1 <= agree <= 100:
        raise Invalid("In how many of 100 people must agree: from 1 to 100.", field="agree")
    if hours is not None and not 0 <= hours <= 10_000:
        raise Invalid("Hours a day: a number from 0 to 10000, like 6 or 2.5.", field="hours")
    if missed is agree is hours is None:
        return None
    return Goal(
        missed=None if missed is None else 1 / missed,
        agree=None if agree is None else agree / 100,
        hours=hours,
    )


def _number(typed: Mapping[str, str], name: str, words: str) -> float | None:
    given = typed[name].replace(",", ".")
    if not given:
        return None
    try:
        return float(given)
    except ValueError:
        raise Invalid(words, field=name) from None


@dataclass(frozen=True)
class Loadable:
    """A point of the front, and the address that loads it into the form."""

    policy: Policy
    outcome: goals.Outcome
    address: str


@dataclass(frozen=True)
class Found:
    """What was found for a goal: the proposal, its figures, and the front as a drawing."""

    texts: int
    proposal: Proposal
    best: Loadable | None
    lines: list[outlook.Line]
    drawing: Markup
    points: list[Loadable]


def _found(goal: Goal, typed: Mapping[str, str], seen: Seen, current: Policy) -> Found:
    some = newest(seen.part.outlook, _SEARCHED)
    proposal = goals.propose(
        some.history,
        some.sample,
        goal,
        current,
        seconds_each=some.seconds_each,
        days=some.days,
        only=[typed["label"]] if typed["label"] else labels.NAMES,
    )
    now = seen.part.predict(current)
    asked = {name: value for name, value in typed.items() if value}
    step = max(1, -(-len(proposal.front) // _SHOWN))
    chosen = next((n for n, p in enumerate(proposal.front) if p.policy is proposal.policy), None)
    links = {
        number: address_of(point.policy, seen.scope, asked)
        for number, point in enumerate(proposal.front)
        if number % step == 0 or number == chosen
    }
    loadable = {number: _loadable(proposal.front[number], links[number]) for number in links}
    return Found(
        len(some),
        proposal,
        loadable.get(chosen) if chosen is not None else None,
        outlook.lines(now, proposal.measured, seen.staff),
        # Drawn by us from numbers and our own addresses.
        Markup(curves.front(proposal.front, links, chosen)),  # noqa: S704
        list(loadable.values()),
    )


def _loadable(point: Point, address: str) -> Loadable:
    return Loadable(point.policy, point.outcome, address)


def address_of(policy: Policy, scope: Scope, goal: Mapping[str, str]) -> str:
    """Return the address of the policy's form with these thresholds in its fields."""
    fields = {
        name: value or "never"
        for name, value in as_typed(policy).items()
        if name.startswith(("hold_", "reject_")) and name.partition("_")[2] in policy.thresholds
    }
    return "/admin/policy" + query(**fields, **scope.query(), goal=json.dumps(dict(goal)))


async def policy_curves(request: Request) -> Response:
    """How good each label's scores are by themselves, by threshold."""
    state, scope = state_of(request), await scope_of(request)

    def ask(session: Session) -> Seen:
        return see(session, state, scope, policies.in_force(session).classifier_id)

    seen = await read(request, ask)
    read_on(state)
    found = await slowly(request, _curves, seen)
    return await page(
        request,
        "admin/curves.html",
        seen=seen,
        times=TIMES,
        curves=found,
        drawings={
            # Drawn by us from numbers and our own labels.
            label.name: Markup(curves.drawn(label.title, places))  # noqa: S704
            for label, places in found
        },
        in_hundred=outlook.in_hundred,
    )


def _curves(seen: Seen) -> list[tuple[labels.Label, list[Place]]]:
    return [
        (label, places)
        for label in labels.ALL
        if (places := curves.of_label(seen.part.outlook, label.name))
    ]
