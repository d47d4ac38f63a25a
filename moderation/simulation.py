"""What a policy would have done with the scores and signals that we keep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from moderation import labels
from moderation.policy import Policy, Signal, Status, judge, title_of
from moderation.tables import Score

# The newest so many scored texts stand for what comes in now.
RECENT = 5000
BINS = 20


@dataclass(frozen=True)
class Kept:
    """What is kept of texts: `scores` has a row a text and a column a label of `labels.NAMES`.

    A label that was not scored is NaN. `signals` holds for each text those that were seen.
    """

    scores: NDArray[np.float64]
    signals: Sequence[Sequence[Signal]]

    def __len__(self) -> int:
        return len(self.signals)


def kept(session: Session, classifier_id: int, *, at_most: int = RECENT) -> Kept:
    """Return what is kept of the newest texts that this classifier scored."""
    columns = [getattr(Score, name) for name in labels.NAMES]
    rows = session.execute(
        select(Score.signals, Score.good, *columns)
        .where(Score.classifier_id == classifier_id)
        .order_by(Score.case_id.desc(), Score.revision.desc())
        .limit(at_most)
    ).all()
    scores = np.array([tuple(row[2:]) for row in rows], dtype=np.float64)
    return Kept(
        scores.reshape(len(rows), len(labels.NAMES)),
        [
            tuple(Signal(code, title_of(code), row.good) for code in row.signals.split())
            for row in rows
        ],
    )


@dataclass(frozen=True)
class Histogram:
    """How many texts scored in each of equally wide bins from 0 to 1; `edges` has one more."""

    counts: Sequence[int]
    edges: Sequence[float]

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def highest(self) -> int:
        return max(self.counts)


def histograms(kept: Kept, *, bins: int = BINS) -> dict[str, Histogram]:
    """Count the scores of each label, by label name; labels never scored are left out."""
    found = {}
    for column, name in enumerate(labels.NAMES):
        values = kept.scores[:, column]
        values = values[~np.isnan(values)]
        if len(values):
            counts, edges = np.histogram(values, bins=bins, range=(0.0, 1.0))
            found[name] = Histogram(counts.tolist(), edges.tolist())
    return found


@dataclass(frozen=True)
class Comparison:
    """How many texts two policies would publish, hold and reject, and how many change side."""

    texts: int
    now: dict[Status, int]
    then: dict[Status, int]
    changed: int


def compare(kept: Kept, now: Policy, then: Policy) -> Comparison:
    """Judge the same texts by both policies, with the same `judge` that the worker calls."""
    before, after = _statuses(kept, now), _statuses(kept, then)
    return Comparison(
        texts=len(kept),
        now=_count(before),
        then=_count(after),
        changed=sum(a is not b for a, b in zip(before, after, strict=True)),
    )


def _statuses(kept: Kept, policy: Policy) -> list[Status]:
    return [
        judge(
            {n: v for n, v in zip(labels.NAMES, row, strict=True) if not np.isnan(v)},
            signals,
            policy,
        ).status
        for row, signals in zip(kept.scores.tolist(), kept.signals, strict=True)
    ]


def _count(statuses: Sequence[Status]) -> dict[Status, int]:
    kinds = (Status.PUBLISHED, Status.HELD, Status.REJECTED)
    return {status: statuses.count(status) for status in kinds}
