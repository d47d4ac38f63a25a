"""Makes a model for onnxruntime, in int8, out of one of Detoxify's, and compares the two."""

import datetime
import hashlib
import logging
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from moderation.backends.detoxify import DetoxifyClassifier
from moderation.backends.onnx import OnnxClassifier
from moderation.classifier import ClassifierUnavailable
from moderation.training.export import export_full, quantise, write_about

try:
    import onnx as _  # noqa: F401 - the export needs it, and it is better said before it began
except ImportError as problem:
    raise ClassifierUnavailable(
        "The onnx package is not installed. Run: pip install 'forum[detoxify]'"
    ) from problem

# How far scores may lie from Detoxify's in the mean, before the model counts as another one.
FARTHEST = 0.02
TEXTS: tuple[str, ...] = tuple(
    Path(__file__).with_name("parity.txt").read_text(encoding="utf-8").splitlines()
)


@dataclass(frozen=True)
class Parity:
    """How far a converted model's scores lie from the original's, over `texts` plain texts."""

    texts: int
    mean: float
    largest: float


def convert(original: DetoxifyClassifier, folder: Path, *, name: str) -> Parity:
    """Write the model as the `onnx` backend reads it into `folder`, which must not be there yet.

    Its scores are compared with those of the detoxify package on TEXTS. Raises
    ClassifierUnavailable, and leaves nothing, when they lie more than FARTHEST apart in the mean.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".adding-") as made:
        ready = Path(made) / "model"
        ready.mkdir()
        about = _write(original, ready, name)
        parity = compare(original, OnnxClassifier.load(ready))
        if not parity.mean <= FARTHEST:
            raise ClassifierUnavailable(
                f"In int8 {original.name} scores {parity.mean:.4f} apart from itself in the mean "
                f"(largest {parity.largest:.4f}), and {FARTHEST} is the most: it was not added. "
                "It can still be used as it is, only slower: FORUM_CLASSIFIER=detoxify:…"
            )
        write_about(ready, about | {"parity": asdict(parity)})
        shutil.move(ready, folder)
    return parity


def compare(original: DetoxifyClassifier, converted: OnnxClassifier) -> Parity:
    """Compare a converted model's scores with what the detoxify package itself predicts."""
    predicted = original.detoxify.predict(list(TEXTS))
    apart = np.abs(
        [
            [scores[label] - predicted[label][place] for label in original.labels]
            for place, scores in enumerate(converted.score(TEXTS))
        ]
    )
    return Parity(len(TEXTS), float(apart.mean()), float(apart.max()))


def _write(original: DetoxifyClassifier, folder: Path, name: str) -> dict[str, Any]:
    """Write weights, tokenizer and model.json; return what stands in the last."""
    weights = folder / "model.onnx"
    detoxify = original.detoxify
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        full = Path(scratch) / "full.onnx"
        # Some have columns for groups of people after those of their labels.
        export_full(detoxify.model, full, columns=len(original.labels))
        # It advises every caller to do what makes no difference here.
        logging.disable(logging.WARNING)
        quantise(full, weights)
        logging.disable(logging.NOTSET)
    tokenizer = detoxify.tokenizer.backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)
    about = {
        "name": name,
        "labels": list(original.labels),
        "scripts": list(original.scripts),
        "window": original.window,
        "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
        "made": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "checkpoint": {"file": original.file.name, "sha256": original.sha256},
    }
    write_about(folder, about)
    return about
