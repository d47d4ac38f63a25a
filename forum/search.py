"""Search over comments: words as they are compared, what a moderator types, and where it stands.

Words are made comparable here and nowhere else, so that SQLite and PostgreSQL find the same: each
is only given terms with a space between two, and told not to look into them.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    bindparam,
    cast,
    column,
    select,
    table,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import InstrumentedAttribute, Session

# How long what is searched for may be, and how many letters must stand before a *.
LENGTH = 200
BEFORE_STAR = 3
# Longer ones are no words, and PostgreSQL would refuse them.
_LONGEST = 64

# Letters that Unicode does not take apart. Arabic and Persian keyboards differ in a few.
_ALIKE = str.maketrans(
    {
        "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th",
        "ħ": "h", "ı": "i", "ς": "σ",
        "ٱ": "ا", "ى": "ي", "ی": "ي", "ې": "ي", "ک": "ك", "ة": "ه", "ە": "ه", "ـ": "",
    }
)  # fmt: skip
# A letter of its own, though Unicode takes it for и with a mark.
_WHOLE = frozenset("й")
_UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
# Written without spaces, so that every sign is a term and what is typed is a phrase of them.
_SIGNS = re.compile("[\u2e80-\u2fdf\u3005-\u3007\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff]")


class _Folded(dict[int, str]):
    """What a character is as a part of a term, reckoned when it is first met."""

    def __missing__(self, code: int) -> str:
        found = _folded(chr(code))
        self[code] = found
        return found


def _folded(character: str) -> str:
    if character in _WHOLE:
        return character
    whole = unicodedata.normalize("NFKC", character)
    # One may stand for several: a ligature, a month in one sign.
    if len(whole) > 1 and any(map(_SIGNS.match, whole)):
        return "".join(map(_folded, whole))
    if _SIGNS.match(character):
        return f" {whole} "
    parts = unicodedata.normalize("NFKD", character).casefold().translate(_ALIKE)
    return unicodedata.normalize("NFC", "".join(map(_part, parts)))


def _part(character: str) -> str:
    kind = unicodedata.category(character)
    if kind[0] == "L":
        return character
    if kind == "Nd":
        return str(unicodedata.decimal(character))
    if kind[0] == "N":
        return character
    # Accents, points and harakat go; the vowels of Indian and Thai scripts are no accents.
    if kind[0] == "M":
        above = unicodedata.combining(character)
        lasts = above in (7, 8, 9) or above in range(84, 200) or (above == 0 and kind != "Me")
        return character if lasts and not _is_selector(character) else ""
    if kind == "Cf":
        return ""
    # A picture is a word. Everything else stands between words.
    return f" {character} " if kind == "So" else " "


def _is_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


_FOLDED = _Folded()
_IN_ASCII = {code: _FOLDED[code] for code in range(128)}


def terms(text: str) -> str:
    """Return the words of a text as they are compared, with a space between two.

    Without case, accents, points and harakat; ß is ss, every alef is one, digits are digits.
    """
    if text.isascii():
        folded = text.lower().translate(_IN_ASCII).split()
    else:
        folded = unicodedata.normalize("NFC", text).translate(_FOLDED).split()
    return " ".join(term[:_LONGEST] for term in folded)


@dataclass(frozen=True)
class Wanted:
    """One thing to find: a word or a phrase, in each of the ways in which it may be spelled."""

    spellings: Sequence[Sequence[str]]
    # Whether the last word may go on.
    goes_on: bool = False


@dataclass(frozen=True)
class Search:
    """What somebody looks for: all of `wanted` and nothing of `unwanted`."""

    typed: str
    wanted: Sequence[Wanted] = ()
    unwanted: Sequence[Wanted] = ()
    # Why nothing can be found by it, in words; else empty.
    problem: str = ""

    @classmethod
    def read(cls, typed: str) -> "Search":
        """Read what was typed: words, "phrases", starts*, -without. Anything can be read."""
        if len(typed) > LENGTH:
            return cls(typed, problem=f"Please keep a search within {LENGTH} characters.")
        sides: tuple[list[Wanted], list[Wanted]] = ([], [])
        for found in _ASKED.finditer(typed.translate(_QUOTES)):
            words = found["phrase"] if found["phrase"] is not None else found["word"]
            one = _wanted(words, bool(found["star"]))
            if one is None:
                continue
            if one.goes_on and len(one.spellings[0][-1]) < BEFORE_STAR:
                return cls(typed, problem=_SHORT.format(words.strip()))
            sides[bool(found["minus"])].append(one)
        if not sides[0]:
            return cls(typed, problem=_ALONE if sides[1] else _NOTHING)
        return cls(typed, *sides)

    @cached_property
    def for_sqlite(self) -> str:
        """As FTS5 reads it."""
        wanted = " AND ".join(map(_fts, self.wanted))
        unwanted = " OR ".join(map(_fts, self.unwanted))
        return f"({wanted}) NOT ({unwanted})" if unwanted else wanted

    @cached_property
    def for_postgres(self) -> str:
        """As a tsquery is written."""
        unwanted = [f"!{_ts(one)}" for one in self.unwanted]
        return " & ".join([*map(_ts, self.wanted), *unwanted])


_QUOTES = str.maketrans(dict.fromkeys("“”„‟«»＂", '"'))
_ASKED = re.compile(
    r"""(?P<minus>[-\u2212]?)(?:"(?P<phrase>[^"]*)"?|(?P<word>[^\s"]+?))(?P<star>\*?)(?=[\s"]|$)"""
)
_SHORT = (
    f"Please give at least {BEFORE_STAR} letters before a *: “{{}}*” would find nearly everything."
)
_ALONE = "Please add a word to look for: words to leave out are not enough."
_NOTHING = "There is no word in this to look for."


def _wanted(words: str, goes_on: bool) -> Wanted | None:
    first = terms(words).split()
    if not first:
        return None
    # Who types Müller means Mueller, too; but who types "true" does not mean "trü".
    other = terms(words.translate(_UMLAUTS)).split()
    goes_on = goes_on and not _SIGNS.match(first[-1])
    return Wanted([first] if other == first else [first, other], goes_on)


def _fts(one: Wanted) -> str:
    ways = [f'"{" ".join(spelling)}"{" *" if one.goes_on else ""}' for spelling in one.spellings]
    return f"({' OR '.join(ways)})" if len(ways) > 1 else ways[0]


def _ts(one: Wanted) -> str:
    star = ":*" if one.goes_on else ""
    ways = [" <-> ".join(f"'{term}'" for term in spelling) + star for spelling in one.spellings]
    return "(" + " | ".join(f"({way})" for way in ways) + ")"


# ---- where it stands: tables that the database itself keeps (migrations), outside the models ----


def waiting(
    session: Session, search: Search, case_id: InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    """The condition that a case that waits has it; its cost follows what waits, not the site."""
    return case_id.in_(_matching(session, search, "search_waiting")[1])


def decided(
    session: Session, search: Search, case_id: InstrumentedAttribute[int]
) -> ColumnElement[bool]:
    """The condition that one of few cases has it: each is looked at by itself."""
    number, matching = _matching(session, search, "search_decided")
    return matching.where(number == case_id).exists()


def decided_between(
    session: Session,
    search: Search,
    case_id: InstrumentedAttribute[int],
    least: int,
    most: int,
) -> ColumnElement[bool]:
    """The condition that a case with one of these numbers has it."""
    number, matching = _matching(session, search, "search_decided")
    return case_id.in_(matching.where(number.between(least, most)))


def reach(
    session: Session, search: Search, least: int, most: int, *, count: int, down: bool
) -> int:
    """Return how far to go from one end to meet so many that have it: a case's number.

    From `most` down, or from `least` up; the other end where there are fewer.
    """
    number, matching = _matching(session, search, "search_decided")

    def last(least: int, most: int, key: ColumnElement[int] = number) -> int | None:
        within = matching.where(number.between(least, most))
        within = within.order_by(key.desc() if down else key)
        return session.scalar(within.limit(1).offset(count - 1))

    if session.get_bind().dialect.name == "sqlite":
        found = last(least, most)
    else:
        # PostgreSQL takes a word that it does not know for a frequent one, and would walk the whole
        # site to see that nobody ever wrote it. What is not often met close by is looked up.
        close = max(_CLOSE, 10 * count)
        near = (max(least, most - close), most) if down else (least, min(most, least + close))
        found = last(*near)
        if found is None:
            found = last(least, most, number + 0)
    if found is None:
        return least if down else most
    return found


# So many comments are walked, at least: it takes as long as to look up a word that one in a hundred
# has, of a million.
_CLOSE = 20_000


def _matching(
    session: Session, search: Search, name: str
) -> tuple[ColumnElement[int], Select[int]]:
    """The cases that have it, by the column of their numbers."""
    if session.get_bind().dialect.name == "sqlite":
        found = table(name, column("rowid", Integer), column(name, String))
        return found.c.rowid, select(found.c.rowid).where(found.c[name].match(search.for_sqlite))
    found = table(name, column("case_id", Integer), column("terms"))
    query = cast(bindparam(None, search.for_postgres, String), TSQUERY)
    return found.c.case_id, select(found.c.case_id).where(found.c.terms.bool_op("@@")(query))


def spans(text: str, search: Search) -> list[tuple[int, int]]:
    """Return where in a text what is looked for stands: first character, and one after the last."""
    places = list(_places(text))
    return [
        (places[at][1], places[at + len(spelling) - 1][2])
        for one in search.wanted
        for spelling in one.spellings
        for at in range(len(places) - len(spelling) + 1)
        if all(
            said == term or (one.goes_on and last and said.startswith(term))
            for (said, _, _), term, last in zip(
                places[at:], spelling, _lasts(len(spelling)), strict=False
            )
        )
    ]


def _lasts(count: int) -> list[bool]:
    return [False] * (count - 1) + [True]


def _places(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each term of a text with where it begins and ends."""
    term, start, end = "", 0, 0
    for at, character in enumerate(text):
        for part in re.split("( )", _FOLDED[ord(character)]):
            if part == " ":
                if term:
                    yield term[:_LONGEST], start, end
                term = ""
            elif part:
                start = start if term else at
                term, end = term + part, at + 1
    if term:
        yield term[:_LONGEST], start, end
