"""How a classifier is named, and how it is loaded."""

from pathlib import Path

from moderation.classifier import Classifier, ClassifierUnavailable

DEFAULT = "onnx"
# Where a site keeps classifiers of its own, a folder each, in the folder in which it is started.
MODELS = Path("models")


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
