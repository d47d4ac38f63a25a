"""Whose words they are: what a text quotes is told apart from what its author says."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

# The first character and the one after the last.
Span = tuple[int, int]

# From so many words in a row on, the same words are no accident.
VERBATIM = 6
# From so many on where the author marks them as a quote. Fewer are found in any long article, to be
# put to a use of one's own.
MARKED = 4
# With fewer words of one's own beside it, a quote is what the author wants to say.
OWN = 3

_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
# One closing mark for each opening one; a straight one closes itself.
_IN_MARKS = re.compile(
    r"\"([^\"\n]+)\"|“([^“”„\n]+)[”“]|„([^“”„\n]+)[“”]|«([^«»\n]+)»|‘([^‘’\n]+)’"
)


@dataclass(frozen=True)
class Quotable:
    """What a text may quote, and the slices of it that its author marked as a quote."""

    sources: Sequence[str] = ()
    marked: Sequence[Span] = ()


@dataclass(frozen=True)
class Apart:
    """A text in two: the author's own words, and those quoted, which stand at `spans` of it."""

    own: str
    quoted: str
    spans: Sequence[Span]
    # Where each character of `own` stands in the text.
    places: Sequence[int]

    def spans_in_text(self, spans: Sequence[Span]) -> list[Span]:
        """Say where slices of `own` stand in the text; one around a quote becomes two."""
        found = []
        for start, end in spans:
            first = start
            for at in range(start + 1, end + 1):
                if at == end or self.places[at] > self.places[at - 1] + 1:
                    found.append((self.places[first], self.places[at - 1] + 1))
                    first = at
        return found


def apart(text: str, quotable: Quotable) -> Apart:
    """Tell the author's own words from what is quoted out of `quotable.sources`.

    Quoted are words that stand in a source in the same order, compared by letters and digits and
    by signs that are no punctuation: VERBATIM of them in a row or, where the author marks all of
    a passage as a quote or puts it in quotation marks, MARKED. What stands in no source is the
    author's own, however it is marked. Where fewer than OWN words would be left, all are.
    """
    words = list(_words(text))
    quoted = [False] * len(words)
    said = [word for word, _, _ in words]
    known = [_grams(source, VERBATIM) for source in quotable.sources]
    for at in range(len(said) - VERBATIM + 1):
        passage = hash(tuple(said[at : at + VERBATIM]))
        if any(passage in grams for grams in known):
            quoted[at : at + VERBATIM] = [True] * VERBATIM
    in_marks = (found.span(found.lastindex or 0) for found in _IN_MARKS.finditer(text))
    for start, end in (*quotable.marked, *in_marks):
        inside = [at for at, (_, first, last) in enumerate(words) if first >= start and last <= end]
        if MARKED <= len(inside) < VERBATIM and any(
            hash(tuple(said[at] for at in inside)) in _grams(source, len(inside))
            for source in quotable.sources
        ):
            for at in inside:
                quoted[at] = True

    spans: list[Span] = []
    for at, (_, start, end) in enumerate(words):
        if not quoted[at]:
            continue
        if at and quoted[at - 1]:
            spans[-1] = (spans[-1][0], end)
        else:
            spans.append((start, end))
    own_words = sum(not q and word.isalnum() for q, word in zip(quoted, said, strict=True))
    if not spans or own_words < OWN:
        return split(text, ())
    return split(text, spans)


def split(text: str, spans: Sequence[Span]) -> Apart:
    """Take the slices `spans`, in order, out of `text`."""
    # What stands on both sides of a quote is read together: it may be one sentence.
    places: list[int] = []
    last = 0
    for start, end in (*spans, (len(text), len(text))):
        places += range(last, start)
        last = end
    return Apart(
        "".join(text[at] for at in places),
        "\n".join(text[start:end] for start, end in spans),
        tuple(spans),
        places,
    )


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield words, and signs other than punctuation, as they are compared, with their places."""
    for found in _TOKEN.finditer(text):
        folded = unicodedata.normalize("NFKC", found.group()).casefold()
        if any(unicodedata.category(letter)[0] not in "PZC" for letter in folded):
            yield folded, *found.span()


@lru_cache(maxsize=32)
def _grams(source: str, length: int) -> frozenset[int]:
    """Return the hash of every passage of `length` words in a row.

    The words themselves would fill the memory. Python salts its hashes: nobody can aim at one.
    """
    said = [word for word, _, _ in _words(source)]
    return frozenset(map(hash, zip(*(said[start:] for start in range(length)), strict=False)))
