"""How good a classifier is on texts that people have labelled, and which thresholds follow."""

import csv
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from moderation import labels as known
from moderation.classifier import Classifier
from moderation.explain import explain
from moderation.policy import Policy, Status, Threshold, judge

Numbers = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Progress = Callable[[int, int], None]

# The labels of Jigsaw's first challenge, whose mean is the figure that others publish.
SIX: tuple[str, ...] = known.NAMES[:6]
MEAN = "mean of six"

_AT_ONCE = 32


class EvaluationRefused(Exception):
    """There is nothing to evaluate on. The message names the file and says what is wrong."""


@dataclass(frozen=True)
class Row:
    """One line of the table: how well the scores of `label` order the texts of `file`.

    `positives` counts the texts that people gave the label. `auc` is the area under the ROC
    curve, `average_precision` that under the precision-recall curve; both count each text by its
    weight where the file has the column `weight`, and both are None where all texts are alike.
    The row of MEAN has neither positives nor average precision.
    """

    file: str
    label: str
    texts: int
    positives: int | None
    auc: float | None
    average_precision: float | None


@dataclass(frozen=True)
class Labelled:
    """The texts of one file. A label of `truth` holds 1, 0 or, where nobody labelled, NaN.

    `marked` holds for each text the places of the characters that people marked as toxic; it is
    empty where the file has no column `spans`.
    """

    file: str
    texts: list[str]
    truth: dict[str, Numbers]
    weight: Numbers
    marked: Sequence[frozenset[int]] = ()


def score(
    classifier: Classifier, texts: Sequence[str], progress: Progress | None = None
) -> dict[str, Numbers]:
    """Score texts: label name to one score a text, in their order.

    `progress` is told the texts done and the texts in all.
    """
    columns: dict[str, list[float]] = {label: [] for label in classifier.labels}
    for start in range(0, len(texts), _AT_ONCE):
        some = texts[start : start + _AT_ONCE]
        for scores in classifier.score(some):
            for label, value in scores.items():
                columns[label].append(value)
        if progress is not None:
            progress(start + len(some), len(texts))
    return {label: np.array(column) for label, column in columns.items()}


def held(scores: Mapping[str, Numbers], policy: Policy) -> Flags:
    """Say of each text whether `policy` keeps it from its readers, held or rejected.

    Thresholds of labels that `scores` lacks are left out: six labels are measured as six.
    """
    own = {name: limits for name, limits in policy.thresholds.items() if name in scores}
    asked = replace(policy, thresholds=own)
    rows = zip(*(column.tolist() for column in scores.values()), strict=True)
    return np.array(
        [
            judge(dict(zip(scores, row, strict=True)), (), asked).status is not Status.PUBLISHED
            for row in rows
        ],
        dtype=np.bool_,
    )


def measure(labelled: Labelled, scores: Mapping[str, Numbers]) -> list[Row]:
    """Measure the scores of each label against what people said.

    Where all of SIX are measured, a last row MEAN follows.
    """
    rows = []
    for label, truth in labelled.truth.items():
        if label not in scores:
            continue
        there = ~np.isnan(truth)
        flags, column, weight = truth[there] == 1, scores[label][there], labelled.weight[there]
        alike = flags.all() or not flags.any()
        rows.append(
            Row(
                labelled.file,
                label,
                len(flags),
                int(flags.sum()),
                None if alike else roc_auc(flags, column, weight),
                None if alike else average_precision(flags, column, weight),
            )
        )
    aucs = [row.auc for row in rows if row.label in SIX and row.auc is not None]
    if len(aucs) == len(SIX):
        rows.append(Row(labelled.file, MEAN, len(labelled.texts), None, float(np.mean(aucs)), None))
    return rows


def read(path: str | Path) -> list[Labelled]:
    """Read a labelled file, or all of a folder that hold a labelled text, by name.

    A file is a CSV, gzipped or not, with a column `text` and columns named as labels: 1, 0, a
    share (from 0.5 on it counts as 1), or empty where nobody labelled. A column `weight` says for
    how many texts each stands, a column `spans` which characters are toxic, as a JSON list of
    their places. Raises EvaluationRefused.
    """
    path = Path(path)
    if not path.exists():
        raise EvaluationRefused(f"{path} is not there.")
    if path.is_file():
        labelled = _read_file(path)
        if not labelled.truth and not labelled.marked:
            raise EvaluationRefused(
                f"{path} has no labelled text. It needs a column named as a label, such as "
                "toxicity, with 1 or 0 in it."
            )
        return [labelled]
    names = sorted(file for file in path.iterdir() if file.name.endswith((".csv", ".csv.gz")))
    found = [one for one in map(_read_file, names) if one.truth or one.marked]
    if not found:
        raise EvaluationRefused(f"{path} holds no CSV file with labelled texts.")
    return found


def span_f1(classifier: Classifier, labelled: Labelled, progress: Progress | None = None) -> float:
    """Return how well the words found to carry the toxicity agree with those that people marked.

    The mean over the texts of `labelled.marked` of the F1 of their characters: 1 where nobody
    marked anything and nothing is found, 0 where only one of them did.
    """
    total = 0.0
    for done, (text, marked) in enumerate(zip(labelled.texts, labelled.marked, strict=True), 1):
        spans = explain(classifier, text, ["toxicity"])["toxicity"].spans
        found = {at for start, end in spans for at in range(start, end)}
        both = len(found) + len(marked)
        total += 2 * len(found & marked) / both if both else 1.0
        if progress is not None:
            progress(done, len(labelled.texts))
    return total / len(labelled.texts)


def roc_auc(labels: Flags, scores: Numbers, weight: Numbers | None = None) -> float:
    """Return the probability that a labelled text scores above another; equal scores are half.

    `labels`, `scores` and `weight` have one entry a text. Raises ValueError where all labels are
    alike.
    """
    with_label, without = _by_score(labels, scores, weight)
    if not with_label.sum() or not without.sum():
        raise ValueError("All labels are alike: there is nothing to tell apart.")
    # From the highest score down: what a labelled text has below it, ties counted half.
    below = without.sum() - np.cumsum(without) + without / 2
    return float((with_label * below).sum() / (with_label.sum() * without.sum()))


def average_precision(labels: Flags, scores: Numbers, weight: Numbers | None = None) -> float:
    """Return the area under the precision-recall curve, as the sum of its steps.

    Raises ValueError where no text has the label.
    """
    with_label, without = _by_score(labels, scores, weight)
    if not with_label.sum():
        raise ValueError("No text has the label.")
    right = np.cumsum(with_label)
    precision = right / (right + np.cumsum(without))
    return float((precision * with_label).sum() / with_label.sum())


def precision_recall(
    labels: Flags, scores: Numbers, threshold: float, weight: Numbers | None = None
) -> tuple[float, float]:
    """Return precision and recall of "the score is at or above `threshold`".

    Precision is NaN where no score reaches the threshold, recall where no text has the label.
    """
    weight = np.ones(len(scores)) if weight is None else weight
    stopped = scores >= threshold
    right, reached, all_of_them = (
        float(weight[flags].sum()) for flags in (stopped & labels, stopped, labels)
    )
    nan = float("nan")
    return right / reached if reached else nan, right / all_of_them if all_of_them else nan


@dataclass(frozen=True)
class Choice:
    """Thresholds chosen for one label, and what they do on the texts they were chosen on.

    `found` is the share of the label's texts that the thresholds of all labels hold together: what
    one label's threshold misses, another's may find. NaN where one label was chosen for alone.
    """

    label: str
    hold: float | None
    hold_precision: float
    hold_recall: float
    reject: float | None
    reject_precision: float
    reject_recall: float
    found: float = float("nan")


# What thresholds are chosen from: hundredths; below a tenth, where rare labels live, thousandths.
_GRID = (*(step / 1000 for step in range(1, 100)), *(step / 100 for step in range(10, 100)))


def choose(
    label: str,
    labels: Flags,
    scores: Numbers,
    weight: Numbers | None = None,
    *,
    held: Flags | None = None,
    hold_recall: float = 0.9,
    reject_precision: float = 0.98,
    at_least: int = 30,
) -> Choice:
    """Choose thresholds for two targets.

    Hold is the highest with which `hold_recall` of the labelled texts are found, those counted
    that are `held` anyway, or the lowest there is where none finds so many. Where enough are held
    anyway, it is the lowest from which on every second text that is stopped has the label: what
    it adds then is a reason, at little cost. Without a labelled text it is None.
    Reject is the lowest from which on every threshold, too, is right for `reject_precision` of
    what it stops, counting thresholds that stop `at_least` texts; without one it is None: never.
    """
    found = {at: precision_recall(labels, scores, at, weight) for at in _GRID}
    hold = None
    if labels.any():
        mass = np.ones(len(scores)) if weight is None else weight
        anyway = np.zeros(len(scores), dtype=bool) if held is None else held
        wanted = hold_recall * mass[labels].sum()
        if mass[labels & anyway].sum() >= wanted:
            hold = _lowest(found, scores, 0.5, at_least) or _GRID[-1]
        else:
            hold = max(
                (at for at in _GRID if mass[labels & (anyway | (scores >= at))].sum() >= wanted),
                default=_GRID[0],
            )
    reject = _lowest(found, scores, reject_precision, at_least, above=hold or 0.0)
    nowhere = (float("nan"), 0.0)
    return Choice(
        label,
        hold,
        *(found[hold] if hold is not None else nowhere),
        reject,
        *(found[reject] if reject is not None else nowhere),
    )


def _lowest(
    found: Mapping[float, tuple[float, float]],
    scores: Numbers,
    precision: float,
    at_least: int,
    above: float = 0.0,
) -> float | None:
    """The lowest threshold from which on all that stop `at_least` texts have `precision`."""
    lowest = None
    for at in reversed(_GRID):
        if (scores >= at).sum() < at_least:
            continue
        if found[at][0] < precision or at < above:
            break
        lowest = at
    return lowest


def choose_all(measured: Sequence[tuple[Labelled, Mapping[str, Numbers]]]) -> list[Choice]:
    """Choose the thresholds of every label that was scored and labelled, from all files at once.

    Label by label, toxicity first: what is held for one label need not be found by the next, so
    that together they hold as little that is harmless as the targets allow. Each text counts by
    its weight. A label on which all texts are alike gets none.
    """
    if not measured:
        return []
    weight = np.concatenate([labelled.weight for labelled, _ in measured])
    chosen: dict[str, tuple[Choice, Flags]] = {}
    anyway = np.zeros(len(weight), dtype=bool)
    for label in known.NAMES:
        truth = np.concatenate([_column(one.truth, label, one) for one, _ in measured])
        column = np.concatenate([_column(scores, label, one) for one, scores in measured])
        there, flags = ~np.isnan(truth) & ~np.isnan(column), truth == 1
        if len(set(flags[there])) == 2:
            choice = choose(label, flags[there], column[there], weight[there], held=anyway[there])
            chosen[label] = choice, flags
            anyway |= column >= choice.hold
    policy = policy_of([choice for choice, _ in chosen.values()])
    stopped = np.concatenate([held(scores, policy) for _, scores in measured])
    return [
        replace(choice, found=float(weight[flags & stopped].sum() / weight[flags].sum()))
        for choice, flags in chosen.values()
    ]


def policy_of(choices: Sequence[Choice]) -> Policy:
    """Return the policy with the chosen thresholds, which publishes what none of them stops."""
    return Policy({choice.label: Threshold(choice.hold, choice.reject) for choice in choices})


def _column(columns: Mapping[str, Numbers], label: str, labelled: Labelled) -> Numbers:
    """Return a label's column, with nothing known where there is none."""
    return columns.get(label, np.full(len(labelled.texts), np.nan))


def _by_score(labels: Flags, scores: Numbers, weight: Numbers | None) -> tuple[Numbers, Numbers]:
    """Sum the weights with and without the label at each distinct score, highest score first."""
    weight = np.ones(len(scores)) if weight is None else weight
    distinct, place = np.unique(-scores, return_inverse=True)
    with_label, without = np.zeros(len(distinct)), np.zeros(len(distinct))
    np.add.at(with_label, place[labels], weight[labels])
    np.add.at(without, place[~labels], weight[~labels])
    return with_label, without


def _read_file(path: Path) -> Labelled:
    try:
        with _open(path) as lines:
            reader = csv.DictReader(lines)
            if "text" not in (reader.fieldnames or ()):
                raise EvaluationRefused(f"{path} has no column 'text'.")
            rows = [(reader.line_num, row) for row in reader]
    except (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error) as problem:
        raise EvaluationRefused(f"{path} is not a CSV file in UTF-8: {problem}.") from problem
    truth: dict[str, Numbers] = {}
    for label in known.NAMES:
        column = [_number(row.get(label), path, line, largest=1) for line, row in rows]
        values = np.array([float("nan") if x is None else float(x >= 0.5) for x in column])
        if not np.isnan(values).all():
            truth[label] = values
    weights = [_number(row.get("weight"), path, line) for line, row in rows]
    weight = np.array([1.0 if x is None else x for x in weights])
    there = any(row.get("spans") for _, row in rows)
    marked = [_places(row.get("spans"), path, line) for line, row in rows] if there else []
    texts = [row["text"] or "" for _, row in rows]
    return Labelled(path.name.split(".")[0], texts, truth, weight, marked)


def _places(cell: str | None, path: Path, line: int) -> frozenset[int]:
    try:
        found = json.loads(cell or "[]")
        return frozenset(map(int, found))
    except (ValueError, TypeError) as problem:
        raise EvaluationRefused(
            f"{path}, line {line}: '{cell}' is not a list of places of characters."
        ) from problem


def _open(path: Path) -> IO[str]:
    # A text longer than the reader's own limit of 131,072 characters is still one field.
    csv.field_size_limit(sys.maxsize)
    if path.name.endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _number(cell: str | None, path: Path, line: int, largest: float = 1e9) -> float | None:
    if not cell:
        return None
    try:
        number = float(cell)
    except ValueError:
        number = -1.0
    if not 0 <= number <= largest:
        raise EvaluationRefused(f"{path}, line {line}: '{cell}' is not a number to evaluate with.")
    return number
