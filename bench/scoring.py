"""Comments scored a second: the worker's classifier against detoxify, on the same model."""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import words

# Enough for a steady figure from the slower of the two.
_TEXTS = 60


def compare(*, rounds: int) -> tuple[float, str]:
    """Return ours by theirs, and both in words. Each runs on one thread, in its own process."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "shipped.ckpt"
        _run("checkpoint", str(checkpoint))
        ratios, ours, theirs = [], [], []
        for _ in range(rounds):
            theirs.append(float(_run("detoxify", str(checkpoint))))
            ours.append(float(_run("onnx")))
            ratios.append(ours[-1] / theirs[-1])
    return statistics.median(ratios), (
        f"{statistics.median(ours):.0f}/s, detoxify {statistics.median(theirs):.1f}/s"
    )


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


def _measure(name: str, checkpoint: str) -> None:
    dice = random.Random(3)
    texts = [words.comment(dice) for _ in range(_TEXTS)]
    if name == "checkpoint":
        from moderation.backends.onnx import SHIPPED
        from moderation.training.checkpoint import from_onnx
        from moderation.training.encoder import configuration, find_encoder

        from_onnx(SHIPPED, configuration(find_encoder()).to_dict(), Path(checkpoint))
        return
    if name == "detoxify":
        import torch
        from detoxify import Detoxify

        torch.set_num_threads(1)
        # Its configuration and tokenizer lie where the checkpoint says.
        model = Detoxify(checkpoint=checkpoint)
        model.predict(texts[0])
        began = time.perf_counter()
        for text in texts:
            model.predict(text)
    else:
        from moderation.classifier import load_classifier

        classifier = load_classifier()
        classifier.score(texts[:1])
        texts *= 10
        began = time.perf_counter()
        # As the worker asks: sixteen at once.
        for start in range(0, len(texts), 16):
            classifier.score(texts[start : start + 16])
    print(len(texts) / (time.perf_counter() - began))


if __name__ == "__main__":
    _measure(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
