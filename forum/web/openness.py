"""What the site tells of its moderation: the public log and the transparency report; switches."""

import re
from datetime import date
from typing import Any

from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from forum import accounts, removals, transparency
from forum.accounts import Role
from forum.errors import BadRequest, Changed, NotFound
from forum.removals import BY, OUTCOMES, LogPage
from forum.transparency import COUNT, PARTS, SECONDS, SHARE, Figure, MonthReport
from forum.web.forms import Form, query_number, query_text
from forum.web.pages import lasting, number, page, see_other
from forum.web.state import state_of
from forum.web.transactions import read, transact
from moderation import switches
from moderation.switches import KINDS, Name

_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


def _month(request: Request) -> str:
    """Return the month that is asked for; empty for the newest. Raises NotFound."""
    asked = query_text(request, "month")
    if asked and not _MONTH.fullmatch(asked):
        raise NotFound("There is no such month: it is written like 2026-11.")
    return asked


def _check(session: Session, request: Request, name: Name) -> bool:
    """Whether anybody may read it; admins always do. Raises NotFound."""
    if switches.is_on(session, name):
        return True
    viewer = request.state.viewer
    if viewer is None or not Role(viewer.role).allows(Role.ADMIN):
        raise NotFound("This site does not publish it.")
    return False


# The public log -----------------------------------------------------------------------------------


async def _log(request: Request) -> tuple[LogPage, bool]:
    month, before = _month(request), query_number(request, "before")
    zone = state_of(request).settings.zone

    def ask(session: Session) -> tuple[LogPage, bool]:
        public = _check(session, request, Name.PUBLIC_LOG)
        found = removals.log(session, zone, month=month, before=before)
        if month and month not in found.months:
            raise NotFound("There is nothing of this month.")
        return found, public

    return await read(request, ask)


async def public_log(request: Request) -> Response:
    """What was removed in a month, newest first: when, why, by person or machine, how it ended."""
    found, public = await _log(request)
    return await page(
        request,
        "reader/removed.html",
        log=found,
        public=public,
        outcomes=OUTCOMES,
        by=BY,
        named_from=removals.NAMED_FROM,
        in_words=month_in_words,
        continued="before" in request.query_params,
    )


async def public_log_json(request: Request) -> Response:
    """The same for programs."""
    found, _ = await _log(request)
    state = state_of(request)
    more = f"?month={found.month}&before={found.next}" if found.next else ""
    return JSONResponse(
        {
            "month": found.month or None,
            "until": found.until.isoformat() if found.until else None,
            "total": found.total,
            "months": list(found.months),
            "removals": [
                {
                    "day": line.day.isoformat(),
                    "reason": line.reason,
                    "rule": line.rule,
                    "rule_title": line.rule_title,
                    "section": line.section,
                    "decided_by": line.by,
                    "time_to_act": line.took,
                    "outcome": line.outcome or None,
                }
                for line in found.lines
            ],
            "next": state.settings.address + state.path("public_log_json") + more if more else None,
        }
    )


def month_in_words(month: str) -> str:
    """Write 2026-11 as November 2026."""
    return f"{date.fromisoformat(f'{month}-01'):%B %Y}"


# The transparency report --------------------------------------------------------------------------


async def _report(request: Request) -> tuple[MonthReport | None, list[str], bool]:
    month = _month(request)

    def ask(session: Session) -> tuple[MonthReport | None, list[str], bool]:
        public = _check(session, request, Name.PUBLIC_REPORT)
        known = transparency.months(session)
        if month and month not in known:
            raise NotFound("There is no report of this month.")
        asked = month or next(iter(known), "")
        return transparency.of_month(session, asked) if asked else None, known, public

    return await read(request, ask)


async def report(request: Request) -> Response:
    """The figures of a month."""
    found, known, public = await _report(request)
    return await page(
        request,
        "reader/transparency.html",
        report=found,
        months=known,
        public=public,
        parts=PARTS,
        shown=_shown,
        raw=transparency.raw,
        in_words=month_in_words,
    )


async def report_csv(request: Request) -> Response:
    """The same figures as CSV."""
    found, _, _ = await _report(request)
    if found is None:
        raise NotFound("There is no report yet: the first day is not over.")
    return Response(
        transparency.as_csv(found),
        media_type="text/csv; charset=utf-8",
        headers={
            "content-disposition": f'attachment; filename="moderation-{found.month}.csv"',
        },
    )


def _shown(figure: Figure) -> str:
    """Write a figure as people read it."""
    if figure.value is None:
        return "not known"
    match figure.unit:
        case t if t == COUNT:
            return number(int(figure.value))
        case t if t == SECONDS:
            return lasting(int(figure.value))
        case t if t == SHARE:
            return f"{figure.value * 100:.4g} %"
    return str(figure.value)


# Switches -----------------------------------------------------------------------------------------


async def switch_list(request: Request) -> Response:
    """What the site does or leaves."""
    return await _switches_page(request)


async def _switches_page(request: Request, problem: Changed | None = None) -> Response:
    def ask(session: Session) -> dict[str, Any]:
        found = switches.positions(session)
        people = {position.by for position in found.values() if position.by}
        return {"positions": found, "names": accounts.names(session, people)}

    return await page(
        request,
        "admin/switches.html",
        status=problem.status if problem else 200,
        problem=problem,
        kinds=KINDS,
        ways={Name.PUBLIC_LOG: "public_log", Name.PUBLIC_REPORT: "transparency"},
        **await read(request, ask),
    )


async def turn_switch(request: Request) -> Response:
    """Turn a switch on or off."""
    form = await Form.read(request)
    if form.text("name") not in set(Name) or form.text("to") not in ("on", "off"):
        raise BadRequest("Please use one of the buttons of the page.")
    try:
        await transact(
            request,
            switches.turn,
            Name(form.text("name")),
            on=form.text("to") == "on",
            by=request.state.viewer.id,
        )
    except switches.TurnedMeanwhile:
        return await _switches_page(
            request, Changed("Another admin turned it this very moment. Please look again.")
        )
    return see_other(request, "switches", ask={"notice": "switched"})
