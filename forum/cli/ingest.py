"""forum ingest: articles from files."""

from pathlib import Path
from typing import Annotated

import typer

from forum.cli import site
from forum.cli.terminal import printable, progress, say, tell


def ingest(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", show_default=False)],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and write nothing.")
    ] = False,
) -> None:
    """Load articles from plain-text files, or from every *.txt in folders."""
    from forum import ingest

    settings = site.settings()
    with site.database(settings) as database:
        files, refused = ingest.find(paths)
        for outcome in refused:
            tell(f"{printable(outcome.path)}: {outcome.problem}")
        changes = {"new": 0, "changed": 0, "same": 0}
        problems = len(refused)
        with progress("Articles", len(files)) as advance:
            for outcome in ingest.load(database, files, dry_run=dry_run):
                advance()
                if outcome.change is None:
                    problems += 1
                    tell(f"{printable(outcome.path)}: {outcome.problem}")
                    continue
                changes[outcome.change] += 1
                if dry_run:
                    say(f"{outcome.change:<8} {printable(outcome.path)}")
    summary = f"{changes['new']} new, {changes['changed']} changed, {changes['same']} the same"
    if problems:
        summary += f", {problems} not loaded"
    say(f"{summary}. Nothing was written." if dry_run else f"{summary}.")
    if problems:
        raise typer.Exit(1)
