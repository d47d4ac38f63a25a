"""The admins' pages of what is wrong and since when: alarms with their limits, and drift."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import accounts, alarms
from forum.alarms import Kind
from forum.errors import Changed, ForumError, Invalid
from forum.scoredays import Windows
from forum.web.forms import Form, path_number
from forum.web.pages import page, see_other
from forum.web.state import state_of
from forum.web.transactions import in_thread, read, transact
from moderation import drift, limits
from moderation.limits import InvalidLimits, Limits, LimitsChanged

# Title and hint of each limit; those whose numbers are written as so many of 100.
LIMITS = {
    "silence": ("Minutes without a score", "While something waits for one."),
    "failures": ("Comments that could not be scored", "In 24 hours."),
    "share": ("One ground holds, of 100", "Alone, of what was held in 24 hours."),
    "least_holds": ("Held comments, at least", "Before that is looked at."),
    "drift": ("Drift from an index of", "0.1 is small, 0.25 is large."),
    "reference_days": ("Days of the reference", "14 to 90."),
    "reference_from": (
        "First day of the reference",
        "Like 2026-11-22. Empty: it ends where the last seven days begin.",
    ),
    "decisions": ("New decisions", "After which the scores are fitted anew, as a proposal."),
}
_WHOLE = ("silence", "failures", "least_holds", "reference_days", "decisions")
# Where what is to be done is done: an address by its name, and the words of the link.
WAYS = {
    Kind.SILENCE: ("workload", "The workload"),
    Kind.FAILURES: ("queue", "The review queue"),
    Kind.HOLD_RATE: ("policy", "The policy"),
    Kind.ONE_GROUND: ("policy", "The policy"),
    Kind.DRIFT: ("drift", "Drift"),
    Kind.MAIL: ("account", "Your own address"),
    Kind.PROPOSAL: ("calibration", "The proposal"),
}
_WORDS = ("words", "The list of words")
_NOTE = 500
# So many series are listed, the furthest from their reference first.
SERIES = 100


async def alarm_list(request: Request) -> Response:
    """What is wrong now, what was, and the limits."""
    return await _page(request)


async def acknowledge(request: Request) -> Response:
    """Note that the admin looks after an alarm."""
    await Form.read(request)
    alarm_id = path_number(request, "id")
    await transact(request, alarms.acknowledge, alarm_id, by=request.state.viewer.id)
    await in_thread(request, state_of(request).lookout.count)
    return see_other(request, "alarms", ask={"notice": "alarm-acknowledged"})


async def save_limits(request: Request) -> Response:
    """Save limits as a new version, from the next look on."""
    form = await Form.read(request)
    try:
        new = _limits(form)
        note = " ".join(form.text("note").split())
        if len(note) > _NOTE:
            raise Invalid(f"Please keep the note within {_NOTE} characters.", field="note")
        await transact(
            request,
            limits.adopt,
            new,
            author=request.state.viewer.id,
            note=note,
            based_on=form.number("based_on") or 0,
        )
    except Invalid as problem:
        return await _page(request, form.fields, problem)
    except LimitsChanged:
        faster = Changed("Another admin saved first. Nothing of yours was saved yet.")
        return await _page(request, form.fields, faster)
    return see_other(request, "alarms", ask={"notice": "alarm-limits"})


async def _page(
    request: Request,
    typed: Mapping[str, str] | None = None,
    problem: ForumError | None = None,
) -> Response:
    def ask(session: Session) -> dict[str, Any]:
        current, now = limits.in_force(session)
        versions = limits.versions(session)
        open_, over = alarms.listed(session)
        who = {alarm.acknowledged_by for alarm in (*open_, *over) if alarm.acknowledged_by}
        return {
            "current": current,
            "in_force": _numbers(now),
            "versions": [(v, _numbers(Limits.from_json(v.content))) for v in versions],
            "open": [(alarm, _way(alarm.kind, alarm.subject)) for alarm in open_],
            "over": over,
            "names": accounts.names(session, {v.author for v in versions} | who),
        }

    known = await read(request, ask)
    plain = {**known["in_force"], "note": ""}
    return await page(
        request,
        "admin/alarms.html",
        status=problem.status if problem else 200,
        typed=plain if typed is None else plain | dict(typed),
        problem=problem,
        limits=LIMITS,
        **known,
    )


def _way(kind: str, subject: str) -> tuple[str, str]:
    listed = kind == Kind.ONE_GROUND and subject.startswith("listed_hold")
    return _WORDS if listed else WAYS[Kind(kind)]


def _numbers(now: Limits) -> dict[str, str]:
    values = now.to_json()
    return {
        name: f"{100 * values[name]:.6g}" if name == "share" else f"{values[name]}"
        for name in LIMITS
    }


def _limits(form: Form) -> Limits:
    """Build the limits of a form. Raises Invalid, naming the field."""
    found: dict[str, Any] = {"reference_from": form.text("reference_from").strip()}
    for name, (title, _) in LIMITS.items():
        if name in found:
            continue
        try:
            value = float(form.text(name).strip().replace(",", "."))
            if name in _WHOLE and value != int(value):
                raise Invalid(f"{title}: it must be a whole number.", field=name)
        except (ValueError, OverflowError):
            raise Invalid(f"{title} needs a number.", field=name) from None
        found[name] = int(value) if name in _WHOLE else value
    found["share"] /= 100
    try:
        return Limits(**found)
    except InvalidLimits as problem:
        raise Invalid(f"{LIMITS[problem.name][0]}: {problem}", field=problem.name) from None


async def drift_page(request: Request) -> Response:
    """How far the scores of each label and part are from those of the reference."""

    def ask(session: Session) -> tuple[alarms.Reckoned, Windows, Limits] | None:
        found = alarms.windows(session)
        return found and (*found, limits.in_force(session)[1])

    found, reckoned = await read(request, ask), state_of(request).lookout.drifts
    series = reckoned[1] if found and reckoned and reckoned[0] == found[0] else None
    return await page(
        request,
        "admin/drift.html",
        windows=found and found[1],
        limits=found and found[2],
        series=None if series is None else series[:SERIES],
        more=max(0, len(series or ()) - SERIES),
        edges=drift.EDGES.tolist(),
        error=drift.ERROR,
        fewest=drift.FEWEST,
        fewest_days=drift.FEWEST_DAYS,
    )
