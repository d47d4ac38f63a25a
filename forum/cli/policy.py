"""forum policy: the thresholds in force, and those for another classifier."""

from typing import Annotated

import typer

from forum.cli import site
from forum.cli.site import ClassifierOption
from forum.cli.terminal import Refused, commands, limit, progress, say, table

app = commands("Look at the thresholds.")


@app.command("translate")
def translate(
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
                )
        except policies.PolicyChanged as problem:
            raise Refused(f"{problem} Nothing was saved. Run the command again.") from None
        say(f"In force from the next comment on, as version {version.id}.")


@app.command("show")
def show() -> None:
    """Show the policy in force: its mode, and from which scores it holds and rejects."""
    from forum import accounts
    from moderation import labels, policies
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
        for code, means in current.policy.signals.items():
            says = "counts for nothing" if means is Means.NOTHING else f"{means.value}s"
            good = current.policy.trust.get(code)
            skipped = f", skipped from {good} good comments on" if good else ""
            say(f"{SIGNALS[code].title}: {says}{skipped}.")
