"""What a site does or leaves: switches that admins turn, each turn with a line in the log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import acts
from moderation.acts import Did
from moderation.tables import Switch, time_of


class Name(StrEnum):
    """Which switch."""

    PUBLIC_LOG = "public_log"
    PUBLIC_REPORT = "public_report"


@dataclass(frozen=True)
class Kind:
    """A switch as an admin meets it; a new site begins with `at_first`."""

    title: str
    means: str
    at_first: bool


KINDS: Mapping[Name, Kind] = {
    Name.PUBLIC_LOG: Kind(
        "Public log",
        "Anybody reads what was removed: the day, the reason, by a person or by the machine, and"
        " how an appeal ended. No names and no texts.",
        at_first=True,
    ),
    Name.PUBLIC_REPORT: Kind(
        "Public transparency report",
        "Anybody reads the report of each month, as page and CSV. Off, admins alone do.",
        at_first=False,
    ),
}


@dataclass(frozen=True)
class Position:
    """How a switch stands, and who turned it last, if anybody did."""

    on: bool
    by: int | None = None
    at: datetime | None = None


class TurnedMeanwhile(Exception):
    """Another admin turned the switch this very moment."""


def positions(session: Session) -> dict[Name, Position]:
    """Return how every switch stands."""
    turned = {row.name: row for row in session.scalars(select(Switch))}
    return {
        name: Position(row.is_on, row.turned_by, row.turned_at)
        if (row := turned.get(name))
        else Position(kind.at_first)
        for name, kind in KINDS.items()
    }


def is_on(session: Session, name: Name) -> bool:
    """Whether a switch is on."""
    found = session.scalar(select(Switch.is_on).where(Switch.name == name))
    return KINDS[name].at_first if found is None else found


def turn(session: Session, name: Name, *, on: bool, by: int) -> bool:
    """Turn a switch on or off; False if it stood so already. Raises TurnedMeanwhile."""
    row = session.get(Switch, name.value, with_for_update=True)
    if (row.is_on if row else KINDS[name].at_first) == on:
        return False
    if row is None:
        row = Switch(name=name.value)
    row.is_on, row.turned_by, row.turned_at = on, by, time_of(session)
    try:
        with session.begin_nested():
            session.add(row)
            session.flush()
    except IntegrityError:
        raise TurnedMeanwhile from None
    words = f"{KINDS[name].title}: {'on' if on else 'off'}"
    acts.record(session, Did.SWITCHED, actor=by, words=words)
    return True
