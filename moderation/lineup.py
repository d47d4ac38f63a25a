"""Which classifiers score here: the one that decides, and the one that shadows it."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation.tables import ClassifierVersion, time_of


def row_of(session: Session, name: str, version: str) -> int:
    """Return the row number of a classifier, making the row when it is new here."""
    wanted = {"name": name, "version": version}
    found = session.scalar(select(ClassifierVersion.id).filter_by(**wanted))
    if found is None:
        row = ClassifierVersion(**wanted)
        try:
            with session.begin_nested():
                session.add(row)
                session.flush()
        except IntegrityError:  # Somebody else made it this very moment.
            return session.scalars(select(ClassifierVersion.id).filter_by(**wanted)).one()
        found = row.id
    return found


def decides(session: Session, classifier_id: int) -> None:
    """Note that from now on this classifier's scores decide."""
    session.get_one(ClassifierVersion, classifier_id).decides_since = time_of(session)


def shadows(session: Session, classifier_id: int) -> None:
    """Note that from now on this classifier scores beside the one that decides."""
    session.get_one(ClassifierVersion, classifier_id).shadows_since = time_of(session)


def deciding(session: Session) -> ClassifierVersion | None:
    """Return the classifier whose scores decide; None before any worker has started."""
    since = ClassifierVersion.decides_since
    return session.scalar(
        select(ClassifierVersion).where(since.is_not(None)).order_by(since.desc()).limit(1)
    )


def shadowing(session: Session) -> ClassifierVersion | None:
    """Return the classifier that was last seen as a shadow, if there ever was one."""
    since = ClassifierVersion.shadows_since
    return session.scalar(
        select(ClassifierVersion).where(since.is_not(None)).order_by(since.desc()).limit(1)
    )
