"""Comments scored a second: what we ship and what an admin adds, against the detoxify package.

A second is one of the processor's, and each slice of the work counts with the least that it took in
several turns, theirs as ours: other guests of a machine slow its cores by a third and more, for
seconds at a time, and none of them makes a slice quicker than it is.
"""

import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import words

# Enough for a steady figure from the slower of the two.
_TEXTS = 64
_AT_ONCE = 16
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
        shipped = _Least()
        theirs, added = ({name: _Least() for name in files} for _ in range(2))
        for _ in range(rounds):
            for name, file in files.items():
                theirs[name].take(_run("detoxify", str(file)))
                added[name].take(_run("onnx", str(file.parent / "onnx")))
                shipped.take(_run("onnx"))
    small = _BUILDS[0]
    what = f"comments scored a second, as shipped, by detoxify's {small}"
    yield _compared(what, shipped, theirs[small], 28.0)
    for name in files:
        what = f"comments scored a second, {name} as added, by detoxify's own"
        yield _compared(what, added[name], theirs[name], 5.5)


class _Least:
    """What each slice of the same work took at least, in seconds of the processor."""

    def __init__(self) -> None:
        self._slices: list[float] = []

    def take(self, printed: str) -> None:
        now = [float(one) for one in printed.split()]
        self._slices = list(map(min, self._slices or now, now))

    @property
    def rate(self) -> float:
        """Comments a second."""
        return _TEXTS / sum(self._slices)


def _compared(what: str, ours: _Least, theirs: _Least, reach: float) -> Compared:
    said = f"{ours.rate:.0f}/s, detoxify {theirs.rate:.1f}/s"
    return Compared(what, ours.rate / theirs.rate, reach, said)


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


def _detoxify(checkpoint: str) -> None:
    import torch
    import transformers
    from detoxify import Detoxify

    transformers.utils.logging.disable_progress_bar()
    torch.set_num_threads(1)
    model = Detoxify(checkpoint=checkpoint)
    # As its README has it: a text, and what it scores.
    _time(model.predict, _texts())


def _onnx(folder: str = "") -> None:
    from moderation.loading import load_classifier

    classifier = load_classifier(f"onnx:{folder}" if folder else "onnx")
    texts = _texts()
    # As the worker asks: several at once, which take about as long as one of theirs.
    _time(classifier.score, [texts[at : at + _AT_ONCE] for at in range(0, len(texts), _AT_ONCE)])


def _time(ask: Callable[[Any], object], slices: Sequence[Any]) -> None:
    """Print what each slice took, after a first one that does not count."""
    ask(slices[0])
    for one in slices:
        began = time.process_time()
        ask(one)
        print(time.process_time() - began)


def main(task: str, *arguments: str) -> None:
    """Do one part of the comparison, in this process."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if task == "make":
        _make(arguments[0], Path(arguments[1]))
    elif task == "detoxify":
        _detoxify(*arguments)
    else:
        _onnx(*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])
