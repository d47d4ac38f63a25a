"""How the sentences of the suites are kept: text files in sections, one line an entry."""

from collections.abc import Iterator
from pathlib import Path


def read(name: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the head of each section of a file of this folder, and its lines.

    A head begins with "# ". What stands before the first one is for the reader of the file.
    """
    text = (Path(__file__).parent / name).read_text(encoding="utf-8")
    _, *sections = text.split("\n# ")
    for section in sections:
        head, *lines = section.splitlines()
        yield head, tuple(line for line in lines if line)
