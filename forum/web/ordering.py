"""The admins' page of what comes first in the review queue."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import accounts, views
from forum.errors import Changed, ForumError, Invalid
from forum.web.forms import Form
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact
from moderation import labels, urgency
from moderation.urgency import InvalidWeights, Weights, WeightsChanged

_OTHERS = {
    "unknown": ("Not known", "The harm of a comment whose scores say nothing."),
    "report": ("Report", "By how much of itself the harm grows with each open report."),
    "readers": ("Readers", "By how much of itself it grows each time the thread's readers double."),
    "age_limit": ("Age limit", "In hours."),
}
_TITLES = {label.name: label.title for label in labels.ALL} | {
    name: title for name, (title, _) in _OTHERS.items()
}
_HINTS = dict.fromkeys(labels.NAMES, "") | {name: hint for name, (_, hint) in _OTHERS.items()}
_NOTE = 500


async def order_form(request: Request) -> Response:
    """The weights in force, and every version before."""
    return await _order_page(request)


async def save_order(request: Request) -> Response:
    """Save weights as a new version; the queue follows at once."""
    form = await Form.read(request)
    try:
        weights = _weights(form)
        note = " ".join(form.text("note").split())
        if len(note) > _NOTE:
            raise Invalid(f"Please keep the note within {_NOTE} characters.", field="note")
        await transact(
            request,
            views.weigh,
            weights,
            author=request.state.viewer,
            note=note,
            based_on=form.number("based_on") or 0,
        )
    except Invalid as problem:
        return await _order_page(request, form.fields, problem)
    except WeightsChanged:
        faster = Changed("Another admin saved first. Nothing of yours was saved yet.")
        return await _order_page(request, form.fields, faster)
    return see_other(request, "order", ask={"notice": "order"})


async def _order_page(
    request: Request,
    typed: Mapping[str, str] | None = None,
    problem: ForumError | None = None,
) -> Response:
    def ask(session: Session) -> dict[str, Any]:
        current, weights = urgency.in_force(session)
        versions = urgency.versions(session)
        return {
            "current": current,
            "in_force": _numbers(weights),
            "versions": [
                {
                    "id": version.id,
                    "author": version.author,
                    "adopted_at": version.adopted_at,
                    "note": version.note,
                    "numbers": _numbers(Weights.from_json(version.content)),
                }
                for version in versions
            ],
            "names": accounts.names(session, {version.author for version in versions}),
        }

    known = await read(request, ask)
    plain = {**known["in_force"], "note": ""}
    return await page(
        request,
        "admin/order.html",
        status=problem.status if problem else 200,
        typed=plain if typed is None else plain | dict(typed),
        problem=problem,
        faster=isinstance(problem, Changed),
        titles=_TITLES,
        hints=_HINTS,
        **known,
    )


def _numbers(weights: Weights) -> dict[str, str]:
    values = {**weights.labels, **{name: getattr(weights, name) for name in _OTHERS}}
    return {name: f"{value:.12g}" for name, value in values.items()}


def _weights(form: Form) -> Weights:
    """Build the weights of a form. Raises Invalid, naming the field."""
    found = {}
    for name in _TITLES:
        try:
            found[name] = float(form.text(name).strip().replace(",", "."))
        except ValueError:
            raise Invalid(f"{_TITLES[name]} needs a number.", field=name) from None
    try:
        return Weights(
            labels={name: found[name] for name in labels.NAMES},
            **{name: found[name] for name in _OTHERS},
        )
    except InvalidWeights as problem:
        raise Invalid(f"{_TITLES[problem.name]}: {problem}", field=problem.name) from None
