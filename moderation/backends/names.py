"""Whether what is said makes a score, or only of whom: the same text, said of other groups.

A model that learned from comments has met some names of groups mostly in anger, and holds the name
against whoever bears it. So a text that names a group is scored again with another name in its
place, the same for every group. Whether it is held then depends on what is left of it; the name
decides only where that comes near to being held by itself.
"""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# In whose place: groups that are seldom attacked, and were among those that the encoder saw praised
# and insulted alike. One token each, so that a text grows no longer.
_OTHER = "Canadian"
_ANOTHER = "Australian"

Logits = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Gate:
    """How far a score follows those of the same text about others.

    `limits` has a logit a label, in the order of the model's: just below where the policy that the
    model is made for holds a text. A text that is more than `slack` short of that for any of the
    others is none to hold, however high its own score. `midpoint` is a distance from the limits,
    that of the label which comes nearest: from there on the own score counts more than half, below
    it less, the sooner the larger `steepness` is. No logit falls below `floor`, and a text below it
    is not looked at again.
    """

    midpoint: float
    steepness: float
    floor: float
    limits: tuple[float, ...]
    slack: float = 0.0

    def __call__(self, own: Logits, others: Iterable[Logits]) -> Logits:
        """Return the logits of a text, given those of the same text about others.

        Without others they are its own. None is asked for where the text is below `floor`, and no
        more once one of them is too far from being held.
        """
        if own.max() <= self.floor:
            return own
        limits = np.array(self.limits, dtype=own.dtype)
        other, above = own, math.inf
        for logits in others:
            over = float((logits - limits).max())
            if over < above:
                other, above = logits, over
            if above < -self.slack:
                break
        else:
            # Held of all the others, it is held of those, too, whom the model likes better.
            return np.maximum(own, other)
        open_ = 1 / (1 + math.exp(-self.steepness * (above - self.midpoint)))
        between = np.maximum(other + (own - other) * open_, self.floor)
        return np.minimum(np.minimum(own, between), np.maximum(limits, other))


def of_others(text: str) -> tuple[str, ...]:
    """Return `text` with one and the same name for every group in it, once a name.

    Whoever is named, what is left is the same: "a black woman" and "people with epilepsy" become
    "a Canadian" and "Canadians". Empty where no group is named. What is said to somebody's face
    ("you jew") and "gay" as a mere insult stay as they are.
    """
    names = _names()
    given = _WITH.sub(_one_or_many, text)
    said, last = [], 0
    words = list(_WORD.finditer(given))
    for place, word in enumerate(words):
        if word.start() < last or word.group().lower() not in names.first:
            continue
        for end in (behind.end() for behind in reversed(words[place : place + names.longest])):
            name = given[word.start() : end].lower()
            if name in names.all:
                break
        else:
            continue
        start, many = word.start(), name in names.many
        before = given[max(0, start - 40) : start]
        if not many and _TO_YOUR_FACE.search(before):
            continue
        if name in _MERELY and not (
            _ONESELF.search(before) or (name == "gay" and _SOMEBODY.match(given, end))
        ):
            continue
        said.append(_AN.sub(r"\1\2", given[last:start]) + _OTHER + ("s" if many else ""))
        last = end
    if not said:
        return ()
    whole = _TWICE.sub(r"\1", "".join([*said, given[last:]]))
    whole = _BEHIND.sub(_one_or_many, whole)
    return whole, _A.sub(rf"\1n {_ANOTHER}", whole).replace(_OTHER, _ANOTHER)


def _one_or_many(found: re.Match[str]) -> str:
    """The name of others for "people with epilepsy", or for the noun behind a name."""
    noun = found[1].lower()
    if noun in _CHILDREN:
        return f"{_OTHER} {found[1]}"
    return _OTHER + ("s" if noun in _SEVERAL else "")


@dataclass(frozen=True)
class _Names:
    many: frozenset[str]
    all: frozenset[str]
    first: frozenset[str]  # the words that they begin with
    longest: int  # words


@cache
def _names() -> _Names:
    text = (Path(__file__).parent / "names.txt").read_text(encoding="utf-8")
    many, one = (
        frozenset(line for line in section.splitlines()[1:] if line)
        for section in text.split("\n# ")[1:]
    )
    names = many | one
    return _Names(
        many,
        names,
        frozenset(name.split()[0] for name in names),
        max(len(name.split()) for name in names),
    )


_WORD = re.compile(r"[^\W_]+(?:['-][^\W_]+)*")
# "an Arab", but "a Canadian".
_AN = re.compile(r"(?i)\b(a)n( )$")
_A = re.compile(rf"(?i)\b(a) {_OTHER}")
_TWICE = re.compile(rf"\b{_OTHER} ({_OTHER}s?)\b")
_CHILDREN = frozenset(("boy", "boys", "girl", "girls", "child", "children", "kid", "kids"))
_SEVERAL = frozenset(
    ("people", "persons", "men", "women", "folk", "folks", "adults", "individuals")
)
_ADULTS = "people|persons?|m[ae]n|wom[ae]n|folks?|adults?|individuals?"
# Nouns that say no more than the name of others does.
_BEHIND = re.compile(rf"\b{_OTHER} ({_ADULTS})\b", re.IGNORECASE)
# Names behind what they are said of.
_WITH = re.compile(
    rf"\b({_ADULTS}|{'|'.join(_CHILDREN)}) "
    r"(?:of colou?r|in (?:a )?wheelchairs?|(?:living |born )?with (?:an? )?"
    r"(?:(?:intellectual |learning |physical |developmental |mental |visual |hearing )?"
    r"(?:disability|disabilities|difficulties|impairments?|illness(?:es)?)|mental health \w+"
    r"|autism|asperger(?:'s)?(?: syndrome)?|adhd|add|ocd|ptsd|down(?:'s)? syndrome|dwarfism"
    r"|dyslexia|depression|anxiety|hiv|aids|dementia|alzheimer'?s|parkinson'?s|epilepsy"
    r"|schizophrenia|stutter|bipolar disorder|borderline personality disorder|multiple sclerosis"
    r"|cystic fibrosis|spina bifida|cerebral palsy|tourette(?:'?s)?(?: syndrome)?|albinism|vitiligo"
    r"|obesity|diabetes|cancer|eating disorders?|hearing loss|special needs|chronic \w+))\b",
    re.IGNORECASE,
)
_TO_YOUR_FACE = re.compile(r"\b(?:you|u|ur|your|you're|youre)(?:\s+\w+){0,2}\s+$", re.IGNORECASE)
# Who calls a person gay names him; who calls a thing or "this guy" gay mostly means to insult.
_SOMEBODY = re.compile(
    r"\s+(?:people|persons?|m[ae]n|wom[ae]n|couples?|guys?|boys?|girls?|friends?|community"
    r"|communities|rights|marriages?|sons?|daughters?|fathers?|mothers?|dads?|mums?|moms?|parents?"
    r"|uncle|aunt|brothers?|sisters?|teenagers?|teens?|students?|teachers?|kids?|child|children"
    r"|pride|bars?|clubs?|culture|history|activists?|politicians?|actors?|actress|writers?"
    r"|artists?|authors?|rabbi|priests?|youth|population|voters?|athletes?|characters?"
    r"|relationships?|identity|minister|mayor|journalists?|colleagues?|neighbou?rs?|employees?"
    r"|soldiers?|workers?|citizens?|members?|famil(?:y|ies)|doctor|nurse|judge|christians?"
    r"|muslims?|jews?|lesbians?|black|white|asian|latino|or|and)\b",
    re.IGNORECASE,
)
_ONESELF = re.compile(
    r"\b(?:i am|i'm|i was|being|to be|as|as a|for|openly|came out as|whether i was"
    r"|(?:my|our|his|her|the) (?:\w+ ){1,3}(?:is|are|was|were)"
    r"|(?:is|are|was|were) (?:my|our|his|her|the) \w+)\s+$",
    re.IGNORECASE,
)
# What people are called by these words only where it says so of somebody: "being old".
_MERELY = frozenset(("gay", "straight", "old", "young", "fat", "poor"))
