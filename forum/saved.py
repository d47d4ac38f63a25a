"""Views of the review queue that a moderator has named, to find them again; nobody else's."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from forum import accounts, views
from forum.accounts import Viewer
from forum.errors import Invalid, NotFound, Repeated
from forum.tables import Account, SavedView
from forum.views import View
from moderation.tables import time_of

MOST = 12
NAME = 40


@dataclass(frozen=True)
class Saved:
    """A named view as its owner sees it."""

    id: int
    name: str
    # As it stands in the address.
    asked: dict[str, str]
    # How many cases a click shows; None where they are all that was ever decided.
    count: int | None


def of(session: Session, owner: Account | Viewer) -> list[Saved]:
    """Return somebody's views by name, with how many cases wait in each, in two queries."""
    rows = session.scalars(
        select(SavedView).where(SavedView.account_id == owner.id).order_by(SavedView.name_key)
    ).all()
    read = {row.id: _read(row) for row in rows}
    waiting = {number: view for number, view in read.items() if view is not None and view.waits}
    found: Sequence[int] = ()
    if waiting:
        asked = [views.how_many(session, view, viewer=owner.id) for view in waiting.values()]
        found = session.execute(select(*asked)).one()
    counts = dict(zip(waiting, found, strict=True))
    return [Saved(row.id, row.name, row.asked, counts.get(row.id)) for row in rows]


def _read(row: SavedView) -> View | None:
    try:
        return View.read(row.asked)
    except NotFound:
        # What it asks for is gone; its link says so.
        return None


def keep(session: Session, name: str, view: View, *, owner: Account | Viewer) -> None:
    """Keep a view under a name. Raises Invalid or Repeated, in words."""
    # Of two forms sent at once, the second waits and counts the first.
    session.execute(select(Account.id).where(Account.id == owner.id).with_for_update())
    kept = session.scalar(
        select(func.count()).select_from(SavedView).where(SavedView.account_id == owner.id)
    )
    if (kept or 0) >= MOST:
        raise Invalid(f"You keep {MOST} views, the most there can be. Please remove one first.",
                      field="name")  # fmt: skip
    name = _name(name)
    row = SavedView(
        account_id=owner.id,
        name=name,
        name_key=accounts.name_key(name),
        asked=view.asked,
        created_at=time_of(session),
    )
    _write(session, row)


def rename(session: Session, number: int, name: str, *, owner: Account | Viewer) -> None:
    """Give a view of one's own another name. Raises Invalid, Repeated or NotFound."""
    row = session.scalar(
        select(SavedView).where(SavedView.id == number, SavedView.account_id == owner.id)
    )
    if row is None:
        raise _gone()
    name = _name(name)
    with session.no_autoflush:
        row.name, row.name_key = name, accounts.name_key(name)
        _write(session, row)


def remove(session: Session, number: int, *, owner: Account | Viewer) -> None:
    """Remove a view of one's own. Raises NotFound."""
    gone = session.execute(
        delete(SavedView).where(SavedView.id == number, SavedView.account_id == owner.id)
    )
    if gone.rowcount == 0:  # type: ignore[attr-defined]
        raise _gone()


def _name(typed: str) -> str:
    name = " ".join(typed.split())
    if not name or not accounts.name_key(name):
        raise Invalid("Please give the view a name.", field="name")
    if len(name) > NAME:
        raise Invalid(f"Please keep the name within {NAME} characters.", field="name")
    return name


def _write(session: Session, row: SavedView) -> None:
    taken = session.scalar(
        select(SavedView.id).where(
            SavedView.account_id == row.account_id,
            SavedView.name_key == row.name_key,
            SavedView.id != (row.id or 0),
        )
    )
    problem = Repeated("You have a view of this name already. Please choose another.", field="name")
    if taken is not None:
        raise problem
    try:
        session.add(row)
        session.flush()
    except IntegrityError:
        raise problem from None


def _gone() -> NotFound:
    return NotFound("There is no such view among yours.")
