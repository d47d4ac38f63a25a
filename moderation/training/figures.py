"""What is measured on a new model before anybody uses it."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from moderation import evaluation
from moderation.backends.onnx import OnnxClassifier
from moderation.training.errors import TrainingRefused
from moderation.training.examples import Example
from moderation.training.export import write_about

FURTHEST = 0.02  # mean difference of a score between checkpoint and int8 file
# Both backends read a text this short in one window, so that only the weights differ.
_SHORT = 300
_TEXTS = 300


def check_parity(
    checkpoint: Path, folder: Path, examples: Sequence[Example]
) -> tuple[float, float]:
    """Compare the int8 model with the checkpoint as the detoxify package scores it.

    Returns mean and largest absolute difference over all labels, on 300 of the texts. Raises
    TrainingRefused where the mean is above FURTHEST.
    """
    from moderation.backends.detoxify import DetoxifyClassifier  # noqa: PLC0415

    short = [example.text for example in examples if len(example.text) <= _SHORT]
    texts = short[:: max(1, len(short) // _TEXTS)][:_TEXTS]
    full, small = DetoxifyClassifier.load(str(checkpoint)), OnnxClassifier.load(folder)
    apart = np.array(
        [
            [abs(one[label] - other[label]) for label in small.labels]
            for one, other in zip(full.score(texts), small.score(texts), strict=True)
        ]
    )
    mean, largest = float(apart.mean()), float(apart.max())
    if mean > FURTHEST:
        raise TrainingRefused(
            f"The int8 model's scores are {mean:.4f} from the checkpoint's in the mean; "
            f"{FURTHEST} is the most."
        )
    return mean, largest


def take_figures(folder: Path, dev: Path, *, parity: tuple[float, float]) -> Iterator[str]:
    """Measure the model on the labelled texts of `dev` and keep the figures in its model.json.

    Yields lines to print: a line a file and label, then the thresholds that reach the targets of
    the default policy on each file that has all labels.
    """
    classifier = OnnxClassifier.load(folder)
    aucs: dict[str, dict[str, float]] = {}
    thresholds: dict[str, dict[str, dict[str, float | None]]] = {}
    for labelled in evaluation.read(dev):
        scores = evaluation.score(classifier, labelled.texts)
        for row in evaluation.measure(labelled, scores):
            if row.auc is not None:
                aucs.setdefault(row.file, {})[row.label] = round(row.auc, 4)
                yield f"{row.file}: {row.label} AUC {row.auc:.4f} ({row.texts:,} texts)"
        for label, truth in labelled.truth.items():
            there = ~np.isnan(truth)
            flags = truth[there] == 1
            if label not in scores or not flags.any():
                continue
            choice = evaluation.choose(label, flags, scores[label][there], labelled.weight[there])
            thresholds.setdefault(labelled.file, {})[label] = {
                "hold": choice.hold,
                "reject": choice.reject,
            }
            yield (
                f"{labelled.file}: {label} hold {choice.hold} (precision "
                f"{choice.hold_precision:.3f}, recall {choice.hold_recall:.3f}), reject "
                f"{choice.reject or 'never'} (precision {choice.reject_precision:.3f}, "
                f"recall {choice.reject_recall:.3f})"
            )
    file = folder / "model.json"
    about = json.loads(file.read_text(encoding="utf-8"))
    about["figures"] = {
        "int8_from_checkpoint": {"mean": round(parity[0], 4), "largest": round(parity[1], 4)},
        "auc": aucs,
        "thresholds": thresholds,
    }
    write_about(folder, about)
