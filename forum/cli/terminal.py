"""What commands say: lines, tables, bars, and the one way to refuse."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import typer


def commands(meaning: str) -> typer.Typer:
    """Return an empty group of commands; its help says what it means."""
    return typer.Typer(
        help=meaning,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )


class Refused(Exception):
    """A command cannot go on. The message says why and what to do next."""


def say(line: str) -> None:
    typer.echo(line)


def tell(line: str) -> None:
    typer.echo(line, err=True)


def printable(path: Path | str) -> str:
    """Return a path or a text as it can be shown: either may try to command the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(path))


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: ruled on a terminal, else lines with tabs for the next program."""
    if not sys.stdout.isatty():
        for row in (head, *rows):
            say("\t".join(row))
        return
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD)
    for name in head:
        table.add_column(name)
    for row in rows:
        table.add_row(*map(Text, row))
    Console().print(table)


@contextmanager
def progress(what: str, total: int | None) -> Iterator[Callable[..., None]]:
    """Yield a function that moves a bar on: by one, or to `done` of `total`."""
    if not sys.stderr.isatty():
        yield lambda *_done, **_total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)

        def advance(done: int | None = None, *, total: int | None = None) -> None:
            if done is None:
                progress.advance(task)
            else:
                progress.update(task, completed=done, total=total)

        yield advance


def limit(value: float | None) -> str:
    return "never" if value is None else f"{value:g}"
