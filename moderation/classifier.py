"""The port: what the rest of the house asks of a classifier, and how to load one."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from moderation.labels import Scores

DEFAULT = "onnx"
# The folder of the classifier that ships.
SHIPPED = Path(__file__).parent / "models" / "detoxify-mini"
# Where a site keeps classifiers of its own, a folder each, in the folder in which it is started.
MODELS = Path("models")


class Classifier(Protocol):
    """Scores texts. Safe to call from one thread at a time; opens no connection to anywhere.

    `name` and `version` are kept with every score: `version` is the start of the sha256 of the
    weights, or of weights and calibration, so that scores of two kinds are never mistaken for one
    another. `scripts` are those that it learned to read, named as by Unicode: Latin, Cyrillic.
    """

    name: str
    version: str
    labels: tuple[str, ...]
    scripts: tuple[str, ...]

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """Return one mapping a text, in order: every label of `labels` to a probability 0..1.

        The whole text counts: what is longer than the model's window is read in overlapping
        windows and the highest score of each label is returned. An empty text scores as such and
        an empty list gives an empty list. Raises ScoringFailed when the model breaks.
        """
        ...


class ClassifierUnavailable(Exception):
    """The classifier cannot be loaded. The message says what is missing and what to do next."""


class ScoringFailed(Exception):
    """The classifier broke on these texts."""


def load_classifier(spec: str = DEFAULT) -> Classifier:
    """Load the classifier that `spec` names.

    `onnx` is the model that ships with the project, `onnx:FOLDER` another one of the same form,
    and a bare name the one in the folder of that name in MODELS. `detoxify:NAME` is a model of
    the detoxify package, `detoxify:FILE` a checkpoint file; add `@FOLDER` to name the folder with
    its tokenizer and configuration, for machines offline.
    Raises ClassifierUnavailable.
    """
    backend, _, rest = spec.partition(":")
    # The heavy imports (onnxruntime, torch) stay inside their backend.
    if backend == "onnx":
        from moderation.backends.onnx import OnnxClassifier  # noqa: PLC0415

        return OnnxClassifier.load(rest or None)
    if backend == "detoxify":
        from moderation.backends.detoxify import DetoxifyClassifier  # noqa: PLC0415

        return DetoxifyClassifier.load(rest)
    if spec == Path(spec).name and (MODELS / spec).is_dir():
        return load_classifier(f"onnx:{MODELS / spec}")
    raise ClassifierUnavailable(
        f"There is no classifier '{spec}'. Use onnx, a name from 'forum model list', onnx:FOLDER, "
        f"detoxify:NAME or detoxify:FILE. Names are looked up in {MODELS.absolute()}."
    )
