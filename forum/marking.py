"""Slices of a comment's plain words, found and marked in its HTML."""

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Literal

from forum import markup

# The first character and the one after the last, of what `markup.plain` returns.
Span = tuple[int, int]
# None is a tag that a comment can have.
Tag = Literal["mark", "u", "b"]

_PIECE = re.compile(r"<[^>\"]*(?:\"[^\"]*\"[^>\"]*)*>|&\w+;|\s+|[^\s<&]+|.", re.S)


def quotes(rendered: str) -> list[Span]:
    """Return the slices that stand in a quote, the outermost only."""
    if "<blockquote>" not in rendered:
        return []
    found: list[Span] = []
    depth, first, last = 0, None, 0
    for piece, at, length in _pieces(rendered):
        depth += (piece == "<blockquote>") - (piece == "</blockquote>")
        if at is None and depth == 0 and first is not None:
            found.append((first, last))
            first = None
        elif at is not None and depth > 0:
            first, last = at if first is None else first, at + length
    return found


def marked(rendered: str, spans: Sequence[Span], tag: Tag = "mark") -> str:
    """Return the HTML with these slices marked, also where they run across other marks."""
    return wrapped(rendered, spans, f"<{tag}>", f"</{tag}>")


def wrapped(rendered: str, spans: Sequence[Span], before: str, after: str) -> str:
    """Return the HTML with something before and after each of these slices, within each mark."""
    if not spans:
        return rendered
    inside = _numbered(spans)
    result: list[str] = []
    # Blanks wait until it is known whether the mark goes on behind them.
    blanks: list[str] = []
    current: int | None = None
    for piece, at in _split(rendered, inside):
        is_tag = piece[0] == "<"
        if at is None and not is_tag:
            blanks.append(piece)
            continue
        here = None if is_tag else inside.get(at)
        if here != current or is_tag:
            if current is not None:
                result.append(after)
            result += blanks
            if here is not None:
                result.append(before)
        else:
            result += blanks
        blanks.clear()
        current = here
        result.append(piece)
    return "".join([*result, *blanks])


def _split(rendered: str, inside: Mapping[int | None, int]) -> Iterator[tuple[str, int | None]]:
    """Yield the pieces, those character by character in which a slice begins or ends."""
    for piece, at, length in _pieces(rendered):
        if at is None or length == 1 or inside.keys().isdisjoint(range(at, at + length)):
            yield piece, at
        else:
            yield from zip(piece, range(at, at + length), strict=True)


def _numbered(spans: Sequence[Span]) -> dict[int | None, int]:
    """Say of each character in a slice in which; slices that touch are one."""
    inside: dict[int | None, int] = {}
    number, reached = 0, -1
    for start, end in sorted(spans):
        number += start > reached
        reached = max(reached, end)
        inside |= dict.fromkeys(range(start, end), number)
    return inside


def _pieces(rendered: str) -> Iterator[tuple[str, int | None, int]]:
    """Yield tags, blanks, and runs of characters that are seen; to these their place among the
    plain words, and how many they are."""
    words, at = markup.plain(rendered), 0
    for found in _PIECE.finditer(rendered):
        piece = found.group()
        coded = piece[0] == "&" and len(piece) > 1
        if piece[0] == "<" or (html.unescape(piece) if coded else piece).isspace():
            yield piece, None, 0
            continue
        # Blanks are laid out otherwise in plain words; all else stands there in the same order.
        while words[at].isspace():
            at += 1
        length = 1 if coded else len(piece)
        yield piece, at, length
        at += length
