"""Scores with an int8 model in onnxruntime: the classifier that ships with the project."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

from moderation import labels as known
from moderation.backends.names import Gate, Logits, of_others
from moderation.backends.ngrams import Ngrams
from moderation.backends.windows import readable, windows, worst
from moderation.calibration import BadCurve, Curves, calibrate, read_curves, version_with
from moderation.classifier import SHIPPED, ClassifierUnavailable, ScoringFailed
from moderation.labels import Scores
from moderation.scripts import LATIN


@dataclass(frozen=True)
class About:
    """What model.json says of a model folder, as far as scoring needs it.

    `ngrams` is the sha256 of ngrams.npz and the share that its logits have in the score's, where
    the folder has such a file; `names` says how far a score follows those of the same text about
    others; `curves` make the scores of the labels that they name probabilities.
    """

    name: str
    labels: tuple[str, ...]
    window: int  # tokens
    sha256: str
    ngrams: tuple[str, float] | None
    names: Gate | None
    curves: Curves
    scripts: tuple[str, ...]


@dataclass(frozen=True)
class Look:
    """What was read of one window: which text it is of, its logits, and those of it about others.

    `others` has logits where the window names a group of people, and is read as it is asked for.
    """

    owner: int
    own: Logits
    others: Iterable[Logits]


class OnnxClassifier:
    """A model from a folder of `model.onnx`, `tokenizer.json` and `model.json`.

    Beside the encoder in model.onnx a folder may have `ngrams.npz`, a linear model over pieces of
    words: the score is made of both. A text that names a group of people may be scored again with
    other groups in it.
    """

    def __init__(self, session: Any, tokenizer: Any, about: About, ngrams: Ngrams | None) -> None:
        self.name = about.name
        files = about.sha256 if about.ngrams is None else f"{about.sha256} {about.ngrams}"
        if about.names is not None:
            files = f"{files} {about.names}"
        alone = about.ngrams is None and about.names is None
        digest = files if alone else hashlib.sha256(files.encode()).hexdigest()
        self.version = version_with(digest[:12], about.curves)
        self.curves = about.curves
        self.labels = about.labels
        self.scripts = about.scripts
        self._session = session
        self._tokenizer = tokenizer
        self._window = about.window
        self._ngrams = ngrams
        self._share = 0.0 if about.ngrams is None else about.ngrams[1]
        self.gate = about.names
        # What stands around a text, as this tokenizer has it: [CLS] [SEP], or <s> </s>.
        self._start, self._end = tokenizer.encode("").ids
        self._inputs = {given.name for given in session.get_inputs()}

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
        about = _about(about_file)
        _check(weights, about.sha256)
        ngrams = None
        if about.ngrams is not None:
            try:
                _check(folder / "ngrams.npz", about.ngrams[0])
                ngrams = Ngrams.load(folder / "ngrams.npz")
            except (OSError, ValueError, KeyError) as problem:
                raise ClassifierUnavailable(
                    f"{folder / 'ngrams.npz'} cannot be read: {problem}. Fetch the folder again."
                ) from problem
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # A thread that spins while it waits takes the core from the web server.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        # Its errors come back as ours, in words; its own lines on stderr would only repeat them.
        options.log_severity_level = 4
        try:
            # By its path: of bytes the session would keep a copy for as long as it lives.
            session = onnxruntime.InferenceSession(
                str(weights),
                options,
                providers=["CPUExecutionProvider"],
                # What it would put in place of a sum and its normalisation takes six times as long.
                disabled_optimizers=["SkipLayerNormFusion"],
            )
            tokenizer = Tokenizer.from_file(str(tokenizer_file))
            tokenizer.no_truncation()
            tokenizer.no_padding()
        except Exception as problem:  # both libraries raise bare Exceptions of many kinds
            raise ClassifierUnavailable(
                f"The model in {folder} cannot be loaded: {problem}"
            ) from problem
        if len(tokenizer.encode("").ids) != 2:
            raise ClassifierUnavailable(
                f"{tokenizer_file} does not put one token before a text and one after it, such as "
                "[CLS] and [SEP]. Save it with its post-processor."
            )
        columns = session.get_outputs()[0].shape[-1]
        if {columns, columns if ngrams is None else ngrams.columns} != {len(about.labels)}:
            raise ClassifierUnavailable(
                f"{about_file} names {len(about.labels)} labels, and the model scores {columns}."
            )
        classifier = cls(session, tokenizer, about, ngrams)
        try:
            classifier._run([classifier._start] * about.window)
        except ScoringFailed as problem:
            raise ClassifierUnavailable(
                f"The model in {folder} cannot read {about.window} tokens at once, as model.json "
                "has it."
            ) from problem
        return classifier

    def score(self, texts: Sequence[str]) -> list[Scores]:
        """Score as the port says: the whole text, in windows, the highest of each label."""
        looks = list(self.looks(texts))
        return [calibrate(scores, self.curves) for scores in self.weigh(looks, len(texts))]

    def looks(self, texts: Sequence[str]) -> Iterator[Look]:
        """Read texts, window by window, in their order; about others only when that is asked for.

        Raises ScoringFailed.
        """
        read = [readable(text) for text in texts]
        encodings = self._tokenizer.encode_batch_fast(read, add_special_tokens=False)
        for owner, (text, encoding) in enumerate(zip(read, encodings, strict=True)):
            ids = encoding.ids
            for window in windows(len(ids), self._window - 2):
                part = text if len(ids) < self._window - 1 else self._part(text, window)
                yield Look(owner, self._logits(part, ids[window]), self._about_others(part))

    def weigh(self, looks: Sequence[Look], texts: int, gate: Gate | None = None) -> list[Scores]:
        """Return the scores of `texts` texts from all that was read of them, not calibrated.

        `gate` says how far the scores follow those about others, if not the model's own.
        """
        if not looks:
            return []
        gate = gate or self.gate
        # Written with tanh, which does not overflow.
        rows = [
            0.5 * (1.0 + np.tanh(0.5 * (look.own if gate is None else gate(look.own, look.others))))
            for look in looks
        ]
        return worst(np.stack(rows), [look.owner for look in looks], self.labels, texts)

    def _logits(self, text: str, ids: list[int]) -> Any:
        logits = self._run([self._start, *ids, self._end])
        if self._ngrams is None:
            return logits
        return (1 - self._share) * logits + self._share * self._ngrams.logits(text)

    def _about_others(self, text: str) -> Iterator[Logits]:
        """The logits of a window's text about other groups; none where it names no group."""
        for said in of_others(text):
            ids = self._tokenizer.encode(said, add_special_tokens=False).ids
            # The other name is one token, so it is hardly ever longer.
            yield self._logits(said, ids[: self._window - 2])

    def _run(self, ids: list[int]) -> Any:
        # One window at a time. int8 takes its scale from all that is in a batch, so that in
        # company a text scores up to 0.08 otherwise than alone; and a batch of 16 is no faster.
        tokens = np.array([ids], dtype=np.int64)
        feed = {"input_ids": tokens}
        if "attention_mask" in self._inputs:
            feed["attention_mask"] = np.ones_like(tokens)
        if "token_type_ids" in self._inputs:
            feed["token_type_ids"] = np.zeros_like(tokens)
        try:
            (logits,) = self._session.run(None, feed)
        except Exception as problem:  # onnxruntime's errors have no common class
            raise ScoringFailed(f"The model broke: {problem}") from problem
        return logits[0]

    def _part(self, text: str, window: slice) -> str:
        """The characters of one window of a long text."""
        places = self._tokenizer.encode(text, add_special_tokens=False).offsets[window]
        return text[places[0][0] : places[-1][1]]


def _check(file: Path, promised: str) -> None:
    """Raise ClassifierUnavailable unless the file has the sha256 of model.json; or OSError."""
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != promised:
        raise ClassifierUnavailable(
            f"{file} is not the file that model.json describes: its sha256 is {found}, "
            f"not {promised}. Fetch the folder again."
        )


def _gate(names: Any, labels: Sequence[str]) -> Gate:
    """Read how far names count. Raises ValueError, TypeError, KeyError."""
    limits = dict(names["limits"])
    return Gate(
        float(names["midpoint"]),
        float(names["steepness"]),
        float(names["floor"]),
        # No limit: nothing is held for that label.
        tuple(float(limits.get(label, math.inf)) for label in labels),
        float(names.get("slack", 0.0)),
    )


def _about(file: Path) -> About:
    """Read model.json. Raises ClassifierUnavailable."""
    try:
        about = json.loads(file.read_text(encoding="utf-8"))
        name, labels = str(about["name"]), tuple(map(str, about["labels"]))
        window, promised = int(about["window"]), str(about["sha256"])
        curves = read_curves(about.get("calibration", {}))
        scripts = tuple(map(str, about.get("scripts", LATIN)))
        beside = about.get("ngrams")
        ngrams = None if beside is None else (str(beside["sha256"]), float(beside["share"]))
        gate = about.get("names")
        names = None if gate is None else _gate(gate, labels)
    except BadCurve as problem:
        raise ClassifierUnavailable(
            f"{file} has a calibration that cannot be used: {problem}"
        ) from problem
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
    if not set(curves) <= set(labels):
        raise ClassifierUnavailable(
            f"{file} calibrates {', '.join(sorted(set(curves) - set(labels)))}, which the model "
            "does not score."
        )
    if ngrams is not None and not 0 < ngrams[1] < 1:
        raise ClassifierUnavailable(
            f"{file} gives the linear model a share of {ngrams[1]}; it must be between 0 and 1."
        )
    return About(name, labels, window, promised, ngrams, names, curves, scripts)
