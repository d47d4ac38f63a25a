"""Calibrates a model folder on labelled texts: `python -m moderation.training.calibrate`."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from moderation import calibration, evaluation, reliability
from moderation import labels as known
from moderation.backends.onnx import OnnxClassifier
from moderation.calibration import Curve, Flags, Numbers
from moderation.classifier import ClassifierUnavailable
from moderation.evaluation import EvaluationRefused, Labelled
from moderation.reliability import Reliability
from moderation.training.export import write_about


def fit_model(folder: Path, dev: Path) -> Iterator[str]:
    """Fit a curve to each label on the labelled texts of `dev` and keep them in model.json.

    A score then is the probability that a comment as it comes in gets the label. Only a file with
    weights tells how often that is; the others were drawn for their toxic texts, and a share
    among them is the drawer's. So a label is fitted on the files with weights that have it; one
    that none of them has, on the others, with their toxic texts weighed down to the share that
    toxic texts have in the files with weights.

    Beside the curves model.json keeps each label's reliability, measured on every text with a
    curve fitted without it. Yields lines to print. Raises EvaluationRefused, ClassifierUnavailable.
    """
    classifier = OnnxClassifier.load(folder)
    scored = []
    for labelled in evaluation.read(dev):
        scores = evaluation.score(classifier, labelled.texts)
        # Fitted anew, from what the model itself says.
        for label, curve in classifier.curves.items():
            scores[label] = curve.undo(scores[label])
        scored.append((labelled, scores))
    curves: dict[str, Curve] = {}
    found: dict[str, Reliability] = {}
    for label in classifier.labels:
        sample = _sample(label, scored)
        if sample is None:
            yield f"{label}: not calibrated, the texts do not tell with it from without"
            continue
        flags, scores_, weight = sample
        curves[label] = calibration.fit(flags, scores_, weight)
        honest = calibration.out_of_fold(flags, scores_, weight=weight)
        found[label] = reliability.measure(flags, honest, weight)
        before = reliability.measure(flags, scores_, weight)
        yield (
            f"{label}: expected calibration error {found[label].error:.4f}, before "
            f"{before.error:.4f} ({found[label].positives:,} of {found[label].texts:,} texts, "
            f"{len(curves[label].knots)} knots)"
        )
    if "toxicity" in curves:
        yield from _elsewhere(curves["toxicity"], scored)
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    about["calibration"] = calibration.write_curves(curves)
    about["reliability"] = {label: one.to_json() for label, one in found.items()}
    write_about(folder, about)


def _sample(
    label: str, scored: Sequence[tuple[Labelled, dict[str, Numbers]]]
) -> tuple[Flags, Numbers, Numbers] | None:
    """Return truth, scores and weight of the texts that tell how often `label` is."""
    natural = [one for one in scored if _as_it_comes_in(one[0])]
    chosen = [one for one in natural if label in one[0].truth]
    if not chosen:
        toxic = _share([labelled for labelled, _ in natural])
        chosen = [
            (_with_share(labelled, toxic), scores)
            for labelled, scores in scored
            if label in labelled.truth
        ]
    parts = []
    for labelled, scores in chosen:
        there = ~np.isnan(labelled.truth[label])
        flags = labelled.truth[label][there] == 1
        parts.append((flags, scores[label][there], labelled.weight[there]))
    if not any(flags.any() and not flags.all() for flags, _, _ in parts):
        return None
    flags, scores_, weight = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return flags, scores_, weight


def _elsewhere(
    curve: Curve, scored: Sequence[tuple[Labelled, dict[str, Numbers]]]
) -> Iterator[str]:
    """Tell how reliable toxicity is on other files, were as many of their texts toxic."""
    toxic = _share([labelled for labelled, _ in scored if _as_it_comes_in(labelled)])
    for labelled, scores in scored:
        if toxic is None or _as_it_comes_in(labelled) or "toxicity" not in labelled.truth:
            continue
        sample = _sample("toxicity", [(_with_share(labelled, toxic), scores)])
        if sample is not None:
            flags, scores_, weight = sample
            error = reliability.measure(flags, curve(scores_), weight).error
            yield f"toxicity on {labelled.file}, with as many toxic texts: error {error:.4f}"


def _as_it_comes_in(labelled: Labelled) -> bool:
    """Whether a file's weights tell how often a label is."""
    return bool(np.ptp(labelled.weight) > 0)


def _share(files: Sequence[Labelled]) -> float | None:
    """The share of toxic texts in files, by weight."""
    toxic = [labelled for labelled in files if "toxicity" in labelled.truth]
    if not toxic:
        return None
    mass = sum(float(one.weight @ (one.truth["toxicity"] >= 0)) for one in toxic)
    return sum(float(one.weight @ (one.truth["toxicity"] == 1)) for one in toxic) / mass


def _with_share(labelled: Labelled, share: float | None) -> Labelled:
    """Weigh a file's toxic texts so that they are `share` of it; None leaves it as it is."""
    own = _share([labelled])
    if share is None or own is None or not 0 < own < 1:
        return labelled
    toxic = labelled.truth["toxicity"] == 1
    factor = np.where(toxic, share / own, (1 - share) / (1 - own))
    return Labelled(labelled.file, labelled.texts, labelled.truth, labelled.weight * factor)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m moderation.training.calibrate",
        description="Make a model's scores probabilities, from labelled texts.",
    )
    parser.add_argument("folder", type=Path, help="the model's folder; its model.json is changed")
    parser.add_argument("dev", type=Path, help="labelled texts, a CSV file or a folder of them")
    parser.add_argument("--diagram", type=Path, help="SVG file to draw the reliability into")
    options = parser.parse_args(arguments)
    try:
        for line in fit_model(options.folder, options.dev):
            sys.stdout.write(line + "\n")
        if options.diagram is not None:
            about = json.loads((options.folder / "model.json").read_text(encoding="utf-8"))
            found = {
                known.BY_NAME[label].title: Reliability.from_json(one)
                for label, one in about["reliability"].items()
            }
            options.diagram.write_text(
                reliability.diagram(found, alone=True) + "\n", encoding="utf-8"
            )
    except (EvaluationRefused, ClassifierUnavailable) as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
