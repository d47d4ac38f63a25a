"""The admins' page of thresholds of single places: what holds where, and until when."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import articles, overrides
from forum.errors import Changed, ForumError, Invalid
from forum.web.forms import Form, query_text
from forum.web.pages import page, see_other
from forum.web.policy import fairness_reason, unfair
from forum.web.state import state_of
from forum.web.transactions import in_thread, read, transact
from moderation import harmless, history, labels, policies, predictions, simulation
from moderation.fairness import Check
from moderation.harmless import NeedsYes
from moderation.policies import PolicyChanged
from moderation.policy import InvalidPolicy, Override, Policy, Threshold, Where
from moderation.simulation import Comparison

_NOTE = 500
_FIELDS = ("where", "section", "article", "older", "good", "until", "note")
# Which field has what a place is named by.
_NAMED_BY = {
    Where.SECTION: "section",
    Where.CONTEXT: "article",
    Where.OLDER: "older",
    Where.GOOD: "good",
}


async def override_list(request: Request) -> Response:
    """The places with thresholds of their own, a form for another one, and what holds where."""
    typed = {name: query_text(request, name) for name in ("where", "section", "article")}
    if typed["article"] and not typed["where"]:
        typed["where"] = Where.CONTEXT
    return await _overrides_page(request, typed)


async def _overrides_page(
    request: Request,
    typed: Mapping[str, str],
    problem: ForumError | None = None,
    comparison: Comparison | None = None,
    check: Check | None = None,
) -> Response:
    asked = {"for": query_text(request, "for"), "good": query_text(request, "with_good")}

    def ask(session: Session) -> dict[str, Any]:
        current = policies.in_force(session)
        spot = overrides.spot(session, _slug(asked["for"])) if asked["for"] else None
        good = int(asked["good"]) if _is_whole(asked["good"]) else 0
        return {
            "current": current,
            "now": session.info["time"],
            "sections": _sections(session),
            "slugs": overrides.slugs(session, current.policy.overrides),
            "spot": spot,
            "limits": current.policy.limits(replace(spot.scope, good=good)) if spot else {},
        }

    known = await read(request, ask)
    plain = dict.fromkeys(_FIELDS, "") | {"where": Where.SECTION.value}
    plain |= {f"{kind}_{name}": "" for name in labels.NAMES for kind in ("hold", "reject")}
    return await page(
        request,
        "admin/overrides.html",
        status=problem.status if problem else 200,
        typed=plain | {name: value for name, value in typed.items() if value},
        problem=problem,
        comparison=comparison,
        check=check,
        # What a yes to the fairness check sends.
        sent={name: value for name, value in typed.items() if not name.startswith("fairness_")},
        asked=asked,
        zone=state_of(request).settings.time_zone,
        rows=labels.ALL,
        **known,
    )


def _sections(session: Session) -> list[tuple[str, str]]:
    """Return each section's path and name, those around others, too."""
    found: dict[str, str] = {}
    for section in articles.sections(session):
        paths, names = section.path.split("/"), section.name.split(" / ")
        for depth in range(1, len(paths) + 1):
            path = "/".join(paths[:depth])
            if path:
                # Where names and paths do not go together, the path says it.
                name = " / ".join(names[:depth]) if len(names) == len(paths) else path
                found.setdefault(path, name)
    return sorted(found.items())


async def save_override(request: Request) -> Response:
    """Show what other thresholds of a place would do, set them, or take some away."""
    form = await Form.read(request)
    based_on = form.required("based_on")
    viewer = request.state.viewer
    try:
        if form.text("action") == "remove":
            number = form.required("place")
            left = await read(request, _without, number)
            if left is None:
                raise Invalid("There are no such thresholds. Please choose again.")
            await transact(
                request,
                overrides.take_away,
                number,
                author=viewer,
                based_on=based_on,
                fairness=await _checked(request, form, left),
            )
            return see_other(request, "overrides", ask={"notice": "places"})
        override = await _override(request, form)
        note = " ".join(form.text("note").split())
        if len(note) > _NOTE:
            raise Invalid(f"Please keep the note within {_NOTE} characters.", field="note")
        if form.text("action") == "preview":
            comparison = await _previewed(request, override)
            return await _overrides_page(request, form.fields, comparison=comparison)
        then, prediction = await read(request, _expect, override)
        checked = await _checked(request, form, then)
        await transact(
            request,
            overrides.put,
            override,
            author=viewer,
            note=note or f"Thresholds for {override.place}.",
            based_on=based_on,
            prediction=prediction,
            fairness=checked,
        )
    except (InvalidPolicy, NeedsYes, Invalid) as refused:
        return await _refused(request, form, refused)
    except PolicyChanged as changed:
        faster = Changed(
            f"Version {changed.current} was saved meanwhile; it is what you see below. Nothing of"
            " yours was saved yet. Saving again adds it to that version."
        )
        return await _overrides_page(request, form.fields, faster)
    return see_other(request, "overrides", ask={"notice": "places"})


async def _refused(
    request: Request, form: Form, refused: InvalidPolicy | NeedsYes | Invalid
) -> Response:
    check = refused.check if isinstance(refused, NeedsYes) else None
    if isinstance(refused, NeedsYes):
        problem = unfair(refused)
    else:
        problem = refused if isinstance(refused, Invalid) else Invalid(str(refused))
    return await _overrides_page(request, form.fields, problem, check=check)


def _expect(session: Session, override: Override) -> tuple[Policy, predictions.Prediction | None]:
    current = policies.in_force(session)
    policy = overrides.with_one(current.policy.at(session.info["time"]), override)
    return policy, predictions.expect(session, policy, current.classifier_id)


def _without(session: Session, number: int) -> Policy | None:
    found = overrides.without(policies.in_force(session).policy, number)
    return found and found[0].at(session.info["time"])


async def _checked(request: Request, form: Form, then: Policy) -> dict[str, Any]:
    """Return what the fairness check says of a policy. Raises NeedsYes, Invalid."""
    return await read(
        request,
        harmless.accepted,
        then,
        based_on=form.required("based_on"),
        reason=fairness_reason(form),
        seen=form.fields.get("fairness_seen"),
    )


async def _previewed(request: Request, override: Override) -> Comparison:
    def ask(session: Session) -> tuple[history.History, Policy, Policy]:
        current = policies.in_force(session)
        known = history.read(session, current.classifier_id, at_most=simulation.RECENT)
        now = current.policy.at(session.info["time"])
        return known, now, overrides.with_one(now, override)

    return await in_thread(request, simulation.compare, *await read(request, ask))


async def _override(request: Request, form: Form) -> Override:
    """Build what a form says. Raises Invalid, InvalidPolicy."""
    if form.text("where") not in [*Where]:
        raise Invalid("Please choose for which comments it is.", field="where")
    where = Where(form.text("where"))
    field = _NAMED_BY[where]
    typed = form.text(field).strip()
    value, name = typed, ""
    if where is Where.CONTEXT:
        spot = await read(request, overrides.spot, _slug(typed))
        if spot is None:
            raise Invalid(
                "There is no article at this address. Copy it from the article's own page.",
                field=field,
            )
        value, name = str(spot.scope.context), _line(spot.title)
    elif where is Where.SECTION:
        known = dict(await read(request, _sections))
        if typed not in known:
            raise Invalid("Please choose one of the sections.", field=field)
        name = _line(known[typed])
    if where is not Where.SECTION and not (_is_whole(value) and int(value)):
        raise Invalid("Please give a whole number from 1 on, as in 30.", field=field)
    return Override(
        where,
        value if where is Where.SECTION else int(value),
        _thresholds(form),
        _until(request, form),
        name,
    )


def _line(name: str) -> str:
    """Return a name as it can be kept: in one line, and not too long."""
    kept = "".join(sign for sign in " ".join(name.split()) if sign.isprintable())
    return kept if len(kept) <= 200 else f"{kept[:199]}…"


def _slug(typed: str) -> str:
    """Return an article's name in addresses; whoever pastes the whole address means it, too."""
    return typed.strip().partition("?")[0].partition("#")[0].rstrip("/").rpartition("/")[2]


def _is_whole(typed: str) -> bool:
    return typed.isascii() and typed.isdigit() and len(typed) < 10


def _thresholds(form: Form) -> dict[str, Threshold]:
    found = {}
    for label in labels.ALL:
        typed = [form.text(f"{kind}_{label.name}").strip() for kind in ("hold", "reject")]
        if not any(typed):
            continue
        for kind, given in zip(("hold", "reject"), typed, strict=True):
            if not given:
                raise Invalid(
                    f"{label.title} needs both thresholds: a number, or “never”.",
                    field=f"{kind}_{label.name}",
                )
        hold, reject = (
            _limit(given, f"{kind}_{label.name}")
            for kind, given in zip(("hold", "reject"), typed, strict=True)
        )
        try:
            found[label.name] = Threshold(hold, reject)
        except InvalidPolicy as problem:
            raise Invalid(str(problem), field=f"reject_{label.name}") from None
    if not found:
        raise Invalid(
            "Please give the thresholds of at least one label.", field=f"hold_{labels.NAMES[0]}"
        )
    return found


def _limit(typed: str, field: str) -> float | None:
    if typed.casefold() == "never":
        return None
    try:
        value = float(typed.replace(",", "."))
    except ValueError:
        value = -1
    if not 0 <= value <= 1:
        raise Invalid("A threshold is a number from 0 to 1, like 0.85, or “never”.", field=field)
    return value


def _until(request: Request, form: Form) -> datetime | None:
    """Return the end, which was typed in the newsroom's time."""
    typed = form.text("until").strip()
    if not typed:
        return None
    zone = state_of(request).settings.zone
    try:
        until = datetime.fromisoformat(typed)
        until = until if until.tzinfo else until.replace(tzinfo=zone)
        over = until <= datetime.now(zone)
    except (ValueError, OverflowError):
        raise Invalid(
            "The end is a date and a time, as in 2026-12-01 06:00, or empty for always.",
            field="until",
        ) from None
    if over:
        raise Invalid("The end lies in the past. Please give a later one.", field="until")
    return until
