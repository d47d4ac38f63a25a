"""The threshold room: the policy in force, and what another one would do."""

import json
import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from forum import accounts
from forum.errors import Invalid
from forum.web import outlook
from forum.web.forms import Form, cleaned
from forum.web.pages import page, see_other
from forum.web.state import state_of
from forum.web.transactions import in_thread, read, transact
from moderation import (
    calibrations,
    catalogue,
    harmless,
    labels,
    policies,
    predictions,
    rehearsals,
    simulation,
    translation,
)
from moderation.fairness import Check
from moderation.harmless import NeedsYes
from moderation.policies import PolicyChanged
from moderation.policy import (
    MOST_GOOD,
    SIGNALS,
    InvalidPolicy,
    Means,
    Mode,
    Override,
    Policy,
    Threshold,
)
from moderation.reliability import Reliability, diagram
from moderation.translation import NothingToTranslateBy, Translation

# So many versions stand on the page; the others have a page of their own.
SHOWN = 20


async def policy_form(request: Request) -> Response:
    """The thresholds in force, with the scores that we keep and every version before.

    Thresholds in the address stand in the fields instead, as typed: nothing is saved.
    """
    loaded = {
        name: "" if value == "never" else cleaned(value)
        for name, value in request.query_params.items()
        if name.startswith(("hold_", "reject_")) or name == "goal"
    }
    if not loaded:
        return await _policy_page(request)
    current = await read(request, policies.in_force)
    typed = _as_typed(current.policy) | loaded
    try:
        proposed = _policy(Form(typed))
    except Invalid as problem:
        return await _policy_page(request, typed=typed, problem=problem, status=problem.status)
    return await _policy_page(request, typed=typed, proposed=proposed)


async def _policy_page(
    request: Request,
    *,
    typed: dict[str, str] | None = None,
    problem: Invalid | None = None,
    based_on: int | None = None,
    faster: int | None = None,
    proposed: Policy | None = None,
    translated: Translation | None = None,
    check: Check | None = None,
    status: int = 200,
) -> Response:
    """`typed` is what stands in the fields; `faster` the version that another admin saved.

    `check` is what was found of `proposed`, where that is known.
    """

    state, scope = state_of(request), await outlook.scope_of(request)

    def ask(session: Session) -> dict[str, Any]:
        current, misfit = policies.in_force(session), policies.misfit(session)
        scored_by = misfit.classifier if misfit else current.classifier
        seen = outlook.see(session, state, scope, scored_by.id)
        both = translation.pairs(session, current.classifier_id, scored_by.id) if misfit else ()
        own = calibrations.adopted(session)
        classifier = state.settings.classifier
        told = own.reliability if own else catalogue.reliability(classifier)
        versions = policies.versions(session, at_most=SHOWN + 1)
        found = check
        if proposed is not None and found is None:
            found = harmless.check(
                session,
                proposed,
                based_on=current.policy,
                classifier=scored_by.id,
                same=misfit is None,
            )
        rehearsal = rehearsals.newest(session)
        return {
            "check": found,
            "rehearsal": rehearsal,
            "rehearsal_runs": rehearsal and rehearsals.runs(session, rehearsal),
            "current": current,
            "misfit": misfit,
            "scored_by": scored_by,
            "both": len(both),
            "seen": seen,
            "calibrated_at": own and own.adopted_at,
            "reliable": _reliable(told),
            "versions": versions[:SHOWN],
            "earlier": len(versions) > SHOWN,
            "places": policies.places(session),
            "names": accounts.names(session, {v.author for v in versions if v.author}),
            "faster": policies.version(session, faster) if faster else None,
        }

    known = await read(request, ask)
    outlook.read_on(state)
    seen, current = known["seen"], known["current"]
    now = Policy(mode=Mode.HOLD_EVERYTHING) if known["misfit"] else current.policy
    if proposed is not None and translated is None:
        proposed = replace(proposed, overrides=known["places"])
    # What is typed wrong has no figures, nor has what is meant for other scores.
    then = proposed or (None if problem or known["misfit"] else current.policy)
    figures = await in_thread(request, outlook.figures, seen, now, then)
    histograms = await in_thread(request, lambda: seen.part.histograms)
    typed = typed if typed is not None else _as_typed(current.policy)
    plain = {name: value for name, value in typed.items() if name != "fairness_reason"}
    return await page(
        request,
        "admin/policy.html",
        status=status,
        rows=_rows(current.policy, histograms),
        histograms=histograms,
        texts=len(seen.part.outlook),
        figures=figures,
        times=outlook.TIMES,
        typed=typed,
        based_on=based_on or current.id,
        # What a yes to the fairness check sends; and what could be rehearsed instead.
        sent={**plain, "based_on": based_on or current.id, "classifier": known["scored_by"].id},
        rehearse=json.dumps(proposed.to_json()) if proposed and not known["misfit"] else "",
        problem=problem,
        comparison=figures.comparison if proposed else None,
        translated=translated,
        modes=list(Mode),
        titles={label.name: label.title for label in labels.ALL},
        signals=SIGNALS,
        drawings={
            # Drawn by us from numbers and our own labels.
            label.name: Markup(diagram({label.title: one}))  # noqa: S704
            for label, one in known["reliable"]
        },
        **known,
    )


def _reliable(found: Mapping[str, Any]) -> list[tuple[labels.Label, Reliability]]:
    """Return how reliable each label's scores are, in the labels' order."""
    return [
        (label, Reliability.from_json(found[label.name]))
        for label in labels.ALL
        if label.name in found
    ]


def _rows(policy: Policy, scored: Collection[str]) -> list[labels.Label]:
    """Return the labels that have a place on the page: those the policy names or we score."""
    return [label for label in labels.ALL if label.name in {*policy.thresholds, *scored}]


def _as_typed(policy: Policy, note: str = "") -> dict[str, str]:
    fields = {"mode": policy.mode.value, "note": note}
    fields |= {f"{limit}_{name}": "" for name in labels.NAMES for limit in ("hold", "reject")}
    fields |= {_signal(code): means.value for code, means in policy.signals.items()}
    fields |= {_trust(code): str(good) for code, good in policy.trust.items()}
    for name, threshold in policy.thresholds.items():
        fields[f"hold_{name}"] = "" if threshold.hold is None else f"{threshold.hold:.12g}"
        fields[f"reject_{name}"] = "" if threshold.reject is None else f"{threshold.reject:.12g}"
    return fields


def as_typed(policy: Policy) -> dict[str, str]:
    """Return what stands in the fields of a form with this policy."""
    return _as_typed(policy)


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
    trust = {code: _good(form, code) for code, kind in SIGNALS.items() if kind.skippable}
    return Policy(
        thresholds,
        Mode(form.text("mode")),
        {code: _means(form, code) for code in SIGNALS},
        {code: good for code, good in trust.items() if good},
    )


def typed_policy(fields: Mapping[str, str]) -> Policy:
    """Build the policy that stands in such fields as the page has. Raises Invalid."""
    return _policy(Form(dict(fields)))


# What a goal can ask, as it was typed, and from what to what: at most one miss in so many, so many
# in 100 who agree, so many hours a day.
_ASKED = {"missed": (2, 100_000), "agree": (1, 100), "hours": (0, 10_000)}


def _goal(form: Form) -> dict[str, Any] | None:
    """Return the goal that the thresholds were found for, as plain values. Raises Invalid."""
    if not form.text("goal").strip():
        return None
    try:
        told = json.loads(form.text("goal"))
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise Invalid("The goal cannot be read. Please state it again.", field="goal")
    found: dict[str, Any] = {}
    for name, (least, most) in _ASKED.items():
        if told.get(name) in (None, ""):
            continue
        try:
            found[name] = float(str(told[name]).replace(",", "."))
        except ValueError:
            found[name] = math.nan
        if not least <= found[name] <= most:
            raise Invalid(
                f"The goal cannot be read: “{name}” is {least} to {most}. Please state it again.",
                field="goal",
            )
    if told.get("label") in labels.BY_NAME:
        found["label"] = told["label"]
    if isinstance(told.get("section"), str) and told["section"]:
        found["section"] = cleaned(told["section"])[:200]
    return found or None


def _places(session: Session, classifier: int | None = None) -> Sequence[Override]:
    """Return the thresholds of single places that a policy from the form keeps.

    Those for another classifier are translated; where too little is known for that they end.
    """
    current = policies.in_force(session)
    kept = policies.places(session)
    if classifier in (None, current.classifier_id) or not kept:
        return kept
    both = translation.pairs(session, current.classifier_id, classifier or 0)
    try:
        return translation.translate(replace(current.policy, overrides=kept), both).policy.overrides
    except NothingToTranslateBy:
        return ()


def _good(form: Form, code: str) -> int:
    """Return from how many good comments on a signal is skipped; 0 for never."""
    typed = form.text(_trust(code)).strip()
    if not typed:
        return 0
    if not (typed.isascii() and typed.isdigit() and 1 <= int(typed[:9]) <= MOST_GOOD):
        raise Invalid(
            f"Good comments are a whole number from 1 to {MOST_GOOD}, or empty for never.",
            field=_trust(code),
        )
    return int(typed)


def _means(form: Form, code: str) -> Means:
    typed = form.text(_signal(code)) or SIGNALS[code].at_first
    if typed not in set(Means):
        raise Invalid(f"Please choose what “{SIGNALS[code].title}” means.", field=_signal(code))
    return Means(typed)


def _signal(code: str) -> str:
    return f"signal_{code}"


def _trust(code: str) -> str:
    return f"trust_{code}"


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


async def policy_counts(request: Request) -> Response:
    """Count, as JSON, what the typed policy would do, and what each label's handles decide."""
    try:
        then = _policy(await Form.read(request))
    except Invalid as problem:
        return JSONResponse({"problem": problem.message}, status_code=problem.status)

    state, scope = state_of(request), await outlook.scope_of(request)

    def ask(session: Session) -> tuple[Policy, outlook.Seen]:
        current = policies.in_force(session)
        return current.policy, outlook.see(session, state, scope, current.classifier_id)

    now, seen = await read(request, ask)
    outlook.read_on(state)
    then = replace(then, overrides=await read(request, _places))
    return JSONResponse(await in_thread(request, _counted, seen, now, then))


def _counted(seen: outlook.Seen, now: Policy, then: Policy) -> dict[str, Any]:
    figures = outlook.figures(seen, now, then)
    found, part = figures.comparison, seen.part
    tradeoffs = simulation.tradeoffs(part.outlook.history, then, part.bins)
    return {
        "texts": found.texts,
        "now": list(found.now.values()),
        "then": list(found.then.values()),
        "changes": [
            [one.before.value, one.after.value, one.texts, one.kept, one.removed]
            for one in found.changes
        ],
        "lines": {line.key: line.then for line in figures.lines},
        "labels": {name: one.to_json() for name, one in tradeoffs.items()},
    }


async def save_policy(request: Request) -> Response:
    """Show what new thresholds would do, or put them in force as a new version."""
    form = await Form.read(request)
    based_on = form.required("based_on")
    typed = {
        name: value
        for name, value in form.fields.items()
        if name not in ("based_on", "action", "classifier", "fairness_seen")
    }
    typed.setdefault("note", "")
    if form.text("action") == "translate":
        return await _translated_policy(request)
    try:
        policy, goal = _policy(form), _goal(form)
        if len(form.text("note")) > 500:
            raise Invalid("Please keep the note within 500 characters.", field="note")
        reason = fairness_reason(form)
    except Invalid as problem:
        if problem.field == "goal":
            # Nobody typed it here, and so nobody could mend it.
            del typed["goal"]
        whole = _as_typed((await read(request, policies.in_force)).policy) | typed
        return await _policy_page(
            request, typed=whole, problem=problem, based_on=based_on, status=problem.status
        )
    if form.text("action") == "preview":
        return await _policy_page(request, typed=typed, based_on=based_on, proposed=policy)

    def expect(session: Session) -> dict[str, Any]:
        classifier = _classifier(session, form)
        then = replace(policy, overrides=_places(session, classifier))
        checked = harmless.accepted(
            session,
            then,
            based_on=based_on,
            classifier=classifier,
            reason=reason,
            seen=form.fields.get("fairness_seen"),
        )
        scored_by = classifier or policies.in_force(session).classifier_id
        prediction = predictions.expect(session, then, scored_by)
        return {
            "policy": then,
            "classifier": classifier,
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
            note=form.text("note").strip(),
            based_on=based_on,
            goal=goal,
            **found,
        )
    except (NeedsYes, Invalid) as refused:
        check = refused.check if isinstance(refused, NeedsYes) else None
        return await _policy_page(
            request,
            typed=typed,
            problem=refused if isinstance(refused, Invalid) else unfair(refused),
            based_on=based_on,
            proposed=policy if check else None,
            check=check,
            status=422,
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


def fairness_reason(form: Form) -> str:
    """Return why thresholds should count in spite of the fairness check. Raises Invalid."""
    reason = " ".join(form.text("fairness_reason").split())
    if len(reason) > harmless.REASON:
        raise Invalid(
            f"Please keep the reason within {harmless.REASON} characters.", field="fairness_reason"
        )
    return reason


def unfair(needs: NeedsYes) -> Invalid:
    """Say why a policy was not put in force, and what it takes."""
    why = (
        "These thresholds would stop more harmless or overturned comments than those in force."
        if needs.check.is_worse
        else "These thresholds have not been checked for fairness yet."
    )
    return Invalid(
        f"{why} Nothing was saved. Below stands what was found; to save them all the same, please"
        " say why.",
        field="fairness_reason",
    )


def _classifier(session: Session, form: Form) -> int | None:
    """Return for whose scores the form's numbers are: those that its page showed."""
    if "classifier" not in form.fields:
        return None
    chosen = form.required("classifier")
    misfit = policies.misfit(session)
    known = {policies.in_force(session).classifier_id, *([misfit.classifier.id] if misfit else ())}
    if chosen not in known:
        raise Invalid(
            "Another classifier scores now. Please look at its scores below, and save again."
        )
    return chosen


async def _translated_policy(request: Request) -> Response:
    """Fill in thresholds for the classifier that scores now, each with its share of comments."""

    def ask(session: Session) -> Translation:
        misfit = policies.misfit(session)
        if misfit is None:
            raise Invalid("The thresholds in force are for the classifier that scores now.")
        both = translation.pairs(session, misfit.policy.classifier_id, misfit.classifier.id)
        try:
            return translation.translate(misfit.policy.policy, both)
        except NothingToTranslateBy as problem:
            raise Invalid(str(problem)) from None

    try:
        found = await read(request, ask)
    except Invalid as problem:
        return await _policy_page(request, problem=problem, status=problem.status)
    note = f"Translated: each threshold keeps its share of {found.texts} comments."
    return await _policy_page(
        request, typed=_as_typed(found.policy, note), proposed=found.policy, translated=found
    )
