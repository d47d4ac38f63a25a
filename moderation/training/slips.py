"""Slips of the finger: what is left of a disguise or a hurry once the plain spelling is found."""

import random
from collections.abc import Callable

_BESIDE = dict(
    zip(
        "qwertyuiopasdfghjklzxcvbnm",
        ["wa", "qes", "wrd", "etf", "ryg", "tuh", "yij", "uok", "ipl", "o", "qsz", "awdx", "sefc",
         "drgv", "fthb", "gyjn", "hukm", "jil", "kop", "asx", "zsdc", "xdfv", "cfgb", "vghn",
         "bhjm", "njk"],
        strict=True,
    )
)  # fmt: skip
_VOWELS = "aeiou"


def with_slips(text: str, draw: random.Random) -> str:
    """Misspell a fifth of the longer words of `text`, at least one."""
    words = text.split(" ")
    places = [place for place, word in enumerate(words) if len(word) > 3 and word.isalpha()]
    for place in draw.sample(places, min(len(places), max(1, len(places) // 5))):
        words[place] = draw.choice(_SLIPS)(words[place], draw)
    return " ".join(words)


def _swap(word: str, draw: random.Random) -> str:
    at = draw.randrange(1, len(word) - 1)
    return word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def _drop(word: str, draw: random.Random) -> str:
    at = draw.randrange(1, len(word))
    return word[:at] + word[at + 1 :]


def _double(word: str, draw: random.Random) -> str:
    at = draw.randrange(1, len(word))
    return word[:at] + word[at] + word[at:]


def _miss(word: str, draw: random.Random) -> str:
    at = draw.randrange(len(word))
    return word[:at] + draw.choice(_BESIDE.get(word[at].lower(), word[at])) + word[at + 1 :]


def _no_vowel(word: str, draw: random.Random) -> str:
    places = [at for at, letter in enumerate(word) if at and letter.lower() in _VOWELS]
    if not places:
        return _drop(word, draw)
    at = draw.choice(places)
    return word[:at] + word[at + 1 :]


def _part(word: str, draw: random.Random) -> str:
    at = draw.randrange(2, len(word) - 1)
    return f"{word[:at]}{draw.choice(' .-')}{word[at:]}"


_SLIPS: tuple[Callable[[str, random.Random], str], ...] = (
    _swap,
    _drop,
    _double,
    _miss,
    _no_vowel,
    _part,
)
