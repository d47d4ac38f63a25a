"""From where on alarms are raised: the limits that an admin sets, and their versions."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation.tables import AlarmLimits, time_of


class InvalidLimits(ValueError):
    """Limits that cannot be used. The message is for the admin; `name` is which one."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class LimitsChanged(Exception):
    """Another admin saved first; `current` is the number of the version now in force."""

    def __init__(self, current: int) -> None:
        super().__init__(f"Version {current} was saved meanwhile.")
        self.current = current


# What each number may be, and what is said of one that is not.
_RANGES: Mapping[str, tuple[float, float, str]] = {
    "silence": (1, 1440, "It must lie between 1 and 1440 minutes."),
    "failures": (1, 1_000_000, "It must lie between 1 and 1000000 comments."),
    "share": (0.1, 1, "It must lie between 10 and 100 of 100."),
    "least_holds": (1, 1_000_000, "It must lie between 1 and 1000000 comments."),
    "drift": (0.01, 10, "It must lie between 0.01 and 10."),
    "reference_days": (14, 90, "It must lie between 14 and 90 days."),
    "decisions": (50, 1_000_000, "It must lie between 50 and 1000000 decisions."),
}


@dataclass(frozen=True)
class Limits:
    """When an alarm is raised. Raises InvalidLimits.

    `silence`: after so many minutes without a score although something waits. `failures`: after so
    many comments that could not be scored within a day. `share`: where one ground alone holds so
    much of what is held within a day, 0.1..1, once `least_holds` are. `drift`: from which index of
    stability on. The reference has `reference_days`, and begins on `reference_from` (2026-11-22);
    empty, it ends where the last seven days begin. `decisions`: after how many new ones a
    calibration is proposed.
    """

    silence: int = 10
    failures: int = 5
    share: float = 0.7
    least_holds: int = 50
    drift: float = 0.2
    reference_days: int = 28
    reference_from: str = ""
    decisions: int = 500

    def __post_init__(self) -> None:
        for name, (least, most, words) in _RANGES.items():
            # Written so that NaN is refused as well.
            if not least <= getattr(self, name) <= most:
                raise InvalidLimits(words, name)
        if self.reference_from and not _is_day(self.reference_from):
            raise InvalidLimits("It is a day like 2026-11-22, or empty.", "reference_from")

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return dict(vars(self))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Limits":
        """Read what `to_json` wrote. Raises InvalidLimits."""
        return cls(**value)


def _is_day(typed: str) -> bool:
    try:
        return 2000 <= date.fromisoformat(typed).year < 2200 and len(typed) == 10
    except ValueError:
        return False


def in_force(session: Session) -> tuple[int, Limits]:
    """Return the newest version's number and limits; 0 and those that come with the forum."""
    version = session.scalar(select(AlarmLimits).order_by(AlarmLimits.id.desc()).limit(1))
    return (version.id, Limits.from_json(version.content)) if version else (0, Limits())


def versions(session: Session, *, at_most: int = 20) -> list[AlarmLimits]:
    """Return the versions, newest first."""
    query = select(AlarmLimits).order_by(AlarmLimits.id.desc()).limit(at_most)
    return list(session.scalars(query))


def adopt(
    session: Session, limits: Limits, *, author: int, note: str = "", based_on: int
) -> AlarmLimits:
    """Put limits in force from the next look on. Raises LimitsChanged if another was faster."""
    version = AlarmLimits(
        # Of two that follow the same version, one finds its number taken.
        id=based_on + 1,
        author=author,
        note=note,
        adopted_at=time_of(session),
        content=limits.to_json(),
    )
    try:
        with session.begin_nested():
            session.add(version)
            session.flush()
    except IntegrityError:
        raise LimitsChanged(in_force(session)[0]) from None
    return version
