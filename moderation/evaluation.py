"""How good a classifier is on texts that people have labelled, and which thresholds follow."""

import csv
import gzip
import sys
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

from moderation import labels as known
from moderation.classifier import Classifier

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
    """The texts of one file. A label of `truth` holds 1, 0 or, where nobody labelled, NaN."""

    file: str
    texts: list[str]
    truth: dict[str, Numbers]
    weight: Numbers


def report(
    classifier: Classifier, paths: Sequence[str | Path], *, progress: Progress | None = None
) -> list[Row]:
    """Score the labelled texts of `paths`, files or folders, and measure each label.

    A file is a CSV, gzipped or not, with a column `text` and columns named as labels: 1, 0, a
    share (from 0.5 on it counts as 1), or empty where nobody labelled. Where all of SIX are
    measured, a last row MEAN follows. Files of a folder without a labelled text are passed over.
    `progress` is told the texts done and the texts in all. Raises EvaluationRefused.
    """
    files = [labelled for path in paths for labelled in read(path)]
    total, before = sum(len(labelled.texts) for labelled in files), 0
    rows: list[Row] = []
    for labelled in files:
        tell = None if progress is None else _from(progress, before, total)
        rows += measure(labelled, score(classifier, labelled, tell))
        before += len(labelled.texts)
    return rows


def score(
    classifier: Classifier, labelled: Labelled, progress: Progress | None = None
) -> dict[str, Numbers]:
    """Score the texts of one file: label name to one score a text, in their order."""
    columns: dict[str, list[float]] = {label: [] for label in classifier.labels}
    for start in range(0, len(labelled.texts), _AT_ONCE):
        texts = labelled.texts[start : start + _AT_ONCE]
        for scores in classifier.score(texts):
            for label, value in scores.items():
                columns[label].append(value)
        if progress is not None:
            progress(start + len(texts), len(labelled.texts))
    return {label: np.array(column) for label, column in columns.items()}


def measure(labelled: Labelled, scores: dict[str, Numbers]) -> list[Row]:
    """Measure the scores of each label against what people said."""
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

    Raises EvaluationRefused.
    """
    path = Path(path)
    if not path.exists():
        raise EvaluationRefused(f"{path} is not there.")
    if path.is_file():
        labelled = _read_file(path)
        if not labelled.truth:
            raise EvaluationRefused(
                f"{path} has no labelled text. It needs a column named as a label, such as "
                "toxicity, with 1 or 0 in it."
            )
        return [labelled]
    names = sorted(file for file in path.iterdir() if file.name.endswith((".csv", ".csv.gz")))
    found = [labelled for labelled in map(_read_file, names) if labelled.truth]
    if not found:
        raise EvaluationRefused(f"{path} holds no CSV file with labelled texts.")
    return found


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
    """Thresholds chosen for one label, and what they do on the texts they were chosen on."""

    label: str
    hold: float | None
    hold_precision: float
    hold_recall: float
    reject: float | None
    reject_precision: float
    reject_recall: float


def choose(
    label: str,
    labels: Flags,
    scores: Numbers,
    weight: Numbers | None = None,
    *,
    hold_recall: float = 0.9,
    reject_precision: float = 0.98,
    at_least: int = 30,
) -> Choice:
    """Choose thresholds, in hundredths, for two targets.

    Hold is the highest that still finds `hold_recall` of the labelled texts. Reject is the lowest
    from which on every threshold, too, is right for `reject_precision` of what it stops, counting
    thresholds that stop `at_least` texts; without one it is None: never.
    """
    grid = [step / 100 for step in range(1, 100)]
    found = {at: precision_recall(labels, scores, at, weight) for at in grid}
    hold = max((at for at in grid if found[at][1] >= hold_recall), default=None)
    reject = None
    for at in reversed(grid):
        if (scores >= at).sum() < at_least:
            continue
        if found[at][0] < reject_precision or (hold is not None and at < hold):
            break
        reject = at
    nowhere = (float("nan"), 0.0)
    return Choice(
        label,
        hold,
        *(found[hold] if hold is not None else nowhere),
        reject,
        *(found[reject] if reject is not None else nowhere),
    )


def _from(progress: Progress, before: int, total: int) -> Progress:
    return lambda done, _: progress(before + done, total)


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
    return Labelled(path.name.split(".")[0], [row["text"] or "" for _, row in rows], truth, weight)


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
