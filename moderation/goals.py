"""From what an admin wants to the thresholds that do it, and what stands against it."""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from moderation import estimates, labels
from moderation.estimates import Estimate, Sample
from moderation.history import HELD, PUBLISHED, REJECTED, STATUSES, Codes, History, judge_all
from moderation.policy import Policy, Threshold
from moderation.simulation import FINE, bin_of

# Each point of the front catches at least one in so many of all that should be caught.
_POINTS = 60
_Z = 1.96


@dataclass(frozen=True)
class Goal:
    """What an admin wants; None where nothing is asked.

    `missed`: at most this share of published comments is one that people would have removed.
    `agree`: a comment is rejected alone only where at least this share would be removed by people.
    `hours`: at most so many hours of moderators a day.
    """

    missed: float | None = None
    agree: float | None = None
    hours: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What a policy would do to the comments of a day, with what that means.

    Numbers a day, but `precision`, `recall` and `miss_share`, which are shares; `hours` of
    moderators' work.
    """

    published: float
    held: float
    rejected: float
    hours: float
    wrong_holds: Estimate
    wrong_rejects: Estimate
    misses: Estimate
    miss_share: Estimate
    hold_precision: Estimate
    reject_precision: Estimate
    recall: Estimate


def outcome(
    history: History, sample: Sample, policy: Policy, *, seconds_each: float, days: float
) -> Outcome:
    """Reckon what `policy` would do to as many texts to come, were they like these.

    `history` and `sample` have a row a text each.
    """
    return of_judged(judge_all(history, policy), sample, seconds_each=seconds_each, days=days)


def of_judged(judged: Codes, sample: Sample, *, seconds_each: float, days: float) -> Outcome:
    """Reckon the same from what a policy made of each text."""
    cells = sample.by_group(judged, len(STATUSES))
    bad = [estimates.number(each, ahead=True) for each in cells]
    many = np.bincount(judged, minlength=len(STATUSES)).tolist()
    return Outcome(
        published=many[PUBLISHED] / days,
        held=many[HELD] / days,
        rejected=many[REJECTED] / days,
        hours=many[HELD] / days * seconds_each / 3600,
        wrong_holds=_others(many[HELD], bad[HELD]).by(days),
        wrong_rejects=_others(many[REJECTED], bad[REJECTED]).by(days),
        misses=bad[PUBLISHED].by(days),
        miss_share=bad[PUBLISHED].by(many[PUBLISHED]),
        hold_precision=bad[HELD].by(many[HELD]),
        reject_precision=bad[REJECTED].by(many[REJECTED]),
        recall=estimates.share(sample.cells(judged != PUBLISHED), cells[PUBLISHED], ahead=True),
    )


def _others(many: int, bad: Estimate) -> Estimate:
    """Return how many of so many are not bad."""
    return Estimate(many - bad.value, many - bad.high, many - bad.low, bad.missing)


@dataclass(frozen=True)
class Point:
    """One point of the front: a policy, and its work against its misses."""

    policy: Policy
    outcome: Outcome


@dataclass(frozen=True)
class Proposal:
    """What was found for a goal. Without a `policy` nothing does it; `why_not` says so in words.

    `measured` was reckoned on texts that the thresholds were not chosen on.
    """

    policy: Policy | None
    measured: Outcome | None
    why_not: Sequence[str] = ()
    front: Sequence[Point] = field(default=())


def propose(
    history: History,
    sample: Sample,
    goal: Goal,
    base: Policy,
    *,
    seconds_each: float,
    days: float,
    only: Collection[str] = labels.NAMES,
) -> Proposal:
    """Find the thresholds that do what `goal` asks with the least work, all labels together.

    Where it sets no limit to misses, those with the fewest within the hours; and where it asks for
    agreement alone, what is held stays as it is.
    Signals, trust and mode stay those of `base`, and so do the thresholds on a label that no text
    was scored for, or that is none of `only`. They are chosen on one half of the texts and measured
    on the other, so that what is promised is not the luck of the choice.
    """
    chosen_on = _half(history)
    if chosen_on.all() or not chosen_on.any():
        return Proposal(None, None, ["Too few comments were scored in this time."])
    other = ~chosen_on
    scored = [n for c, n in enumerate(labels.NAMES) if np.isfinite(history.scores[:, c]).any()]
    free = [name for name in scored if name in only]
    rejects = _agreeing(history, sample, goal.agree, free, chosen_on, other)
    policies = [
        _with_rejects(p, free, rejects) for p in _front(history, sample, base, free, chosen_on)
    ]
    rest, its = history.where(other), sample.where(other)
    half = days * float(other.mean())
    points = [
        Point(policy, outcome(rest, its, policy, seconds_each=seconds_each, days=half))
        for policy in policies
    ]
    if goal.missed is None and goal.hours is None:
        kept = _with_rejects(base, free, rejects)
        measured = outcome(rest, its, kept, seconds_each=seconds_each, days=half)
        if rejects:
            return Proposal(kept, measured, front=points)
        why_not = ["From no threshold on is so much agreement known: nothing would be rejected."]
        return Proposal(None, None, why_not, front=points)
    fitting = [p for p in points if not _against(p.outcome, goal)]
    if fitting:
        # Along the front, work and misses go against each other.
        most = goal.missed is None
        best = (max if most else min)(fitting, key=lambda p: p.outcome.hours)
        return Proposal(best.policy, best.outcome, front=points)
    return Proposal(None, None, _why_not(points, goal, rest, its), front=points)


def _against(found: Outcome, goal: Goal) -> list[str]:
    """Name what of a goal an outcome misses: by the far end of its interval, not by its middle."""
    against = []
    if goal.missed is not None and not found.miss_share.high <= goal.missed:
        against.append("missed")
    if goal.hours is not None and found.hours > goal.hours:
        against.append("hours")
    if goal.agree is not None and found.rejected and not found.reject_precision.low >= goal.agree:
        against.append("agree")
    return against


def _why_not(points: Sequence[Point], goal: Goal, history: History, sample: Sample) -> list[str]:
    said = []
    short = max(p.outcome.misses.missing for p in points)
    if goal.missed is not None:
        able = [p for p in points if p.outcome.miss_share.high <= goal.missed]
        if able and goal.hours is not None:
            least = min(p.outcome.hours for p in able)
            said.append(
                "The two goals exclude each other: so few misses take at least"
                f" {least:.1f} hours of moderators a day."
            )
        elif not able:
            best = min(points, key=lambda p: (not p.outcome.miss_share.known, _high(p)))
            published = judge_all(history, best.policy) == PUBLISHED
            looked = int((published & sample.looked).sum())
            more = short or _more_looks(best.outcome.miss_share, goal.missed, looked)
            said.append(
                "So few misses cannot be shown with what people have looked at:"
                f" at least {more} more audited comments."
                if more
                else "So few misses are not attainable with these scores."
            )
    if goal.hours is not None and all(p.outcome.hours > goal.hours for p in points):
        least = min(p.outcome.hours for p in points)
        said.append(f"What signals hold alone takes {least:.1f} hours of moderators a day.")
    return said or ["No thresholds do all of this together."]


def _high(point: Point) -> float:
    found = point.outcome.miss_share
    return found.high if found.known else 1.0


def _more_looks(found: Estimate, share: float, looked: int) -> int:
    """How many more looks at published texts could show so small a share, were all as before.

    0 where the estimate itself lies above: then more looks would not help. The score interval's
    end comes down to `share` at z² share (1 - share) / (share - estimate)² looks.
    """
    if not found.known or found.value >= share:
        return 0
    needed = _Z**2 * share * (1 - share) / (share - found.value) ** 2
    return max(1, math.ceil(max(needed, estimates.enough_for(share)) - looked))


def _half(history: History) -> NDArray[np.bool_]:
    """One half of the texts, the same at each call, and all of a case on one side."""
    mixed = history.case_id.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(63)).astype(np.bool_)


def _weights(sample: Sample, which: NDArray[np.bool_]) -> NDArray[np.float64]:
    """How many texts that should not be read each text stands for, within `which`."""
    size = int(sample.stratum.max(initial=-1)) + 1
    weight = sample.weight
    texts = np.bincount(sample.stratum[which], minlength=size)
    looked = np.bincount(sample.stratum[which], weight[which], minlength=size)
    each = np.divide(texts, looked, out=np.zeros(size), where=looked > 0)
    return np.where(which & sample.remove, weight * each[sample.stratum], 0.0)


def _front(
    history: History,
    sample: Sample,
    base: Policy,
    free: Collection[str],
    which: NDArray[np.bool_],
) -> list[Policy]:
    """Go from no hold threshold to ever stricter ones, each step the one that catches most a hold.

    A step may be of any label and go down as far as its finds stay as frequent. What others hold
    already costs nothing more, so labels are weighed together and not one by one.
    """
    # A threshold on a label that was never scored holds everything, whatever is chosen here.
    base = replace(base, thresholds={**base.thresholds, **dict.fromkeys(free, Threshold())})
    open_ = which & (judge_all(history, base) == PUBLISHED)
    bad = _weights(sample, which)
    enough = bad.sum() / _POINTS
    bins = {name: bin_of(history.scores[:, labels.NAMES.index(name)]) for name in free}
    lowest = dict.fromkeys(free, FINE + 1)
    found = [base]
    while len(found) < _POINTS * len(labels.NAMES):
        best = (0.0, "", 0)
        for name, binned in bins.items():
            some = np.flatnonzero(open_ & (binned <= FINE))
            texts = np.bincount(binned[some], minlength=FINE + 1)[::-1].cumsum()[::-1]
            finds = np.bincount(binned[some], bad[some], minlength=FINE + 1)[::-1].cumsum()[::-1]
            # A step takes in enough to mean something.
            ratio = np.where(finds >= enough, finds / np.maximum(texts, 1), 0.0)
            place = int(ratio[: lowest[name]].argmax()) if lowest[name] else 0
            best = max(best, (float(ratio[place]), name, place))
        most, name, place = best
        if not most:
            break
        lowest[name] = place
        open_ &= (bins[name] < place) | (bins[name] > FINE)
        limits = {**found[-1].thresholds, name: Threshold(hold=place / FINE)}
        found.append(replace(base, thresholds=limits))
    return found


def _agreeing(
    history: History,
    sample: Sample,
    agree: float | None,
    free: Collection[str],
    which: NDArray[np.bool_],
    other: NDArray[np.bool_],
) -> dict[str, float]:
    """From which score of each label at least `agree` of the texts would be removed.

    By the lower end of the interval, among the texts of `which` and again among the `other`; a
    label that does not stand both is left out: it rejects nothing.
    """
    found: dict[str, float] = {}
    if agree is None:
        return found
    for name in free:
        score = history.scores[:, labels.NAMES.index(name)]
        there = which & np.isfinite(score)
        if not there.any():
            continue
        places = np.quantile(score[there], 1 - np.geomspace(2e-4, 0.2, 40))
        for place in np.unique(np.ceil(places * FINE) / FINE).clip(max=1.0):
            above = np.isfinite(score) & (score >= place)
            if _agrees(sample, above & which, agree):
                if _agrees(sample, above & other, agree):
                    found[name] = float(place)
                break
    return found


def _agrees(sample: Sample, which: NDArray[np.bool_], agree: float) -> bool:
    many = int(which.sum())
    part = estimates.number(sample.cells(which), ahead=True).by(many)
    return many > 0 and part.known and part.low >= agree


def _with_rejects(policy: Policy, free: Collection[str], rejects: Mapping[str, float]) -> Policy:
    thresholds = dict(policy.thresholds)
    for name in free:
        hold, reject = thresholds[name].hold, rejects.get(name)
        if reject is not None and hold is not None:
            reject = max(reject, hold)
        thresholds[name] = Threshold(hold, reject)
    return replace(policy, thresholds=thresholds)
