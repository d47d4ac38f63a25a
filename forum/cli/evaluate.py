"""forum evaluate: how good classifiers are, side by side."""

import json
import math
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from forum.cli import site
from forum.cli.terminal import Refused, limit, progress, say, table

if TYPE_CHECKING:
    from moderation.marks import Figure


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
            help="labelled, functional, identity, unseen, disguises or spans; else all.",
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
        bool, typer.Option("--by-group", help="Show each group of the identity suites.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure classifiers on the suites and on labelled texts: CSV files, or folders of them."""
    from moderation import evaluation, marks
    from moderation.loading import load_classifier
    from moderation.policy import DEFAULT

    unknown = set(only or ()) - set(marks.SUITES)
    if unknown:
        raise Refused(f"There is no suite '{unknown.pop()}'. Use {', '.join(marks.SUITES)}.")
    if not paths and (choose or {"labelled", "disguises", "spans"} & set(only or ())):
        raise Refused("Name a file with labelled texts, or a folder of them.")
    files = [labelled for path in paths or () for labelled in evaluation.read(path)]
    loaded = [load_classifier(spec) for spec in classifier or [site.settings().classifier]]
    found = []
    for ready in loaded:
        with progress(ready.name, None) as advance:
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
        say(json.dumps([one.to_json() for one in found]))
        return
    for one in found if choose else ():
        say(f"Thresholds chosen for {one.name}, version {one.version}:")
        table(
            (
                *("Label", "Hold from", "Precision", "Recall", "Held by any label"),
                *("Reject from", "Precision", "Recall"),
            ),
            [
                (
                    choice.label,
                    limit(choice.hold),
                    _figure(choice.hold_precision),
                    _figure(choice.hold_recall),
                    _figure(choice.found),
                    limit(choice.reject),
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
    table(
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
