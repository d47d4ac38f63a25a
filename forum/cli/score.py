"""forum score and forum explain: one text, its scores and the words that carry them."""

import json
import sys
from typing import Annotated

import typer

from forum.cli import site
from forum.cli.site import ClassifierOption
from forum.cli.terminal import printable, say, table


def score(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The text, or - to read it from stdin.")
    ],
    classifier: ClassifierOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show how the classifier scores a text; with the site's own calibration where one is here."""
    from moderation import labels

    loaded, calibrated = site.classifier(site.settings(), classifier)
    (scores,) = loaded.score([_given(text)])
    if as_json:
        about = {
            "classifier": loaded.name,
            "version": loaded.version,
            "calibrated_here": calibrated,
            "scores": dict(scores),
        }
        say(json.dumps(about))
        return
    table(
        ("Label", "Score"),
        [(labels.BY_NAME[label].title, f"{score:.4f}") for label, score in scores.items()],
    )
    say(site.scored_by(loaded, calibrated))


def explain(
    text: Annotated[
        str, typer.Argument(metavar="TEXT", help="The text, or - to read it from stdin.")
    ],
    classifier: ClassifierOption = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show which words of a text carry its scores, which are those of 'forum score'."""
    from moderation import labels
    from moderation.explain import explain
    from moderation.scripts import outside

    loaded, calibrated = site.classifier(site.settings(), classifier)
    given = _given(text)
    (scores,) = loaded.score([given])
    found = explain(loaded, given, loaded.labels)
    script = outside(given, loaded.scripts)
    if as_json:
        about = {
            "classifier": loaded.name,
            "version": loaded.version,
            "calibrated_here": calibrated,
            "outside": script,
            "labels": {
                label: {"score": score, **found[label].to_json()} for label, score in scores.items()
            },
        }
        say(json.dumps(about))
        return
    if script:
        say(f"Outside the classifier's languages: it never learned the {script} script.")
    rows = []
    for label, score in scores.items():
        why = found[label]
        words = dict.fromkeys(printable(given[start:end]) for start, end in why.spans)
        part = printable(" ".join(given[slice(*why.part)].split())) if why.part else ""
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
    table(head[: 3 + long], [row[: 3 + long] for row in rows])
    say(site.scored_by(loaded, calibrated))


def _given(text: str) -> str:
    """Return a text from the command line, or from stdin where it is a dash."""
    given = sys.stdin.buffer.read() if text == "-" else text.encode("utf-8", "surrogateescape")
    return given.decode("utf-8", "replace")
