"""Readers' Markdown to safe HTML, and HTML back to the plain words that readers will see."""

import hashlib
import html
import re
import unicodedata

import nh3
from markdown_it import MarkdownIt


# Emphasis, quotes, lists, code and links. No headings, pictures, tables or raw HTML: a comment
# shall not look like a part of the page.
def _markdown(*rules: str) -> MarkdownIt:
    return (
        MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True, "maxNesting": 12})
        .enable([*rules])
        .disable(["heading", "lheading", "hr", "image", "html_block", "html_inline", "reference"])
    )


_plain, _linking = _markdown(), _markdown("linkify")
# What every address has that is written without Markdown; looking for one takes longer than all
# the rest of a comment.
_PERHAPS_ADDRESS = re.compile(r"//|@|\.\w")
# A line of words: nothing in it means anything to Markdown or HTML, and its first letter begins a
# paragraph. Most comments are such a line, and read so they take a tenth of the time.
_WORDS_ALONE = re.compile(r"[^\W\d_][^\\`*_\[\]<>&]*")
_TAGS = {"p", "br", "em", "strong", "code", "pre", "blockquote", "ul", "ol", "li", "a"}
_cleaner = nh3.Cleaner(
    tags=_TAGS,
    attributes={"a": {"href"}, "ol": {"start"}},
    url_schemes={"http", "https", "mailto"},
    link_rel="nofollow ugc noopener",
    strip_comments=True,
)
_strip_all = nh3.Cleaner(tags=set())

# Overrides that turn neighbouring text around, and control characters; joiners stay, since
# Persian and emoji need them.
_UNWANTED = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_NOT_ALPHANUMERIC = re.compile(r"[\W_]+")
_NOT_IN_ASCII = {code: None for code in range(128) if not chr(code).isalnum()}
# A paragraph without anything in it but words, as most comments are.
_PARAGRAPH = re.compile("<p>([^<>&]*)</p>")
_BLOCK_END = re.compile(r"</(?:p|li|pre|blockquote)>|<br\s*/?>")
_MARKS_IN_A_ROW = re.compile(
    r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]{3})"
    r"[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]+"
)


def tidy(source: str) -> str:
    """Return typed text with one kind of line end, composed letters and nothing unprintable."""
    if source.isascii() and source.isprintable():
        return source.strip()
    text = unicodedata.normalize("NFC", source.replace("\r\n", "\n").replace("\r", "\n"))
    # Stacks of combining marks run over the neighbours' lines.
    return _MARKS_IN_A_ROW.sub(r"\1", _UNWANTED.sub("", text)).strip()


def render(source: str) -> str:
    """Return the safe HTML of a comment's source."""
    perhaps_address = _PERHAPS_ADDRESS.search(source)
    # Of what is printable only one is a space, and nothing is a control or a line's end.
    if not perhaps_address and source.isprintable() and _WORDS_ALONE.fullmatch(source):
        return f"<p>{source.strip()}</p>"
    return _by_markdown(source, _linking if perhaps_address else _plain)


def _by_markdown(source: str, markdown: MarkdownIt) -> str:
    return _cleaner.clean(markdown.render(source)).strip()


def plain(rendered: str) -> str:
    """Return the words that a reader of this HTML sees, line by line; what a classifier judges."""
    alone = _PARAGRAPH.fullmatch(rendered)
    if alone and rendered.isprintable():
        return alone[1].strip()
    text = html.unescape(_strip_all.clean(_BLOCK_END.sub("\n", rendered)))
    return re.sub(r"\n{2,}", "\n", text).strip()


def fingerprint(text: str) -> str:
    """Return the same short hash for texts with the same letters and digits in the same order.

    A text without any (emoji, punctuation) is compared as it stands.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    if folded.isascii():
        letters = folded.translate(_NOT_IN_ASCII)
    else:
        letters = _NOT_ALPHANUMERIC.sub("", folded)
    letters = letters or "".join(folded.split())
    return hashlib.sha256(letters.encode()).hexdigest()[:32]
