"""The command `forum`: a file a command, and every error as one line that says what to do.

What a command needs is imported inside it, so that `forum --help` answers at once.
"""

import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of
from typing import Annotated

import typer

from forum.cli import (
    account,
    evaluate,
    ingest,
    key,
    model,
    policy,
    report,
    score,
    serve,
    setup,
    simulate,
    suggestions,
)
from forum.cli.terminal import Refused, commands, say, tell

app = commands("Comments for newsrooms, with a classifier on your own machine.")

# The order is that of `forum --help`.
for run in (
    setup.setup,
    serve.serve,
    serve.work,
    serve.score_api,
    ingest.ingest,
    setup.migrate,
    score.score,
    score.explain,
    evaluate.evaluate,
    simulate.simulate,
    suggestions.suggestions,
    report.report,
):
    app.command()(run)
app.add_typer(account.app, name="account")
app.add_typer(key.app, name="key")
app.add_typer(model.app, name="model")
app.add_typer(policy.app, name="policy")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 when it went well, 1 when it was refused, 2 for wrong usage."""
    try:
        app(args=arguments, prog_name="forum")
    except Exception as problem:
        words = _in_words(problem)
        if words is None:
            raise
        tell(words)
        sys.exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        say(f"forum {version_of('forum')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    pass


def _in_words(problem: Exception) -> str | None:
    """Return what to tell about an error that was foreseen; None for any other."""
    from forum.errors import ForumError
    from forum.settings import BadSettings
    from moderation.classifier import ClassifierUnavailable, ScoringFailed
    from moderation.evaluation import EvaluationRefused
    from moderation.translation import NothingToTranslateBy

    foreseen = (
        Refused,
        ForumError,
        BadSettings,
        ClassifierUnavailable,
        ScoringFailed,
        EvaluationRefused,
        NothingToTranslateBy,
    )
    return str(problem) if isinstance(problem, foreseen) else None
