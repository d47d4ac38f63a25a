"""The command `forum`: one function a command, and every error as one line that says what to do."""

import json
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
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
    from moderation.calibrations import Refit
    from moderation.marks import Figure

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
keys = typer.Typer(help="Make and revoke keys for the score API.", **_many)
model = typer.Typer(help="Choose a classifier.", **_many)
app.add_typer(account, name="account")
app.add_typer(keys, name="key")
app.add_typer(model, name="model")
app.add_typer(policy, name="policy")

ClassifierOption = Annotated[
    str,
    typer.Option(
        metavar="SPEC",
        help="As FORUM_CLASSIFIER, which it stands in for.",
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
    """Score comments and send mails, without a server. Ctrl-C stops it."""
    settings = _settings()
    with suppress(KeyboardInterrupt):
        with _database(settings):
            pass
        from forum.app import work as work_alone

        _say("Scoring what waits. Ctrl-C stops it.")
        work_alone(settings)


@app.command("score-api")
def score_api(
    host: Annotated[
        str, typer.Option(help="Address to listen on; else FORUM_HOST.", show_default=False)
    ] = "",
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; else FORUM_PORT.", show_default=False)
    ] = None,
) -> None:
    """Serve the score API, the Perspective API's twin, without a site. Ctrl-C stops it."""
    given = {"host": host or None, "port": port}
    settings = _settings(**{name: value for name, value in given.items() if value is not None})
    with suppress(KeyboardInterrupt):
        with _database(settings):
            pass
        from forum.app import serve as serve_scores

        _say(f"Scoring for keys at {settings.host}:{settings.port}. Ctrl-C stops it.")
        serve_scores(settings, only_scores=True)


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
    (scores,) = loaded.score([_given(text)])
    if as_json:
        about = {"classifier": loaded.name, "version": loaded.version, "scores": dict(scores)}
        _say(json.dumps(about))
        return
    _table(
        ("Label", "Score"),
        [(labels.BY_NAME[label].title, f"{score:.4f}") for label, score in scores.items()],
    )
    _say(f"Scored by {loaded.name}, version {loaded.version}.")


@app.command("explain")
def explain_(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The text, or - to read it from stdin.")
    ],
    classifier: ClassifierOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show which words of a text carry its scores."""
    from moderation import labels
    from moderation.classifier import load_classifier
    from moderation.explain import explain
    from moderation.scripts import outside

    loaded = load_classifier(classifier or _settings().classifier)
    given = _given(text)
    (scores,) = loaded.score([given])
    found = explain(loaded, given, loaded.labels)
    script = outside(given, loaded.scripts)
    if as_json:
        about = {
            "classifier": loaded.name,
            "version": loaded.version,
            "outside": script,
            "labels": {
                label: {"score": score, **found[label].to_json()} for label, score in scores.items()
            },
        }
        _say(json.dumps(about))
        return
    if script:
        _say(f"Outside the classifier's languages: it never learned the {script} script.")
    rows = []
    for label, score in scores.items():
        why = found[label]
        words = dict.fromkeys(_printable(given[start:end]) for start, end in why.spans)
        part = _printable(" ".join(given[slice(*why.part)].split())) if why.part else ""
        rows.append(
            (
                labels.BY_NAME[label].title,
                f"{score:.4f}",
                ", ".join(words),
                f"{part[:30]} … {part[-30:]}" if part else "",
            )
        )
    long = any(row[3] for row in rows)
    head = ("Label", "Score", "Carried by", "Highest in the part")
    _table(head[: 3 + long], [row[: 3 + long] for row in rows])
    _say(f"Scored by {loaded.name}, version {loaded.version}.")


def _given(text: str) -> str:
    """Return a text from the command line, or from stdin where it is a dash."""
    given = sys.stdin.buffer.read() if text == "-" else text.encode("utf-8", "surrogateescape")
    return given.decode("utf-8", "replace")


@app.command()
def evaluate(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="PATH", show_default=False)] = None,
    classifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SPEC",
            help="As for score; several are shown side by side.",
            show_default=False,
        ),
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SUITE",
            help="labelled, functional, identity, disguises or spans; else all.",
            show_default=False,
        ),
    ] = None,
    choose: Annotated[
        bool,
        typer.Option(
            "--choose", help="Choose thresholds from the labelled texts, and judge by them."
        ),
    ] = False,
    by_function: Annotated[
        bool, typer.Option("--by-function", help="Show each function of the functional suite.")
    ] = False,
    by_group: Annotated[
        bool, typer.Option("--by-group", help="Show each group of the identity suite.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure classifiers on the suites and on labelled texts: CSV files, or folders of them."""
    from moderation import evaluation, marks
    from moderation.classifier import load_classifier
    from moderation.policy import DEFAULT

    unknown = set(only or ()) - set(marks.SUITES)
    if unknown:
        raise Refused(f"There is no suite '{unknown.pop()}'. Use {', '.join(marks.SUITES)}.")
    if not paths and (choose or {"labelled", "disguises", "spans"} & set(only or ())):
        raise Refused("Name a file with labelled texts, or a folder of them.")
    files = [labelled for path in paths or () for labelled in evaluation.read(path)]
    loaded = [load_classifier(spec) for spec in classifier or [_settings().classifier]]
    found = []
    for ready in loaded:
        with _progress(ready.name, None) as advance:
            found.append(
                marks.measure(
                    ready,
                    files,
                    suites=[suite for suite in marks.SUITES if not only or suite in only],
                    judged_by=None if choose else DEFAULT,
                    progress=partial(_advance_to, advance),
                )
            )
    if as_json:
        _say(json.dumps([one.to_json() for one in found]))
        return
    for one in found if choose else ():
        _say(f"Thresholds chosen for {one.name}, version {one.version}:")
        _table(
            (
                *("Label", "Hold from", "Precision", "Recall", "Held by any label"),
                *("Reject from", "Precision", "Recall"),
            ),
            [
                (
                    choice.label,
                    _limit(choice.hold),
                    _figure(choice.hold_precision),
                    _figure(choice.hold_recall),
                    _figure(choice.found),
                    _limit(choice.reject),
                    _figure(choice.reject_precision),
                    _figure(choice.reject_recall),
                )
                for choice in one.choices
            ],
        )
    shown = {"", *["function"] * by_function, *["group"] * by_group}
    head = ["On", "Measure", "Texts", "Yardstick", "To reach"]
    for one in found:
        head += [f"{one.name} {one.version}", "Met"]
    _table(
        head,
        [
            (first.on, first.measure, first.texts, *_marked(first), *_values(row))
            for row in marks.side_by_side(found)
            if (first := next(figure for figure in row if figure)).detail in shown
        ],
    )


def _advance_to(advance: Callable[..., None], done: int, total: int) -> None:
    advance(done, total=total)


def _marked(figure: "Figure") -> tuple[str, str]:
    """Return what others reach, and what must be reached."""
    mark = figure.mark
    if mark is None:
        return "", ""
    if mark.at_least is not None:
        return mark.yardstick, f"at least {figure.written(mark.at_least)}"
    return mark.yardstick, f"at most {figure.written(mark.at_most)}"


def _values(row: "Sequence[Figure | None]") -> list[str]:
    cells = []
    for figure in row:
        value = figure.written() if figure else ""
        cells.append(f"{value} ({figure.note})" if figure and value and figure.note else value)
        met = figure.met if figure else None
        cells.append("" if met is None else "yes" if met else "no")
    return cells


def _figure(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.3f}"


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


@keys.command("create")
def key_create(
    name: Annotated[str, typer.Argument(help="Who uses it.")],
    a_minute: Annotated[
        int, typer.Option(metavar="N", help="How many requests it may make in a minute.")
    ] = 600,
) -> None:
    """Make a key and show it, once."""
    from forum import keys as known

    with _database(_settings()) as database:
        with database.writing() as session:
            key = known.create(session, name, a_minute=a_minute)
        _say(f"Key: {key}")
        _say("It is not shown again.")


@keys.command("list")
def key_list() -> None:
    """List the keys, revoked ones too; never the keys themselves."""
    from forum import keys as known

    with _database(_settings()) as database, database.reading() as session:
        _table(
            ("Name", "A minute", "Since", "Revoked"),
            [
                (
                    one.name,
                    str(one.a_minute),
                    f"{one.created_at:%Y-%m-%d}",
                    f"{one.revoked_at:%Y-%m-%d}" if one.revoked_at else "",
                )
                for one in known.listed(session)
            ],
        )


@keys.command("revoke")
def key_revoke(name: str) -> None:
    """Revoke a key: from the next request on it opens nothing."""
    from forum import keys as known

    with _database(_settings()) as database:
        with database.writing() as session:
            known.revoke(session, name)
        _say(f"The key '{name}' is revoked.")


@app.command("suggestions")
def suggestions_() -> None:
    """Print the scores that users of the score API suggested, as CSV for 'forum evaluate'."""
    import csv

    from forum import suggestions
    from moderation import labels

    with _database(_settings()) as database, database.reading() as session:
        # A file gets the words as they were sent; a terminal must not be commanded by them.
        shown = _printable if sys.stdout.isatty() else str
        rows = csv.writer(sys.stdout)
        rows.writerow(("at", "key", "community", "token", "text", *labels.NAMES))
        for one in suggestions.listed(session):
            rows.writerow(
                (
                    f"{one.created_at:%Y-%m-%dT%H:%M:%SZ}",
                    one.key.name,
                    *map(shown, (one.community, one.token, one.text)),
                    *(one.scores.get(label, "") for label in labels.NAMES),
                )
            )


@model.command("add")
def model_add(
    spec: Annotated[
        str,
        typer.Argument(
            metavar="SPEC", help="detoxify:NAME or detoxify:FILE; @FOLDER after it works offline."
        ),
    ],
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What to call it here.", show_default=False)
    ] = "",
    sha256: Annotated[
        str,
        typer.Option(metavar="HEX", help="What the file's sha256 must be.", show_default=False),
    ] = "",
) -> None:
    """Fetch a Detoxify model, convert it to int8 and compare the two; then it can be chosen."""
    from moderation import catalogue

    with _progress("Fetched", None) as advance:
        added = catalogue.add(
            spec,
            name=name,
            sha256=sha256,
            progress=lambda done, total: advance(done, total=total),
        )
    parity = added.about["parity"]
    _say(
        f"On {parity['texts']} texts its scores differ from Detoxify's by {parity['mean']:.4f} in"
        f" the mean, {parity['largest']:.4f} at most."
    )
    _say(f"Added to {added.folder}. Choose it with FORUM_CLASSIFIER={added.name}.")


@model.command("list")
def model_list() -> None:
    """List the classifiers to choose from, and which of them is in use."""
    from moderation import catalogue

    settings = _settings()
    uses = {settings.shadow: "shadow", settings.classifier: "decides"}
    _table(
        ("Name", "Classifier", "Labels", "MB", "Made", "Use"),
        [
            (
                entry.name,
                str(entry.about.get("name", "")),
                str(len(entry.about.get("labels", ()))),
                f"{entry.size / 1e6:.0f}",
                str(entry.about.get("made", "")),
                uses.get(entry.name, ""),
            )
            for entry in catalogue.listed()
        ],
    )


@model.command("card")
def model_card(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As 'forum model list' has it.")],
) -> None:
    """Show what is known about a classifier: labels, where it came from, how good it is."""
    from moderation import catalogue
    from moderation.classifier import load_classifier

    entry = catalogue.find(name)
    # Loaded, so that files which are not what the card says are refused.
    loaded = load_classifier(name)
    # Of the calibration what it is good for, not its knots.
    about = {key: entry.about[key] for key in entry.about if key != "calibration"}
    errors = {label: one["error"] for label, one in about.pop("reliability", {}).items()}
    about |= {"calibration_error": errors} if errors else {}
    _table(("What", "Is"), [("version", loaded.version), *_lines(about)])


@model.command("calibrate")
def model_calibrate(
    yes: Annotated[bool, typer.Option("--yes", help="Adopt without asking.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Return to the scores as the classifier gives them.")
    ] = False,
) -> None:
    """Make scores the probabilities that the decisions of your moderators show."""
    from moderation import calibrations, policies
    from moderation.classifier import load_classifier

    settings = _settings()
    with _database(settings) as database:
        loaded = load_classifier(settings.classifier)
        with database.reading() as session:
            based_on = policies.in_force(session).id
            found = [] if undo else calibrations.refit(session, loaded)
        if not undo:
            _show_refits(found)
            if all(each.curve is None for each in found):
                raise Refused(
                    "Nothing was changed: no label has enough decisions yet. It needs"
                    f" {calibrations.LEAST} comments that were rejected for it, and as many others"
                    " that were decided on; the table says how many are missing."
                )
        if not yes:
            if not sys.stdin.isatty():
                raise Refused("Nothing was changed. To adopt it, add --yes.")
            typer.confirm("Return to the classifier's own?" if undo else "Adopt?", abort=True)
        try:
            with database.writing() as session:
                if undo:
                    version = calibrations.undo(session, loaded, based_on=based_on)
                else:
                    version = calibrations.adopt(session, loaded, found, based_on=based_on)
        except policies.PolicyChanged as problem:
            raise Refused(f"{problem} Nothing was changed. Run the command again.") from None
        except calibrations.PolicyForAnother as problem:
            raise Refused(str(problem)) from None
        if version is None:
            raise Refused("There is nothing to undo: the scores are the classifier's own.")
        _say(
            f"In force from the next comment on, with policy version {version.id}: its thresholds"
            " were moved so that the same comments are held and rejected as before."
        )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _show_refits(found: "Sequence[Refit]") -> None:
    from moderation import labels
    from moderation.calibrations import LEAST

    def missing(each: "Refit") -> str:
        return ", ".join(
            f"{LEAST - count} {what}"
            for count, what in ((each.rejected, "rejected"), (each.others, "others"))
            if count < LEAST
        )

    _table(
        ("Label", "Rejected for it", "Others", "Missing", "Error now", "Error then"),
        [
            (
                labels.BY_NAME[each.label].title,
                str(each.rejected),
                str(each.others),
                missing(each),
                f"{each.before.error:.3f}" if each.before else "",
                f"{each.after.error:.3f}" if each.after else "",
            )
            for each in found
        ],
    )
    refitted = [(each.label, each.before, each.after) for each in found if each.curve]
    if not refitted:
        return
    _table(
        ("Label", "Probability", "Comments now", "Said", "Was", "Comments then", "Said", "Was"),
        [
            (
                labels.BY_NAME[label].title,
                f"{now.low:.1f} to {now.high:.1f}",
                *(
                    cell
                    for band in (now, then)
                    for cell in (str(band.texts), _share(band.said), _share(band.was))
                ),
            )
            for label, before, after in refitted
            if before and after
            for now, then in zip(before.bands, after.bands, strict=True)
            if now.texts or then.texts
        ],
    )
    _say(
        "Measured on the comments that people decided on, each by a curve fitted without it. People"
        " decide on what is held or reported; where nobody looked, the probability stays."
    )


def _lines(about: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    """Yield what a card says as lines, what is nested under the names that lead to it."""
    for key, value in about.items():
        what = f"{before}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            yield from _lines(value, f"{what}, ")
        elif isinstance(value, list) and any(isinstance(one, dict) for one in value):
            for one in value:
                yield what, ", ".join(str(part) for part in one.values())
        elif isinstance(value, list):
            yield what, ", ".join(map(str, value))
        else:
            yield what, "never" if value is None else str(value)


@model.command("disagreements")
def model_disagreements(
    texts: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of the newest comments to look at.")
    ] = 1000,
) -> None:
    """List comments that the shadow would have decided otherwise, newest first."""
    from moderation import lineup, policies, translation

    with _database(_settings()) as database, database.reading() as session:
        current, shadow = policies.in_force(session), lineup.shadowing(session)
        if shadow is None or shadow.id == current.classifier_id:
            raise Refused("No other classifier has scored here. Name one in FORUM_SHADOW.")
        moved, found = translation.disagreements(
            session, current.policy, current.classifier_id, shadow.id, at_most=texts
        )
        _table(
            ("Case", current.classifier.title, shadow.title, "Why", "Comment"),
            [
                (
                    str(each.case_id),
                    each.one.status,
                    each.other.status,
                    " ".join(
                        finding.in_words()
                        for finding in (each.one.findings or each.other.findings)[:1]
                    ),
                    _printable(" ".join(each.text.split()))[:100],
                )
                for each in found
            ],
        )
    _say(
        f"{len(found)} of {moved.texts} comments. The shadow is judged by thresholds that keep each"
        " its share of comments."
    )


@policy.command("translate")
def policy_translate(
    classifier: ClassifierOption = "",
    texts: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of the newest comments to score.")
    ] = 1000,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Put the translated thresholds in force.")
    ] = False,
) -> None:
    """Show thresholds for another classifier, so that each keeps its share of comments."""
    from forum.quoting import quotables
    from moderation import calibrations, catalogue, labels, lineup, policies, translation
    from moderation.classifier import load_classifier
    from moderation.rescoring import Rescoring, behind

    settings = _settings()
    with _database(settings) as database:
        loaded = load_classifier(classifier or settings.classifier)
        with database.writing() as session:
            current = policies.in_force(session)
            new = calibrations.applied(session, loaded)
            row = lineup.row_of(session, new.name, new.version)
        if row == current.classifier_id:
            raise Refused(
                f"The thresholds in force are for {current.classifier.title}. Name another"
                " classifier: --classifier SPEC."
            )
        # The old one can only read what it has not when it is still there.
        both = [(new, row)]
        with database.reading() as session:
            for one in catalogue.scoring_as(current.classifier.name):
                old = calibrations.applied(session, one)
                if old.version == current.classifier.version:
                    both.append((old, current.classifier_id))
        for each, number in both:
            rescoring = Rescoring(database.writing, quotables, among=texts)
            with database.reading() as session:
                unread = behind(session, number, among=texts)
            with _progress(each.name, unread) as advance:
                while done := rescoring.round(each, number, at_most=settings.score_at_once):
                    advance(min(rescoring.scored + rescoring.failures, unread) if done else None)
        with database.reading() as session:
            pairs = translation.pairs(session, current.classifier_id, row, at_most=texts)
        found = translation.translate(current.policy, pairs)
        _table(
            ("Label", "", "Before", "Comments", "Now", "Comments"),
            [
                (
                    labels.BY_NAME[one.label].title,
                    one.kind,
                    _limit(one.before),
                    f"{one.share:.1%}",
                    _limit(one.after),
                    f"{one.kept:.1%}",
                )
                for one in found.moved
            ],
        )
        _say(
            f"From {current.classifier.title} to {new.name} {new.version}, over {found.texts}"
            " comments that both scored."
        )
        if not adopt:
            _say("Nothing was saved. To put them in force, add --adopt.")
            return
        try:
            with database.writing() as session:
                version = policies.adopt(
                    session,
                    found.policy,
                    author=None,
                    note=f"Translated: each threshold keeps its share of {found.texts} comments.",
                    based_on=current.id,
                    classifier=row,
                )
        except policies.PolicyChanged as problem:
            raise Refused(f"{problem} Nothing was saved. Run the command again.") from None
        _say(f"In force from the next comment on, as version {version.id}.")


@policy.command("show")
def policy_show() -> None:
    """Show the policy in force: its mode, and from which scores it holds and rejects."""
    from forum import accounts
    from moderation import labels, policies
    from moderation.policy import SIGNALS, Means

    with _database(_settings()) as database, database.reading() as session:
        try:
            current = policies.in_force(session)
        except LookupError as problem:
            raise Refused(str(problem)) from None
        author = "the site"
        if current.author is not None:
            author = accounts.names(session, {current.author}).get(current.author, "a lost account")
        _say(
            f"Version {current.id}, since {current.adopted_at:%Y-%m-%d %H:%M} UTC, by {author},"
            f" for {current.classifier.title}."
            f" Mode: {current.policy.mode.replace('_', ' ')}."
        )
        _table(
            ("Label", "Hold from", "Reject from"),
            [
                (labels.BY_NAME[label].title, _limit(limits.hold), _limit(limits.reject))
                for label, limits in current.policy.thresholds.items()
            ],
        )
        for code, means in current.policy.signals.items():
            says = "counts for nothing" if means is Means.NOTHING else f"{means.value}s"
            good = current.policy.trust.get(code)
            skipped = f", skipped from {good} good comments on" if good else ""
            _say(f"{SIGNALS[code].title}: {says}{skipped}.")


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


def _say(line: str) -> None:
    typer.echo(line)


def _tell(line: str) -> None:
    typer.echo(line, err=True)


def _printable(path: Path | str) -> str:
    """Return a path or a text as it can be shown: either may try to command the terminal."""
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
