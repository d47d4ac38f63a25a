"""What a text says under its disguises: the spelling that the classifier reads, never shown."""

import itertools
import math
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

# One character as it will be read, and the slice of the original that it stands for.
_Letter = tuple[str, int, int]


@dataclass(frozen=True, slots=True)
class Plain:
    """A text in plain spelling: its character i stands for original[starts[i]:ends[i]]."""

    text: str
    starts: Sequence[int]
    ends: Sequence[int]


def plain(text: str) -> Plain:
    """Undo what people do to a word so that it is read but not recognised.

    Compatibility forms (NFKC), invisible and stacked characters, look-alike letters in Latin
    words, letters spaced or dotted apart, digits for letters, stretched letters, starred-out
    swear words, words run together; emoji become words. A disguise is undone only where the
    result is a word that people use, or where nothing else makes sense of it: "1st", "COVID19"
    and "U.S." stay. Linear in the length of the text for a text of ordinary words.
    """
    if _is_ordinary(text):
        return Plain(text, range(len(text)), range(1, len(text) + 1))
    letters = _look_alikes(list(_characters(_forwards(text))))
    letters = _words(_joined(letters))
    return Plain(
        "".join(letter for letter, _, _ in letters),
        [start for _, start, _ in letters],
        [end for _, _, end in letters],
    )


_UNPRINTED = re.compile(r"[^\n\t -~]")


def _is_ordinary(text: str) -> bool:
    """Whether there is nothing to undo: so most comments are, and need no place for each letter."""
    if _UNPRINTED.search(text) or _APART.search(text):
        return False
    return next(_misspelt(text), None) is None


# Characters ---------------------------------------------------------------------------------------

# What shows nothing, or a blank, though Unicode counts it as a letter or a sign.
_BLANK = frozenset(map(chr, (0x115F, 0x1160, 0x3164, 0xFFA0, 0x2800, 0x180E)))
# Quotation marks as most texts that the classifier learned from have them.
_QUOTES: Mapping[str, str] = {**dict.fromkeys("´`‘’‚′", "'"), **dict.fromkeys("“”„«»″", '"')}
_REPLACED: Mapping[str, str] = {**_QUOTES, **dict.fromkeys(_BLANK, " ")}
# What picks one form of a sign, or draws a key around it.
_NEVER_SEEN = frozenset("\ufe0e\ufe0f\u20e3")
_REVERSED = re.compile("\u202e([^\u202c\n]*)\u202c?")

# Pictures of letters, and of nothing else.
_LETTERS_ONLY = frozenset(
    chr(first + place) for first in (0x1F1E6, 0x1F150, 0x1F170) for place in range(26)
)
_EMOJI_LETTERS: Mapping[str, str] = {
    "®": "r",
    "©": "c",
    **{chr(0x1F1E6 + place): chr(ord("a") + place) for place in range(26)},  # regional
    **{chr(0x1F150 + place): chr(ord("a") + place) for place in range(26)},  # negative circled
    **{chr(0x1F170 + place): chr(ord("a") + place) for place in range(26)},  # negative squared
    **dict.fromkeys("⭕🔴🟠🟡🟢🔵🟣🟤⚫⚪🕳🌑🌕🍩", "o"),
    **dict.fromkeys("❌✖❎", "x"),
    **dict.fromkeys("❗❕☝🕯", "i"),
    **dict.fromkeys("✝➕", "t"),
    **dict.fromkeys("💲💵⚡", "s"),
    "ℹ": "i",
    "Ⓜ": "m",
    "⛎": "u",
    "🌛": "c",
    "🌙": "c",
    "🐍": "s",
    "🧷": "d",
}
# Where the name that Unicode gives is not what people mean by it.
_EMOJI_WORDS: Mapping[str, str] = {
    "🖕": "fuck you",
    "💩": "shit",
    "🤬": "fuck",
    "🤡": "clown",
    "🐷": "pig",
    "🐽": "pig",
    "🐖": "pig",
    "🐵": "monkey",
    "🐒": "monkey",
    "🦍": "ape",
    "🦧": "ape",
    "🐀": "rat",
    "🐁": "mouse",
    "🐭": "mouse",
    "🐶": "dog",
    "🐕": "dog",
    "🐩": "bitch",
    "🐮": "cow",
    "🐄": "cow",
    "🐐": "goat",
    "🫏": "ass",
    "🪳": "cockroach",
    "🪰": "fly",
    "🐛": "bug",
    "🪲": "bug",
    "🪱": "worm",
    "🦠": "virus",
    "🗑": "trash",
    "🚮": "trash",
    "🤮": "vomit",
    "🤢": "disgusting",
    "🔫": "gun",
    "🔪": "knife",
    "🗡": "knife",
    "💣": "bomb",
    "🪓": "axe",
    "☠": "dead",
    "💀": "dead",
    "⚰": "coffin",
    "🪦": "grave",
    "🍆": "dick",
    "🍑": "ass",
    "🐓": "cock",
    "🐔": "chicken",
    "🐱": "pussy",
    "🐈": "cat",
    "😺": "cat",
    "🫵": "you",
    **dict.fromkeys("⏰⏱⌚⏳⌛", "time"),
    **dict.fromkeys("👀👁", "look"),
    "👩": "woman",
    "👨": "man",
    "👧": "girl",
    "👦": "boy",
    "🧕": "muslim woman",
    "👳": "man with turban",
    "🏳": "white flag",
    "🌈": "rainbow gay",
    "🐂": "bull",
    "🤪": "crazy",
    "🤥": "liar",
    "👥": "people",
    "👮": "police",
    "🛑": "stop",
    "💼": "work",
    "✍": "write",
    "⛪": "church",
    "☀": "sun",
    "⚫": "black",
    "⚪": "white",
    "✡": "jew",
    "🕎": "jewish",
    "☪": "muslim",
    "🕌": "mosque",
    "🕋": "islam",
    "✝": "christian",
    "👬": "gay men",
    "👭": "lesbian women",
    "⚧": "transgender",
    "♿": "disabled",
    "🧠": "brain",
    "🗣": "speaking",
    "🔥": "fire",
    "❤": "love",
    "💕": "love",
    "😍": "love",
    "🥰": "love",
    "😘": "kiss",
    "💋": "kiss",
    "👍": "good",
    "👎": "bad",
    "🙏": "please",
    "👏": "bravo",
    "😂": "haha",
    "🤣": "haha",
    "😭": "crying",
    "😡": "angry",
    "😠": "angry",
    "👿": "devil",
    "😈": "devil",
    "🚫": "no",
    "⛔": "no",
    "❌": "no",
    "✅": "yes",
    "✔": "yes",
    "🔨": "hammer",
    "👊": "punch",
    "🥊": "punch",
    "🤜": "punch",
    "🩸": "blood",
    "💉": "needle",
    "🧨": "dynamite",
    "💥": "explosion",
    "🛳": "ship",
    "🧱": "wall",
    "🏃": "run",
    "👉": "",
    "👈": "",
    "👇": "",
    "👆": "",
}
# Pictures that are one word together.
_TOGETHER: Mapping[tuple[str, str], str] = {
    ("🐂", "💩"): "bullshit",
    ("🐎", "💩"): "horseshit",
    ("🐴", "💩"): "horseshit",
    ("🍑", "🕳"): "asshole",
    ("🏳", "🌈"): "gay",
    ("🏳", "⚧"): "transgender",
}
# A thing where a deed belongs is the deed: "I will 🔪 you".
_DEEDS: Mapping[str, str] = {
    "🔪": "kill",
    "🗡": "stab",
    "🔫": "shoot",
    "🪢": "hang",
    "🔥": "burn",
    "💀": "die",
    "☠": "die",
    "😡": "hate",
    "😠": "hate",
}
_WILL = frozenset(
    ("to", "will", "i'll", "we'll", "they'll", "you'll", "ll", "gonna", "should", "must", "can",
     "would", "could", "i'd", "wanna", "please", "let's", "lets", "might", "may", "gotta", "shall",
     "i", "we", "they")
)  # fmt: skip
_WHOM = frozenset(
    ("you", "u", "him", "her", "them", "me", "us", "yourself", "urself", "myself", "yourselves",
     "everyone", "everybody", "off", "this", "that", "it", "the", "your", "my", "their", "his")
)  # fmt: skip
# Words of Unicode's names that say what kind of picture it is, not what is in it.
_PICTURE = re.compile(r"\b(face|with|sign|symbol|emoji|black|white|heavy|of|the|and)\b|-")


def _forwards(text: str) -> Sequence[tuple[int, str]]:
    """The characters with their places; what an override shows backwards is put as it is read."""
    placed = list(enumerate(text))
    for backwards in _REVERSED.finditer(text):
        start, end = backwards.span(1)
        placed[start:end] = placed[start:end][::-1]
    return placed


def _characters(placed: Sequence[tuple[int, str]]) -> Iterator[_Letter]:
    latin = True
    before = ""
    for n, (place, character) in enumerate(placed):
        if character.isascii():
            if character.isprintable() or character in "\n\t":
                yield character, place, place + 1
                latin = True
                before = before if character.isspace() else ""
            continue
        kind = unicodedata.category(character)
        if character in _NEVER_SEEN or (character in _BLANK and _amid_letters(placed, n)):
            continue  # a blank amid a word is there to part it
        if character in _REPLACED:
            yield _REPLACED[character], place, place + 1
        elif kind in ("Cf", "Cc", "Cs", "Co", "Cn") or (kind in ("Mn", "Me") and latin):
            continue
        elif character in _EMOJI_LETTERS and _inside_word(placed, n):
            yield _EMOJI_LETTERS[character], place, place + 1
        elif kind in ("So", "Sk") and (words := _picture(character)) is not None:
            # The same picture many times over says no more than once.
            if character != before:
                words = _in_place(character, words, placed, n)
                yield from ((letter, place, place + 1) for letter in words)
        else:
            yield from ((letter, place, place + 1) for letter in _compatible(character, latin))
            if kind[0] == "L":
                latin = unicodedata.name(character, "").startswith("LATIN")
        before = character


def _in_place(picture: str, words: str, placed: Sequence[tuple[int, str]], n: int) -> str:
    """What a picture says where it stands, with the gaps that part it from what is beside it."""
    around = "".join(character for _, character in placed[max(0, n - 12) : n + 13])
    at = min(n, 12)
    before = _NEVER_SAID.sub("", around[:at])
    after = _NEVER_SAID.sub("", around[at + 1 :]).lstrip(picture)
    if (before[-1:], picture) in _TOGETHER:
        return ""  # said with the one before
    if (picture, after[:1]) in _TOGETHER:
        words, after = _TOGETHER[picture, after[:1]], after[1:]
    elif picture in _DEEDS or picture == "🖕":
        who, whom = _LAST_WORD.search(before), _NEXT_WORD.match(after)
        whom_ = whom[1].lower() if whom else ""
        if picture == "🖕":
            if whom_ and whom_ not in ("and", "or"):
                words = "fuck" if whom_ in _WHOM else "fucking"
        elif (who and who[1].lower() in _WILL) or (whom_ in _WHOM and picture not in "💀☠🔥"):
            words = _DEEDS[picture]
    first = "" if before[-1:] in ("", " ", "(", '"', "\n") else " "
    # A stop after it belongs to it, as to any word.
    last = "" if not after or after[0] in " .,!?;:)\"'\n" else " "
    if words:
        return f"{first}{words}{last}"
    return " " if before[-1:].isalnum() and after[:1].isalnum() else ""


_NEVER_SAID = re.compile("[\ufe0e\ufe0f\u20e3\u200d\U0001f3fb-\U0001f3ff]")
_LAST_WORD = re.compile(r"([A-Za-z']+) ?$")
_NEXT_WORD = re.compile(r" ?([A-Za-z']+)")


def _compatible(character: str, latin: bool) -> Iterator[str]:
    """The plain letters of one in bold, in a circle, of full width; marks on Latin ones go."""
    for letter in unicodedata.normalize("NFKC", character):
        if not latin or unicodedata.category(letter) not in ("Mn", "Me", "Cf"):
            yield letter


def _beside(placed: Sequence[tuple[int, str]], n: int) -> list[str]:
    """What is seen before and after a character."""
    found = []
    for step in (-1, 1):
        at = n + step
        while 0 <= at < len(placed) and placed[at][1] in _NEVER_SEEN:
            at += step
        if 0 <= at < len(placed):
            found.append(placed[at][1])
    return found


def _amid_letters(placed: Sequence[tuple[int, str]], n: int) -> bool:
    beside = _beside(placed, n)
    return len(beside) == 2 and all(b.isascii() and b.isalnum() for b in beside)


def _inside_word(placed: Sequence[tuple[int, str]], n: int) -> bool:
    """Whether a letter, or another picture of one, stands beside it."""
    return placed[n][1] in _LETTERS_ONLY or any(
        (b.isascii() and b.isalpha()) or b in _EMOJI_LETTERS for b in _beside(placed, n)
    )


@cache
def _picture(character: str) -> str | None:
    """What a picture says in words; None for a sign that NFKC writes in letters."""
    if character in _EMOJI_WORDS:
        return _EMOJI_WORDS[character]
    if unicodedata.normalize("NFKC", character) != character:
        return None
    if 0x1F3FB <= ord(character) <= 0x1F3FF:  # a colour of skin
        return ""
    if ord(character) < 0x1F000:  # an ornament
        return ""
    name = unicodedata.name(character, "").lower()
    return " ".join(_PICTURE.sub(" ", name).split())


# Letters of other scripts that look like Latin ones. Said by how they look, not by how they sound.
_LOOK_ALIKE: Mapping[str, str] = {
    alike: latin
    for latin, others in {
        "a": "аαɑᴀАΑᎪ",
        "b": "вьЬВʙΒᏴƄ",
        "c": "сϲᴄСⅭᏟς",
        "d": "ԁᴅđժɗɖ",
        "e": "еєεэᴇЕΕҽ",
        "f": "ƒꜰғϝ",
        "g": "ɡɢԍց",
        "h": "һнʜНΗհћђ",
        "i": "іιıɪІΙї",
        "j": "јᴊЈյ",
        "k": "кκᴋКΚĸ",
        "l": "ӏʟłⅼӀ",
        "m": "мᴍМΜ",
        "n": "пηɴΝռиИ",
        "o": "оοσᴏОΟøөօσ",
        "p": "рρᴘРΡ",
        "q": "ԛգ",
        "r": "гʀгяЯɾɽ",
        "s": "ѕꜱЅՏ",
        "t": "тτᴛТΤŧ",
        "u": "υᴜսцμ",
        "v": "νᴠѵ",
        "w": "ωԝᴡшщѡ",
        "x": "хχХΧ",
        "y": "уγʏУΥүу",
        "z": "ᴢżΖ",
    }.items()
    for alike in others
    if not alike.isascii()
}
_FOREIGN = re.compile(f"[{re.escape(''.join(_LOOK_ALIKE))}]")
_RUN = re.compile(r"\S+")


def _look_alikes(letters: list[_Letter]) -> list[_Letter]:
    """Write words that mix scripts, or only look Latin amid Latin ones, in Latin letters."""
    text = _text(letters)
    if text.isascii():
        return letters
    latin = sum(letter.isascii() and letter.isalpha() for letter in text)
    foreign = sum(not letter.isascii() and letter.isalpha() for letter in text)
    # Amid words that nobody could take for Latin ones, a word in their script is one of theirs.
    native = any(letter.isalpha() and not _as_latin(letter).isascii() for letter in text)
    result = list(letters)
    known = _ranks()
    for run in _RUN.finditer(text):
        word = run.group()
        if word.isascii():
            continue
        read = "".join(map(_as_latin, word))
        mixed = any(letter.isascii() and letter.isalpha() for letter in word)
        looks = read.isascii()
        foreign_word = _FOREIGN.search(word) is not None
        # An accent may well belong where it is, unless the word is one only without it.
        if (foreign_word and (mixed or (looks and latin > foreign))) or (
            looks and not (foreign_word and native) and read.lower().strip(_AFTER) in known
        ):
            for place, letter in zip(range(*run.span()), read, strict=True):
                result[place] = (letter, *letters[place][1:])
    return result


@cache
def _as_latin(letter: str) -> str:
    """The Latin letter that one looks like, without its accents; else the letter itself."""
    if letter in _LOOK_ALIKE:
        return _LOOK_ALIKE[letter]
    base = unicodedata.normalize("NFD", letter)[0]
    base = _LOOK_ALIKE.get(base, base)
    return base if base.isascii() and base.isalpha() else letter


# Letters apart ------------------------------------------------------------------------------------

# Single letters, each a word of its own or parted by the same sign: "i d i o t", "i.d.i.o.t".
_APART = re.compile(
    r"(?<![^\W_])(?:[^\W_]|[@$!])"
    r"(?:(?P<sign> {1,2}|[.,_*\-·•|/\\~+=:;^'\"]{1,2}| ?[.\-_*·•|] ?)(?:[^\W_]|[@$!]))"
    r"(?:(?P=sign)(?:[^\W_]|[@$!]))*"
    r"(?:(?P=sign)(?:[^\W_]|[@$]))"
    r"(?![^\W_])"
)


def _joined(letters: list[_Letter]) -> list[_Letter]:
    """Bring letters that stand apart together, as the words that they spell."""
    result: list[_Letter] = []
    last = 0
    for apart in _APART.finditer(_text(letters)):
        step = 1 + len(apart["sign"])
        run = letters[apart.start() : apart.end() : step]
        said = _text(run).lower()
        if not any(letter.isascii() and letter.isalpha() for letter in said):
            continue
        read = next(iter(_readings(said)), said)
        if not read.isalpha() or not (len(read) >= 4 or (len(read) == 3 and read in _ranks())):
            continue
        result += letters[last : apart.start()]
        at = 0
        for number, word in enumerate(_split(read)):
            if number:
                result.append((" ", run[at][1], run[at][1]))
            result += [(letter, run[at + n][1], run[at + n][2]) for n, letter in enumerate(word)]
            at += len(word)
        last = apart.end()
    return result + letters[last:] if last else letters


# Words --------------------------------------------------------------------------------------------

_LEET: Mapping[str, str] = {
    "0": "o",
    "1": "il",
    "2": "z",
    "3": "e",
    "#": "h",
    "%": "x",
    "4": "a",
    "5": "s",
    "6": "g",
    "7": "t",
    "8": "b",
    "9": "g",
    "@": "a",
    "$": "s",
    "!": "i",
    "|": "li",
    "+": "t",
    "(": "c",
    "<": "c",
    "€": "e",
    "£": "l",
    "¢": "c",
    "¡": "i",
    "§": "s",
    "¥": "y",
}
_SIGNS = re.escape("".join(_LEET))
_LEET_WORD = re.compile(rf"(?=.*[^\d])(?=.*[{_SIGNS}])[a-z'{_SIGNS}]+")
# Ordinals, amounts and the like: a number first, then a unit.
_NUMBER = re.compile(
    r"[$£€]?\d+(st|nd|rd|th|s|am|pm|k|m|b|bn|x|d|g|mg|kg|km|cm|mm|mb|gb|hr|yr|ad|bc)"
)
# Something that may be a letter, and a sign that may part two words, in whatever order.
_SIGN_INSIDE = re.compile(r"[-/,.;:…].*[\d#$@!|+(<%]|[\d#$@!|+(<%].*[-/,.;:…]")
_ADDRESS = re.compile(r"//|^www\.|\w@\w+\.")
_LETTER = re.compile(r"[a-z]")
_PART = re.compile(r"[^-/,.;:…]{3,}")
# Numbers and shouting.
_NO_DISGUISE = re.compile(r"\d{4}|!!")
_INSIDE = re.compile(r"[a-z][013457@$]+(?=[a-z])")
# What people star out, the commonest first.
_SWEAR_WORDS = (
    "fuck", "shit", "bitch", "ass", "asshole", "cunt", "dick", "cock", "pussy", "fucking",
    "fucked", "fuckin", "fucker", "motherfucker", "bullshit", "bastard", "whore", "slut",
    "nigger", "nigga", "niggers", "cunts", "whores",
    "faggot", "fag", "retard", "retarded", "crap", "damn", "hell", "kill", "rape", "idiot",
    "idiots", "moron", "stupid", "bitches", "shitty", "dickhead", "wanker", "twat", "suck",
    "jerk", "scum", "tranny", "dyke", "kike", "spic", "chink", "paki", "penis", "tits", "porn",
)  # fmt: skip
_STARRED = re.compile(r"[a-z]+[*#@$%&_\-.!?^~]+[a-z]*")
_EDGES = "\"'`([{<*_~#&-\u2018\u2019\u201c\u201d«»\u2026\u2013\u2014"
_AFTER = _EDGES + ".,!?:;)]}>/|+"
_RUN_OF_THREE = re.compile(r"([^\W\d_])\1\1+")
_DOUBLE = re.compile(r"([a-z])\1")
_PARTED = re.compile(r"[a-z]+(?:[.,_*\-·|/~^+=:;]{1,2}[a-z]+)+")
_READINGS = 32  # of one word at most, so that a row of digits costs nothing
_LONGEST = 24
_COMMON = 3000  # a word up to this rank


@cache
def _ranks() -> Mapping[str, int]:
    """The words that people use in comments, the commonest first, with their place."""
    words = (Path(__file__).parent / "words.txt").read_text(encoding="ascii").split()
    return {word: rank for rank, word in enumerate(words)}


def _words(letters: list[_Letter]) -> list[_Letter]:
    """Write each word that nobody uses as the one that it stands for, if there is one."""
    result: list[_Letter] = []
    last = 0
    for start, end, read in _misspelt(_text(letters)):
        result += letters[last:start]
        result += _aligned(read, letters[start:end])
        last = end
    return result + letters[last:] if last else letters


def _misspelt(text: str) -> Iterator[tuple[int, int, str]]:
    """Where a word stands that is to be read as another, and as which."""
    known = _ranks()
    closed = text.rfind(")")
    for run in _RUN.finditer(text):
        word = run.group().lower()
        core = word.rstrip(_AFTER).lstrip(_EDGES)
        if core == word and core in known:
            continue
        first = run.start()
        found = _reading(word, core, in_brackets=first < closed) if core else None
        if found is not None:
            yield first + found[0], first + found[1], found[2]
        elif core not in known and _SIGN_INSIDE.search(core) and not _ADDRESS.search(word):
            # "that...$#1+", "#a7e-crime": what stands beside each other is read by itself.
            for part in _PART.finditer(word):
                piece = part.group()
                core = piece.strip(_AFTER)
                found = _reading(piece, core) if core and not core.isalpha() else None
                # "$17" is an amount.
                if found and (_LETTER.search(core) or found[2] in _UNMISTAKABLE):
                    at = first + part.start()
                    yield at + found[0], at + found[1], found[2]


def _reading(word: str, core: str, *, in_brackets: bool = False) -> tuple[int, int, str] | None:
    """Where in a run of signs the word stands that is to be read as another, and as which."""
    known = _ranks()
    start = word.find(core)
    if core != word:
        # A sign at the edge may be a letter: "shi+", "(rap", but not "(rap)" nor "A+".
        first = start - (word[start - 1 : start] in ("#", "("))
        end = len(word) - len(word[start + len(core) :].lstrip("+|(#"))
        if (first, end) != (start, start + len(core)):
            read = _with_edges(word[first:end], core, in_brackets=in_brackets)
            if read is not None:
                return first, end, read
    if core in known:
        return None
    for at, end in _cores(word, core):
        read = _read(word[at:end])
        if read is not None:
            return at, end, read
    return None


@lru_cache(maxsize=10_000)
def _with_edges(word: str, core: str, *, in_brackets: bool) -> str | None:
    """What a word says if the signs at its edges are letters, None where they are just signs."""
    known = _ranks()
    if len(word) > 2 * _LONGEST or not _LEET_WORD.fullmatch(word):
        return None
    read = next(iter(_readings(word)))
    if len(read) < 4 or read not in known:
        return None
    if read in _SWEAR_WORDS or read in _UNMISTAKABLE:
        return None if core in known and word[0] == "(" and in_brackets else read
    # Without them it is hardly a word; with a sign in front it may be a tag.
    rare = known.get(core, len(known)) > _COMMON and known[read] < known.get(core, len(known))
    return read if rare and (core not in known or word[0].isalpha()) else None


def _cores(word: str, core: str) -> Iterator[tuple[int, int]]:
    """The parts of a word to look at: without the signs around it, or with those that may hide."""
    start = len(word) - len(word.lstrip(_EDGES))
    yield start, start + len(core)
    first = len(word) - len(word.lstrip("\"'`({[<*_~"))
    tail = len(word.rstrip(".,!?:;)\"'"))
    if first < start or tail > start + len(core):
        yield first, tail  # "f***" has its end among the signs, "#3" its beginning


@lru_cache(maxsize=10_000)
def _read(word: str) -> str | None:
    """What an unknown word says, or None where it is to stay as it is."""
    if len(word) > 2 * _LONGEST:
        return None
    if word.endswith("'s") and not word[:-2].isalpha():
        said = _read(word[:-2])
        return said and f"{said}'s"
    if _NO_DISGUISE.search(word):
        # A number of something, unless it can be nothing else: "1d1075".
        plain_ = _LEET_WORD.fullmatch(word) and "!!" not in word and next(iter(_readings(word)))
        return plain_ if plain_ and plain_ in _UNMISTAKABLE else None
    read = None
    if _STARRED.fullmatch(word):
        read = _starred(word)
    if read is None and _PARTED.fullmatch(word):
        read = _whole(word)
    if read is None and _LEET_WORD.fullmatch(word) and not _NUMBER.fullmatch(word):
        read = _unleeted(word)
    elif word.isascii() and word.replace("'", "").isalpha():
        read = _unstretched(word) or _run_together(word) or _with_u(word)
    elif word.isalpha() and _RUN_OF_THREE.search(word):
        read = _RUN_OF_THREE.sub(r"\1\1", word)
    return read


def _with_u(word: str) -> str | None:
    """The word with u for v and w for vv, if it is one only then."""
    known = _ranks()
    if "v" not in word or word in known:
        return None
    return next(
        (read for read in (word.replace("vv", "w"), word.replace("v", "u")) if read in known), None
    )


def _whole(parted: str) -> str | None:
    """The word that signs part into what are no words: "id.iot", but not "well-known"."""
    known = _ranks()
    parts = re.split(r"[^a-z]+", parted)
    whole = "".join(parts)
    odd = any(part not in known or len(part) < 3 for part in parts)
    return whole if odd and len(whole) > 3 and whole in known else None


def _unleeted(word: str) -> str | None:
    known = _ranks()
    for read in _readings(word):
        # "4re" is a word, "3RR" a number of something.
        short = len(read) == 3 and word[0].isdecimal() and known.get(read, _COMMON) > _COMMON // 2
        if len(read) < 3 or short:
            continue
        if read in known:
            return read
        if (unstretched := _unstretched(read)) is not None:
            return unstretched
    signs = sum(not letter.isalpha() for letter in word)
    if _INSIDE.search(word) and len(word) > max(3, 2 * signs):
        return "".join(_LEET.get(letter, letter)[0] for letter in word)
    return None


def _readings(word: str) -> list[str]:
    """The words that a word with signs for letters may be, known ones first."""
    choices = [_LEET.get(letter, "vu" if letter == "v" else letter) for letter in word]
    readings = ["".join(some) for some in itertools.islice(itertools.product(*choices), _READINGS)]
    known = _ranks()
    return sorted(readings, key=lambda read: known.get(read, len(known)))


def _starred(word: str) -> str | None:
    pattern = "".join(letter if letter.isalpha() else "[a-z]" for letter in word)
    loose = re.sub(r"(?:\[a-z\])+", "[a-z]+", pattern)
    hidden = len(re.sub("[a-z]", "", word))
    # A dash, a dot or a question mark may well be what it is: "f-k" is rare, "well-known" is not.
    if hidden == 1 and not re.search(r"[*#@$%&]", word):
        return None
    for exact in (pattern, loose):
        for swear in _SWEAR_WORDS:
            if re.fullmatch(exact, swear) and word[0] == swear[0]:
                return swear
        if not re.search(r"\*", word):
            return None
    return None


def _unstretched(word: str) -> str | None:
    """The word with its stretched letters as short as they belong, None if none is stretched."""
    known = _ranks()
    runs = [(found.start(), found.end()) for found in _RUN_OF_THREE.finditer(word)]
    doubles = not runs
    if doubles:
        runs = [(found.start(), found.end()) for found in _DOUBLE.finditer(word)]
        if len(word) < 5:
            return None
    if not runs or len(runs) > 6:
        return None
    readings = []
    for lengths in itertools.product((2, 1), repeat=len(runs)):
        parts, last = [], 0
        for (start, end), length in zip(runs, lengths, strict=True):
            parts += [word[last:start], word[start] * length]
            last = end
        readings.append("".join([*parts, word[last:]]))
    found = [read for read in readings if read in known]
    # Many a name has a double letter: there, only a swear word is worth the doubt.
    if doubles and len(runs) < 3:
        found = [read for read in found if read in _SWEAR_WORDS]
    if found:
        return min(found, key=known.__getitem__)
    return None if doubles or len(set(word)) == 1 else readings[-1]


# Swear words that are no part of harmless ones: "cocktail" and "assign" are left alone.
_UNMISTAKABLE = frozenset(
    word
    for word in (*_SWEAR_WORDS, "yourself", "kys", "hate")
    if len(word) > 3 and word not in ("cock", "dick", "hell", "rape", "damn", "spic", "paki")
)
_SHORT = frozenset(
    ("a", "i", "am", "an", "as", "at", "be", "by", "do", "go", "he", "if", "in", "is", "it",
     "me", "my", "no", "of", "on", "or", "so", "to", "up", "us", "we")
)  # fmt: skip


def _run_together(word: str) -> str | None:
    """The words that an unknown long one is made of, if one of them is worth finding.

    The tokenizer takes "guideline" apart well enough itself.
    """
    if len(word) < 7 or len(word) > _LONGEST + 8:
        return None
    known = _ranks()
    parts = _split(word)
    common = all(
        part in _SHORT or (len(part) > 2 and known.get(part, len(known)) < _COMMON)
        for part in parts
    )
    short = sum(len(part) for part in parts if part in _SHORT)
    worth = len(parts) > 3 or (len(parts) > 1 and not _UNMISTAKABLE.isdisjoint(parts))
    return " ".join(parts) if common and worth and 3 * short < len(word) else None


def _split(letters: str) -> list[str]:
    """Part a row of letters into the likeliest words, as if each came by its rank alone."""
    known = _ranks()
    unlikely = math.log(len(known)) * 2
    best = [0.0]
    cut = [0]
    for end in range(1, len(letters) + 1):
        options = []
        for start in range(max(0, end - _LONGEST), end):
            part = letters[start:end]
            rank = known.get(part)
            if rank is not None:
                cost = math.log((rank + 2) * math.log(len(known)))
            else:
                cost = unlikely + 3.0 * len(part)
            options.append((best[start] + cost, start))
        cost, start = min(options)
        best.append(cost)
        cut.append(start)
    parts: list[str] = []
    end = len(letters)
    while end:
        parts.append(letters[cut[end] : end])
        end = cut[end]
    return parts[::-1]


def _aligned(read: str, letters: Sequence[_Letter]) -> list[_Letter]:
    """Lay what a word says along the letters that it was read out of."""
    result: list[_Letter] = []
    at, last = 0, len(letters) - 1
    said = [letter for letter in read if letter != " "]
    spoken = 0
    for letter in read:
        first = min(at, last)
        if letter == " ":
            result.append((" ", letters[first][1], letters[first][1]))
            continue
        spoken += 1
        left = len(said) - spoken
        end = first + 1
        # A stretched letter takes its whole run, and the last letter whatever is left.
        while end < len(letters) - left and (
            not left
            or (letters[end][0].lower() != said[spoken] and _is_more(letters[end][0], letter))
        ):
            end += 1
        result.append((letter, letters[first][1], letters[end - 1][2]))
        at = end
    return result


def _is_more(sign: str, letter: str) -> bool:
    return sign.lower() == letter or not sign.isalnum() or letter in _LEET.get(sign, "")


def _text(letters: Sequence[_Letter]) -> str:
    return "".join(letter for letter, _, _ in letters)
