"""Calibrates a model folder on labelled texts: `python -m moderation.training.calibrate`."""

import argparse
import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from moderation import calibration, evaluation, reliability
from moderation import labels as known
from moderation.backends.names import Gate
from moderation.backends.onnx import Look, OnnxClassifier
from moderation.calibration import Curve, Flags, Numbers
from moderation.classifier import ClassifierUnavailable
from moderation.evaluation import EvaluationRefused, Labelled
from moderation.policy import DEFAULT
from moderation.reliability import Reliability
from moderation.training.export import write_about
from moderation.training.names import weigh_names

# How near two rounds must come before what they found counts as settled, in logits, and how many
# rounds there are at most.
_SETTLED = 1e-4
_ROUNDS = 20
# The limit of a text that is none to hold lies so much below where the policy holds, in logits.
_BELOW = 5e-4

Scored = list[tuple[Labelled, dict[str, Numbers]]]


def fit_model(folder: Path, dev: Path) -> Iterator[str]:
    """Fit a curve to each label on the labelled texts of `dev` and keep them in model.json.

    A score then is the probability that a comment as it comes in gets the label. Only a file with
    weights tells how often that is; the others were drawn for their toxic texts, and a share
    among them is the drawer's. So a label is fitted on the files with weights that have it; one
    that none of them has, on the others, with their toxic texts weighed down to the share that
    toxic texts have in the files with weights.

    A model that looks twice at names of groups gets the limits of that look, too: where the
    default policy holds. The curves tell where that is, and are fitted to what the look leaves.
    So both are found in turn, until neither moves.

    Beside the curves model.json keeps each label's reliability, measured on every text with a
    curve fitted without it. Yields lines to print. Raises EvaluationRefused, ClassifierUnavailable.
    """
    classifier = OnnxClassifier.load(folder)
    files = evaluation.read(dev)
    looks = [_looked(classifier, labelled.texts) for labelled in files]
    gate, moved = classifier.gate, 0.0
    for _ in range(_ROUNDS):
        scored = _scored(classifier, files, looks, gate)
        curves = _curves(classifier.labels, scored)
        if gate is None:
            break
        before, gate = gate, _limited(gate, classifier.labels, curves)
        moved = _apart(before, gate)
        if moved < _SETTLED:
            break
    else:
        yield f"The second look's limits have not settled: they still move by {moved:.4f}."
    found: dict[str, Reliability] = {}
    for label in classifier.labels:
        sample = _sample(label, scored)
        if sample is None:
            yield f"{label}: not calibrated, the texts do not tell with it from without"
            continue
        flags, scores_, weight = sample
        honest = calibration.out_of_fold(flags, scores_, weight=weight)
        found[label] = reliability.measure(flags, honest, weight)
        without = reliability.measure(flags, scores_, weight)
        yield (
            f"{label}: expected calibration error {found[label].error:.4f}, before "
            f"{without.error:.4f} ({found[label].positives:,} of {found[label].texts:,} texts, "
            f"{len(curves[label].knots)} knots)"
        )
    if "toxicity" in curves:
        yield from _elsewhere(curves["toxicity"], scored)
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    about["calibration"] = calibration.write_curves(curves)
    about["reliability"] = {label: one.to_json() for label, one in found.items()}
    write_about(folder, about)
    if gate is not None:
        weigh_names(folder, gate)


def _looked(classifier: OnnxClassifier, texts: Sequence[str]) -> list[Look]:
    """Read texts once for all rounds, of others as well."""
    return [replace(look, others=tuple(look.others)) for look in classifier.looks(texts)]


def _scored(
    classifier: OnnxClassifier,
    files: Sequence[Labelled],
    looks: Sequence[Sequence[Look]],
    gate: Gate | None,
) -> Scored:
    """The scores of each file's texts as the model itself gives them with this second look."""
    scored = []
    for labelled, of_file in zip(files, looks, strict=True):
        rows = classifier.weigh(of_file, len(labelled.texts), gate)
        columns = {name: np.array([row[name] for row in rows]) for name in classifier.labels}
        scored.append((labelled, columns))
    return scored


def _curves(labels: Sequence[str], scored: Scored) -> dict[str, Curve]:
    samples = {label: _sample(label, scored) for label in labels}
    return {label: calibration.fit(*sample) for label, sample in samples.items() if sample}


def _limited(gate: Gate, labels: Sequence[str], curves: Mapping[str, Curve]) -> Gate:
    """The second look with its limits where the default policy holds; others stay as they are."""
    limits = list(gate.limits)
    for place, label in enumerate(labels):
        threshold = DEFAULT.thresholds.get(label)
        if label in curves and threshold is not None and threshold.hold is not None:
            score = float(curves[label].undo(np.array(threshold.hold)))
            limits[place] = math.log(score / (1 - score)) - _BELOW
    return replace(gate, limits=tuple(limits))


def _apart(one: Gate, other: Gate) -> float:
    return max(abs(a - b) if a != b else 0.0 for a, b in zip(one.limits, other.limits, strict=True))


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
        description="Make a model's scores probabilities, and find the limits of its second "
        "look at names of groups, from labelled texts.",
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
