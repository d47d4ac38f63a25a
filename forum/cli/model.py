"""forum model: which classifiers there are, what is known of them, and how they agree."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from forum.cli import site
from forum.cli.terminal import Refused, commands, printable, progress, say, table

if TYPE_CHECKING:
    from moderation.calibrations import Refit

app = commands("Choose a classifier.")


@app.command("add")
def add(
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

    with progress("Fetched", None) as advance:
        added = catalogue.add(
            spec,
            name=name,
            sha256=sha256,
            progress=lambda done, total: advance(done, total=total),
        )
    parity = added.about["parity"]
    say(
        f"On {parity['texts']} texts its scores differ from Detoxify's by {parity['mean']:.4f} in"
        f" the mean, {parity['largest']:.4f} at most."
    )
    say(f"Added to {added.folder}. Choose it with FORUM_CLASSIFIER={added.name}.")


@app.command("list")
def list_models() -> None:
    """List the classifiers to choose from, and which of them is in use."""
    from moderation import catalogue

    settings = site.settings()
    uses = {settings.shadow: "shadow", settings.classifier: "decides"}
    table(
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


@app.command("card")
def card(
    name: Annotated[str, typer.Argument(metavar="NAME", help="As 'forum model list' has it.")],
) -> None:
    """Show what is known about a classifier: labels, where it came from, how good it is."""
    from moderation import catalogue
    from moderation.loading import load_classifier

    entry = catalogue.find(name)
    # Loaded, so that files which are not what the card says are refused.
    loaded = load_classifier(name)
    # Of the calibration what it is good for, not its knots.
    about = {key: entry.about[key] for key in entry.about if key != "calibration"}
    errors = {label: one["error"] for label, one in about.pop("reliability", {}).items()}
    about |= {"calibration_error": errors} if errors else {}
    table(("What", "Is"), [("version", loaded.version), *_lines(about)])


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


@app.command("calibrate")
def calibrate(
    yes: Annotated[bool, typer.Option("--yes", help="Adopt without asking.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Return to the scores as the classifier gives them.")
    ] = False,
) -> None:
    """Make scores the probabilities that the decisions of your moderators show."""
    from moderation import calibrations, policies
    from moderation.loading import load_classifier

    settings = site.settings()
    with site.database(settings) as database:
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
        say(
            f"In force from the next comment on, with policy version {version.id}: its thresholds"
            " were moved so that the same comments are held and rejected as before."
        )


def _show_refits(found: "Sequence[Refit]") -> None:
    from moderation import labels
    from moderation.calibrations import LEAST

    def missing(each: "Refit") -> str:
        return ", ".join(
            f"{LEAST - count} {what}"
            for count, what in ((each.rejected, "rejected"), (each.others, "others"))
            if count < LEAST
        )

    table(
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
    table(
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
    say(
        "Measured on the comments that people decided on, each by a curve fitted without it. People"
        " decide on what is held or reported; where nobody looked, the probability stays."
    )


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


@app.command("disagreements")
def disagreements(
    texts: Annotated[
        int, typer.Option(metavar="N", min=1, help="How many of the newest comments to look at.")
    ] = 1000,
) -> None:
    """List comments that the shadow would have decided otherwise, newest first."""
    from moderation import lineup, policies, translation

    with site.database(site.settings()) as database, database.reading() as session:
        current, shadow = policies.in_force(session), lineup.shadowing(session)
        if shadow is None or shadow.id == current.classifier_id:
            raise Refused("No other classifier has scored here. Name one in FORUM_SHADOW.")
        apart = translation.disagreements(
            session, current.policy, current.classifier_id, shadow.id, at_most=texts
        )
        table(
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
                    printable(" ".join(each.text.split()))[:100],
                )
                for each in apart.found
            ],
        )
    say(
        f"{len(apart.found)} of {apart.translation.texts} comments. The shadow is judged by"
        " thresholds that keep each its share of comments."
    )
