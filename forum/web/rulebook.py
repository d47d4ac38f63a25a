"""The admins' page of rules and reasons: each is edited by itself, each change is a version."""

from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response

from forum import accounts
from forum.errors import BadRequest, Changed, ForumError, Invalid
from forum.web.forms import Form, query_number
from forum.web.pages import page, see_other
from forum.web.transactions import read, transact
from moderation import labels, rules
from moderation.rules import Clause, InvalidRules, Reason, Rules, RulesChanged

A_PAGE = 30

_BLANK = dict.fromkeys(("title", "text", "short", "clause", "label", "wants_words", "days"), "")


async def form(request: Request) -> Response:
    """The rules and reasons in force, and every change of them."""
    return await _page(request)


async def _page(
    request: Request, problem: ForumError | None = None, sent: Form | None = None
) -> Response:
    before = query_number(request, "before")

    def ask(session: Session) -> dict[str, Any]:
        versions = rules.versions(session, before=before, at_most=A_PAGE + 1)
        return {
            "known": rules.in_force(session),
            "versions": versions[:A_PAGE],
            "more": versions[A_PAGE - 1].id if len(versions) > A_PAGE else None,
            "names": accounts.names(session, {each.author for each in versions if each.author}),
        }

    return await page(
        request,
        "admin/rules.html",
        status=problem.status if problem else 200,
        problem=problem,
        # What was typed stays in the form that was sent, and the others show what is in force.
        at=f"{sent.text('what')}-{sent.text('id')}" if sent else "",
        typed=_BLANK | (sent.fields if sent else {}),
        blank=_BLANK,
        titles={label.name: label.title for label in labels.ALL},
        continued=before is not None,
        **await read(request, ask),
    )


async def save(request: Request) -> Response:
    """Change, add, retire or bring back one rule or one reason."""
    sent = await Form.read(request)
    based_on = sent.required("based_on")

    def act(session: Session) -> None:
        known = rules.in_force(session)
        if known.version != based_on:
            raise RulesChanged
        changed, change = _changed(known, sent)
        if changed != known:
            rules.adopt(session, changed, author=request.state.viewer.id, change=change)

    try:
        await transact(request, act)
    except RulesChanged:
        faster = Changed("Another admin changed the rules meanwhile. Please look, and save again.")
        return await _page(request, faster, sent)
    except InvalidRules as problem:
        return await _page(request, Invalid(str(problem), field=problem.field), sent)
    return see_other(request, "edit_rules", ask={"notice": "rules"})


def _changed(known: Rules, sent: Form) -> tuple[Rules, str]:
    """Return the rules as the form wants them, and how they differ in words."""
    match sent.text("what"):
        case "clause":
            return _with_clause(known, sent)
        case "reason":
            return _with_reason(known, sent)
        case "appeals":
            days = sent.number("days") or 0
            return known.with_appeal_days(days), f"Authors may appeal for {days} days."
    raise BadRequest("Please use one of the buttons of the page.")


def _with_clause(known: Rules, sent: Form) -> tuple[Rules, str]:
    number = sent.number("id")
    old = next((each for each in known.all_clauses if each.number == number), None)
    if number is not None and old is None:
        raise BadRequest("There is no such rule. Please send the form from its page.")
    match sent.text("action"), old:
        case "retire", Clause():
            return known.with_clause(replace(old, retired=True)), f"Rule {number} retired."
        case "restore", Clause():
            return known.with_clause(replace(old, retired=False)), f"Rule {number} in force again."
    new = Clause(
        number or known.next_number,
        _line(sent, "title"),
        " ".join(sent.text("text").split()),
        _line(sent, "short"),
        retired=old.retired if old else False,
    )
    if old is None:
        return known.with_clause(new), f"Rule {new.number} added: {new.title}. {new.text}"
    return known.with_clause(new), f"Rule {number}: {_differences(old, new)}"


def _with_reason(known: Rules, sent: Form) -> tuple[Rules, str]:
    code = sent.text("id")
    old = next((each for each in known.all_reasons if each.code == code), None)
    if code and old is None:
        raise BadRequest("There is no such reason. Please send the form from its page.")
    match sent.text("action"), old:
        case "retire", Reason():
            return known.with_reason(replace(old, retired=True)), f"Reason {old.title} retired."
        case "restore", Reason():
            return (
                known.with_reason(replace(old, retired=False)),
                f"Reason {old.title} in use again.",
            )
    new = Reason(
        code or known.next_code,
        _line(sent, "title"),
        sent.number("clause") or 0,
        sent.text("label"),
        wants_words=sent.text("wants_words") == "yes",
        retired=old.retired if old else False,
    )
    changed = known.with_reason(new)
    if old is None:
        return changed, f"Reason {new.title} added; it points at rule {new.clause}."
    return changed, f"Reason {old.title}: {_differences(old, new)}"


def _line(sent: Form, name: str) -> str:
    return " ".join(sent.text(name).split())


_WORDS = {
    "title": "name",
    "text": "wording",
    "short": "short form",
    "clause": "rule",
    "label": "label",
    "wants_words": "wants words",
}


def _differences(old: Clause | Reason, new: Clause | Reason) -> str:
    found = []
    for name, said in _WORDS.items():
        before, now = getattr(old, name, None), getattr(new, name, None)
        if before != now:
            found.append(f"{said} “{_shown(before)}” → “{_shown(now)}”")
    return "; ".join(found)


def _shown(value: object) -> str:
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
