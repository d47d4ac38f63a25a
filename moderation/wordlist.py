"""Words and phrases that an admin wants held or rejected, and where a text has one of them."""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from moderation import acts, rules
from moderation.acts import Did
from moderation.policy import Means, Signal, Status
from moderation.spelling import plain
from moderation.tables import Case, ListedWord, time_of

MOST = 20_000
LONGEST = 100  # characters of an entry
PHRASE = 20  # its words
AT_ONCE = 5000  # entries that can be added together
NOTE = 200

# What an entry may do, and the signal that it gives.
SIGNAL_OF = {Means.HOLD: "listed_hold", Means.REJECT: "listed_reject"}


class Unusable(ValueError):
    """An entry that cannot be listed; the message is for the admin."""


class NoSuchReason(ValueError):
    """A reason that no entry can name; the message is for the admin."""


class ListChanged(Exception):
    """Another admin changed the list this very moment."""


# Words --------------------------------------------------------------------------------------------

# Python's \w leaves out the marks that many scripts write vowels with.
_MARKS = "".join(
    chr(code) for code in range(0x300, 0x1E00) if unicodedata.category(chr(code))[0] == "M"
)
# Written without spaces between words: each letter stands for itself.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_WORD = re.compile(f"[{_UNSPACED}]|(?:(?![{_UNSPACED}])[^\\W_]|[{_MARKS}\u200c\u200d])+")
# What Arabic and Hebrew are commonly written without, and joiners.
_UNWRITTEN = dict.fromkeys(
    [*range(0x591, 0x5C8), *range(0x610, 0x61B), *range(0x64B, 0x660), 0x670, 0x640, 0x200C, 0x200D]
)


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int
    end: int


def _words(text: str) -> Iterator[_Word]:
    """The words of a text, folded as they are compared, with the slices they come from."""
    for found in _WORD.finditer(text):
        folded = found.group().casefold().translate(_UNWRITTEN)
        if folded:
            yield _Word(folded, *found.span())


def as_compared(typed: str) -> str:
    """Return the words of an entry in plain spelling, with a space between two. Raises Unusable."""
    if len(typed) > LONGEST:
        raise Unusable(f"“{typed[:30]}…” is longer than {LONGEST} characters.")
    if any(unicodedata.category(character) == "So" for character in typed):
        raise Unusable(f"“{typed}” has a picture in it. Please list words.")
    words = [word.text for word in _words(plain(typed).text)]
    if len("".join(words)) < 2:
        raise Unusable(f"“{typed}” has fewer than two letters or digits.")
    if len(words) > PHRASE:
        raise Unusable(f"“{typed[:30]}…” has more than {PHRASE} words.")
    return " ".join(words)


@dataclass(frozen=True)
class Entry:
    """A word or phrase as it was typed and as it is compared, and what it does."""

    id: int
    text: str
    words: str
    means: Means
    # The code of the reason that a rejection by it names; empty: the last of the reasons.
    reason: str = ""


@dataclass(frozen=True)
class Hit:
    """An entry, and the slice of the text where it stands first."""

    entry: Entry
    start: int
    end: int


class Matcher:
    """Finds entries in texts: whole words, as written or in plain spelling.

    A tree of words: a text takes as long with ten entries as with ten thousand.
    """

    def __init__(self, entries: Iterable[Entry], *, version: object = None) -> None:
        self.version = version
        self._tree: dict[str, Any] = {}
        for entry in entries:
            node = self._tree
            for word in entry.words.split():
                node = node.setdefault(word, {})
            # No word is empty, so this is no word.
            node.setdefault("", []).append(entry)

    def hits(self, text: str) -> list[Hit]:
        """Return each entry that the text has, in the order in which they stand in it."""
        found: dict[int, Hit] = {}
        for hit in self._every(text):
            found.setdefault(hit.entry.id, hit)
        return sorted(found.values(), key=lambda hit: hit.start)

    def spans(self, text: str) -> set[tuple[int, int]]:
        """Return every slice of the text where an entry stands."""
        return {(hit.start, hit.end) for hit in self._every(text)}

    def _every(self, text: str) -> Iterator[Hit]:
        if not self._tree:
            return
        yield from self._look(list(_words(text)))
        said = plain(text)
        if said.text != text:
            words = (
                _Word(word.text, said.starts[word.start], said.ends[word.end - 1])
                for word in _words(said.text)
            )
            yield from self._look(list(words))

    def _look(self, words: Sequence[_Word]) -> Iterator[Hit]:
        for first, begin in enumerate(words):
            node, at = self._tree, first
            while at < len(words) and words[at].text in node:
                node = node[words[at].text]
                for entry in node.get("", ()):
                    yield Hit(entry, begin.start, words[at].end)
                at += 1

    def signals(self, text: str) -> tuple[Signal, ...]:
        """Return a signal for each kind of entry that the text has, naming its entries.

        Its reason is that of the entry that stands first.
        """
        hits = self.hits(text)
        signals = []
        for means, code in SIGNAL_OF.items():
            some = [hit.entry for hit in hits if hit.entry.means is means]
            named = [f"“{entry.text}”" for entry in some]
            if named:
                more = f" and {len(named) - 5} more" if len(named) > 5 else ""
                says = f"It has {', '.join(named[:5])}{more}, on the list of words to {means}."
                reason = next((entry.reason for entry in some if entry.reason), "")
                signals.append(Signal(code, says, reason=reason))
        return tuple(signals)


# The list -----------------------------------------------------------------------------------------

_LISTED = ListedWord.removed_at.is_(None)


def in_force(session: Session, known: Matcher | None = None) -> Matcher:
    """Return a matcher of the whole list; `known` again if the list is as it was."""
    # Numbers are never given twice, so no two lists share both.
    version = tuple(
        session.execute(
            select(func.count(), func.max(ListedWord.id)).select_from(ListedWord).where(_LISTED)
        ).one()
    )
    if known is not None and known.version == version:
        return known
    rows = session.execute(
        select(
            ListedWord.id, ListedWord.typed, ListedWord.words, ListedWord.means, ListedWord.reason
        ).where(_LISTED)
    )
    return Matcher(
        (Entry(row.id, row.typed, row.words, Means(row.means), row.reason) for row in rows),
        version=version,
    )


def read(typed: str) -> dict[str, str]:
    """Return the entries of a typed list, one a line: as compared, to as typed. Raises Unusable."""
    lines = [" ".join(line.split()) for line in typed.splitlines()]
    lines = [line for line in lines if line]
    if not lines:
        raise Unusable("Please write at least one word.")
    if len(lines) > AT_ONCE:
        raise Unusable(f"Please add at most {AT_ONCE} entries at once.")
    return {as_compared(line): line for line in reversed(lines)}


def typed_matcher(typed: str) -> Matcher:
    """Return a matcher of a typed list, to try it. Raises Unusable."""
    entries = enumerate(reversed(read(typed).items()))
    return Matcher(Entry(number, text, words, Means.HOLD) for number, (words, text) in entries)


def add(session: Session, typed: str, *, means: Means, note: str, by: int, reason: str = "") -> int:
    """List these entries, one a line; those listed otherwise move. Return how many are new.

    A rejection by them names `reason`, by its code. Raises Unusable, NoSuchReason, and ListChanged
    when somebody else was faster.
    """
    reason, said = _named(session, means, reason)
    if len(note) > NOTE:
        raise Unusable(f"Please keep the note within {NOTE} characters.")
    wanted = read(typed)
    there = {
        row.words: row
        for row in session.scalars(select(ListedWord).where(_LISTED, ListedWord.words.in_(wanted)))
    }
    new = {
        words: text
        for words, text in reversed(wanted.items())
        if words not in there
        or (there[words].means, there[words].note, there[words].reason) != (means, note, reason)
    }
    if not new:
        return 0
    count = session.scalar(select(func.count()).select_from(ListedWord).where(_LISTED)) or 0
    if count + len(new) > MOST:
        raise Unusable(f"The list may have {MOST} entries; it has {count}.")
    now = time_of(session)
    for words in new:
        if words in there:
            there[words].removed_at, there[words].removed_by = now, by
    try:
        with session.begin_nested():
            session.flush()
            session.add_all(
                ListedWord(
                    typed=text,
                    words=words,
                    means=means.value,
                    reason=reason,
                    note=note,
                    added_by=by,
                    added_at=now,
                )
                for words, text in new.items()
            )
            session.flush()
    except IntegrityError:
        raise ListChanged from None
    acts.record(session, Did.LISTED, actor=by, words=f"{said}: {', '.join(new.values())}")
    return len(new)


def _named(session: Session, means: Means, reason: str) -> tuple[str, str]:
    """Return the reason as an entry keeps it, and what entries of this kind do, in words."""
    if means is not Means.REJECT or not reason:
        return "", f"To {means}"
    chosen = rules.in_force(session).reasons.get(reason)
    if chosen is None:
        raise NoSuchReason("Please choose one of the reasons.")
    return reason, f"To {means} as {chosen.title}"


def name_reason(session: Session, entry_id: int, reason: str, *, by: int) -> bool:
    """Let rejections by an entry name another reason. False if they named it already.

    Raises LookupError when the entry is not on the list, NoSuchReason, ListChanged.
    """
    row = _on_the_list(session, entry_id)
    if row.means != Means.REJECT:
        raise NoSuchReason("A word that holds names no reason: a moderator chooses one.")
    if row.reason == reason:
        return False
    # Listed anew, as with any other change, so that each worker sees that the list is another.
    return add(session, row.typed, means=Means.REJECT, note=row.note, by=by, reason=reason) > 0


def remove(session: Session, entry_id: int, *, by: int) -> None:
    """Take an entry off the list. Raises LookupError when it is not on it."""
    row = _on_the_list(session, entry_id)
    row.removed_at, row.removed_by = time_of(session), by
    acts.record(session, Did.UNLISTED, actor=by, words=f"To {row.means}: {row.typed}")


def _on_the_list(session: Session, entry_id: int) -> ListedWord:
    row = session.get(ListedWord, entry_id, with_for_update=True)
    if row is None or row.removed_at is not None:
        raise LookupError(entry_id)
    return row


def entries(
    session: Session, *, looking_for: str = "", after: str = "", at_most: int = 100
) -> list[ListedWord]:
    """Return entries by the alphabet, those after `after`; `looking_for` is part of one."""
    query = select(ListedWord).where(_LISTED, ListedWord.words > after)
    if looking_for:
        part = " ".join(word.text for word in _words(looking_for))
        query = query.where(ListedWord.words.contains(part, autoescape=True))
    return list(session.scalars(query.order_by(ListedWord.words).limit(at_most)))


def counts(session: Session) -> dict[Means, int]:
    """Count the entries by what they do."""
    rows = session.execute(
        select(ListedWord.means, func.count()).where(_LISTED).group_by(ListedWord.means)
    )
    found = {Means(means): count for means, count in rows}
    return {means: found.get(means, 0) for means in SIGNAL_OF}


# Trying it ----------------------------------------------------------------------------------------

TRIED_FOR = timedelta(days=30)
# Comments that one page looks at: each is put in plain spelling, which takes half a millisecond.
A_LOOK = 300


@dataclass(frozen=True)
class Caught:
    """A comment that a list would have caught: its text in pieces, each told whether it is hit."""

    case_id: int
    status: Status
    opened_at: datetime
    pieces: Sequence[tuple[str, bool]]


@dataclass(frozen=True)
class Trial:
    """What was caught among the comments looked at, since when, and where to go on."""

    caught: Sequence[Caught]
    looked_at: int
    back_to: datetime | None
    next: int | None


def tried(session: Session, matcher: Matcher, *, before: int | None = None) -> Trial:
    """Look for the entries in the comments of the last 30 days, newest first, so many at once."""
    query = select(Case.id, Case.text, Case.status, Case.opened_at, Case.withdrawn_at)
    if before is not None:
        query = query.where(Case.id < before)
    # By number alone: a condition on the time would read on through all that is older.
    rows = session.execute(query.order_by(Case.id.desc()).limit(A_LOOK)).all()
    since = time_of(session) - TRIED_FOR
    recent = [row for row in rows if row.opened_at >= since]
    there = [row for row in recent if row.withdrawn_at is None]
    caught = [
        Caught(row.id, Status(row.status), row.opened_at, _pieces(row.text, hits))
        for row in there
        if (hits := matcher.hits(row.text))
    ]
    return Trial(
        caught,
        len(there),
        recent[-1].opened_at if recent else None,
        recent[-1].id if len(recent) == A_LOOK else None,
    )


_AROUND = 200


def _pieces(text: str, hits: Sequence[Hit]) -> list[tuple[str, bool]]:
    """The text around what was hit first."""
    begin = max(0, hits[0].start - _AROUND)
    until = min(len(text), hits[0].end + _AROUND)
    pieces = [("… ", False)] if begin else []
    at = begin
    for hit in hits:
        if hit.start >= at and hit.end <= until:
            pieces += [(text[at : hit.start], False), (text[hit.start : hit.end], True)]
            at = hit.end
    pieces.append((text[at:until] + (" …" if until < len(text) else ""), False))
    return [piece for piece in pieces if piece[0]]
