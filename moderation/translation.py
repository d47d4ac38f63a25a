"""Thresholds for another classifier: each keeps its share of comments; and where two disagree."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from moderation import labels
from moderation.labels import Scores
from moderation.policy import (
    Policy,
    Scope,
    Signal,
    Status,
    Threshold,
    Verdict,
    judge,
    title_of,
)
from moderation.rescoring import NEWEST
from moderation.tables import Case, Score, Section

# Fewer tell too little of the comments to come.
LEAST = 50

Numbers = NDArray[np.float64]


class NothingToTranslateBy(Exception):
    """Too few texts were scored by both classifiers. The message says how many, and what to do."""


@dataclass(frozen=True)
class Pairs:
    """What two classifiers gave the same texts: a row a text, a column a label; NaN is no score."""

    case_ids: Sequence[int]
    revisions: Sequence[int]
    one: Numbers
    other: Numbers
    signals: Sequence[Sequence[Signal]]
    # Where each stood when it was judged.
    scopes: Sequence[Scope]

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


def pairs(
    session: Session,
    one_id: int,
    other_id: int,
    *,
    before: int | None = None,
    at_most: int = NEWEST,
) -> Pairs:
    """Return what is kept of the newest texts that both classifiers scored; those of cases from
    `before` on are left out.
    """
    one, other = aliased(Score), aliased(Score)
    query = (
        select(
            one.case_id,
            one.revision,
            one.signals,
            one.good,
            Section.path,
            one.older,
            one.scored_at,
            Case.context,
            *(getattr(one, name) for name in labels.NAMES),
            *(getattr(other, name) for name in labels.NAMES),
        )
        .join(other, (other.case_id == one.case_id) & (other.revision == one.revision))
        .join(Case, Case.id == one.case_id)
        .outerjoin(Section, Section.id == one.section_id)
        .where(one.classifier_id == one_id, other.classifier_id == other_id)
        .order_by(one.case_id.desc(), one.revision.desc())
        .limit(at_most)
    )
    if before is not None:
        query = query.where(one.case_id < before)
    rows = session.execute(query).all()
    width = len(labels.NAMES)
    scores = np.array([tuple(row[8:]) for row in rows], dtype=np.float64).reshape(-1, 2 * width)
    return Pairs(
        [row.case_id for row in rows],
        [row.revision for row in rows],
        scores[:, :width],
        scores[:, width:],
        [
            tuple(Signal(code, title_of(code), row.good) for code in row.signals.split())
            for row in rows
        ],
        [Scope(row.path or "", row.context, row.older, row.good, row.scored_at) for row in rows],
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
    thresholds, moved = _translated(policy.thresholds, pairs)
    translated = replace(
        policy,
        thresholds=thresholds,
        overrides=[
            replace(one, thresholds=_translated(one.thresholds, pairs)[0])
            for one in policy.overrides
        ],
    )
    return Translation(translated, moved, len(pairs))


def _translated(
    thresholds: Mapping[str, Threshold], pairs: Pairs
) -> tuple[dict[str, Threshold], list[Moved]]:
    moved: list[Moved] = []
    found = {}
    for label, threshold in thresholds.items():
        column = labels.NAMES.index(label)
        limits: dict[str, float | None] = {}
        for kind, before in (("hold", threshold.hold), ("reject", threshold.reject)):
            limits[kind] = None
            if before is not None:
                moved.append(
                    _moved(label, kind, before, pairs.one[:, column], pairs.other[:, column])
                )
                limits[kind] = moved[-1].after
        found[label] = Threshold(limits["hold"], limits["reject"])
    return found, moved


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
    """A text on which two classifiers would have decided differently, and what became of it."""

    case_id: int
    text: str
    status: Status
    one: Verdict
    other: Verdict
    one_scores: Scores
    other_scores: Scores

    @property
    def kind(self) -> "Kind":
        return self.one.status, self.other.status


# What the one decides, and what the other would have decided.
Kind = tuple[Status, Status]


@dataclass(frozen=True)
class Disagreements:
    """Where two classifiers part.

    `counts` are those among the newest texts, which `translation` was made from; `found` are some
    of them or of older ones, newest first, and `next` the case before which there may be more.
    """

    translation: Translation
    counts: Mapping[Kind, int]
    found: Sequence[Disagreement]
    next: int | None


def disagreements(
    session: Session,
    policy: Policy,
    one_id: int,
    other_id: int,
    *,
    kind: Kind | None = None,
    before: int | None = None,
    a_page: int | None = None,
    at_most: int = NEWEST,
) -> Disagreements:
    """Judge texts by both classifiers' scores, and return those that end up elsewhere.

    The second is judged by thresholds that keep each its share of the newest texts, so that it is
    not blamed for another scale. At most `at_most` texts are looked at, of cases before `before`,
    and of those that part, as `kind` says, `a_page` are returned. Raises NothingToTranslateBy.
    """
    newest = pairs(session, one_id, other_id, at_most=at_most)
    translation = translate(policy, newest)
    there = list(_apart(session, newest, policy, translation.policy))
    counts = Counter(each.kind for each in there)
    looked_at = newest
    if before is not None:
        looked_at = pairs(session, one_id, other_id, before=before, at_most=at_most)
        there = list(_apart(session, looked_at, policy, translation.policy))
    found = [each for each in there if kind in (None, each.kind)]
    if a_page is not None and len(found) > a_page:
        return Disagreements(translation, counts, found[:a_page], found[a_page - 1].case_id)
    further = looked_at.case_ids[-1] if len(looked_at) == at_most else None
    return Disagreements(translation, counts, found, further)


def _apart(
    session: Session, both: Pairs, policy: Policy, translated: Policy
) -> Iterator[Disagreement]:
    """Yield the texts that are still as they were scored, and that two policies part."""
    apart: dict[tuple[int, int], tuple[int, Verdict, Verdict]] = {}
    for place, key in enumerate(zip(both.case_ids, both.revisions, strict=True)):
        signals, scope = both.signals[place], both.scopes[place]
        first = judge(_scores(both.one[place]), signals, policy, scope)
        second = judge(_scores(both.other[place]), signals, translated, scope)
        if first.status is not second.status:
            apart[key] = place, first, second
    # Not those that their authors changed or took back.
    rows = session.execute(
        select(Case.id, Case.revision, Case.text, Case.status).where(
            Case.id.in_([case_id for case_id, _ in apart]),
            Case.withdrawn_at.is_(None),
            Case.status != Status.PENDING,
        )
    )
    cases = {(row.id, row.revision): row for row in rows}
    for key, (place, first, second) in apart.items():
        if key in cases:
            yield Disagreement(
                key[0],
                cases[key].text,
                Status(cases[key].status),
                first,
                second,
                _scores(both.one[place]),
                _scores(both.other[place]),
            )


def _scores(row: Numbers) -> Scores:
    values = zip(labels.NAMES, row.tolist(), strict=True)
    return {name: value for name, value in values if not np.isnan(value)}
