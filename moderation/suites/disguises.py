"""The disguises: ways in which people write a word so that a filter does not know it.

A disguise is laid over words of harmless and of toxic texts alike, as many in the one as in the
other for the same length, so that it never tells the class. In toxic texts it falls on the words
that carry the offence first.
"""

import re
from collections.abc import Callable, Mapping
from random import Random
from types import MappingProxyType

Disguise = Callable[[str, Random], str]

_WORD = re.compile(r"[A-Za-z]{3,}")
_IN_EMOJI = "emoji for words"
# At least this many words of a text, and this share of them, are disguised.
_FEWEST, _SHARE = 2, 1 / 3

# Beginnings of words that carry an offence or a threat. They only say which words come first.
_OFFENSIVE = re.compile(
    r"(?:fuck|mother?fuck|shit|bullshit|cunt|bitch|bastard|ass(?:es|hole|hat|wipe)?$|arse|dick|cock"
    r"|pussy|tits?$|boob|whore|slut|wank|piss|crap|damn|hell$|suck|screw|cum$|porn|rape|rapist"
    r"|nigg|fag|dyke|retard|spastic|tranny|kike|paki$|chink|spic|gook|raghead|towelhead|nazi|homo"
    r"|idiot|moron|stupid|dumb|fool|imbecile|cretin|dolt|clown|loser|liar|coward|pathetic|ignoran"
    r"|ugly|fat$|filth|dirty|disgust|scum|vermin|trash|garbage|parasite|pig$|pigs$|rats?$|dogs?$"
    r"|monkey|freak|pervert|pedo|lunatic|crazy|insane|sick$|evil|terroris|murder|kill|die$|dies$"
    r"|dead$|death|shoot|shot$|hang|burn|stab|bomb|beat|punch|hate|racist|sexist|bigot|troll|jerk"
    r"|creep|hypocrit|worthless|useless|shut|gay$|gays$|jews?$|muslim|illegals?$|libtard)",
    re.IGNORECASE,
)

_LEET = {
    "a": "4@", "b": "8", "c": "(", "e": "3", "g": "96", "h": "#", "i": "1!|", "l": "1|",
    "o": "0", "s": "5$", "t": "7+", "u": "v", "x": "%", "z": "2",
}  # fmt: skip
# Letters of other alphabets, and letters with marks, that look like the plain one.
_ALIKE = {
    "a": "аɑαàáâäåā", "b": "ЬƄḃ", "c": "сϲçćč", "d": "ԁɗđ", "e": "еєéèêëēę", "f": "ғƒ",
    "g": "ɡģğ", "h": "һнħ", "i": "іıìíîïӏ", "j": "јʝ", "k": "кκķ", "l": "ӏⅼłļ", "m": "мⅿ",
    "n": "пոηñń", "o": "оοօòóôöøō", "p": "рρ", "q": "ԛ", "r": "гɾř", "s": "ѕśšş", "t": "тτţť",
    "u": "υսùúûüū", "v": "ѵν", "w": "ѡωŵ", "x": "хχ", "y": "уγýÿ", "z": "ʐżž",
}  # fmt: skip
# The first letters, small and capital, of whole alphabets in another dress.
_DRESSES = (
    *(("ａ", "Ａ"), ("𝐚", "𝐀"), ("𝖺", "𝖠"), ("𝗮", "𝗔"), ("𝒂", "𝑨")),
    *(("𝚊", "𝙰"), ("ⓐ", "Ⓐ"), ("𝓪", "𝓐"), ("𝖆", "𝕬")),
)
_UNSEEN = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u200e\u034f\u180e"
_BETWEEN = (" ", " ", " ", ".", "-", "_", "*", "·", "/")

_EMOJI = {
    "kill": "🔪", "knife": "🔪", "stab": "🔪", "shoot": "🔫", "shot": "🔫", "gun": "🔫",
    "guns": "🔫", "bomb": "💣", "bombs": "💣", "dead": "💀", "death": "💀", "die": "☠️",
    "hang": "🪢", "burn": "🔥", "fire": "🔥", "punch": "👊", "fuck": "🖕", "fucking": "🖕",
    "shit": "💩", "crap": "💩", "bullshit": "🐂💩", "ass": "🍑", "arse": "🍑", "asshole": "🍑🕳️",
    "dick": "🍆", "cock": "🐓", "pussy": "🐱", "pig": "🐷", "pigs": "🐷🐷", "dog": "🐶",
    "dogs": "🐶🐶", "bitch": "🐕", "rat": "🐀", "rats": "🐀🐀", "monkey": "🐒", "monkeys": "🐒🐒",
    "snake": "🐍", "cow": "🐄", "sheep": "🐑", "clown": "🤡", "clowns": "🤡", "trash": "🗑️",
    "garbage": "🗑️", "sick": "🤮", "disgusting": "🤢", "crazy": "🤪", "devil": "😈",
    "evil": "😈", "troll": "🧌", "liar": "🤥", "gay": "🏳️‍🌈", "black": "⚫", "white": "⚪",
    "hate": "😡", "angry": "😡", "love": "❤️", "heart": "❤️", "good": "👍", "bad": "👎",
    "yes": "✅", "stop": "🛑", "money": "💰", "time": "⏰", "people": "👥", "man": "👨",
    "men": "👨", "woman": "👩", "women": "👩", "girl": "👧", "boy": "👦", "baby": "👶",
    "child": "🧒", "kid": "🧒", "police": "👮", "school": "🏫", "house": "🏠", "home": "🏠",
    "church": "⛪", "world": "🌍", "car": "🚗", "phone": "📱", "book": "📖", "eyes": "👀",
    "see": "👀", "look": "👀", "think": "🤔", "read": "📖", "write": "✍️", "talk": "🗣️",
    "mouth": "👄", "hand": "✋", "hands": "👐", "brain": "🧠", "brains": "🧠", "work": "💼",
    "food": "🍔", "water": "💧", "sun": "☀️", "dollar": "💵", "king": "👑", "you": "🫵",
    "one": "1️⃣", "two": "2️⃣", "four": "4️⃣", "for": "4️⃣", "please": "🙏", "thanks": "🙏",
    "great": "💯", "laugh": "😂",
}  # fmt: skip
_EMOJI_LETTERS = {
    "a": "🅰️", "b": "🅱️", "c": "©️", "i": "ℹ️", "m": "Ⓜ️", "o": "🅾️", "p": "🅿️", "r": "®️", "s": "💲",
    "t": "✝️", "u": "⛎", "x": "❌",
}  # fmt: skip


def disguise(text: str, kind: str, *, seed: int = 0) -> str:
    """Return `text` with words of it disguised as KINDS[kind] does; the same for the same seed."""
    draw = Random(f"{seed} {kind} {text}")  # noqa: S311 - chosen, not secret
    words = list(_WORD.finditer(text))
    draw.shuffle(words)
    # Among the rest, who writes in emoji takes the words that have one.
    words.sort(
        key=lambda word: (
            not _OFFENSIVE.match(word[0]),
            kind == _IN_EMOJI and word[0].lower() not in _EMOJI,
        )
    )
    chosen = words[: max(_FEWEST, round(len(words) * _SHARE))]
    for word in sorted(chosen, key=re.Match.start, reverse=True):
        text = text[: word.start()] + KINDS[kind](word[0], draw) + text[word.end() :]
    return text


def _leetspeak(word: str, draw: Random) -> str:
    return _some(word, draw, 0.7, _LEET)


def _spaced(word: str, draw: Random) -> str:
    return draw.choice(_BETWEEN).join(word)


def _homoglyphs(word: str, draw: Random) -> str:
    if draw.random() < 0.6:
        return _some(word, draw, 0.6, _ALIKE)
    small, capital = draw.choice(_DRESSES)
    return "".join(
        chr(ord(small) + ord(letter) - ord("a"))
        if letter.islower()
        else chr(ord(capital) + ord(letter) - ord("A"))
        for letter in word
    )


def _zero_width(word: str, draw: Random) -> str:
    sure = draw.randrange(1, len(word))
    return "".join(
        (draw.choice(_UNSEEN) if at and (at == sure or draw.random() < 0.4) else "") + letter
        for at, letter in enumerate(word)
    )


def _stretched(word: str, draw: Random) -> str:
    sure = draw.randrange(len(word))
    return "".join(
        letter * (draw.randint(3, 6) if at == sure or draw.random() < 0.2 else 1)
        for at, letter in enumerate(word)
    )


def _emoji(word: str, draw: Random) -> str:
    if word.lower() in _EMOJI:
        return _EMOJI[word.lower()]
    if set(word.lower()) & set(_EMOJI_LETTERS):
        return _some(word, draw, 0.6, _EMOJI_LETTERS)
    return "".join(chr(ord("🇦") + ord(letter) - ord("a")) for letter in word.lower())


def _mixed(word: str, draw: Random) -> str:
    return draw.choice([other for other in KINDS.values() if other is not _mixed])(word, draw)


def _some(word: str, draw: Random, share: float, table: Mapping[str, str]) -> str:
    """Replace letters that are in `table`: each with a probability of `share`, one at least."""
    places = [at for at, letter in enumerate(word) if letter.lower() in table]
    if not places:
        return word
    chosen = {draw.choice(places), *(at for at in places if draw.random() < share)}
    return "".join(
        _pick(table[letter.lower()], draw) if at in chosen else letter
        for at, letter in enumerate(word)
    )


def _pick(choices: str, draw: Random) -> str:
    # An emoji is one sign of several characters, the last of which asks for the picture.
    return choices if choices.endswith("\ufe0f") else draw.choice(choices)


KINDS: Mapping[str, Disguise] = MappingProxyType(
    {
        "leetspeak": _leetspeak,
        "spaced letters": _spaced,
        "homoglyphs": _homoglyphs,
        "zero-width characters": _zero_width,
        "stretched letters": _stretched,
        _IN_EMOJI: _emoji,
        "all mixed": _mixed,
    }
)
