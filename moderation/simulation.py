"""What a policy would have done with the scores that we keep."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from moderation import labels
from moderation.policy import Policy, Status, judge
from moderation.tables import Score

# The newest so many scored texts stand for what comes in now.
RECENT = 5000
BINS = 20


def kept_scores(session: Session, *, at_most: int = RECENT) -> NDArray[np.float64]:
    """Return the newest kept scores: a row a text, a column a label of `labels.NAMES`.

    A label that was not scored is NaN. What several classifiers gave one text counts once, as
    the last of them.
    """
    columns = [getattr(Score, name) for name in labels.NAMES]
    later = aliased(Score)
    rows = session.execute(
        select(*columns)
        .where(
            ~exists().where(
                later.case_id == Score.case_id,
                later.revision == Score.revision,
                later.classifier_id > Score.classifier_id,
            )
        )
        .order_by(Score.case_id.desc(), Score.revision.desc())
        .limit(at_most)
    ).all()
    if not rows:
        return np.empty((0, len(labels.NAMES)))
    return np.array([tuple(row) for row in rows], dtype=np.float64)


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


def histograms(scores: NDArray[np.float64], *, bins: int = BINS) -> dict[str, Histogram]:
    """Count the scores of each label, by label name; labels never scored are left out."""
    found = {}
    for column, name in enumerate(labels.NAMES):
        values = scores[:, column]
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


def compare(scores: NDArray[np.float64], now: Policy, then: Policy) -> Comparison:
    """Judge the same scores by both policies, with the same `judge` that the worker calls.

    Signals other than scores are not replayed here.
    """
    before, after = _statuses(scores, now), _statuses(scores, then)
    return Comparison(
        texts=len(scores),
        now=_count(before),
        then=_count(after),
        changed=sum(a is not b for a, b in zip(before, after, strict=True)),
    )


def _statuses(scores: NDArray[np.float64], policy: Policy) -> list[Status]:
    return [
        judge(
            {n: v for n, v in zip(labels.NAMES, row, strict=True) if not np.isnan(v)}, (), policy
        ).status
        for row in scores.tolist()
    ]


def _count(statuses: Sequence[Status]) -> dict[Status, int]:
    kinds = (Status.PUBLISHED, Status.HELD, Status.REJECTED)
    return {status: statuses.count(status) for status in kinds}
