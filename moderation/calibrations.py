"""The site's own calibration: fitted to what its people decided, adopted, applied, undone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from sqlalchemy import func, literal_column, or_, select, update
from sqlalchemy.orm import Session

from moderation import calibration, decisions, labels, lineup, policies, reliability, rules
from moderation.calibration import Curve, Curves, Flags, Numbers, version_with
from moderation.classifier import Classifier
from moderation.decisions import BY_PEOPLE, Kind
from moderation.labels import Scores
from moderation.lineup import row_of
from moderation.policy import Policy, Threshold
from moderation.reliability import Reliability
from moderation.tables import (
    CalibrationProposal,
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
# A calibration is proposed where it brings a label's probabilities so much nearer to the truth.
GAIN = 0.01


class PolicyForAnother(Exception):
    """The policy in force is for another classifier. The message says so, and what to do."""


class Loaded(Protocol):
    """A classifier as it is loaded, by name: nothing is scored here."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    @property
    def labels(self) -> Sequence[str]: ...


@dataclass(frozen=True)
class Known:
    """A classifier that has scored here, as it was loaded then, whether or not it is now."""

    name: str
    version: str
    labels: Sequence[str]


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

    @property
    def gain(self) -> float:
        """By how much the probabilities come nearer to the truth; 0 without a curve."""
        return self.before.error - self.after.error if self.before and self.after else 0.0

    def to_json(self) -> dict[str, Any]:
        """Return plain values; `from_json` reads them back."""
        return {
            "label": self.label,
            "rejected": self.rejected,
            "others": self.others,
            "curve": [list(knot) for knot in self.curve.knots] if self.curve else None,
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json() if self.after else None,
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Refit":
        """Read what `to_json` wrote."""
        label, curve = value["label"], value["curve"]
        before, after = value["before"], value["after"]
        return cls(
            label,
            value["rejected"],
            value["others"],
            calibration.read_curves({label: curve})[label] if curve else None,
            Reliability.from_json(before) if before else None,
            Reliability.from_json(after) if after else None,
        )


def refit(session: Session, classifier: Loaded) -> list[Refit]:
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
    session: Session,
    classifier: Loaded,
    refits: Sequence[Refit],
    *,
    based_on: int,
    author: int | None = None,
) -> PolicyVersion:
    """Put the curves of `refits` in force for `classifier`, as it was loaded.

    A label without a new curve keeps the one it has. In the same transaction the thresholds of
    the policy are moved onto the new scale, each so that it meets the very comments that it met
    before: nothing is held or published that was not. `based_on` is the policy version that was
    looked at. Raises PolicyChanged when it is not in force any more, and PolicyForAnother.
    """
    now = _newest(session, classifier.name, classifier.version)
    found = dict(now.reliability) if now else {}
    for each in refits:
        if each.curve is not None and each.after is not None:
            found[each.label] = each.after.to_json()
    curves = _with(now, refits)
    return _put(session, classifier, curves, found, based_on=based_on, author=author)


def _with(now: CalibrationVersion | None, refits: Sequence[Refit]) -> dict[str, Curve]:
    """The curves in force, with those of `refits` in the place of theirs."""
    curves = calibration.read_curves(now.curves) if now else {}
    return curves | {each.label: each.curve for each in refits if each.curve is not None}


def moved(session: Session, classifier: Loaded, refits: Sequence[Refit], policy: Policy) -> Policy:
    """Return a policy of the scores as they are now as `adopt` would move it."""
    now = _newest(session, classifier.name, classifier.version)
    before = calibration.read_curves(now.curves) if now else {}
    return _moved(policy, before, _with(now, refits))


def undo(
    session: Session, classifier: Loaded, *, based_on: int, author: int | None = None
) -> PolicyVersion | None:
    """Return to the scores as the classifier gives them; None where nothing was adopted.

    The thresholds move with them, as in `adopt`. Raises PolicyChanged, PolicyForAnother.
    """
    now = _newest(session, classifier.name, classifier.version)
    if now is None or not now.curves:
        return None
    return _put(session, classifier, {}, {}, based_on=based_on, author=author)


def _put(
    session: Session,
    classifier: Loaded,
    curves: Curves,
    found: Mapping[str, object],
    *,
    based_on: int,
    author: int | None,
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
        author=author,
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
    base, before = base_of(session, version.classifier_id)
    now = session.scalar(
        select(CalibrationVersion)
        .where(CalibrationVersion.base_id == base)
        .order_by(CalibrationVersion.id.desc())
        .limit(1)
    )
    if now is None or now.classifier_id == version.classifier_id:
        return version.policy, version.classifier_id
    moved = _moved(version.policy, before, calibration.read_curves(now.curves))
    return moved, now.classifier_id


def base_of(session: Session, classifier_id: int) -> tuple[int, Curves]:
    """Return the row of a classifier as it was loaded, and the curves that make it this one."""
    own = session.scalar(
        select(CalibrationVersion)
        .where(CalibrationVersion.classifier_id == classifier_id)
        .order_by(CalibrationVersion.id.desc())
        .limit(1)
    )
    if own is None:
        return classifier_id, {}
    return own.base_id, calibration.read_curves(own.curves)


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

    def all_moved(thresholds: Mapping[str, Threshold]) -> dict[str, Threshold]:
        return {
            label: Threshold(moved(label, limits.hold), moved(label, limits.reject))
            for label, limits in thresholds.items()
        }

    return replace(
        policy,
        thresholds=all_moved(policy.thresholds),
        overrides=[replace(one, thresholds=all_moved(one.thresholds)) for one in policy.overrides],
    )


# Proposals ----------------------------------------------------------------------------------------


class ProposalChanged(Exception):
    """Another one came meanwhile, or it was adopted, or another calibration was. Look again."""


def loaded(session: Session) -> Known | None:
    """Return the classifier that decides here as it is loaded; None where none does yet."""
    row = lineup.deciding(session)
    if row is None:
        return None
    own = session.scalar(
        select(CalibrationVersion.base_id)
        .where(CalibrationVersion.classifier_id == row.id)
        .order_by(CalibrationVersion.id.desc())
        .limit(1)
    )
    base = session.get_one(ClassifierVersion, own) if own else row
    last = session.scalar(
        select(Score)
        .where(Score.classifier_id == row.id)
        .order_by(Score.case_id.desc(), Score.revision.desc())
        .limit(1)
    )
    return Known(base.name, base.version, tuple(last.by_label()) if last else ())


def proposal(session: Session) -> CalibrationProposal | None:
    """Return the newest proposal, fitted or not, adopted or not."""
    return session.scalar(
        select(CalibrationProposal).order_by(CalibrationProposal.id.desc()).limit(1)
    )


def refits_of(found: CalibrationProposal) -> list[Refit]:
    """Return what a proposal was fitted to."""
    return [Refit.from_json(each) for each in found.refits]


def offered(found: CalibrationProposal) -> list[Refit]:
    """Return those labels of a proposal whose probabilities come nearer to the truth."""
    return [each for each in refits_of(found) if each.gain > 0]


def is_open(session: Session, found: CalibrationProposal) -> bool:
    """Whether a proposal is fitted, can be adopted, and brings enough."""
    return (
        found.fitted_at is not None
        and found.adopted_as is None
        and found.calibration_id == _calibration(session)
        and any(each.gain >= GAIN for each in offered(found))
    )


def new_decisions(session: Session, *, at_most: int) -> int:
    """Count people's decisions since the scores were last fitted, up to `at_most`."""
    asked = session.scalar(select(func.max(CalibrationProposal.asked_at)))
    fitted = session.scalar(select(func.max(CalibrationVersion.adopted_at)))
    last = max((each for each in (asked, fitted) if each is not None), default=None)
    lines = select(Decision.id).where(_BY_PEOPLE).limit(at_most)
    if last is not None:
        lines = lines.where(Decision.id >= decisions.first_since(session, last))
    return session.scalar(select(func.count()).select_from(lines.subquery())) or 0


# Written out, since the index is known by these very words.
_BY_PEOPLE = Decision.kind.in_(
    [literal_column(f"'{kind.value}'") for kind in (*BY_PEOPLE, Kind.UNDO)]
)


def ask(session: Session, *, by: int | None = None) -> CalibrationProposal | None:
    """Ask for a proposal; the one that waits where there is one, None without a classifier."""
    newest = proposal(session)
    if newest is not None and newest.fitted_at is None:
        return newest
    known = loaded(session)
    if known is None:
        return None
    found = CalibrationProposal(
        asked_by=by,
        asked_at=time_of(session),
        base_id=row_of(session, known.name, known.version),
        calibration_id=_calibration(session),
        refits=[],
    )
    session.add(found)
    session.flush()
    return found


def propose(session: Session, number: int, refits: Sequence[Refit]) -> bool:
    """Note what a proposal was fitted to; False where another server was faster."""
    done = session.execute(
        update(CalibrationProposal)
        .where(CalibrationProposal.id == number, CalibrationProposal.fitted_at.is_(None))
        .values(
            fitted_at=time_of(session),
            calibration_id=_calibration(session),
            refits=[each.to_json() for each in refits],
        )
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]


def adopt_proposal(session: Session, number: int, *, based_on: int, author: int) -> PolicyVersion:
    """Put what a proposal offers in force, as `adopt` does.

    Raises ProposalChanged where it is not the newest one any more, or not open.
    """
    found, known = proposal(session), loaded(session)
    if found is None or found.id != number or known is None or not is_open(session, found):
        raise ProposalChanged
    version = adopt(session, known, offered(found), based_on=based_on, author=author)
    found.adopted_as = version.id
    _decides(session, version)
    return version


def leave_adopted(session: Session, *, based_on: int, author: int) -> PolicyVersion | None:
    """Return to the scores of the classifier that decides as it gives them, as `undo` does."""
    known = loaded(session)
    version = undo(session, known, based_on=based_on, author=author) if known else None
    if version is not None:
        _decides(session, version)
    return version


def _decides(session: Session, version: PolicyVersion) -> None:
    # Its worker would note it with its next round; until then the policy would seem to be for
    # another classifier.
    lineup.decides(session, version.classifier_id)
    session.flush()


def _calibration(session: Session) -> int | None:
    """The number of the calibration that was adopted last."""
    return session.scalar(select(func.max(CalibrationVersion.id)))


def _newest(session: Session, name: str, version: str) -> CalibrationVersion | None:
    """Return what was adopted last for a classifier, as it is loaded."""
    return session.scalar(
        select(CalibrationVersion)
        .join(ClassifierVersion, ClassifierVersion.id == CalibrationVersion.base_id)
        .where(ClassifierVersion.name == name, ClassifierVersion.version == version)
        .order_by(CalibrationVersion.id.desc())
        .limit(1)
    )


def _kept(session: Session, classifier: Loaded) -> tuple[list[tuple[int, int]], Numbers]:
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
