"""The policy in force, and every version there was."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation.policy import DEFAULT, Policy
from moderation.tables import PolicyVersion, time_of


class PolicyChanged(Exception):
    """Another admin saved first; `current` is the number of the version now in force."""

    def __init__(self, current: int) -> None:
        super().__init__(f"Version {current} was saved meanwhile.")
        self.current = current


def start(session: Session) -> None:
    """Adopt the default policy on a site that has none yet."""
    if session.scalar(select(PolicyVersion.id).limit(1)) is None:
        session.add(
            PolicyVersion(
                content=DEFAULT.to_json(),
                note="The policy that comes with the classifier.",
                adopted_at=time_of(session),
            )
        )


def in_force(session: Session) -> PolicyVersion:
    """Return the newest version. Raises LookupError on a site that was never set up."""
    version = session.scalar(select(PolicyVersion).order_by(PolicyVersion.id.desc()).limit(1))
    if version is None:
        raise LookupError("No policy yet: run 'forum migrate'.")
    return version


def adopt(
    session: Session,
    policy: Policy,
    *,
    author: int,
    note: str = "",
    based_on: int,
    restores: int | None = None,
) -> PolicyVersion:
    """Put `policy` in force as a new version, from the next judged case on.

    `based_on` is the version the admin was looking at. Raises PolicyChanged if it is not in force
    any more.
    """
    version = PolicyVersion(
        content=policy.to_json(),
        author=author,
        note=note,
        based_on=based_on,
        restores=restores,
        adopted_at=time_of(session),
    )
    try:
        with session.begin_nested():
            session.add(version)
            session.flush()
    except IntegrityError:
        raise PolicyChanged(in_force(session).id) from None
    return version


def version(session: Session, number: int) -> PolicyVersion:
    """Return one version. Raises LookupError."""
    found = session.get(PolicyVersion, number)
    if found is None:
        raise LookupError(f"There is no policy version {number}.")
    return found


def versions(session: Session, *, at_most: int = 1000) -> list[PolicyVersion]:
    """Return the versions, newest first."""
    return list(
        session.scalars(select(PolicyVersion).order_by(PolicyVersion.id.desc()).limit(at_most))
    )
