"""The functional suite: does a classifier understand what is said, beyond the words used for it?

Each function is one way of being toxic or of only seeming so, and most have a counterpart on the
other side: an insult and an insult denied, a threat and the news of one, a slur and a slur quoted
to object. The same groups, names, places and plans stand in toxic and in harmless sentences alike.
"""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from moderation.suites import sections

# How often each template is filled in.
_TIMES = 3

_GROUPS = (  # many, one, one without its article, being
    ("Muslims", "a Muslim", "Muslim", "Muslim"),
    ("gay people", "a gay man", "gay person", "gay"),
    ("immigrants", "an immigrant", "immigrant", "an immigrant"),
    ("Jews", "a Jew", "Jew", "Jewish"),
    ("black people", "a black man", "black person", "black"),
    ("disabled people", "a disabled person", "disabled person", "disabled"),
    ("Mexicans", "a Mexican", "Mexican", "Mexican"),
    ("transgender people", "a transgender person", "transgender person", "transgender"),
    ("Poles", "a Pole", "Pole", "Polish"),
    ("women", "a woman", "woman", "a woman"),
    ("refugees", "a refugee", "refugee", "a refugee"),
    ("Christians", "a Christian", "Christian", "Christian"),
    ("Roma", "a Roma woman", "Roma person", "Roma"),
    ("lesbians", "a lesbian", "lesbian", "a lesbian"),
    ("Chinese people", "a Chinese person", "Chinese person", "Chinese"),
    ("Arabs", "an Arab", "Arab", "an Arab"),
    ("pensioners", "a pensioner", "pensioner", "a pensioner"),
)
_INSULTS = ("idiot", "moron", "fool", "halfwit", "coward", "loser", "imbecile", "liar", "clown")

_SLURS = ("retard", "faggot", "nigger", "kike", "tranny", "paki")
_NAMES = (
    *("Daniel", "Priya", "Mrs Novak", "Tom", "Yusuf", "Grace", "Mr Brandt", "Olga", "Liam", "Mei"),
)
_OFFICES = (
    *("the mayor", "the minister", "the chancellor", "the president", "the governor"),
    *("the prime minister", "the senator", "the commissioner"),
)
_PLANS = (
    *("the tax reform", "the stadium plan", "the new bus timetable", "the school merger"),
    *("the parking fee", "the pension bill", "the bypass", "the library closure"),
    *("the ban on fireworks", "the water tariff", "the speed limit"),
)
_PLACES = ("Leeds", "our town", "Denver", "Malmö", "Galway", "this county", "Perth")
_COUNTRIES = ("Iran", "Russia", "China", "Saudi Arabia", "Belarus")

# What each slot is filled with. Forms of one group stand at the same place in their pools.
_POOLS: dict[str, tuple[str, ...]] = {
    **dict(zip(("many", "one", "one_bare", "being"), zip(*_GROUPS, strict=True), strict=True)),
    "insult": tuple(f"an {word}" if word[0] in "aeiou" else f"a {word}" for word in _INSULTS),
    "insult_bare": _INSULTS,
    "slur": _SLURS,
    "name": _NAMES,
    "office": _OFFICES,
    "plan": _PLANS,
    "place": _PLACES,
    "country": _COUNTRIES,
}
_SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Case:
    """One sentence: which function it belongs to, whether it is toxic, the label it is about."""

    text: str
    function: str
    toxic: bool
    label: str


@cache
def cases() -> tuple[Case, ...]:
    """Return all cases, always the same and in the same order; no text comes twice."""
    made: dict[str, Case] = {}
    used: Counter[str] = Counter()
    for head, templates in sections.read("functional.txt"):
        function, kind, label = head.split(" | ")
        for template in templates:
            for _ in range(_TIMES):
                text = _fill(template, used)
                made.setdefault(text, Case(text, function, kind == "toxic", label))
    return tuple(made.values())


def _fill(template: str, used: Counter[str]) -> str:
    """Fill each slot with the next of its pool, so that all fillers are used about as often."""
    slots = {slot.lower() for slot in _SLOT.findall(template)}
    filled = {}
    for slot in slots:
        pool = _POOLS[slot]
        filled[slot] = pool[used[slot] % len(pool)]
        used[slot] += 1
    return _SLOT.sub(
        lambda slot: _capital(filled[slot[1].lower()]) if slot[1][0].isupper() else filled[slot[1]],
        template,
    )


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
