"""Thresholds for another classifier: each keeps its share of comments; and where two disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from moderation import labels
from moderation.policy import Policy, Signal, Status, Threshold, Verdict, judge, title_of
from moderation.rescoring import NEWEST
from moderation.tables import Case, Score

# Fewer tell too little of the comments to come.
LEAST = 50

Numbers = NDArray[np.float64]


class NothingToTranslateBy(Exception):
    """Too few texts were scored by both classifiers. The message says how many, and what to do."""


@dataclass(frozen=True)
class Pairs:
    """What two classifiers gave the same texts: a row a text, a column a label; NaN is no score."""

    case_ids: Sequence[int]
    one: Numbers
    other: Numbers
    signals: Sequence[Sequence[Signal]]

    def __len__(self) -> int:
        return len(self.case_ids)


@dataclass(frozen=True)
class Moved:
    """One threshold: `before` for the one classifier, `after` for the other.

    `share` of the texts met it before, `kept` of them meet it now. Where no text met it, `after`
    lies above every score that was seen, and is a guess. It is None where the other classifier
    does not score the label at all.
    """

    label: str
    kind: str
    before: float
    after: float | None
    share: float
    kept: float


@dataclass(frozen=True)
class Translation:
    """A policy for another classifier, how each threshold moved, and over how many texts."""

    policy: Policy
    moved: Sequence[Moved]
    texts: int


def pairs(session: Session, one_id: int, other_id: int, *, at_most: int = NEWEST) -> Pairs:
    """Return what is kept of the newest texts that both classifiers scored."""
    one, other = aliased(Score), aliased(Score)
    rows = session.execute(
        select(
            one.case_id,
            one.signals,
            one.good,
            *(getattr(one, name) for name in labels.NAMES),
            *(getattr(other, name) for name in labels.NAMES),
        )
        .join(other, (other.case_id == one.case_id) & (other.revision == one.revision))
        .where(one.classifier_id == one_id, other.classifier_id == other_id)
        .order_by(one.case_id.desc(), one.revision.desc())
        .limit(at_most)
    ).all()
    width = len(labels.NAMES)
    scores = np.array([tuple(row[3:]) for row in rows], dtype=np.float64).reshape(-1, 2 * width)
    return Pairs(
        [row.case_id for row in rows],
        scores[:, :width],
        scores[:, width:],
        [
            tuple(Signal(code, title_of(code), row.good) for code in row.signals.split())
            for row in rows
        ],
    )


def translate(policy: Policy, pairs: Pairs) -> Translation:
    """Move each threshold to where as many of the texts meet it by the other classifier's scores.

    Raises NothingToTranslateBy with fewer than LEAST texts.
    """
    if len(pairs) < LEAST:
        raise NothingToTranslateBy(
            f"Only {len(pairs)} comments were scored by both classifiers, and {LEAST} are needed. "
            "Wait until the new one has read more, or type thresholds of your own."
        )
    moved: list[Moved] = []
    thresholds = {}
    for label, threshold in policy.thresholds.items():
        column = labels.NAMES.index(label)
        limits: dict[str, float | None] = {}
        for kind, before in (("hold", threshold.hold), ("reject", threshold.reject)):
            limits[kind] = None
            if before is not None:
                moved.append(
                    _moved(label, kind, before, pairs.one[:, column], pairs.other[:, column])
                )
                limits[kind] = moved[-1].after
        thresholds[label] = Threshold(limits["hold"], limits["reject"])
    return Translation(replace(policy, thresholds=thresholds), moved, len(pairs))


def _moved(label: str, kind: str, before: float, one: Numbers, other: Numbers) -> Moved:
    there = ~np.isnan(one) & ~np.isnan(other)
    one, other = one[there], other[there]
    if not len(other):
        return Moved(label, kind, before, None, 0.0, 0.0)
    met = int((one >= before).sum())
    falling = np.sort(other)[::-1]
    # Between the last score that meets it and the first that does not.
    below = falling[met] if met < len(falling) else 0.0
    above = falling[met - 1] if met else 1.0
    after = _short(float(below), float(above))
    return Moved(
        label, kind, before, after, met / len(other), float((other >= after).sum()) / len(other)
    )


def _short(below: float, above: float) -> float:
    """Return a number above `below` and up to `above`, with no more digits than that takes."""
    middle = (below + above) / 2
    for digits in range(2, 12):
        rounded = round(middle, digits)
        if below < rounded <= above:
            return rounded
    # Where the two are one score, all who have it meet the threshold.
    return min(above, float(f"{above:.12g}"))


@dataclass(frozen=True)
class Disagreement:
    """A text on which two classifiers would have decided differently."""

    case_id: int
    text: str
    one: Verdict
    other: Verdict


def disagreements(
    session: Session, policy: Policy, one_id: int, other_id: int, *, at_most: int = NEWEST
) -> tuple[Translation, list[Disagreement]]:
    """Judge the newest texts by both classifiers' scores; return those that end up elsewhere.

    The second is judged by thresholds that keep each its share of comments, so that it is not
    blamed for another scale. Newest first. Raises NothingToTranslateBy.
    """
    both = pairs(session, one_id, other_id, at_most=at_most)
    translation = translate(policy, both)
    apart: dict[int, tuple[Verdict, Verdict]] = {}
    for place, case_id in enumerate(both.case_ids):
        signals = both.signals[place]
        first = judge(_scores(both.one[place]), signals, policy)
        second = judge(_scores(both.other[place]), signals, translation.policy)
        if first.status is not second.status:
            apart.setdefault(case_id, (first, second))
    texts = _texts(session, list(apart))
    return translation, [
        Disagreement(case_id, texts[case_id], *verdicts)
        for case_id, verdicts in apart.items()
        if case_id in texts
    ]


def _scores(row: Numbers) -> Mapping[str, float]:
    values = zip(labels.NAMES, row.tolist(), strict=True)
    return {name: value for name, value in values if not np.isnan(value)}


def _texts(session: Session, case_ids: Sequence[int]) -> dict[int, str]:
    """Return the texts that their authors did not take back."""
    rows = session.execute(
        select(Case.id, Case.text).where(
            Case.id.in_(case_ids), Case.withdrawn_at.is_(None), Case.status != Status.PENDING
        )
    )
    return dict(rows.all())
