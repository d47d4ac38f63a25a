"""How urgent a waiting case is: the harm to expect of it now. The weights, and their versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Float, case, cast, extract, func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import labels
from moderation.tables import Place, UrgencyVersion, time_of

# Beyond the age limit a case comes before every other, and of several the one that waits longest.
# No harm reaches half of this; the seconds since 1970 are far less.
OVERDUE = 1e12

# Where scores say nothing, since there are none or the classifier never learned the script.
_UNKNOWN = ("scoring_failed", "not_scored", "outside_languages")


class InvalidWeights(ValueError):
    """Weights that cannot be used. The message is for the admin; `name` is which one."""

    def __init__(self, message: str, name: str) -> None:
        super().__init__(message)
        self.name = name


class WeightsChanged(Exception):
    """Another admin saved first; `current` is the number of the version now in force."""

    def __init__(self, current: int) -> None:
        super().__init__(f"Version {current} was saved meanwhile.")
        self.current = current


@dataclass(frozen=True)
class Weights:
    """What counts how much. `labels`: the harm of a text that surely has the label."""

    labels: Mapping[str, float] = field(
        default_factory=lambda: {
            "toxicity": 1.0,
            "severe_toxicity": 3.0,
            "obscene": 1.0,
            "threat": 4.0,
            "insult": 1.5,
            "identity_attack": 3.0,
            "sexual_explicit": 1.5,
        }
    )
    # The harm of a text of which no score tells anything.
    unknown: float = 1.0
    # By how much of itself the harm grows with each report, and each time the readers double.
    report: float = 0.5
    readers: float = 0.25
    # After how many hours a case comes first, whatever its harm.
    age_limit: float = 24.0

    def __post_init__(self) -> None:
        numbers = {**self.labels, **{n: getattr(self, n) for n in ("unknown", "report", "readers")}}
        if set(self.labels) != set(labels.NAMES):
            raise InvalidWeights("Each label needs a weight.", "labels")
        for name, value in numbers.items():
            if not 0 <= value <= 100:
                raise InvalidWeights("A weight must lie between 0 and 100.", name)
        if not 0.1 <= self.age_limit <= 10_000:
            raise InvalidWeights("The age limit must lie between 0.1 and 10000 hours.", "age_limit")
        object.__setattr__(self, "labels", MappingProxyType(dict(self.labels)))

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return {**vars(self), "labels": dict(self.labels)}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Weights":
        """Read what `to_json` wrote. Raises InvalidWeights."""
        return cls(**value)


def formula(session: Session, weights: Weights) -> ColumnElement[float]:
    """The urgency of a place as the database reckons it: the one home of the formula."""
    sqlite = session.get_bind().dialect.name == "sqlite"
    greatest = func.max if sqlite else func.greatest
    says_nothing = or_(
        *(Place.held_for.contains(f" {code} ", autoescape=True) for code in _UNKNOWN)
    )
    by_label = [
        func.coalesce(getattr(Place, name), 0.0) * weight for name, weight in weights.labels.items()
    ]
    unscored = func.coalesce(*(getattr(Place, name) for name in labels.NAMES)).is_(None)
    unknown = case((says_nothing | unscored, weights.unknown), else_=0.0)
    harm = (
        greatest(unknown, *by_label)
        * (1.0 + weights.report * Place.reports)
        * (1.0 + weights.readers * Place.doublings)
    )
    waits_from = cast(extract("epoch", Place.since), Float)
    return case(
        (Place.since <= due_before(time_of(session), weights), OVERDUE - waits_from), else_=harm
    )


def due_before(now: datetime, weights: Weights) -> datetime:
    """Since when a case must have waited to be beyond the age limit."""
    return now - timedelta(hours=weights.age_limit)


def in_force(session: Session) -> tuple[int, Weights]:
    """Return the newest version's number and weights; 0 and those that come with the forum."""
    version = session.scalar(select(UrgencyVersion).order_by(UrgencyVersion.id.desc()).limit(1))
    return (version.id, Weights.from_json(version.content)) if version else (0, Weights())


def versions(session: Session, *, at_most: int = 50) -> list[UrgencyVersion]:
    """Return the versions, newest first."""
    query = select(UrgencyVersion).order_by(UrgencyVersion.id.desc()).limit(at_most)
    return list(session.scalars(query))


def adopt(
    session: Session, weights: Weights, *, author: int, note: str = "", based_on: int
) -> UrgencyVersion:
    """Put weights in force as a new version. Raises WeightsChanged if another admin was faster.

    The order follows when `review_queue.reckon` is called, which is the caller's to do.
    """
    version = UrgencyVersion(
        # Of two that follow the same version, one finds its number taken.
        id=based_on + 1,
        author=author,
        note=note,
        adopted_at=time_of(session),
        content=weights.to_json(),
    )
    try:
        with session.begin_nested():
            session.add(version)
            session.flush()
    except IntegrityError:
        raise WeightsChanged(in_force(session)[0]) from None
    return version
