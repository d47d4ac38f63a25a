"""Which cases a moderator looks at, in which order. All of a view stands in its address."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    bindparam,
    exists,
    false,
    func,
    inspect,
    not_,
    or_,
    select,
    true,
    tuple_,
)
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased
from sqlalchemy.sql.util import ClauseAdapter

from forum import accounts, articles, habits, search
from forum.accounts import Viewer
from forum.errors import NotFound
from forum.search import Search
from forum.tables import Account, Article
from moderation import audits, decisions, folds, labels, review_queue, urgency
from moderation.folds import Fold
from moderation.policy import SIGNALS, Status
from moderation.scripts import WRITTEN_IN
from moderation.tables import Case, Decision, Place, Sweep, SweepCase, time_of
from moderation.urgency import Weights


class Show(StrEnum):
    """Which cases: those that wait, or those decided."""

    HELD = "held"
    REPORTED = "reported"
    APPEALS = "appeals"
    PUBLISHED = "published"
    REJECTED = "rejected"


class Order(StrEnum):
    """Which of the waiting cases comes first; those decided come newest first."""

    HARM = "harm"
    OLDEST = "oldest"
    NEWEST = "newest"


WAITING = (Show.HELD, Show.REPORTED, Show.APPEALS)
STATUS = {
    Show.HELD: Status.HELD,
    Show.REPORTED: Status.PUBLISHED,
    Show.APPEALS: Status.REJECTED,
    Show.PUBLISHED: Status.PUBLISHED,
    Show.REJECTED: Status.REJECTED,
}
# Why a case is held: the codes of findings, with `score` for every label's.
HELD_FOR: Mapping[str, str] = {
    "score": "A score",
    **{code: kind.title for code, kind in SIGNALS.items()},
    "pre_moderation": "Author under pre-moderation",
    "hold_everything": "Every comment is held",
    "not_scored": "A score is missing",
    "scoring_failed": "It could not be scored",
    "other_classifier": "Thresholds for another classifier",
    "disputed": "Two judged it differently",
}
# For how long a case waits at least, in hours.
AGES: Mapping[str, int] = {"1": 1, "6": 6, "24": 24, "72": 72}


@dataclass(frozen=True)
class View:
    """What is shown. Empty means that it does not matter."""

    show: Show = Show.HELD
    order: Order = Order.HARM
    # What the comment says, as `search.Search` reads it.
    q: str = ""
    # A section with those below it, by its path; an article by its slug; an author by name.
    section: str = ""
    article: str = ""
    author: str = ""
    # In what it is written, by its script: no language is guessed here.
    script: str = ""
    # A score from `least` to `most`; of any label where none is named.
    label: str = ""
    least: float | None = None
    most: float | None = None
    held_for: str = ""
    # Waiting for at least so many hours.
    age: str = ""
    # Only those with an open report; only those that the moderator decided on before.
    reported: bool = False
    mine: bool = False
    # Also what the moderator has left out.
    everything: bool = False
    # Only those that a sweep has drawn, by its number; only those that say the same, by the number
    # of their fold.
    sweep: str = ""
    like: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> "View":
        """Read what `asked` wrote, or a form of the same names. Raises NotFound, in words."""
        view = cls(
            show=_one_of(Show, given.get("show", ""), Show.HELD),
            order=_one_of(Order, given.get("order", ""), Order.HARM),
            q=" ".join(given.get("q", "").split()),
            section=given.get("section", "").strip("/"),
            article=given.get("article", ""),
            author=given.get("author", "").strip(),
            script=given.get("script", ""),
            label=given.get("label", ""),
            least=_score(given.get("least", "")),
            most=_score(given.get("most", "")),
            held_for=given.get("held_for", ""),
            age=given.get("age", ""),
            reported=given.get("reported", "") == "1",
            mine=given.get("mine", "") == "1",
            everything=given.get("everything", "") == "1",
            sweep=given.get("sweep", ""),
            like=given.get("like", ""),
        )
        if view.label and view.label not in labels.NAMES:
            raise NotFound("There is no label of that name.")
        if view.script and view.script not in WRITTEN_IN:
            raise NotFound("There is no such script to choose.")
        if view.held_for and view.held_for not in HELD_FOR:
            raise NotFound("There is no such reason to hold a case.")
        if view.age and view.age not in AGES:
            raise NotFound("There is no such age to choose.")
        if view.sweep and not re.fullmatch("[0-9]{1,18}", view.sweep):
            raise NotFound("There is no such sweep.")
        if view.like and not re.fullmatch("[0-9]{1,18}", view.like):
            raise NotFound("There are no such cases.")
        # What only waiting cases have is left out where decided ones are shown.
        if view.show not in WAITING:
            view = replace(
                view, order=Order.HARM, label="", least=None, most=None, held_for="", age="",
                reported=False, everything=False, sweep="", like="",
            )  # fmt: skip
        return view

    @cached_property
    def asked(self) -> dict[str, str]:
        """What stands in the address: all that differs from the queue as it opens."""
        return self.but()

    @property
    def filters(self) -> dict[str, str]:
        """What narrows it, by name."""
        return {k: v for k, v in self.asked.items() if k not in ("show", "order", "everything")}

    def but(self, **changes: Any) -> dict[str, str]:
        """The address of the same view with something changed."""
        values = vars(self) | changes
        return {
            name: "1" if value is True else str(value)
            for name, plain in _PLAIN_FIELDS.items()
            if (value := values[name]) != plain
        }

    @staticmethod
    def plain(name: str) -> Any:
        """What a field is when it does not matter."""
        return getattr(_PLAIN, name)

    @cached_property
    def search(self) -> Search | None:
        """What is looked for in the text; None where nothing is."""
        return Search.read(self.q) if self.q else None

    @property
    def waits(self) -> bool:
        """Whether its cases wait for somebody."""
        return self.show in WAITING

    @property
    def folds(self) -> bool:
        """Whether cases that say the same are one row, to be decided at once."""
        return self.show is Show.HELD and not self.like and not self.sweep


_PLAIN = View()
_PLAIN_FIELDS = {field.name: field.default for field in fields(View)}


def _one_of(kind: Any, given: str, default: Any) -> Any:
    if given and given not in set(kind):
        raise NotFound("There is no such view of the queue.")
    return kind(given) if given else default


def _score(typed: str) -> float | None:
    if not typed.strip():
        return None
    try:
        value = float(typed.strip().replace(",", "."))
    except ValueError:
        value = math.nan
    if not 0 <= value <= 1:
        raise NotFound("A score is a number from 0 to 1.")
    return value


def cases_of(
    session: Session,
    view: View,
    *,
    viewer: int,
    after: str = "",
    before: str = "",
    folded: bool = False,
) -> Select[int]:
    """The numbers of a view's cases in its order, behind a place; or in the opposite order from
    `before` on. `folded`: of those that say the same, only the first where the view folds. Raises
    NotFound for a place that there cannot be."""
    where = _filters(session, view, viewer) + _offered(session, view, viewer)
    place = after or before
    keys: list[Any]
    here: tuple[Any, ...]
    if not view.waits:
        decided = Case.status == STATUS[view.show]
        if view.mine:
            # Along the index of what one person decided, as far as the page goes.
            query = select(Decision.case_id).join(Case, Case.id == Decision.case_id)
            query = query.where(*_by_person(viewer), decided, *where).distinct()
            keys = [Decision.case_id]
        else:
            query, keys = select(Case.id).where(decided, *where), [Case.id]
        here = (_number(place),) if place else ()
    else:
        # Where perhaps no case matches, SQLite looks at the places as they lie, or at those that
        # another index has: in their order it would take four times as long to find none.
        out_of_order = _is_narrow(view) and session.get_bind().dialect.name == "sqlite"
        status = Place.status.concat("") if out_of_order else Place.status
        # It is asked last, since nearly all that wait are held.
        query = select(Place.case_id).where(*where, status == STATUS[view.show])
        if view.order is Order.HARM:
            keys, here = [Place.urgency, Place.case_id], _urgency(place) if place else ()
        else:
            keys, here = [Place.since, Place.case_id], _moment(place) if place else ()
    if folded and view.folds:
        query = query.where(_first_of_its_fold(where, keys, view.order))
    down = (view.waits and view.order is Order.OLDEST) == bool(before)
    if here:
        query = query.where(
            tuple_(*keys) < tuple_(*here) if down else tuple_(*keys) > tuple_(*here)
        )
    return query.order_by(*(key.desc() if down else key for key in keys))


def _first_of_its_fold(
    where: Sequence[ColumnElement[bool]], keys: Sequence[Any], order: Order
) -> ColumnElement[bool]:
    """The condition that no case of the same fold comes before one in the view.

    It is asked of each case anew, and of no more than a fold can have: nothing has to follow when
    the order does.
    """
    here, there = tuple_(*keys), tuple_(*(getattr(_Other, key.key) for key in keys))
    return ~exists().where(
        _OF_THE_SAME_FOLD,
        there < here if order is Order.OLDEST else there > here,
        *(_TO_OTHER.traverse(condition) for condition in where),
    )


_Other = aliased(Place)
_OF_THE_SAME_FOLD = _Other.fold == Place.fold
_TO_OTHER = ClauseAdapter(inspect(_Other).selectable)


def _offered(session: Session, view: View, viewer: int) -> list[ColumnElement[bool]]:
    """The conditions that leave out what a moderator does not want to be offered."""
    if not view.waits or view.everything or view.like:
        return []
    return habits.wanted(session, viewer)


def _is_narrow(view: View) -> bool:
    """Whether a filter may leave few of the waiting cases, and no index has them in order."""
    by_score = (view.least, view.most) != (None, None)
    named = view.label or view.held_for or view.article or view.author or view.mine
    return bool(named or view.reported) or by_score


@dataclass(frozen=True)
class Look:
    """Cases of a view, and from where another look goes on where this one did not see the end."""

    case_ids: Sequence[int]
    further: str = ""


def look(
    session: Session,
    view: View,
    *,
    viewer: int,
    at_most: int,
    after: str = "",
    before: str = "",
) -> Look:
    """Return the first cases of a view behind a place, or those before one, nearest first.

    A search among all that was ever decided looks at the newest comments with these words, and
    ends after so many; it says where.
    """
    query = cases_of(session, view, viewer=viewer, after=after, before=before, folded=True)
    query = query.limit(at_most)
    if view.waits or view.search is None or view.search.problem:
        few = view.article or view.author or view.mine
        if not view.waits and view.section and not (few or view.search):
            near = _near(session, after, before)
            if len(found_near := session.scalars(query.where(near)).all()) == at_most:
                return Look(found_near)
            # Few of the newest are of this section, so all of its own are looked at, and no others.
            order = Case.id + 0
            query = query.order_by(None).order_by(order if before else order.desc())
        return Look(session.scalars(query).all())
    if view.article or view.author:
        return Look(session.scalars(query.where(_among_few(session, view.search))).all())
    down = not before
    least, most = 1, session.scalar(select(func.max(Case.id))) or 1
    if after:
        most = _number(after) - 1
    elif before:
        least = _number(before) + 1
    if not view.mine:
        # Not along the cases: PostgreSQL takes a word that it does not know for a frequent one, and
        # would walk them all to see that nobody ever wrote it.
        order = Case.id + 0
        query = query.order_by(None).order_by(order.desc() if down else order)
    found: list[int] = []
    for count in _LOOKED_THROUGH:
        if least > most or len(found) == at_most:
            break
        end = search.reach(session, view.search, least, most, count=count, down=down)
        within = (end, most) if down else (least, end)
        these = search.decided_between(session, view.search, Case.id, *within)
        found += session.scalars(query.where(these).limit(at_most - len(found)))
        least, most = (least, end - 1) if down else (end + 1, most)
    end_seen = least > most or len(found) == at_most
    return Look(found, "" if end_seen else str(most + 1 if down else least - 1))


def _near(session: Session, after: str, before: str) -> ColumnElement[bool]:
    """The condition that a case is among the next so many behind a place, or before one."""
    if before:
        return Case.id.between(_number(before) + 1, _number(before) + _NEAR)
    newest = _number(after) if after else (session.scalar(select(func.max(Case.id))) or 0) + 1
    return Case.id.between(newest - _NEAR, newest - 1)


def _among_few(session: Session, wanted: Search) -> ColumnElement[bool]:
    """The condition that one author's, or one article's, decided case has what is looked for."""
    most = session.scalar(select(func.max(Case.id))) or 1
    # Rare words are gone through once; for frequent ones each of the cases is looked at.
    if search.reach(session, wanted, 1, most, count=_LOOKED_THROUGH[1], down=True) == 1:
        return search.decided_between(session, wanted, Case.id, 1, most)
    return search.decided(session, wanted, Case.id)


# How many cases are looked at in their order before those of a section are.
_NEAR = 5_000
# How many comments with the words that are searched for are looked at, first to last: few are
# enough where most of them are in the view.
_LOOKED_THROUGH = (200, 2_000, 20_000)


def places(
    session: Session, view: View, case_ids: Sequence[int]
) -> dict[int, tuple[str, Fold | None]]:
    """Each case's place in the view's order, as `after` and `before` take it; and its fold, where
    the view folds and others are in it."""
    if not view.waits:
        return {case_id: (str(case_id), None) for case_id in case_ids}
    found: dict[int, tuple[str, Fold | None]] = {}
    for row in session.execute(_PLACES, {"cases": case_ids}):
        key = repr(row.urgency) if view.order is Order.HARM else row.since.isoformat()
        fold = Fold(row.fold, row.many) if view.folds and row.many > 1 else None
        found[row.case_id] = f"{key}~{row.case_id}", fold
    return found


_PLACES = select(
    Place.case_id, Place.urgency, Place.since, Place.fold, folds.MANY.label("many")
).where(Place.case_id.in_(bindparam("cases", expanding=True)))


def counts(session: Session, view: View, *, viewer: int) -> dict[Show, int]:
    """Count what waits for a moderator, held, reported and appealed, below the view's filters.

    As a click shows it: what they have left out does not count, for them alone.
    """
    waiting = replace(view, show=Show.HELD) if not view.waits else view
    where = _filters(session, waiting, viewer) + _offered(session, waiting, viewer)
    found = review_queue.counts(session, *where)
    return {show: found.get(STATUS[show], 0) for show in WAITING}


def left_out(session: Session, view: View, *, viewer: int) -> int:
    """Count the cases of a view that a moderator is not offered, having left out their label."""
    wanted = _offered(session, view, viewer)
    if not wanted:
        return 0
    return (
        session.scalar(
            select(func.count())
            .select_from(Place)
            .where(
                Place.status == STATUS[view.show],
                *_filters(session, view, viewer),
                not_(and_(*wanted)),
            )
        )
        or 0
    )


def how_many(session: Session, view: View, *, viewer: int) -> ScalarSelect[int]:
    """How many cases a view of what waits shows, as part of another statement."""
    where = _filters(session, view, viewer) + _offered(session, view, viewer)
    return (
        select(func.count())
        .select_from(Place)
        .where(Place.status == STATUS[view.show], *where)
        .scalar_subquery()
    )


def weigh(
    session: Session, weights: Weights, *, author: Account | Viewer, note: str, based_on: int
) -> None:
    """Put weights in force and order all that waits by them. Raises WeightsChanged."""
    urgency.adopt(session, weights, author=author.id, note=note, based_on=based_on)
    review_queue.reckon(session, true())


def _filters(session: Session, view: View, viewer: int) -> list[ColumnElement[bool]]:
    waits = view.waits
    of: type[Place | Case] = Place if waits else Case
    context, author = of.context, of.author
    found = _of_audits(session, view, viewer)
    if not waits:
        found.append(Case.withdrawn_at.is_(None))
    if view.search is not None:
        found.append(_said(session, view, view.search))
    if view.section:
        found.append(context.in_(select(Article.id).where(articles.within(view.section))))
    if view.article:
        found.append(_is(session, context, select(Article.id).where(Article.slug == view.article)))
    if view.author:
        named = select(Account.id).where(Account.name_key == accounts.name_key(view.author))
        found.append(_is(session, author, named))
    if view.script:
        found.append(of.script == view.script)
    # What is decided is found by whose it is: see `cases_of`.
    if view.mine and waits:
        found.append(Place.case_id.in_(select(Decision.case_id).where(*_by_person(viewer))))
    if view.least is not None or view.most is not None or view.label:
        found.extend(_scores(view))
    if view.held_for:
        code = " above_" if view.held_for == "score" else f" {view.held_for} "
        found.append(Place.held_for.contains(code, autoescape=True))
    if view.age:
        found.append(Place.since <= time_of(session) - timedelta(hours=AGES[view.age]))
    if view.reported:
        found.append(Place.reports > 0)
    return found + _set_apart(view)


def _set_apart(view: View) -> list[ColumnElement[bool]]:
    """The conditions for what a sweep has drawn, and for what says the same."""
    found: list[ColumnElement[bool]] = []
    if view.sweep:
        drawn = select(SweepCase.case_id).join(Sweep, Sweep.id == SweepCase.sweep_id)
        drawn = drawn.where(Sweep.id == int(view.sweep), SweepCase.position <= Sweep.drawn)
        found.append(Place.case_id.in_(drawn))
    if view.like:
        found.append(Place.fold == int(view.like))
    return found


def _is(
    session: Session, column: InstrumentedAttribute[int], wanted: Select[int]
) -> ColumnElement[bool]:
    """The condition that a column is what a query finds, which is mostly one number.

    Asked for by that number: SQLite has no statistics, and with a query in its place it would walk
    the whole site in the view's order rather than look at the few that there are. Written out, or
    PostgreSQL would plan once for all, and the busiest author has a thousand times what most have.
    """
    numbers = session.scalars(wanted.limit(2)).all()
    if len(numbers) != 1:
        return column.in_(wanted)
    only: BindParameter[int] = bindparam("only", numbers[0], literal_execute=True, unique=True)
    return column == only


def _by_person(person: int) -> list[ColumnElement[bool]]:
    """The conditions that a line of the log is what a person decided."""
    # Written out, since the index is known by these very words.
    kinds: BindParameter[list[decisions.Kind]] = bindparam(
        "by_people", [*decisions.BY_PEOPLE], literal_execute=True, expanding=True
    )
    return [Decision.actor == person, Decision.kind.in_(kinds)]


def _said(session: Session, view: View, wanted: Search) -> ColumnElement[bool]:
    if wanted.problem:
        return false()
    if view.waits:
        return search.waiting(session, wanted, Place.case_id)
    # What was decided: see `look`.
    return true()


def _of_audits(session: Session, view: View, viewer: int) -> list[ColumnElement[bool]]:
    """Who is to judge a case anew finds it among the held ones alone, and others never do."""
    if not audits.begun(session):
        return []
    if not view.waits:
        return [Case.id.not_in(audits.unseen_by(viewer))]
    found: list[ColumnElement[bool]] = [Place.case_id.not_in(audits.not_for(viewer))]
    if view.held_for or view.label or view.least is not None or view.most is not None:
        found.append(Place.case_id.not_in(audits.on_words_alone()))
    return found


def _scores(view: View) -> list[ColumnElement[bool]]:
    """The conditions on the highest of all scores, or on one label's.

    Asked label by label, since the first one mostly tells: toxicity is the highest nearly always.
    """
    names = [view.label] if view.label else labels.NAMES
    scores: list[ColumnElement[float | None]] = [getattr(Place, name) for name in names]
    found = [or_(*(score >= (0.0 if view.least is None else view.least) for score in scores))]
    if view.most is not None:
        found += [func.coalesce(score, -1.0) <= view.most for score in scores]
    return found


def _number(place: str) -> int:
    if not (place.isascii() and place.isdigit() and int(place) < 2**63):
        raise _no_such_place()
    return int(place)


def _urgency(place: str) -> tuple[float, int]:
    value, _, number = place.partition("~")
    try:
        urgency = float(value)
    except ValueError:
        raise _no_such_place() from None
    if not math.isfinite(urgency):
        raise _no_such_place()
    return urgency, _number(number)


def _moment(place: str) -> tuple[datetime, int]:
    value, _, number = place.partition("~")
    try:
        moment = datetime.fromisoformat(value)
        if moment.tzinfo is None:
            raise ValueError(value)
        # Near the first and the last year there is no such moment in UTC.
        return moment.astimezone(UTC), _number(number)
    except (ValueError, OverflowError):
        raise _no_such_place() from None


def _no_such_place() -> NotFound:
    return NotFound("This page of the queue does not exist. Please start from its top.")
