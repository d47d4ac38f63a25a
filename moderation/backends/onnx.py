"""Scores with an int8 model in onnxruntime: the classifier that ships with the project."""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from moderation import labels as known
from moderation.backends.windows import readable, windows, worst
from moderation.classifier import ClassifierUnavailable, ScoringFailed
from moderation.labels import Scores

SHIPPED = Path(__file__).parent.parent / "models" / "detoxify-mini"


class OnnxClassifier:
    """A model from a folder of `model.onnx`, `tokenizer.json` and `model.json`."""

    def __init__(
        self,
        session: Any,
        tokenizer: Any,
        *,
        name: str,
        version: str,
        labels: tuple[str, ...],
        window: int,
    ) -> None:
        self.name = name
        self.version = version
        self.labels = labels
        self._session = session
        self._tokenizer = tokenizer
        self._window = window
        self._start, self._end = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))

    @classmethod
    def load(cls, folder: str | Path | None = None, *, threads: int = 1) -> "OnnxClassifier":
        """Load the shipped model, or the one in `folder`; it scores on `threads` threads.

        Weights whose sha256 is not the one that model.json names are refused. Raises
        ClassifierUnavailable.
        """
        folder = SHIPPED if folder is None else Path(folder)
        weights, tokenizer_file, about_file = (
            folder / name for name in ("model.onnx", "tokenizer.json", "model.json")
        )
        for file in (weights, tokenizer_file, about_file):
            if not file.is_file():
                raise ClassifierUnavailable(
                    f"{file} is missing. A model folder has model.onnx, tokenizer.json and "
                    "model.json; `python -m moderation.training` writes one."
                )
        name, labels, window, promised = _about(about_file)
        content = weights.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found != promised:
            raise ClassifierUnavailable(
                f"{weights} is not the file that model.json describes: its sha256 is {found}, "
                f"not {promised}. Fetch the folder again."
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A thread that spins while it waits takes the core from the web server.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Its errors come back as ours, in words; its own lines on stderr would only repeat them.
        options.log_severity_level = 4
        try:
            session = onnxruntime.InferenceSession(
                content, options, providers=["CPUExecutionProvider"]
            )
            tokenizer = Tokenizer.from_file(str(tokenizer_file))
            tokenizer.no_truncation()
            tokenizer.no_padding()
        except Exception as problem:  # both libraries raise bare Exceptions of many kinds
            raise ClassifierUnavailable(
                f"The model in {folder} cannot be loaded: {problem}"
            ) from problem
        if None in (tokenizer.token_to_id("[CLS]"), tokenizer.token_to_id("[SEP]")):
            raise ClassifierUnavailable(f"{tokenizer_file} has no tokens [CLS] and [SEP].")
        columns = session.get_outputs()[0].shape[-1]
        if columns != len(labels):
            raise ClassifierUnavailable(
                f"{about_file} names {len(labels)} labels, and the model scores {columns}."
            )
        classifier = cls(
            session, tokenizer, name=name, version=found[:12], labels=labels, window=window
        )
        try:
            classifier._run([classifier._start] * window)
        except ScoringFailed as problem:
            raise ClassifierUnavailable(
                f"The model in {folder} cannot read {window} tokens at once, as model.json has it."
            ) from problem
        return classifier

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """Score as the port says: the whole text, in windows, the highest of each label."""
        encodings = self._tokenizer.encode_batch_fast(
            [readable(text) for text in texts], add_special_tokens=False
        )
        rows: list[Any] = []
        owners: list[int] = []
        for owner, encoding in enumerate(encodings):
            ids = encoding.ids
            for window in windows(len(ids), self._window - 2):
                rows.append(self._run([self._start, *ids[window], self._end]))
                owners.append(owner)
        if not rows:
            return []
        return worst(np.stack(rows), owners, self.labels, len(texts))

    def _run(self, ids: list[int]) -> Any:
        # One window at a time. int8 takes its scale from all that is in a batch, so that in
        # company a text scores up to 0.08 otherwise than alone; and a batch of 16 is no faster.
        tokens = np.array([ids], dtype=np.int64)
        try:
            (logits,) = self._session.run(
                None, {"input_ids": tokens, "attention_mask": np.ones_like(tokens)}
            )
        except Exception as problem:  # onnxruntime's errors have no common class
            raise ScoringFailed(f"The model broke: {problem}") from problem
        # Written with tanh, which does not overflow.
        return 0.5 * (1.0 + np.tanh(0.5 * logits[0]))


def _about(file: Path) -> tuple[str, tuple[str, ...], int, str]:
    """Read name, labels, window in tokens and sha256 out of model.json."""
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        name, labels = str(about["name"]), tuple(map(str, about["labels"]))
        window, promised = int(about["window"]), str(about["sha256"])
    except (ValueError, TypeError, KeyError) as problem:
        raise ClassifierUnavailable(
            f"{file} must name name, labels, window and sha256: {problem!r}."
        ) from problem
    unknown = [label for label in labels if label not in known.BY_NAME]
    if unknown or not labels or len(set(labels)) < len(labels) or not 8 <= window <= 8192:
        raise ClassifierUnavailable(
            f"{file} must name labels of {', '.join(known.NAMES)}, each once, and a window of 8 "
            f"to 8192 tokens; it names {', '.join(labels) or 'none'} and {window}."
        )
    return name, labels, window, promised
