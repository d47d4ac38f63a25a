"""The command `forum`: one function a command, and every error as one line that says what to do."""

import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.metadata import version as version_of
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

# What a command needs is imported inside it, so that `forum --help` answers at once.
# ruff: noqa: PLC0415

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from forum.database import Database
    from forum.settings import Settings
    from forum.tables import Account

SAMPLE = Path(__file__).parent / "sample"

_many: dict[str, Any] = {
    "no_args_is_help": True,
    "add_completion": False,
    "pretty_exceptions_enable": False,
    "rich_markup_mode": None,
}
app = typer.Typer(help="Comments for newsrooms, with a classifier on your own machine.", **_many)
account = typer.Typer(help="Make accounts, change their roles and passwords.", **_many)
policy = typer.Typer(help="Look at the thresholds.", **_many)
app.add_typer(account, name="account")
app.add_typer(policy, name="policy")

ClassifierOption = Annotated[
    str,
    typer.Option(
        metavar="SPEC",
        help="onnx, onnx:FOLDER, detoxify:NAME or detoxify:FILE; else FORUM_CLASSIFIER.",
    ),
]
Role = Literal["reader", "moderator", "admin"]


class Refused(Exception):
    """A command cannot go on. The message says why and what to do next."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit: 0 when it went well, 1 when it was refused, 2 for wrong usage."""
    try:
        app(args=arguments, prog_name="forum")
    except Exception as problem:
        words = _in_words(problem)
        if words is None:
            raise
        _tell(words)
        sys.exit(1)


def _show_version(wanted: bool) -> None:
    if wanted:
        _say(f"forum {version_of('forum')}")
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


@app.command()
def setup(
    admin: Annotated[str, typer.Option(metavar="NAME", help="Name of the first admin.")] = "admin",
) -> None:
    """Prepare everything: database, first admin, sample article. Safe to run again."""
    from forum import accounts, articles, ingest, migrate

    settings = _settings()
    with _connected(settings) as database:
        migrate.upgrade(database, settings)
        with database.writing() as session:
            password = ""
            if not accounts.has_admin(session):
                _, password = accounts.create(session, admin, role=accounts.Role.ADMIN)
        # Said as soon as it is true: whatever fails below, nobody is locked out.
        _say(f"{settings.site_name}: {settings.address}")
        if password:
            _say(f"Admin: {admin}")
            _say(f"One-time password: {password}")
            _say("It lets you in once, to choose your own. It is not shown again.")
        with database.reading() as session:
            empty = not articles.newest(session, at_most=1)
        if empty:
            files, problems = ingest.find([SAMPLE])
            for outcome in [*problems, *ingest.load(database, files)]:
                if outcome.problem:
                    raise Refused(f"The sample article cannot be loaded: {outcome.problem}")


@app.command()
def serve(
    host: Annotated[
        str, typer.Option(help="Address to listen on; else FORUM_HOST.", show_default=False)
    ] = "",
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; else FORUM_PORT.", show_default=False)
    ] = None,
    worker: Annotated[
        bool | None,
        typer.Option(
            "--worker/--no-worker",
            help="Score comments in this process, too; else FORUM_WORKER.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Serve the site, with the scoring worker inside. Ctrl-C stops it."""
    given = {"host": host or None, "port": port, "worker": worker}
    settings = _settings(**{name: value for name, value in given.items() if value is not None})
    with suppress(KeyboardInterrupt):
        with _database(settings):
            pass
        from forum.app import serve as serve_site

        _say(f"Serving {settings.address} at {settings.host}:{settings.port}. Ctrl-C stops it.")
        serve_site(settings)


@app.command()
def work() -> None:
    """Score comments, without a server. Ctrl-C stops it."""
    settings = _settings()
    with suppress(KeyboardInterrupt):
        with _database(settings):
            pass
        from forum.app import work as work_alone

        _say("Scoring what waits. Ctrl-C stops it.")
        work_alone(settings)


@app.command("ingest")
def ingest_(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", show_default=False)],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would happen, and write nothing.")
    ] = False,
) -> None:
    """Load articles from plain-text files, or from every *.txt in folders."""
    from forum import ingest

    settings = _settings()
    with _database(settings) as database:
        files, refused = ingest.find(paths)
        for outcome in refused:
            _tell(f"{_printable(outcome.path)}: {outcome.problem}")
        changes = {"new": 0, "changed": 0, "same": 0}
        problems = len(refused)
        with _progress("Articles", len(files)) as advance:
            for outcome in ingest.load(database, files, dry_run=dry_run):
                advance()
                if outcome.change is None:
                    problems += 1
                    _tell(f"{_printable(outcome.path)}: {outcome.problem}")
                    continue
                changes[outcome.change] += 1
                if dry_run:
                    _say(f"{outcome.change:<8} {_printable(outcome.path)}")
    summary = f"{changes['new']} new, {changes['changed']} changed, {changes['same']} the same"
    if problems:
        summary += f", {problems} not loaded"
    _say(f"{summary}. Nothing was written." if dry_run else f"{summary}.")
    if problems:
        raise typer.Exit(1)


@app.command("migrate")
def migrate_() -> None:
    """Bring the database to the form that this version needs. Safe to run again."""
    from forum import migrate

    settings = _settings()
    with _connected(settings) as database:
        migrate.upgrade(database, settings)
        _say(f"Up to date: {_shown(database.url)}")


@app.command()
def score(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The text, or - to read it from stdin.")
    ],
    classifier: ClassifierOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how the classifier scores a text."""
    from moderation import labels
    from moderation.classifier import load_classifier

    loaded = load_classifier(classifier or _settings().classifier)
    given = sys.stdin.buffer.read() if text == "-" else text.encode("utf-8", "surrogateescape")
    (scores,) = loaded.score([given.decode("utf-8", "replace")])
    if as_json:
        about = {"classifier": loaded.name, "version": loaded.version, "scores": dict(scores)}
        _say(json.dumps(about))
        return
    _table(
        ("Label", "Score"),
        [(labels.BY_NAME[label].title, f"{score:.4f}") for label, score in scores.items()],
    )
    _say(f"Scored by {loaded.name}, version {loaded.version}.")


@app.command()
def evaluate(
    paths: Annotated[list[Path], typer.Argument(metavar="PATH", show_default=False)],
    classifier: ClassifierOption = "",
) -> None:
    """Measure the classifier on labelled texts: CSV files, or folders of them."""
    from moderation import evaluation
    from moderation.classifier import load_classifier

    loaded = load_classifier(classifier or _settings().classifier)
    with _progress("Texts", None) as advance:
        rows = evaluation.report(
            loaded, paths, progress=lambda done, total: advance(done, total=total)
        )
    _table(
        ("File", "Label", "Texts", "Positives", "ROC-AUC", "Average precision"),
        [
            (
                row.file,
                row.label,
                str(row.texts),
                "" if row.positives is None else str(row.positives),
                "" if row.auc is None else f"{row.auc:.4f}",
                "" if row.average_precision is None else f"{row.average_precision:.4f}",
            )
            for row in rows
        ],
    )
    _say(f"Scored by {loaded.name}, version {loaded.version}.")


@account.command("create")
def account_create(
    name: str, role: Annotated[Role, typer.Option(help="What the account may do.")] = "reader"
) -> None:
    """Make an account and show its one-time password."""
    from forum import accounts

    with _database(_settings()) as database:
        with database.writing() as session:
            made, password = accounts.create(session, name, role=role)
        _say(f"{made.role.capitalize()}: {made.name}")
        _say(f"One-time password: {password}")


@account.command("password")
def account_password(name: str) -> None:
    """Replace a lost password by a one-time password, and end the account's logins."""
    from forum import accounts

    with _database(_settings()) as database:
        with database.writing() as session:
            password = accounts.new_one_time_password(session, name)
        _say(f"One-time password: {password}")


@account.command("role")
def account_role(name: str, role: Role) -> None:
    """Give an account another role."""
    from forum import accounts

    with _database(_settings()) as database:
        with database.writing() as session:
            key = accounts.name_key(name)
            found = [one for one in _accounts(session, name) if one.name_key == key]
            if not found:
                raise Refused(f"There is no account called '{name}'. See 'forum account list'.")
            changed = accounts.change_role(session, found[0].id, role, by=None)
        _say(f"{changed.name} is now {'an' if role == 'admin' else 'a'} {role}.")


@account.command("list")
def account_list() -> None:
    """List the accounts, without guests."""
    with _database(_settings()) as database, database.reading() as session:
        _table(
            ("Name", "Role", "Since", "Closed"),
            [
                (
                    one.name,
                    one.role,
                    f"{one.created_at:%Y-%m-%d}",
                    f"{one.closed_at:%Y-%m-%d}" if one.closed_at else "",
                )
                for one in _accounts(session)
            ],
        )


@policy.command("show")
def policy_show() -> None:
    """Show the policy in force: its mode, and from which scores it holds and rejects."""
    from forum import accounts
    from moderation import labels, policies

    with _database(_settings()) as database, database.reading() as session:
        try:
            current = policies.in_force(session)
        except LookupError as problem:
            raise Refused(str(problem)) from None
        author = "the site"
        if current.author is not None:
            author = accounts.names(session, {current.author}).get(current.author, "a lost account")
        _say(
            f"Version {current.id}, since {current.adopted_at:%Y-%m-%d %H:%M} UTC, by {author}."
            f" Mode: {current.policy.mode.replace('_', ' ')}."
        )
        _table(
            ("Label", "Hold from", "Reject from"),
            [
                (labels.BY_NAME[label].title, _limit(limits.hold), _limit(limits.reject))
                for label, limits in current.policy.thresholds.items()
            ],
        )


def _limit(value: float | None) -> str:
    return "never" if value is None else f"{value:g}"


def _settings(**given: object) -> "Settings":
    from forum.settings import read_settings

    return read_settings(**given)


@contextmanager
def _connected(settings: "Settings") -> "Iterator[Database]":
    """Yield the database, whatever it holds. Raises Refused when it cannot be used."""
    from alembic.util import CommandError
    from sqlalchemy.exc import DatabaseError, OperationalError

    from forum.database import Database

    shown = _shown(settings.database)
    try:
        database = Database(settings.database)
    except ModuleNotFoundError:
        raise Refused("PostgreSQL needs its driver: pip install 'forum[postgres]'.") from None
    try:
        yield database
    except CommandError:
        raise Refused(
            f"The database {shown} was made by another version of forum. Install a newer version."
        ) from None
    except DatabaseError as problem:
        # Its subclasses but one are our own mistakes.
        if type(problem) not in (DatabaseError, OperationalError):
            raise
        reason = " ".join(str(problem.orig).split()).rstrip(".")
        raise Refused(
            f"The database {shown} cannot be used: {reason}. Look at FORUM_DATABASE."
        ) from None
    finally:
        database.close()


@contextmanager
def _database(settings: "Settings") -> "Iterator[Database]":
    """Yield the database of a site that is set up. Raises Refused with what to do first."""
    from sqlalchemy import make_url

    from forum import migrate

    file = make_url(settings.database).database
    # Opening it would make an empty one.
    if settings.database.startswith("sqlite") and file and not Path(file).exists():
        raise Refused(f"There is no database at {file}. Make one: 'forum setup'.")
    with _connected(settings) as database:
        if not migrate.is_current(database):
            raise Refused(
                f"The database {_shown(settings.database)} is not in the form that this version"
                " needs. Run 'forum migrate' first."
            )
        yield database


def _shown(url: str) -> str:
    from sqlalchemy import make_url

    return make_url(url).render_as_string(hide_password=True)


def _accounts(session: "Session", looking_for: str = "") -> "Iterator[Account]":
    from forum import accounts

    after = 0
    while page := accounts.listed(session, looking_for=looking_for, after=after):
        yield from page
        after = page[-1].id


def _in_words(problem: Exception) -> str | None:
    """Return what to tell about an error that was foreseen; None for any other."""
    from forum.errors import ForumError
    from forum.settings import BadSettings
    from moderation.classifier import ClassifierUnavailable, ScoringFailed
    from moderation.evaluation import EvaluationRefused

    foreseen = (
        Refused,
        ForumError,
        BadSettings,
        ClassifierUnavailable,
        ScoringFailed,
        EvaluationRefused,
    )
    return str(problem) if isinstance(problem, foreseen) else None


def _say(line: str) -> None:
    typer.echo(line)


def _tell(line: str) -> None:
    typer.echo(line, err=True)


def _printable(path: Path) -> str:
    """Return a path as it can be shown: a file's name may try to command the terminal."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in str(path))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table: ruled on a terminal, else lines with tabs for the next program."""
    if not sys.stdout.isatty():
        for row in (head, *rows):
            _say("\t".join(row))
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
def _progress(what: str, total: int | None) -> Iterator[Callable[..., None]]:
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
