"""Whether what is said makes a score, or only of whom: the same text, said of another group.

A model that learned from comments has met some names of groups mostly in anger, and holds the name
against whoever bears it. So a text that names a group is scored a second time with another name in
its place. Where that is harmless, the name has made the score, and it falls to the other's; where
it is not, the score stays.
"""

import math
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# In whose place: a group that is seldom attacked, and was among those that the encoder saw praised
# and insulted alike. One token, so that a text grows no longer.
_OTHER, _OTHERS = "Canadian", "Canadians"

Logits = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Gate:
    """How far a score follows that of the same text about others.

    From a highest logit of theirs at `midpoint` on, the own score counts more than half, below it
    less, the sooner the larger `steepness` is. No logit falls below `floor`, and a text below it is
    not looked at again.
    """

    midpoint: float
    steepness: float
    floor: float

    def __call__(self, own: Logits, other: Logits) -> Logits:
        """Return the logits of a text, given those of the same text about others."""
        open_ = 1 / (1 + math.exp(-self.steepness * (float(other.max()) - self.midpoint)))
        between = np.maximum(other + (own - other) * open_, self.floor)
        return np.minimum(own, between)


def of_others(text: str) -> str | None:
    """Return `text` with one and the same name for every group in it; None where it names none.

    What is said to somebody's face ("you jew") and "gay" as a mere insult stay as they are.
    """
    names = _names()
    said, last = [], 0
    words = list(_WORD.finditer(text))
    for place, word in enumerate(words):
        if word.start() < last or word.group().lower() not in names.first:
            continue
        for end in (behind.end() for behind in reversed(words[place : place + names.longest])):
            name = text[word.start() : end].lower()
            if name in names.all:
                break
        else:
            continue
        start, many = word.start(), name in names.many
        before = text[max(0, start - 40) : start]
        if not many and _TO_YOUR_FACE.search(before):
            continue
        if name == "gay" and not (_SOMEBODY.match(text, end) or _ONESELF.search(before)):
            continue
        said.append(_AN.sub(r"\1\2", text[last:start]) + (_OTHERS if many else _OTHER))
        last = end
    whole = _WITH.sub(rf"{_OTHER} \1", "".join([*said, text[last:]]))
    whole = _TWICE.sub(r"\1", whole)
    return whole if whole != text else None


@dataclass(frozen=True)
class _Names:
    many: frozenset[str]
    all: frozenset[str]
    first: frozenset[str]  # the words that they begin with
    longest: int  # words


@cache
def _names() -> _Names:
    text = (Path(__file__).parent / "names.txt").read_text(encoding="ascii")
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
_TWICE = re.compile(rf"\b{_OTHER} ({_OTHERS}?)\b")
# Names behind what they are said of.
_WITH = re.compile(
    r"\b(people|persons?|m[ae]n|wom[ae]n|boys?|girls?|child|children|kids?) "
    r"(?:of colou?r|in (?:a )?wheelchairs?|with (?:a |an )?(?:disability|disabilities|autism|adhd"
    r"|down(?:'s)? syndrome|depression|hiv|aids|dementia|epilepsy|schizophrenia|stutter"
    r"|bipolar disorder|cerebral palsy|tourette(?:'s)?|mental illness(?:es)?))\b",
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
    r"\b(?:i am|i'm|i was|being|as|as a|for|openly|came out as|whether i was)\s+$", re.IGNORECASE
)
