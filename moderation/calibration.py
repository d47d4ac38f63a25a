"""Makes a classifier's scores probabilities. Pure numpy.

A curve is a few knots (score, probability), both strictly increasing, with straight lines
between them. So it never changes which of two texts has the higher score, and it can be undone.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from moderation.labels import Scores

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

# With fewer texts than this on either side, only two numbers are fitted: slope and offset.
FEW = 50
KNOTS = 20
_FOLDS = 5

# Nothing is certain: no probability is nearer to 0 or 1.
_NEVER = 1e-5
# No line is flatter, or two scores could come out as the same number.
_FLATTEST = 1e-4
# How much a group of texts must tell before it moves the curve half of the way from the two
# numbers' to its own share: as much as so many texts would on which the model is undecided.
_PRIOR = 2.0


class BadCurve(ValueError):
    """Knots that are no curve. The message says what is wrong with them."""


@dataclass(frozen=True)
class Curve:
    """Straight lines between `knots`, pairs of a score and a probability, each 0..1.

    Raises BadCurve unless there are 2 to KNOTS of them, from score 0 to score 1, both strictly
    increasing, and no probability is 0 or 1.
    """

    knots: tuple[tuple[float, float], ...]

    def __post_init__(self) -> None:
        if not 2 <= len(self.knots) <= KNOTS:
            raise BadCurve(f"A curve has 2 to {KNOTS} knots, not {len(self.knots)}.")
        scores, probabilities = self._columns
        # Written so that NaN is refused as well.
        if not ((np.diff(scores) > 0).all() and (np.diff(probabilities) > 0).all()):
            raise BadCurve("A curve's scores and probabilities must go up from knot to knot.")
        if scores[0] != 0 or scores[-1] != 1:
            raise BadCurve("A curve's first knot must be at score 0 and its last at score 1.")
        if not (probabilities[0] > 0 and probabilities[-1] < 1):
            raise BadCurve("A curve's probabilities must lie between 0 and 1, without both.")

    def __call__(self, scores: Numbers) -> Numbers:
        """Return the probability of each score."""
        return np.asarray(np.interp(scores, *self._columns))

    def undo(self, probabilities: Numbers) -> Numbers:
        """Return the score of each probability; beyond the ends, 0 and 1."""
        return np.asarray(np.interp(probabilities, *self._columns[::-1]))

    @cached_property
    def _columns(self) -> tuple[Numbers, Numbers]:
        return np.array([score for score, _ in self.knots]), np.array([p for _, p in self.knots])


Curves = Mapping[str, Curve]


def read_curves(value: Any) -> dict[str, Curve]:
    """Read `{label: [[score, probability], ...]}`, as JSON holds it. Raises BadCurve."""
    try:
        return {
            str(label): Curve(tuple((float(score), float(p)) for score, p in knots))
            for label, knots in value.items()
        }
    except (AttributeError, TypeError) as problem:
        raise BadCurve(f"A calibration names knots by label: {problem}.") from None
    except BadCurve:
        raise
    except ValueError as problem:
        raise BadCurve(f"A knot is a score and a probability: {problem}.") from None


def write_curves(curves: Curves) -> dict[str, list[list[float]]]:
    """Return what `read_curves` reads."""
    return {label: [list(knot) for knot in curve.knots] for label, curve in curves.items()}


def calibrate(scores: Scores, curves: Curves) -> dict[str, float]:
    """Return a text's scores as probabilities; those of a label without a curve stay."""
    return {
        label: float(curves[label](np.array(score))) if label in curves else score
        for label, score in scores.items()
    }


def version_with(version: str, curves: Curves) -> str:
    """Return the version of a classifier whose scores go through `curves`.

    Thresholds stand on the scores that come out, so other curves are another version; without
    curves it is `version` itself.
    """
    if not curves:
        return version
    content = json.dumps([version, write_curves(curves)], sort_keys=True)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def fit(flags: Flags, scores: Numbers, weight: Numbers | None = None) -> Curve:
    """Fit a curve to texts with (`flags`) and without a label, counted by `weight`.

    A line through the log odds first (Platt's, drawn to the identity). From FEW texts on either
    side on, isotonic regression bends it: the texts, by score, in groups that tell equally much;
    each group's share, drawn to the line; neighbours out of order pooled; a knot at each group's
    centre. Raises ValueError for scores out of 0..1.
    """
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("Scores to calibrate must lie between 0 and 1.")
    weight = np.ones(len(scores)) if weight is None else weight / max(weight.mean(), 1e-12)
    line = _line(flags, scores, weight)
    few = min(int(flags.sum()), int((~flags).sum())) < FEW
    knots = _sampled(line) if few else _bent(line, flags, scores, weight)
    return _strict(*knots)


def out_of_fold(
    flags: Flags,
    scores: Numbers,
    fitted: Callable[[Flags, Numbers, Numbers | None], Curve] = fit,
    *,
    weight: Numbers | None = None,
) -> Numbers:
    """Return each text's probability by a curve that was fitted without it, by `fitted`.

    So what is measured on them is honest, though all the texts are used. Both sides are dealt
    evenly over five folds.
    """
    draw = np.random.default_rng(0)
    fold = np.empty(len(flags), dtype=np.intp)
    for side in (flags, ~flags):
        fold[side] = draw.permutation(int(side.sum())) % _FOLDS
    found = np.empty(len(flags))
    for number in range(_FOLDS):
        out = fold == number
        rest = None if weight is None else weight[~out]
        found[out] = fitted(flags[~out], scores[~out], rest)(scores[out])
    return found


def _odds(scores: Numbers) -> Numbers:
    kept = np.clip(scores, _NEVER, 1 - _NEVER)
    return np.log(kept / (1 - kept))


def _from_odds(odds: Numbers) -> Numbers:
    return np.clip(1 / (1 + np.exp(-odds)), _NEVER, 1 - _NEVER)


@dataclass(frozen=True)
class _Line:
    slope: float
    offset: float

    def __call__(self, scores: Numbers) -> Numbers:
        return _from_odds(self.slope * _odds(scores) + self.offset)


def _line(flags: Flags, scores: Numbers, weight: Numbers) -> _Line:
    """Fit slope and offset by Newton's method, with a prior of slope 1 and offset 0."""
    x = np.column_stack([_odds(scores), np.ones(len(scores))])
    # A text counts for the offset as in Platt's method; the slope must not run off to infinity
    # where the scores part the two sides without a fault.
    prior, trust = np.array([1.0, 0.0]), np.diag([1.0, 0.05])
    found = prior.copy()

    def loss(at: Numbers) -> float:
        odds = x @ at
        likelihood = weight @ (np.logaddexp(0, odds) - flags * odds)
        return float(likelihood + (at - prior) @ trust @ (at - prior) / 2)

    for _ in range(100):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -500, 500)))
        slope = x.T @ (weight * (p - flags)) + trust @ (found - prior)
        step = np.linalg.solve((x.T * (weight * p * (1 - p))) @ x + trust, slope)
        while loss(found - step) > loss(found) and np.abs(step).max() > 1e-9:
            step = step / 2
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return _Line(max(float(found[0]), 0.05), float(found[1]))


def _sampled(line: _Line) -> tuple[Numbers, Numbers]:
    """Take the line at scores that lie as densely near 0 and 1 as it bends there."""
    reach = float(_odds(np.array([1 - _NEVER]))[0])
    scores = 1 / (1 + np.exp(-np.linspace(-reach, reach, KNOTS)))
    scores[0], scores[-1] = 0.0, 1.0
    return scores, line(scores)


def _bent(line: _Line, flags: Flags, scores: Numbers, weight: Numbers) -> tuple[Numbers, Numbers]:
    order = np.argsort(scores, kind="stable")
    scores, flags, weight = scores[order], flags[order], weight[order]
    expected = line(scores)
    # What a text tells about the log odds around it: most where the model is undecided.
    telling = weight * expected * (1 - expected)
    groups = min(KNOTS - 2, min(int(flags.sum()), int((~flags).sum())) // 5)
    place = np.cumsum(telling) - telling / 2
    group = np.minimum((place / telling.sum() * groups).astype(int), groups - 1)
    # Equal scores stay together.
    group = group[np.searchsorted(scores, scores)]
    _, group = np.unique(group, return_inverse=True)

    def total(values: Numbers) -> Numbers:
        return np.bincount(group, values).astype(np.float64)

    mass, told = total(weight), total(telling)
    centre, ideal = total(weight * scores) / mass, total(weight * expected) / mass
    share = total(weight * flags) / mass
    share = ideal + (share - ideal) * told / (told + _PRIOR)
    centre, share = _pooled(centre, share, mass)
    # Beyond the outer groups as beside them, but at most half of the way to certainty.
    rise = np.diff(share) / np.diff(centre) if len(share) > 1 else np.zeros(1)
    first = max(share[0] - rise[0] * centre[0], share[0] / 2)
    last = min(share[-1] + rise[-1] * (1 - centre[-1]), (1 + share[-1]) / 2)
    return np.array([0.0, *centre, 1.0]), np.array([first, *share, last])


def _pooled(centre: Numbers, share: Numbers, mass: Numbers) -> tuple[Numbers, Numbers]:
    """Pool adjacent groups until shares go up: isotonic regression, each pool at its centre."""
    pools: list[tuple[float, float, float]] = []
    for pool in zip(centre.tolist(), share.tolist(), mass.tolist(), strict=True):
        x, y, w = pool
        while pools and pools[-1][1] >= y:
            before_x, before_y, before_w = pools.pop()
            both = before_w + w
            x, y = (before_x * before_w + x * w) / both, (before_y * before_w + y * w) / both
            w = both
        pools.append((x, y, w))
    found = np.array(pools)
    return found[:, 0], found[:, 1]


def _strict(scores: Numbers, probabilities: Numbers) -> Curve:
    """Make a curve of knots that do not go down: rounded, distinct and never flat."""
    lifted = (1 - _FLATTEST) * np.clip(probabilities, _NEVER, 1 - _NEVER) + _FLATTEST * scores
    knots: list[tuple[float, float]] = []
    for score, p in zip(scores.tolist(), lifted.tolist(), strict=True):
        knot = float(f"{score:.6g}"), min(float(f"{p:.6g}"), 1 - _NEVER)
        if knots and not (knot[0] > knots[-1][0] and knot[1] > knots[-1][1]):
            if score < 1:
                continue
            # The last knot stands; those before it give way.
            while knots[-1][0] > 0 and not (knot[0] > knots[-1][0] and knot[1] > knots[-1][1]):
                knots.pop()
        knots.append(knot)
    return Curve(tuple(knots))
