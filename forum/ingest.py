"""Reads articles from plain-text files and keeps each as a thread.

The form of a file, in UTF-8, UTF-16 with a byte order mark, or Windows-1252:

    The title, often twice in a row
    URL: https://news.example/its-address      (may be left out)
    Section   /   Section below it             (may be left out)

    Paragraphs with an empty line between. Lines of a paragraph are joined; a line of more than
    120 characters is a paragraph of its own, so files without empty lines can be read, too.

    Leave a comment: the disclaimer, up to the end of the file. (may be left out)
"""

import codecs
import os
import re
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from forum import articles, disclaimer
from forum.articles import ArticleText
from forum.database import Database
from forum.errors import Invalid

LARGEST = 5_000_000  # bytes
LONGEST_TITLE = 300  # characters
# PostgreSQL cannot index much more.
_LONGEST_IDENTITY = 2000  # bytes
_LONGEST_SECTION = 60
_LONGEST_WRAPPED_LINE = 120

_NEW_LINE = re.compile("\r\n|[\r\v\x85\u2028]")
_NEW_PARAGRAPH = re.compile("[\f\u2029]")
_NOT_TEXT = re.compile("[\0-\x08\x0e-\x1f\x7f]")
_URL = re.compile(r"url\s*:\s*(.*)", re.IGNORECASE)
_DISCLAIMER = re.compile(r"leave\s+a\s+comment\s*[:：]\s*(.*)", re.IGNORECASE)
# Spaces of every width and marks of none: what editors and web pages leave around a line.
_INVISIBLE = "".join(map(chr, filter(lambda code: chr(code).isspace(), range(0x3001)))) + "".join(
    map(chr, [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x2070), 0xFEFF])
)


class BadArticle(Exception):
    """A file that holds no article. The message says what is wrong and what to do."""


@dataclass(frozen=True)
class Found:
    """A file to read. Its identity is its path below the folder given, with "/" between names."""

    path: Path
    identity: str


@dataclass(frozen=True)
class Outcome:
    """What became of a file: `change` in the database, or the `problem` for which it was left."""

    path: Path
    change: Literal["new", "changed", "same"] | None = None
    problem: str = ""


def find(paths: Sequence[Path]) -> tuple[list[Found], list[Outcome]]:
    """Return the files to read, in order, and what cannot be read.

    A file is taken whatever its name; of a folder every *.txt, also in the folders below, but
    nothing hidden and nothing that a link brings in from outside the folder.
    """
    files: list[Found] = []
    problems: list[Outcome] = []
    for path in paths:
        try:
            if path.is_dir():
                found, refused = _in_folder(path)
                files += found
                problems += refused
                if not found and not refused:
                    raise BadArticle("There are no articles in this folder, no files named *.txt.")
            elif path.exists():
                files.append(Found(path, _identity(path.name)))
            else:
                raise BadArticle("There is no such file or folder.")
        except (BadArticle, OSError) as problem:
            problems.append(_refused(path, problem))
    return files, problems


def load(database: Database, files: Sequence[Found], *, dry_run: bool = False) -> Iterator[Outcome]:
    """Keep the articles of these files, each in a transaction of its own; yield what became of it.

    An article that was loaded before is brought up to date, and its comments stay. `dry_run` finds
    out what would happen, and writes nothing.
    """
    sources: dict[str, Path] = {}
    for file in files:
        try:
            article = _read(file)
            other = sources.setdefault(article.identity, file.path)
            if other != file.path:
                raise BadArticle(
                    f"It is the same article as {other}: both are known as '{article.identity}'."
                    " Load one of them."
                )
            with database.writing() as session:
                change = articles.store(session, article)
                if dry_run:
                    session.rollback()
            yield Outcome(file.path, change)
        except (BadArticle, Invalid, OSError) as problem:
            yield _refused(file.path, problem)


def _read(file: Found) -> ArticleText:
    """Read one file. Raises BadArticle, or OSError when it cannot be opened."""
    # A pipe would be waited for without end.
    if not stat.S_ISREG(file.path.stat().st_mode):
        raise BadArticle("This is not a file that can be read.")
    with file.path.open("rb") as handle:
        content = handle.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise BadArticle(
            f"The file is larger than {LARGEST // 1_000_000} MB, too large for an article."
        )
    return parse(content, file.identity)


def parse(content: bytes, identity: str) -> ArticleText:
    """Take an article apart: title once, sections, body, disclaimer. Raises BadArticle.

    The article's identity is the address that stands in it, else `identity`.
    """
    text, own_words = _without_disclaimer(_lines(_decode(content)))
    rest = iter(range(len(text)))
    title = next((" ".join(text[at].split()) for at in rest if text[at]), "")
    if not title:
        raise BadArticle("There is no title: it must be the first line of the file.")
    if len(title) > LONGEST_TITLE:
        raise BadArticle(
            f"The first line has {len(title)} characters, and a title has {LONGEST_TITLE} at most."
            " Put the title alone on the first line."
        )
    if _URL.fullmatch(title):
        raise BadArticle("The file begins with the address. Put the title above it.")

    address, sections, body = "", "", len(text)
    below_title = True
    for at in rest:
        line = text[at]
        alone = not any(text[at + 1 : at + 2]) and any(text[at + 2 : at + 10])
        if not line:
            below_title = False
        elif _same(line, title):
            continue
        elif not address and (match := _URL.fullmatch(line)):
            address = _canonical(match[1])
        elif not sections and (names := _sections(line, below_title=below_title, alone=alone)):
            sections = " / ".join(names)
        else:
            body = at
            break
    paragraphs = _paragraphs(text[body:])
    if not paragraphs:
        raise BadArticle("There are no paragraphs below the title.")
    return ArticleText(
        identity=address or identity,
        title=title,
        section=sections,
        body="\n\n".join(paragraphs),
        disclaimer=own_words,
    )


def _in_folder(folder: Path) -> tuple[list[Found], list[Outcome]]:
    files: list[Found] = []
    problems: list[Outcome] = []
    root = folder.resolve()

    def unreadable(problem: OSError) -> None:
        problems.append(_refused(Path(problem.filename), problem))

    for place, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links = [name for name in folders if Path(place, name).is_symlink()]
        articles = [name for name in names if name[:1] != "." and name.lower().endswith(".txt")]
        for name in sorted(links + articles):
            path = Path(place, name)
            try:
                if path.is_symlink() and not path.resolve(strict=True).is_relative_to(root):
                    raise BadArticle("This is a link out of the folder, and was not followed.")
                if name not in links:
                    files.append(Found(path, _identity(path.relative_to(folder).as_posix())))
            except (BadArticle, OSError, RuntimeError) as problem:
                problems.append(_refused(path, problem))
    return sorted(files, key=lambda file: file.identity), problems


def _identity(path: str) -> str:
    # The same name is written in two ways on Linux and on a Mac.
    identity = unicodedata.normalize("NFC", path)
    try:
        length = len(identity.encode())
    except UnicodeEncodeError:
        raise BadArticle("The file's name is not UTF-8. Rename it.") from None
    if length > _LONGEST_IDENTITY:
        raise BadArticle(f"The path is longer than {_LONGEST_IDENTITY} bytes. Shorten it.")
    return identity


def _refused(path: Path, problem: Exception) -> Outcome:
    if isinstance(problem, OSError):
        return Outcome(path, problem=f"It cannot be read: {problem.strerror or problem}.")
    if isinstance(problem, RuntimeError):  # how Python 3.11 and 3.12 report a circle of links
        return Outcome(path, problem="It cannot be read: the link leads to itself.")
    return Outcome(path, problem=str(problem))


def _decode(content: bytes) -> str:
    try:
        if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = content.decode("utf-16")
        else:
            text = _decode_bytes(content)
    except UnicodeDecodeError:
        raise BadArticle("The file is not text. Save the article as plain text in UTF-8.") from None
    if not text.strip(_INVISIBLE):
        raise BadArticle("The file is empty.")
    if _NOT_TEXT.search(text):
        raise BadArticle("The file is not text. Save the article as plain text in UTF-8.")
    return text


def _decode_bytes(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        lenient = content.decode("utf-8", "replace")
        damaged = lenient.count("\ufffd")
        whole = sum(character > "\x7f" for character in lenient) - damaged
        # As Windows-1252 a damaged Arabic text would load without complaint, as nonsense.
        if whole > damaged:
            raise BadArticle(
                f"The file is UTF-8 with a damaged place, at byte {problem.start}. Mend it there."
            ) from None
    return content.decode("cp1252")


def _lines(text: str) -> list[str]:
    text = _NEW_PARAGRAPH.sub("\n\n", _NEW_LINE.sub("\n", text))
    return [line.strip(_INVISIBLE) for line in text.split("\n")]


def _without_disclaimer(lines: list[str]) -> tuple[list[str], str | None]:
    """Part the lines from the disclaimer, which runs from its first line to the end."""
    begins = [at for at, line in enumerate(lines) if _DISCLAIMER.match(line)]
    if not begins:
        return lines, None
    wordings = []
    for start, end in zip(begins, [*begins[1:], len(lines)], strict=True):
        first = _DISCLAIMER.sub(r"\1", lines[start], count=1)
        wordings.append("\n\n".join(_paragraphs([first, *lines[start + 1 : end]])))
    different = list(dict.fromkeys(filter(None, wordings)))
    if len(different) > 1:
        raise BadArticle(
            f"'Leave a comment:' stands at line {begins[0] + 1} and again at line {begins[-1] + 1},"
            " with different words. Only the last line may begin with it: it is the disclaimer."
        )
    words = "".join(different)
    if len(words) > disclaimer.LONGEST:
        raise BadArticle(
            f"{len(words)} characters follow 'Leave a comment:' at line {begins[0] + 1}, more than"
            f" the {disclaimer.LONGEST} of a disclaimer. It must be the last line of the file."
        )
    return lines[: begins[0]], words or None


def _same(line: str, title: str) -> bool:
    return " ".join(line.split()).casefold() == title.casefold()


def _sections(line: str, *, below_title: bool, alone: bool) -> list[str]:
    """Return the sections that a line names; none when it reads like anything else.

    `below_title`: no empty line stands between the title and it. `alone`: an empty line follows,
    and text after that.
    """
    names = [name for name in (" ".join(part.split()) for part in line.split("/")) if name]
    if "/" in line:
        likely = below_title or (alone and re.search(r"\s/\s", line) is not None)
    else:
        likely = below_title and alone and len(line.split()) <= 3
    plain = all(
        len(name) <= _LONGEST_SECTION
        and any(character.isalpha() for character in name)
        and name[-1] not in ".!?…,;؟。"
        and ":" not in name
        for name in names
    )
    return names if likely and plain and len(names) <= 6 else []


def _canonical(address: str) -> str:
    """Return an address in the form in which it is compared. Raises BadArticle."""
    try:
        parts = urlsplit(address.strip())
        port = f":{parts.port}" if parts.port is not None else ""
    except ValueError:
        parts, port = urlsplit(""), ""
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or parts.username is not None
        or re.search(r"\s", address)
    ):
        raise BadArticle(
            f"'{address}' is not an address like https://news.example/article. Mend the line"
            " 'URL:', or take it out."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    canonical = parts._replace(netloc=host + port, path=parts.path or "/", fragment="").geturl()
    if len(canonical.encode()) > _LONGEST_IDENTITY:
        raise BadArticle(f"The address is longer than {_LONGEST_IDENTITY} bytes. Shorten it.")
    return canonical


def _paragraphs(lines: Sequence[str]) -> list[str]:
    paragraphs: list[str] = []
    block: list[str] = []
    for line in [*lines, ""]:
        if line:
            block.append(line)
        elif block:
            if any(len(one) > _LONGEST_WRAPPED_LINE for one in block):
                paragraphs += block
            else:
                paragraphs.append(_joined(block))
            block = []
    return paragraphs


def _joined(lines: Sequence[str]) -> str:
    parts = [lines[0]]
    for line in lines[1:]:
        if parts[-1].endswith("\xad"):
            parts[-1] = parts[-1][:-1]
        # "al-" and "Qaeda": the hyphen belongs to the word more often than not.
        elif not re.fullmatch(r"\w-", parts[-1][-2:]):
            parts.append(" ")
        parts.append(line)
    return "".join(parts)
