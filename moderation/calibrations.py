"""The site's own calibration: fitted to what its people decided, adopted, applied, undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from moderation import calibration, labels, lineup, policies, reliability, rules
from moderation.calibration import Curve, Curves, Flags, Numbers, version_with
from moderation.classifier import Classifier
from moderation.decisions import BY_PEOPLE, Kind
from moderation.labels import Scores
from moderation.lineup import row_of
from moderation.policy import Policy, Threshold
from moderation.reliability import Reliability
from moderation.tables import (
    CalibrationVersion,
    ClassifierVersion,
    Decision,
    PolicyVersion,
    Score,
    time_of,
)

# So many comments a label needs on either side before the site's decisions may bend its scores.
LEAST = 100
# The newest so many scored comments are looked at.
RECENT = 50_000


class PolicyForAnother(Exception):
    """The policy in force is for another classifier. The message says so, and what to do."""


class Calibrated:
    """A classifier whose scores go through the site's curves, under a version of its own."""

    def __init__(self, classifier: Classifier, curves: Curves) -> None:
        self.name = classifier.name
        self.version = version_with(classifier.version, curves)
        self.labels = classifier.labels
        self.scripts = classifier.scripts
        self._classifier = classifier
        self._curves = curves

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """Score as the port says."""
        return [
            calibration.calibrate(scores, self._curves) for scores in self._classifier.score(texts)
        ]


def applied(session: Session, classifier: Classifier) -> Classifier:
    """Return the classifier as the site uses it: as it was loaded, or with the site's curves."""
    found = _newest(session, classifier.name, classifier.version)
    if found is None or not found.curves:
        return classifier
    return Calibrated(classifier, calibration.read_curves(found.curves))


def adopted(session: Session) -> CalibrationVersion | None:
    """Return the site's own calibration of the classifier that decides; None without one."""
    decides = lineup.deciding(session)
    if decides is None:
        return None
    found = session.scalar(
        select(CalibrationVersion)
        .where(
            or_(
                CalibrationVersion.base_id == decides.id,
                CalibrationVersion.classifier_id == decides.id,
            )
        )
        .order_by(CalibrationVersion.id.desc())
        .limit(1)
    )
    return found if found and found.curves else None


@dataclass(frozen=True)
class Refit:
    """What the site's decisions say of one label.

    `rejected` counts the comments that were rejected for it, `others` those that were approved, or
    rejected for another label. Where both reach LEAST there are a `curve` and the reliability on
    these comments, `before` and `after` it, the latter by curves that were fitted without the
    comment that is measured.
    """

    label: str
    rejected: int
    others: int
    curve: Curve | None = None
    before: Reliability | None = None
    after: Reliability | None = None


def refit(session: Session, classifier: Classifier) -> list[Refit]:
    """Fit the scores of `classifier`, as it was loaded, to what people here decided.

    People see what was held and what was reported, not a sample of everything. So the comments
    that nobody decided on take part, too, each for as much toxic and as much harmless as its
    probability is now: where nobody looked, the probability stays.
    """
    now = _newest(session, classifier.name, classifier.version)
    present = calibration.read_curves(now.curves) if now else {}
    keys, scores = _kept(session, classifier)
    decided = _decided(session, since=min(keys, default=(0, 0))[0])
    verdicts = [decided.get(key) for key in keys]
    # A label's probability here is that of a rejection for a reason that names it, so one for
    # another label's reason counts as without it, like an approval. Spam and what is off topic tell
    # of no label. Labels that no reason names stay as they are.
    known = rules.in_force(session)
    tells = {"", *known.told_by("toxicity")}
    told = np.array([verdict in tells for verdict in verdicts], dtype=bool)
    reasons = np.array([verdict or "" for verdict in verdicts], dtype=str)
    found = []
    for label in classifier.labels:
        told_by = known.told_by(label)
        if not told_by:
            continue
        column = scores[:, labels.NAMES.index(label)]
        seen, unseen = told & ~np.isnan(column), ~told & ~np.isnan(column)
        flags = np.isin(reasons[seen], sorted(told_by))
        found.append(_refit(label, flags, column[seen], column[unseen], present.get(label)))
    return found


def _refit(
    label: str, flags: Flags, scores: Numbers, unseen: Numbers, present: Curve | None
) -> Refit:
    rejected, others = int(flags.sum()), int((~flags).sum())
    if min(rejected, others) < LEAST:
        return Refit(label, rejected, others)
    now, belief = (scores, unseen) if present is None else (present(scores), present(unseen))
    # What nobody looked at counts on both sides, by what is believed of it.
    both = np.repeat([True, False], len(unseen))
    belief_weight = np.concatenate([belief, 1 - belief])

    def fitted(flags: Flags, scores: Numbers, _weight: Numbers | None = None) -> Curve:
        return calibration.fit(
            np.concatenate([flags, both]),
            np.concatenate([scores, unseen, unseen]),
            np.concatenate([np.ones(len(flags)), belief_weight]),
        )

    after = calibration.out_of_fold(flags, scores, fitted)
    return Refit(
        label,
        rejected,
        others,
        fitted(flags, scores),
        reliability.measure(flags, now),
        reliability.measure(flags, after),
    )


def adopt(
    session: Session, classifier: Classifier, refits: Sequence[Refit], *, based_on: int
) -> PolicyVersion:
    """Put the curves of `refits` in force for `classifier`, as it was loaded.

    A label without a new curve keeps the one it has. In the same transaction the thresholds of
    the policy are moved onto the new scale, each so that it meets the very comments that it met
    before: nothing is held or published that was not. `based_on` is the policy version that was
    looked at. Raises PolicyChanged when it is not in force any more, and PolicyForAnother.
    """
    now = _newest(session, classifier.name, classifier.version)
    curves = calibration.read_curves(now.curves) if now else {}
    found = dict(now.reliability) if now else {}
    for each in refits:
        if each.curve is not None and each.after is not None:
            curves[each.label] = each.curve
            found[each.label] = each.after.to_json()
    return _put(session, classifier, curves, found, based_on=based_on)


def undo(session: Session, classifier: Classifier, *, based_on: int) -> PolicyVersion | None:
    """Return to the scores as the classifier gives them; None where nothing was adopted.

    The thresholds move with them, as in `adopt`. Raises PolicyChanged, PolicyForAnother.
    """
    now = _newest(session, classifier.name, classifier.version)
    if now is None or not now.curves:
        return None
    return _put(session, classifier, {}, {}, based_on=based_on)


def _put(
    session: Session,
    classifier: Classifier,
    curves: Curves,
    found: Mapping[str, object],
    *,
    based_on: int,
) -> PolicyVersion:
    now = _newest(session, classifier.name, classifier.version)
    before = calibration.read_curves(now.curves) if now else {}
    base = row_of(session, classifier.name, classifier.version)
    becomes = row_of(session, classifier.name, version_with(classifier.version, curves))
    old = policies.version(session, based_on)
    if old.classifier_id != (now.classifier_id if now else base):
        raise PolicyForAnother(
            f"The thresholds in force are for {old.classifier.title}, not for the classifier that"
            " scores now. Adopt thresholds for it first, on the page of the policy."
        )
    version = policies.adopt(
        session,
        _moved(old.policy, before, curves),
        author=None,
        note=_MOVED if curves else _MOVED_BACK,
        based_on=based_on,
        classifier=becomes,
    )
    session.add(
        CalibrationVersion(
            base_id=base,
            classifier_id=becomes,
            curves=calibration.write_curves(curves),
            reliability=dict(found),
            adopted_at=time_of(session),
        )
    )
    session.flush()
    return version


def brought_over(session: Session, version: PolicyVersion) -> tuple[Policy, int]:
    """Return a version's policy in the present calibration of its classifier, and that one's row.

    The same comments meet its thresholds. What was adopted before a calibration, or under another
    one, can so be put in force again.
    """
    own = session.scalar(
        select(CalibrationVersion)
        .where(CalibrationVersion.classifier_id == version.classifier_id)
        .order_by(CalibrationVersion.id.desc())
        .limit(1)
    )
    base = own.base_id if own else version.classifier_id
    now = session.scalar(
        select(CalibrationVersion)
        .where(CalibrationVersion.base_id == base)
        .order_by(CalibrationVersion.id.desc())
        .limit(1)
    )
    if now is None or now.classifier_id == version.classifier_id:
        return version.policy, version.classifier_id
    before = calibration.read_curves(own.curves) if own else {}
    moved = _moved(version.policy, before, calibration.read_curves(now.curves))
    return moved, now.classifier_id


_MOVED = "The same thresholds, in the probabilities of the site's own calibration."
_MOVED_BACK = "The same thresholds, in the probabilities of the classifier's own calibration."


def _moved(policy: Policy, before: Curves, after: Curves) -> Policy:
    """Put each threshold where the same comments meet it."""

    def moved(label: str, limit: float | None) -> float | None:
        old, new = before.get(label), after.get(label)
        if limit is None or old == new:
            return limit
        scale = np.array(limit)
        scale = scale if old is None else old.undo(scale)
        scale = scale if new is None else new(scale)
        # Undone, a threshold comes back as it was; and never a hair above a score that met it.
        return min(float(scale), float(f"{scale:.12g}"))

    return replace(
        policy,
        thresholds={
            label: Threshold(moved(label, limits.hold), moved(label, limits.reject))
            for label, limits in policy.thresholds.items()
        },
    )


def _newest(session: Session, name: str, version: str) -> CalibrationVersion | None:
    """Return what was adopted last for a classifier, as it is loaded."""
    return session.scalar(
        select(CalibrationVersion)
        .join(ClassifierVersion, ClassifierVersion.id == CalibrationVersion.base_id)
        .where(ClassifierVersion.name == name, ClassifierVersion.version == version)
        .order_by(CalibrationVersion.id.desc())
        .limit(1)
    )


def _kept(session: Session, classifier: Classifier) -> tuple[list[tuple[int, int]], Numbers]:
    """Return the newest scores of a classifier as it is loaded, under whichever curves.

    A (case, revision) and a row of `labels.NAMES` each; what was not scored is NaN.
    """
    versions = select(ClassifierVersion.id).filter_by(
        name=classifier.name, version=classifier.version
    )
    adopted: dict[int, object] = dict(
        session.execute(
            select(CalibrationVersion.classifier_id, CalibrationVersion.curves).where(
                CalibrationVersion.base_id.in_(versions)
            )
        ).all()
    )
    rows = session.execute(
        select(
            Score.case_id,
            Score.revision,
            Score.classifier_id,
            *(getattr(Score, name) for name in labels.NAMES),
        )
        .where(or_(Score.classifier_id.in_(versions), Score.classifier_id.in_(adopted)))
        .order_by(Score.case_id.desc(), Score.revision.desc(), Score.classifier_id.desc())
        .limit(RECENT)
    ).all()
    # Under several curves a text has several rows, which say the same.
    one_each = {(row.case_id, row.revision): row for row in rows}
    scores = np.array([row[3:] for row in one_each.values()], dtype=float)
    scores = scores.reshape(-1, len(labels.NAMES))
    under = np.array([row.classifier_id for row in one_each.values()], dtype=int)
    for number, value in adopted.items():
        for label, curve in calibration.read_curves(value).items():
            place = under == number, labels.NAMES.index(label)
            scores[place] = curve.undo(scores[place])
    return list(one_each), scores


def _decided(session: Session, *, since: int) -> dict[tuple[int, int], str]:
    """Return what people decided on each (case, revision), from the case `since` on.

    The reason of a rejection, or "" for an approval; what was undone does not count.
    """
    lines = session.execute(
        select(
            Decision.id,
            Decision.case_id,
            Decision.revision,
            Decision.kind,
            Decision.reason,
            Decision.undoes_id,
        )
        .where(Decision.kind.in_([*BY_PEOPLE, Kind.UNDO]), Decision.case_id >= since)
        .order_by(Decision.id)
    ).all()
    undone = {line.undoes_id for line in lines}
    return {
        (line.case_id, line.revision): line.reason if line.kind == Kind.REJECT else ""
        for line in lines
        if line.kind != Kind.UNDO and line.id not in undone
    }
