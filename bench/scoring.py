"""Comments scored a second: what we ship and what an admin adds, against the detoxify package.

A second is one of the processor's, so that whatever else the machine does counts less.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import words

# Enough for a steady figure from the slower of the two.
_TEXTS = 60
# The weights are of chance, as many and as large as in the published files.
_BUILDS = ("original-small", "original")


@dataclass(frozen=True)
class Compared:
    """Ours by theirs, what it should be at least, and both in words."""

    what: str
    ratio: float
    reach: float
    words: str


def compare(*, rounds: int) -> Iterator[Compared]:
    """Compare on the same comments and core. Each has one thread, in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: Path(folder) / name / "checkpoint.ckpt" for name in _BUILDS}
        for name, file in files.items():
            _run("make", name, str(file.parent))
        shipped: list[float] = []
        theirs: dict[str, list[float]] = {name: [] for name in files}
        added: dict[str, list[float]] = {name: [] for name in files}
        for _ in range(rounds):
            for name, file in files.items():
                theirs[name].append(float(_run("detoxify", str(file))))
                added[name].append(float(_run("onnx", str(file.parent / "onnx"))))
            shipped.append(float(_run("onnx")))
    small = _BUILDS[0]
    what = f"comments scored a second, as shipped, by detoxify's {small}"
    yield _compared(what, shipped, theirs[small], 28.0)
    for name in files:
        what = f"comments scored a second, {name} as added, by detoxify's own"
        yield _compared(what, added[name], theirs[name], 5.5)


def _compared(what: str, ours: list[float], theirs: list[float], reach: float) -> Compared:
    ratio = statistics.median(one / other for one, other in zip(ours, theirs, strict=True))
    said = f"{statistics.median(ours):.0f}/s, detoxify {statistics.median(theirs):.1f}/s"
    return Compared(what, ratio, reach, said)


def _run(*arguments: str) -> str:
    one_thread = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE", "HF_HUB_OFFLINE": "1"}
    return subprocess.run(
        [sys.executable, "-m", "bench.scoring", *arguments],
        env=os.environ | one_thread,
        cwd=Path(__file__).parent.parent,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout


def _texts() -> list[str]:
    dice = random.Random(3)
    return [words.comment(dice) for _ in range(_TEXTS)]


def _make(name: str, folder: Path) -> None:
    """Make a checkpoint of full size and add it, as an admin does."""
    from moderation.backends.conversion import convert
    from moderation.backends.detoxify import DetoxifyClassifier
    from tests import checkpoints

    file = checkpoints.make(name, folder, small=False, encoder=str(folder), texts=_texts())
    convert(DetoxifyClassifier.load(str(file)), folder / "onnx", name=name)


def _detoxify(checkpoint: str) -> float:
    import torch
    import transformers
    from detoxify import Detoxify

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    model = Detoxify(checkpoint=checkpoint)
    texts = _texts()
    model.predict(texts[0])
    began = time.process_time()
    # As its README has it: a text, and what it scores.
    for text in texts:
        model.predict(text)
    return len(texts) / (time.process_time() - began)


def _onnx(folder: str = "") -> float:
    from moderation.loading import load_classifier

    classifier = load_classifier(f"onnx:{folder}" if folder else "onnx")
    texts = _texts()
    classifier.score(texts[:1])
    texts *= 3 if folder else 10
    began = time.process_time()
    # As the worker asks: sixteen at once.
    for start in range(0, len(texts), 16):
        classifier.score(texts[start : start + 16])
    return len(texts) / (time.process_time() - began)


def main(task: str, *arguments: str) -> None:
    """Do one part of the comparison, in this process."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if task == "make":
        _make(arguments[0], Path(arguments[1]))
    else:
        print({"detoxify": _detoxify, "onnx": _onnx}[task](*arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
