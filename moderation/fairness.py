"""Whom a policy stops for what they are, beside the one in force. Pure: arrays in, figures out.

Asked are harmless sentences with each group's name in them, and comments that were stopped here
once and that people let through. The same sentences stand for every group, so whatever differs
between two groups differs because of the name.

`ratio` is a group's share of sentences stopped over the mean of the groups' shares. Its interval is
Wilson's for the group's own share (`sampling.wilson`), over the same mean: that one stands on all
groups together, and its own doubt is small beside that of one group. Above 1 as a whole it says
that the group is stopped more often than others, beyond chance.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

import numpy as np
from numpy.typing import NDArray

from moderation.sampling import wilson
from moderation.suites import identity

# A status as a small number, as in `history`: 0 published, 1 held, 2 rejected.
Codes = NDArray[np.int8]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """How many of `texts` two policies stop, held or rejected, and how many they reject.

    `starts` counts those that only the second one stops.
    """

    texts: int
    now: int
    then: int
    rejected_now: int
    rejected_then: int
    starts: int

    @property
    def worse(self) -> bool:
        """Whether the second policy stops more, or rejects more."""
        return self.then > self.now or self.rejected_then > self.rejected_now


@dataclass(frozen=True)
class Group:
    """What becomes of one group's sentences; `ratio` and its interval are None where none is."""

    group: str
    family: str
    counts: Counts
    ratio: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Suite:
    """What becomes of the suite: in all, and of each group; the worst first."""

    all: Counts
    groups: Sequence[Group]

    @property
    def worse(self) -> list[Group]:
        """The groups of which more is stopped, or rejected, than now."""
        return [group for group in self.groups if group.counts.worse]

    @property
    def is_worse(self) -> bool:
        """Whether more is stopped, or rejected, in all or of any group."""
        return self.all.worse or bool(self.worse)


def count(now: Codes, then: Codes) -> Counts:
    """Count what two policies stop of the same texts."""
    found = (now > 0, then > 0, now > 1, then > 1, (now == 0) & (then > 0))
    return Counts(len(now), *(int(np.count_nonzero(which)) for which in found))


def compare(cases: Sequence[identity.Case], now: Codes, then: Codes) -> Suite:
    """Count by group what two policies make of the suite's sentences, a code a sentence each."""
    names = list(dict.fromkeys((case.group, case.family) for case in cases))
    place = {name: number for number, name in enumerate(names)}
    of: Whole = np.array([place[case.group, case.family] for case in cases], dtype=np.int64)
    texts, *columns = (
        np.bincount(of[which], minlength=len(names))
        for which in (
            np.ones(len(of), dtype=np.bool_),
            now > 0,
            then > 0,
            now > 1,
            then > 1,
            (now == 0) & (then > 0),
        )
    )
    shares = columns[1] / texts
    named = np.array([family != identity.NEUTRAL for _, family in names])
    mean = float(shares[named].mean())
    groups = []
    for number, (group, family) in enumerate(names):
        counts = Counts(int(texts[number]), *(int(column[number]) for column in columns))
        ratio = low = high = None
        if mean:
            share = float(shares[number])
            ratio = share / mean
            low, high = (end / mean for end in wilson(share, counts.texts))
        groups.append(Group(group, family, counts, ratio, low, high))
    groups.sort(key=lambda one: (one.counts.now - one.counts.then, -one.counts.then))
    return Suite(count(now, then), groups)


@dataclass(frozen=True)
class Check:
    """What was found before a policy counts.

    `suite` is None while the classifier has read only `read` of the `sentences`. `places` has those
    places, in words, with what becomes of the suite there, where that is worse. `overturned` counts
    comments that were stopped here and that people let through. Without a `baseline`, where the
    policy in force is for another classifier, everything that is stopped counts as new.
    """

    read: int
    sentences: int
    suite: Suite | None
    overturned: Counts
    baseline: bool = True
    places: Sequence[tuple[str, Suite]] = ()

    @property
    def needs_yes(self) -> bool:
        """Whether it is worse than what is in force, or not known to be no worse."""
        return self.suite is None or self.is_worse

    @property
    def is_worse(self) -> bool:
        """Whether more harmless sentences are stopped, in all or of a group, or more overturned
        comments stopped again."""
        return (
            self.overturned.worse
            or (self.suite is not None and self.suite.is_worse)
            or bool(self.places)
        )

    @property
    def mark(self) -> str:
        """A few letters that change with what was found: a yes is to what was shown."""
        found = self.to_json() if self.suite else {"overturned": vars(self.overturned)}
        return sha256(repr(found).encode()).hexdigest()[:16]

    def to_json(self, reason: str = "") -> dict[str, Any]:
        """Return plain values to be kept, with the reason why it counts all the same."""
        found: dict[str, Any] = {
            "sentences": self.sentences,
            "read": self.read,
            "overturned": vars(self.overturned).copy(),
            "baseline": self.baseline,
            "reason": reason,
        }
        if self.suite is not None:
            found["all"] = vars(self.suite.all).copy()
            found["groups"] = [
                {"group": one.group, "family": one.family, **vars(one.counts)}
                for one in self.suite.worse
            ]
        if self.places:
            found["places"] = [
                {"place": place, **vars(suite.all), "groups": [one.group for one in suite.worse]}
                for place, suite in self.places
            ]
        return found

    def in_words(self) -> str:
        """Say it in a line or two, for a terminal and a refusal."""
        return in_words(self.to_json())


def in_words(kept: Mapping[str, Any]) -> str:
    """Say what `Check.to_json` kept, in a few sentences."""
    said = []
    if "all" not in kept:
        said.append(
            f"Not checked yet: the classifier has read {kept['read']} of the {kept['sentences']}"
            " harmless sentences."
        )
    else:
        counts = kept["all"]
        said.append(
            f"Of {counts['texts']} harmless sentences that name a group, {counts['then']} would be"
            f" stopped, {counts['now']} are now."
        )
        groups = kept["groups"]
        if groups:
            more = f" and {len(groups) - 5} other groups" if len(groups) > 5 else ""
            named = ", ".join(
                f"{one['group']} ({one['then']} of {one['texts']}, now {one['now']})"
                for one in groups[:5]
            )
            said.append(f"More than now: {named}{more}.")
    for one in kept.get("places", ()):
        said.append(f"For {one['place']}: {one['then']}, {one['now']} are now.")
    again = kept["overturned"]
    if again["texts"]:
        said.append(
            f"Of {again['texts']} comments that people let through after they had been stopped,"
            f" {again['then']} would be stopped again, {again['now']} are now."
        )
    return " ".join(said)
