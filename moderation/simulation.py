"""What a policy would have done with the scores and signals that we keep."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation import labels
from moderation.history import (
    HELD,
    KEEP,
    NONE,
    PUBLISHED,
    REJECTED,
    REMOVE,
    STATUSES,
    Codes,
    History,
    Numbers,
    Whole,
    by_label,
    by_signals,
    covered,
    judge_all,
)
from moderation.policy import Policy, Status

Bins = NDArray[np.int16]

# The newest so many scored texts stand for what comes in now.
RECENT = 5000
BINS = 20
# A handle moves by a thousandth: binned so, the counts under it are right, not near.
FINE = 1000


@dataclass(frozen=True)
class Histogram:
    """How many texts scored in each of equally wide bins from 0 to 1; `edges` has one more.

    `kept` and `removed` count those that people decided on.
    """

    counts: Sequence[int]
    edges: Sequence[float]
    kept: Sequence[int] = ()
    removed: Sequence[int] = ()

    @property
    def total(self) -> int:
        return sum(self.counts)

    @property
    def highest(self) -> int:
        return max(self.counts)


def histograms(history: History, *, bins: int = BINS) -> dict[str, Histogram]:
    """Count the scores of each label, by label name; labels never scored are left out."""
    found = {}
    for column, name in enumerate(labels.NAMES):
        values = history.scores[:, column]
        there = ~np.isnan(values)
        if there.any():
            counts, kept, removed = (
                np.histogram(values[which], bins=bins, range=(0.0, 1.0))
                for which in (
                    there,
                    there & (history.people == KEEP),
                    there & (history.people == REMOVE),
                )
            )
            found[name] = Histogram(
                counts[0].tolist(), counts[1].tolist(), kept[0].tolist(), removed[0].tolist()
            )
    return found


@dataclass(frozen=True)
class Change:
    """How many texts go from one status to another, and what people had said of them."""

    before: Status
    after: Status
    texts: int
    kept: int
    removed: int


@dataclass(frozen=True)
class Comparison:
    """How many texts two policies would publish, hold and reject, and how many change side.

    `moves[a, b, c]` counts those that go from PUBLISHED, HELD or REJECTED to one of these, and
    that nobody has decided on, people kept or people removed. `days` is the time they came in.
    """

    texts: int
    days: float
    moves: NDArray[np.int64]

    @property
    def now(self) -> dict[Status, int]:
        return dict(zip(STATUSES, self.moves.sum(axis=(1, 2)).tolist(), strict=True))

    @property
    def then(self) -> dict[Status, int]:
        return dict(zip(STATUSES, self.moves.sum(axis=(0, 2)).tolist(), strict=True))

    @property
    def changes(self) -> list[Change]:
        """The moves from one status to another that any text makes."""
        return [
            Change(before, after, *(int(many) for many in (cell.sum(), cell[1], cell[2])))
            for before, row in zip(STATUSES, self.moves, strict=True)
            for after, cell in zip(STATUSES, row, strict=True)
            if before is not after and cell.any()
        ]

    @property
    def changed(self) -> int:
        return sum(change.texts for change in self.changes)


def compare(history: History, now: Policy, then: Policy) -> Comparison:
    """Judge the same texts by both policies."""
    return compared(history, judge_all(history, now), judge_all(history, then))


def compared(history: History, before: Codes, after: Codes) -> Comparison:
    """Count texts by what two policies make of them."""
    # 27 fit into a byte.
    cells = (before * np.int8(3) + after) * np.int8(3) + (history.people - np.int8(NONE))
    return Comparison(len(history), history.days, np.bincount(cells, minlength=27).reshape(3, 3, 3))


def among(history: History, contexts: Collection[int]) -> NDArray[np.bool_]:
    """Say of each text whether it stands in one of these contexts."""
    return np.isin(history.context, np.fromiter(contexts, dtype=np.int64))


@dataclass(frozen=True)
class Tradeoff:
    """What the two thresholds of one label decide, everything else of a policy being as it is.

    `counts[rest, people, bin]` counts the texts that everything else would publish, hold or
    reject, that nobody has decided on, people kept or people removed (in this order), by their
    score: `bin` n has the scores from n / FINE to below (n + 1) / FINE, the last one those of 1.
    So the counts for a threshold of whole thousandths are exact. `unscored[rest, people]` counts
    the texts without a score: they are held as soon as the label has a threshold.
    `fixed[status, people]` counts those for whose place the label has thresholds of its own: they
    stay what they are.
    """

    label: str
    counts: NDArray[np.int64]
    unscored: NDArray[np.int64]
    fixed: NDArray[np.int64]

    def at(self, hold: float | None, reject: float | None) -> NDArray[np.int64]:
        """Return how many texts come out as PUBLISHED, HELD, REJECTED: statuses by people.

        The thresholds are taken as whole thousandths.
        """
        ends = [FINE + 1 if limit is None else round(limit * FINE) for limit in (hold, reject)]
        found = self.fixed.copy()
        for rest in (PUBLISHED, HELD, REJECTED):
            counts = self.counts[rest]
            low = counts[:, : min(ends)].sum(axis=1)
            mid = counts[:, min(ends) : ends[1]].sum(axis=1)
            found[rest] += low
            found[max(rest, HELD)] += mid
            found[REJECTED] += counts[:, ends[1] :].sum(axis=1)
            least = HELD if min(ends) <= FINE else PUBLISHED
            found[max(rest, least)] += self.unscored[rest]
        return found

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a page: of `counts`, summed over people, what is not 0.

        `cells` holds a row [rest, bin, texts] each, `unscored` the texts by rest, `fixed` by
        status.
        """
        counts = self.counts.sum(axis=1)
        rest, bins = np.nonzero(counts)
        return {
            "cells": np.column_stack((rest, bins, counts[rest, bins])).tolist(),
            "unscored": self.unscored.sum(axis=1).tolist(),
            "fixed": self.fixed.sum(axis=1).tolist(),
        }


def tradeoff(history: History, policy: Policy, label: str) -> Tradeoff:
    """Count what everything but the thresholds of `label` makes of each text, by its score."""
    return tradeoffs(history, policy, {label: bin_of(history.scores[:, _column(label)])})[label]


def tradeoffs(
    history: History, policy: Policy, bins: Mapping[str, Bins] | None = None
) -> dict[str, Tradeoff]:
    """Return the tradeoff of each label of `bins`, by default of every one that was scored.

    `bins` are what `all_bins` gives: of many texts they are worth keeping.
    """
    bins = all_bins(history) if bins is None else bins
    by_signals_ = by_signals(history, policy)
    each = {name: by_label(history, policy, name) for name in policy.named}
    people = history.people - np.int8(NONE)
    found = {}
    for name, binned in bins.items():
        rest = by_signals_.copy()
        for other, codes in each.items():
            if other != name:
                np.maximum(rest, codes, out=rest)
        place = binned
        if policy.overrides and name in each:
            own = covered(history, policy, name)
            rest[own] = np.maximum(rest[own], each[name][own])
            place = np.where(own, np.int16(FINE + 2), binned)
        # Behind the bins are those without a score, and those that no handle moves.
        cells = (rest * np.int32(3) + people) * np.int32(FINE + 3) + place
        counts = np.bincount(cells, minlength=9 * (FINE + 3)).reshape(3, 3, FINE + 3)
        found[name] = Tradeoff(name, counts[..., :-2], counts[..., -2], counts[..., -1])
    return found


def all_bins(history: History) -> dict[str, Bins]:
    """Return the bins of the scores of each label that any text was scored for."""
    columns = {name: history.scores[:, _column(name)] for name in labels.NAMES}
    return {name: bin_of(c) for name, c in columns.items() if np.isfinite(c).any()}


def _column(label: str) -> int:
    return labels.NAMES.index(label)


def bin_of(scores: Numbers) -> Bins:
    """Return the bin of each score, the last whole thousandth that it reaches; FINE + 1 for none.

    Compared as floats: multiplied and cut off, 0.57 would fall below 570 / 1000.
    """
    there = np.isfinite(scores)
    edges = np.append(np.arange(FINE + 1) / FINE, np.inf)
    bins = np.where(there, scores * FINE, 0).clip(0, FINE).astype(np.int16)
    bins += scores >= edges[bins + 1]
    bins -= scores < edges[bins]
    bins[~there] = FINE + 1
    return bins


def changed(
    history: History,
    now: Policy,
    then: Policy,
    before: Codes | None = None,
    after: Codes | None = None,
) -> tuple[Whole, Codes, Codes, Numbers]:
    """Return the texts that two policies decide differently, nearest to a moved threshold first.

    Their rows in `history`, what each policy makes of them, and how far each score is from the
    nearest threshold that differs (infinity where only signals or the mode do). `before` and
    `after` are what the policies make of every text, where that is known already.
    """
    before = judge_all(history, now) if before is None else before
    after = judge_all(history, then) if after is None else after
    rows = np.flatnonzero(before != after)
    distance = np.full(len(rows), np.inf)
    for name in {*now.thresholds, *then.thresholds}:
        a, b = now.thresholds.get(name), then.thresholds.get(name)
        moved = {a and (kind, getattr(a, kind)) for kind in ("hold", "reject")} ^ {
            b and (kind, getattr(b, kind)) for kind in ("hold", "reject")
        }
        score = history.scores[rows, labels.NAMES.index(name)]
        for limit in {value for each in moved if each for value in each[1:] if value is not None}:
            distance = np.fmin(distance, np.abs(score - limit))
    order = np.lexsort((-history.case_id[rows], distance))
    return rows[order], before[rows][order], after[rows][order], distance[order]


def differs(history: History, now: Policy, then: Policy, label: str) -> NDArray[np.bool_]:
    """Say of each text whether the thresholds of one label alone decide it differently."""
    one, other = (by_label(history, policy, label) for policy in (now, then))
    return np.broadcast_to(one != other, len(history))
