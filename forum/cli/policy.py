"""forum policy: the thresholds in force, as files, and those for another classifier."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forum.cli import site
from forum.cli.site import ClassifierOption
from forum.cli.terminal import Refused, commands, limit, printable, progress, say, table

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from moderation.policy import Policy
    from moderation.tables import PolicyVersion

app = commands("Look at the thresholds, and keep them as files.")

UnfairOption = Annotated[
    str,
    typer.Option(
        metavar="REASON",
        help="Go on though it is worse for some group, or not checked yet; the reason is kept.",
    ),
]

# A policy is a page of numbers; anything much longer is another file.
_LONGEST = 100_000


def read_file(path: Path) -> "tuple[Policy, dict[str, Any]]":
    """Read a policy that `export` wrote, and whose scores it is for. Raises Refused."""
    from moderation.policy import InvalidPolicy, Policy

    try:
        if path.stat().st_size > _LONGEST:
            raise Refused(f"{printable(path)} is too long to be a policy.")
        told = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as problem:
        raise Refused(f"{printable(path)} cannot be read: {problem.strerror}.") from None
    except (ValueError, RecursionError):
        raise Refused(
            f"{printable(path)} is not JSON. 'forum policy export' shows the form."
        ) from None
    told = told if isinstance(told, dict) else {}
    meant = told.get("classifier")
    try:
        return Policy.read(told.get("policy")), meant if isinstance(meant, dict) else {}
    except InvalidPolicy as problem:
        raise Refused(f"{printable(path)}: {problem}") from None


def _version(session: "Session", number: int) -> "PolicyVersion":
    """Return a version of the policy, the one in force for 0. Raises Refused."""
    from moderation import policies

    try:
        return policies.version(session, number) if number else policies.in_force(session)
    except LookupError as problem:
        raise Refused(str(problem)) from None


@app.command("export")
def export(
    version: Annotated[
        int, typer.Argument(metavar="[VERSION]", help="Else the one in force.", min=0)
    ] = 0,
) -> None:
    """Print a version as JSON, to be reviewed and kept like code."""
    with site.database(site.settings()) as database, database.reading() as session:
        found = _version(session, version)
        say(
            json.dumps(
                {
                    "version": found.id,
                    "classifier": {
                        "name": found.classifier.name,
                        "version": found.classifier.version,
                    },
                    "policy": found.policy.to_json(),
                },
                indent=2,
            )
        )


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'export' wrote.")],
    note: Annotated[str, typer.Option(metavar="WORDS", help="Why, for the versions.")] = "",
    based_on: Annotated[
        int,
        typer.Option(
            "--based-on", metavar="VERSION", help="Refuse if another one is in force by now.", min=0
        ),
    ] = 0,
    accept_unfair: UnfairOption = "",
) -> None:
    """Put the policy of a file in force, as a new version."""
    from moderation import harmless, policies, predictions

    policy, meant = read_file(file)
    with site.database(site.settings()) as database:
        try:
            # Many texts are judged for it, and nobody who writes should wait for that.
            with database.reading() as session:
                current = policies.in_force(session)
                expected = predictions.expect(session, policy, current.classifier_id)
            with database.writing() as session:
                current = policies.in_force(session)
                fits(current.classifier, meant, file)
                if policy.to_json() == current.policy.to_json():
                    say(f"Version {current.id} is in force and says the same. Nothing was saved.")
                    return
                version = policies.adopt(
                    session,
                    policy,
                    author=None,
                    note=note,
                    based_on=based_on or current.id,
                    prediction=None if expected is None else expected.to_json(),
                    fairness=harmless.accepted(
                        session,
                        policy,
                        based_on=based_on or current.id,
                        reason=because(accept_unfair),
                    ),
                )
        except harmless.NeedsYes as needs:
            raise unfair(needs) from None
        except policies.PolicyChanged as problem:
            raise Refused(
                f"Version {problem.current} is in force, not {based_on}. Nothing was saved."
                " Export it and look at both."
            ) from None
        except LookupError as problem:
            raise Refused(str(problem)) from None
        say(f"In force from the next comment on, as version {version.id}.")


def because(typed: str) -> str:
    """Return a reason as it is kept. Raises Refused when it is too long."""
    from moderation import harmless

    reason = " ".join(typed.split())
    if len(reason) > harmless.REASON:
        raise Refused(f"Please keep the reason within {harmless.REASON} characters.")
    return reason


def unfair(needs: Exception) -> Refused:
    """Say what the fairness check found, and what it takes to go on."""
    return Refused(f"{needs} Nothing was saved. To go on all the same: --accept-unfair REASON.")


def fits(classifier: Any, meant: dict[str, Any], file: Path) -> None:
    """Refuse numbers that are for the scores of another classifier."""
    if (meant.get("name"), meant.get("version")) != (classifier.name, classifier.version):
        said = f"{meant.get('name')} {meant.get('version')}" if meant else "no classifier"
        raise Refused(
            f"{printable(file)} names {printable(said)}, and the thresholds in force are for"
            f" {classifier.title}. Numbers for one mean nothing for another."
        )


@app.command("translate")
def translate(
    classifier: ClassifierOption = "",
    texts: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of the newest comments to score.")
    ] = 1000,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Put the translated thresholds in force.")
    ] = False,
    accept_unfair: UnfairOption = "",
) -> None:
    """Show thresholds for another classifier, so that each keeps its share of comments."""
    from forum.quoting import quotables
    from moderation import calibrations, catalogue, harmless, labels, lineup, policies, translation
    from moderation.loading import load_classifier
    from moderation.rescoring import Rescoring, behind

    settings = site.settings()
    with site.database(settings) as database:
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
            with progress(each.name, unread) as advance:
                while done := rescoring.round(each, number, at_most=settings.score_at_once):
                    advance(min(rescoring.scored + rescoring.failures, unread) if done else None)
        with database.reading() as session:
            pairs = translation.pairs(session, current.classifier_id, row, at_most=texts)
        found = translation.translate(current.policy, pairs)
        table(
            ("Label", "", "Before", "Comments", "Now", "Comments"),
            [
                (
                    labels.BY_NAME[one.label].title,
                    one.kind,
                    limit(one.before),
                    f"{one.share:.1%}",
                    limit(one.after),
                    f"{one.kept:.1%}",
                )
                for one in found.moved
            ],
        )
        say(
            f"From {current.classifier.title} to {new.name} {new.version}, over {found.texts}"
            " comments that both scored."
        )
        if not adopt:
            say("Nothing was saved. To put them in force, add --adopt.")
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
                    fairness=harmless.accepted(
                        session,
                        found.policy,
                        based_on=current.id,
                        classifier=row,
                        reason=because(accept_unfair),
                    ),
                )
        except harmless.NeedsYes as needs:
            raise unfair(needs) from None
        except policies.PolicyChanged as problem:
            raise Refused(f"{problem} Nothing was saved. Run the command again.") from None
        say(f"In force from the next comment on, as version {version.id}.")


@app.command("show")
def show() -> None:
    """Show the policy in force: its mode, and from which scores it holds and rejects."""
    from forum import accounts
    from moderation import differences, labels, policies
    from moderation.policy import SIGNALS, Means

    with site.database(site.settings()) as database, database.reading() as session:
        try:
            current = policies.in_force(session)
        except LookupError as problem:
            raise Refused(str(problem)) from None
        author = "the site"
        if current.author is not None:
            author = accounts.names(session, {current.author}).get(current.author, "a lost account")
        say(
            f"Version {current.id}, since {current.adopted_at:%Y-%m-%d %H:%M} UTC, by {author},"
            f" for {current.classifier.title}."
            f" Mode: {current.policy.mode.replace('_', ' ')}."
        )
        table(
            ("Label", "Hold from", "Reject from"),
            [
                (labels.BY_NAME[label].title, limit(limits.hold), limit(limits.reject))
                for label, limits in current.policy.thresholds.items()
            ],
        )
        for one in current.policy.at(session.info["time"]).overrides:
            until = f" until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else ""
            say(f"For {one.place}{until}: {differences.spelt(one.thresholds)}.")
        for code, means in current.policy.signals.items():
            says = "counts for nothing" if means is Means.NOTHING else f"{means.value}s"
            good = current.policy.trust.get(code)
            skipped = f", skipped from {good} good comments on" if good else ""
            say(f"{SIGNALS[code].title}: {says}{skipped}.")


@app.command("outcome")
def outcome(
    version: Annotated[
        int, typer.Argument(metavar="[VERSION]", help="Else the one in force.", min=0)
    ] = 0,
) -> None:
    """Show what was predicted of a version when it was adopted, and what came."""
    from moderation import predictions

    with site.database(site.settings()) as database, database.reading() as session:
        found = _version(session, version)
        expected, came = predictions.of(found), predictions.came(session, found)
        if expected is None:
            raise Refused(
                f"Nothing was predicted of version {found.id}: that takes the comments of at least"
                f" {predictions.LEAST} days before it is saved on the page of the policy or"
                " imported."
            )
        say(
            f"Predicted of version {found.id} from {expected.texts} comments, from"
            f" {expected.since:%Y-%m-%d %H:%M} to {expected.until:%Y-%m-%d %H:%M} UTC, scored by"
            f" {found.classifier.title}."
        )
        if came is None:
            for status in expected.daily:
                number = expected.a_day(status)
                low, high = map(predictions.in_digits, (number.low, number.high))
                say(f"{status.value.capitalize()}: predicted {low} to {high} a day.")
            say("There is something to compare when it has been in force for a day.")
            return
        say(
            f"In force from {came.since:%Y-%m-%d %H:%M}, compared up to"
            f" {came.until:%Y-%m-%d %H:%M} UTC."
        )
        for line in came.lines:
            say(line.in_words())


@app.command("rehearse")
def rehearse(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A policy, as exported.")],
    for_: Annotated[
        str, typer.Option("--for", metavar="TIME", help="How long: 12h, 7d or 2w.")
    ] = "7d",
    share: Annotated[
        float,
        typer.Option(
            metavar="SHARE", help="On which share of threads it decides; 0: it only looks on."
        ),
    ] = 0.0,
    note: Annotated[str, typer.Option(metavar="WORDS", help="Why, for the page.")] = "",
    accept_unfair: UnfairOption = "",
) -> None:
    """Let the policy of a file judge beside the one in force for a time."""
    from moderation import harmless, policies, rehearsals

    policy, meant = read_file(file)
    lasts = _lasting(for_)
    with site.database(site.settings()) as database:
        try:
            with database.writing() as session:
                current = policies.in_force(session)
                fits(current.classifier, meant, file)
                found = None
                if share > 0:
                    found = harmless.accepted(
                        session, policy, based_on=current.id, reason=because(accept_unfair)
                    )
                row = rehearsals.start(
                    session,
                    policy,
                    by=None,
                    share=share,
                    lasts=lasts,
                    based_on=current.id,
                    note=" ".join(note.split()),
                    fairness=found,
                )
        except harmless.NeedsYes as needs:
            raise unfair(needs) from None
        except (rehearsals.CannotRehearse, LookupError) as problem:
            raise Refused(str(problem)) from None
        say(
            f"Rehearsal {row.id} judges from the next comment on, until"
            f" {row.ends_at:%Y-%m-%d %H:%M} UTC. 'forum policy rehearsal' says how it goes."
        )


def _lasting(given: str) -> timedelta:
    units = {"h": "hours", "d": "days", "w": "weeks"}
    if found := re.fullmatch(r"([1-9][0-9]{0,3})([hdw])", given):
        return timedelta(**{units[found[2]]: int(found[1])})
    raise Refused(f"--for takes hours, days or weeks, as in 12h, 7d or 2w; not {given!r}.")


@app.command("rehearsal")
def rehearsal(
    stop: Annotated[bool, typer.Option("--stop", help="End the one that runs.")] = False,
) -> None:
    """Show the rehearsal that runs or ran last, beside the policy in force."""
    from moderation import rehearsals

    with site.database(site.settings()) as database:
        if stop:
            with database.writing() as session:
                found = rehearsals.newest(session)
                if found is None or rehearsals.end(session, found.id, by=None) is None:
                    raise Refused("No rehearsal runs.")
        with database.reading() as session:
            found = rehearsals.newest(session)
            if found is None:
                raise Refused("No policy has been rehearsed here yet.")
            runs = rehearsals.runs(session, found)
            outcome = rehearsals.outcome(session, found)
    until = found.ended_at or found.ends_at
    decides = f"It decides on {found.share:.0%} of the threads." if found.share else ""
    say(
        f"Rehearsal {found.id}, beside version {found.based_on},"
        f" {'runs until' if runs else 'ended'} {until:%Y-%m-%d %H:%M} UTC. {decides}".strip()
    )
    table(
        ("", "In force", "Rehearsed"),
        [(status.value.capitalize(), str(now), str(then)) for status, now, then in outcome.rows()],
    )
    say(f"On {outcome.apart} of {outcome.texts} comments the two differ.")
    for status, apart in outcome.compare() if found.share else ():
        if apart.low is not None and apart.high is not None:
            say(
                f"{status.value.capitalize()}: {apart.value:+.1%} where it decides, from"
                f" {apart.low:+.1%} to {apart.high:+.1%} at 95 %."
            )
