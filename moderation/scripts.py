"""In which script a text is written: what a classifier cannot read must not pass for harmless."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache

from moderation.spelling import plain

LATIN = ("Latin",)

# A paragraph is looked at for itself from so many letters on; before, it may be a mere name.
_PARAGRAPH = 20
# Unicode's names of characters begin with their script, but for these.
_NAMES = {"Cjk": "Han"}


# In what a text can be written, as it is kept and as it is told.
WRITTEN_IN: Mapping[str, str] = {
    **{
        name.lower(): name
        for name in (
            "Latin", "Arabic", "Armenian", "Bengali", "Cyrillic", "Devanagari", "Ethiopic",
            "Georgian", "Greek", "Han", "Hangul", "Hebrew", "Kana", "Tamil", "Thai",
        )
    },
    "other": "Another script",
    "several": "Several scripts",
    "none": "No letters",
}  # fmt: skip
# Japanese is written in three at once.
_KANA = {"hiragana": "kana", "katakana": "kana", "katakana-hiragana": "kana"}


def written_in(text: str) -> str:
    """Return the script of a text's letters, of `WRITTEN_IN`.

    *several* where at least a quarter of them are not of the script that most are of.
    """
    if text.isascii():
        return "latin" if any(map(str.isalpha, text)) else "none"
    found = Counter[str]()
    for letter, count in Counter(unicodedata.normalize("NFKC", text)).items():
        if letter.isalpha():
            found[_known(letter)] += count
    if "kana" in found:
        found["kana"] += found.pop("han", 0)
    if not found:
        return "none"
    ((script, most),) = found.most_common(1)
    return "several" if 4 * (found.total() - most) >= found.total() else script


@lru_cache(maxsize=4096)
def _known(letter: str) -> str:
    name = _script(letter).lower()
    name = _KANA.get(name, name)
    return name if name in WRITTEN_IN else "other"


def outside(text: str, known: Collection[str]) -> str:
    """Return a script not in `known` that `text`, or a whole paragraph of it, is mostly in.

    Scripts are named as by Unicode: Latin, Cyrillic, Arabic, Han. Mostly means at least half of
    the letters, read in plain spelling, so that look-alikes count as what they are read for.
    Emoji, digits and signs are of no script. Empty when there is none.
    """
    if text.isascii() and "Latin" in known:
        return ""
    said = plain(text)
    paragraphs = [Counter[str]()]
    for letter, start in zip(said.text, said.starts, strict=True):
        if letter == "\n":
            paragraphs.append(Counter())
        # What a picture or a digit stands for is no letter of the text.
        elif letter.isalpha() and text[start].isalpha():
            paragraphs[-1][_script(letter)] += 1
    whole = sum(paragraphs, Counter[str]())
    long = (letters for letters in paragraphs if letters.total() >= _PARAGRAPH)
    for letters in (whole, *long):
        unknown = [(count, name) for name, count in letters.items() if name not in known]
        if unknown and 2 * sum(count for count, _ in unknown) >= letters.total():
            return max(unknown)[1]
    return ""


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "unknown").partition(" ")[0].capitalize()
    return _NAMES.get(name, name)
