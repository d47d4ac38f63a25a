"""Which comments the threshold room looks at, and what they say of the days to come."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from anyio import to_thread
from sqlalchemy.orm import Session
from starlette.requests import Request

from forum import articles, outlook
from forum.articles import Section
from forum.errors import NotFound
from forum.outlook import Line, Staffing
from forum.web.forms import Form, cleaned
from forum.web.state import State
from moderation.goals import Outcome
from moderation.memory import Part
from moderation.policy import Policy
from moderation.simulation import Comparison, compared

log = structlog.get_logger("forum.outlook")

# The times that can be chosen, by what stands in the address.
TIMES = {
    "7": "the last 7 days",
    "30": "the last 30 days",
    "90": "the last 90 days",
    "all": "all that is kept",
}
USUAL = "30"


@dataclass(frozen=True)
class Scope:
    """Which comments: of which time, and of which section; empty for the whole site."""

    days: str = USUAL
    section: str = ""

    def query(self) -> dict[str, str]:
        """Return what of it stands in an address."""
        return {"days": self.days if self.days != USUAL else "", "section": self.section}


async def scope_of(request: Request) -> Scope:
    """Return the scope that an address or a form names. Raises NotFound for a time that is none."""
    sent: Any = request.query_params
    if request.method == "POST":
        sent = (await Form.read(request)).fields
    days = sent.get("days") or USUAL
    if days not in TIMES:
        raise NotFound(f"There is no such time. Please choose {', '.join(TIMES)}.")
    return Scope(days, cleaned(sent.get("section", "")))


@dataclass(frozen=True)
class Seen:
    """The comments of a scope, and who decides when."""

    scope: Scope
    part: Part
    sections: Sequence[Section]
    staff: Staffing | None


def see(session: Session, state: State, scope: Scope, classifier_id: int) -> Seen:
    """Return the comments of a scope. Raises NotFound for a section without articles."""
    contexts = None
    if scope.section:
        contexts = articles.of_section(session, scope.section)
        if not contexts:
            raise NotFound("No article is in this section. Please choose another one.")
    since = None
    if scope.days != "all":
        since = session.info["time"] - timedelta(days=int(scope.days))
    part = state.memory.part(
        session, classifier_id, since=since, section=scope.section, contexts=contexts
    )
    # People decide for all sections together.
    staff = None if scope.section else outlook.staffing(session, part.outlook)
    return Seen(scope, part, articles.sections(session), staff)


def read_on(state: State) -> None:
    """Let the rest be read beside the requests, where there is more."""
    if state.memory.waits:
        state.beside(_load, state)


async def _load(state: State) -> None:
    try:
        await to_thread.run_sync(state.memory.load)
    # The page goes on with the newest comments, and the next one tries again.
    except Exception as problem:
        log.error("history_not_read", problem=type(problem).__name__)


@dataclass(frozen=True)
class Figures:
    """What two policies would do to the same comments."""

    comparison: Comparison
    lines: Sequence[Line]
    now: Outcome
    then: Outcome | None


def figures(seen: Seen, now: Policy, then: Policy | None) -> Figures:
    """Reckon both policies; without `then` there is one."""
    part, same = seen.part, then is None or then == now
    before = part.predict(now)
    after = before if same and then else part.predict(then) if then else None
    judged = part.judged(now)
    comparison = compared(
        part.outlook.history, judged, judged if same or then is None else part.judged(then)
    )
    return Figures(comparison, outlook.lines(before, after, seen.staff), before, after)
