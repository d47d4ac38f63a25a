"""The policy in force, the classifier its numbers are for, and every version there was."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, joinedload

from moderation import acts, lineup
from moderation.acts import Did
from moderation.classifier import Classifier
from moderation.labels import Scores
from moderation.policy import DEFAULT, NOWHERE, Override, Policy, Scope, Signal, Verdict, judge
from moderation.tables import ClassifierVersion, PolicyVersion, time_of


class PolicyChanged(Exception):
    """Another admin saved first; `current` is the number of the version now in force."""

    def __init__(self, current: int) -> None:
        super().__init__(f"Version {current} was saved meanwhile.")
        self.current = current


def start(session: Session, shipped: Classifier) -> None:
    """Adopt the default policy where there is none, or one that nobody touched and that is older.

    `shipped` is the classifier that ships, for which its numbers are.
    """
    classifier_id = lineup.row_of(session, shipped.name, shipped.version)
    current = _newest(session)
    if current is not None and (
        not current.shipped
        or (current.classifier_id == classifier_id and current.policy == DEFAULT)
    ):
        return
    session.add(
        PolicyVersion(
            content=DEFAULT.to_json(),
            note="The policy that comes with the classifier.",
            adopted_at=time_of(session),
            classifier_id=classifier_id,
            shipped=True,
            based_on=current.id if current else None,
        )
    )


@dataclass(frozen=True)
class Misfit:
    """The policy in force is for one classifier, and the scores come from another."""

    policy: PolicyVersion
    classifier: ClassifierVersion

    def in_words(self) -> str:
        """Say it to whoever can help."""
        return (
            f"The thresholds in force are for {self.policy.classifier.title}, and"
            f" {self.classifier.title} scores now: every comment is held until an admin adopts"
            " thresholds for it"
        )


def misfit(session: Session) -> Misfit | None:
    """Return how policy and classifier do not belong together; None where they do.

    Raises LookupError on a site that was never set up.
    """
    policy, classifier = in_force(session), lineup.deciding(session)
    if classifier is None or classifier.id == policy.classifier_id:
        return None
    return Misfit(policy, classifier)


def judged(
    version: PolicyVersion,
    classifier_id: int,
    scores: Scores,
    signals: Sequence[Signal],
    scope: Scope = NOWHERE,
) -> Verdict:
    """Judge scores of this classifier by a version of the policy.

    Where its numbers are for another one they are not applied, and the verdict is to hold.
    """
    if version.classifier_id == classifier_id:
        return judge(scores, signals, version.policy, scope)
    return judge({}, (_OTHER, *signals), Policy())


_OTHER = Signal(
    "other_classifier",
    "The thresholds in force are for another classifier, so they were not applied.",
)


def in_force(session: Session) -> PolicyVersion:
    """Return the newest version. Raises LookupError on a site that was never set up."""
    version = _newest(session)
    if version is None:
        raise LookupError("No policy yet: run 'forum migrate'.")
    return version


def places(session: Session) -> Sequence[Override]:
    """Return the thresholds of single places that are in force and have not ended."""
    return in_force(session).policy.at(time_of(session)).overrides


def _newest(session: Session) -> PolicyVersion | None:
    return session.scalar(
        select(PolicyVersion)
        .order_by(PolicyVersion.id.desc())
        .limit(1)
        .options(joinedload(PolicyVersion.classifier))
    )


def adopt(
    session: Session,
    policy: Policy,
    *,
    author: int | None,
    note: str = "",
    based_on: int,
    restores: int | None = None,
    classifier: int | None = None,
    goal: Mapping[str, Any] | None = None,
    prediction: Mapping[str, Any] | None = None,
    fairness: Mapping[str, Any] | None = None,
) -> PolicyVersion:
    """Put `policy` in force as a new version, from the next judged case on.

    `based_on` is the version the admin was looking at; `classifier` whose scores the numbers are
    for, else the same as those of that version. `goal` is what the admin wanted, `prediction` what
    is expected of it, both as plain values; `fairness` what was found of it before, as
    `harmless.accepted` returns it. Raises PolicyChanged if it is not in force any more.
    """
    base = session.get(PolicyVersion, based_on)
    if base is None:
        raise PolicyChanged(in_force(session).id)
    version = PolicyVersion(
        content=policy.to_json(),
        author=author,
        note=note,
        based_on=based_on,
        restores=restores,
        adopted_at=time_of(session),
        classifier_id=base.classifier_id if classifier is None else classifier,
        goal=None if goal is None else dict(goal),
        prediction=None if prediction is None else dict(prediction),
        fairness=None if fairness is None else dict(fairness),
    )
    try:
        with session.begin_nested():
            session.add(version)
            session.flush()
    except IntegrityError:
        raise PolicyChanged(in_force(session).id) from None
    if author is not None and fairness is not None and fairness["reason"]:
        words = f"Version {version.id}. {fairness['reason']}"
        acts.record(session, Did.INSISTED, actor=author, words=words)
    return version


def version(session: Session, number: int) -> PolicyVersion:
    """Return one version. Raises LookupError."""
    found = session.get(PolicyVersion, number, options=[joinedload(PolicyVersion.classifier)])
    if found is None:
        raise LookupError(f"There is no policy version {number}.")
    return found


def versions(
    session: Session, *, before: int | None = None, at_most: int = 1000
) -> list[PolicyVersion]:
    """Return the versions, newest first; those older than version `before`."""
    query = (
        select(PolicyVersion)
        .order_by(PolicyVersion.id.desc())
        .limit(at_most)
        .options(joinedload(PolicyVersion.classifier))
    )
    if before is not None:
        query = query.where(PolicyVersion.id < before)
    return list(session.scalars(query))
