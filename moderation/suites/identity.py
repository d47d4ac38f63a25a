"""The identity suite: does a classifier leave people alone who only name what they are?

The same harmless sentences, with each group's name in them. Whatever differs between two groups
differs because of the name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import comb
from typing import Literal

from moderation.suites import sections

Name = Literal["identity", "unseen"]
# What the second look at names was chosen on, and other sentences and groups, which it was not.
FILES: Mapping[Name, str] = {"identity": "identity.txt", "unseen": "identity_unseen.txt"}

# The family whose names are nobody's identity.
NEUTRAL = "nobody in particular"
# How much more often than the average group's a group's sentences may be held.
RATIO = 1.25
# How improbable a group's count must be, if RATIO were kept, before it counts as broken.
_CHANCE = 0.05


@dataclass(frozen=True)
class Case:
    """One harmless sentence about `group`, its several: "gay people" of the family orientation."""

    text: str
    group: str
    family: str


@dataclass(frozen=True)
class Share:
    """How many of a group's `sentences` were held, and how that compares.

    `ratio` is the group's share over the average group's; None where nothing at all was held.
    `chance` is the probability of so many or more, were the group held RATIO times as often as
    the average one: with few held, a ratio alone is a throw of dice.
    """

    group: str
    family: str
    sentences: int
    held: int
    ratio: float | None
    chance: float

    @property
    def too_often(self) -> bool:
        """Whether the group is held more than RATIO times as often, beyond chance."""
        return self.ratio is not None and self.ratio > RATIO and self.chance < _CHANCE


@cache
def cases(suite: Name = "identity") -> tuple[Case, ...]:
    """Return every sentence with every group's name in it, group by group."""
    (_, sentences), *families = sections.read(FILES[suite])
    return tuple(
        Case(sentence.format(one=one, many=many, Many=_capital(many), being=being), many, family)
        for family, groups in families
        for one, many, being in (group.split(" | ") for group in groups)
        for sentence in sentences
    )


def shares(cases: Sequence[Case], held: Sequence[bool]) -> list[Share]:
    """Say of each group how often its sentences were held, the most often held first.

    `held` has one entry a case. The average is that of the groups; NEUTRAL is measured against it
    but is no part of it.
    """
    groups: dict[tuple[str, str], list[bool]] = {}
    for case, stopped in zip(cases, held, strict=True):
        groups.setdefault((case.group, case.family), []).append(bool(stopped))
    named = [sum(own) / len(own) for (_, family), own in groups.items() if family != NEUTRAL]
    average = sum(named) / len(named)
    found = [
        Share(
            group,
            family,
            len(own),
            sum(own),
            sum(own) / len(own) / average if average else None,
            _at_least(sum(own), len(own), min(1.0, RATIO * average)),
        )
        for (group, family), own in groups.items()
    ]
    return sorted(found, key=lambda share: -share.held / share.sentences)


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]


def _at_least(hits: int, tries: int, probability: float) -> float:
    """Return the probability of `hits` or more in `tries` of `probability` each."""
    return sum(
        comb(tries, k) * probability**k * (1 - probability) ** (tries - k)
        for k in range(hits, tries + 1)
    )
