"""Slices of a comment's plain words, found and marked in its HTML."""

import html
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Literal

from forum import markup

# The first character and the one after the last, of what `markup.plain` returns.
Span = tuple[int, int]
# None is a tag that a comment can have.
Tag = Literal["mark", "u", "b"]

_PIECE = re.compile(r"<[^>\"]*(?:\"[^\"]*\"[^>\"]*)*>|&\w+;|[^<&]+|.", re.S)
_BLANKS = re.compile(r"(\s+)")


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
    result: list[str] = []
    # Blanks wait until it is known whether the mark goes on behind them.
    blanks: list[str] = []
    current: int | None = None
    for piece, is_blank, here in _split(rendered, joined(spans)):
        if is_blank:
            blanks.append(piece)
            continue
        is_tag = piece[0] == "<"
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


def joined(spans: Collection[Span]) -> list[Span]:
    """Return the slices in their order, those that overlap or touch as one."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def _split(rendered: str, spans: Sequence[Span]) -> Iterator[tuple[str, bool, int | None]]:
    """Yield the pieces, cut where a slice begins or ends: whether one is blank, and the slice that
    it lies in."""
    number = 0
    for piece, at, length in _pieces(rendered):
        if at is None:
            yield piece, piece[0] != "<", None
            continue
        here, end = at, at + length
        while here < end:
            while number < len(spans) and spans[number][1] <= here:
                number += 1
            first, last = spans[number] if number < len(spans) else (end, end)
            until, inside = (min(last, end), number) if first <= here else (min(first, end), None)
            # A sign that is written as a code is one of the plain words, and is not cut.
            part = piece if length == 1 else piece[here - at : until - at]
            words = part.strip()
            if words:
                lead, tail = part.split(words)
                if lead:
                    yield lead, True, None
                yield words, False, inside
                if tail:
                    yield tail, True, None
            else:
                yield part, True, None
            here = until


def _pieces(rendered: str) -> Iterator[tuple[str, int | None, int]]:
    """Yield tags, blanks, and runs of words that are seen; to these their place among the plain
    words, and how many characters they are there."""
    words, at = markup.plain(rendered), 0
    for found in _PIECE.finditer(rendered):
        run = found.group()
        coded = run[0] == "&" and len(run) > 1
        if run[0] == "<" or (html.unescape(run) if coded else run).isspace():
            yield run, None, 0
            continue
        # Blanks are laid out otherwise in plain words; all else stands there in the same order.
        while words[at].isspace():
            at += 1
        if coded or words.startswith(run, at):
            length = 1 if coded else len(run)
            yield run, at, length
            at += length
            continue
        for piece in _BLANKS.split(run):
            if not piece or piece.isspace():
                if piece:
                    yield piece, None, 0
                continue
            while words[at].isspace():
                at += 1
            yield piece, at, len(piece)
            at += len(piece)
