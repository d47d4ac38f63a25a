"""Exports a fine-tuned model to ONNX and quantises it to int8."""

import datetime
import hashlib
import json
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moderation.backends.ngrams import Ngrams
from moderation.training.encoder import WINDOW, Encoder, tokenizer_of
from moderation.training.errors import TrainingRefused
from moderation.training.examples import LABELS
from moderation.training.graph import attention_as_one_node, lean
from moderation.training.texts import SOURCES

LARGEST = 30 * 1024 * 1024  # bytes


def export(
    model: Any, encoder: Encoder, folder: Path, *, name: str, trained_on: Mapping[str, int]
) -> None:
    """Write `model.onnx` (int8), `tokenizer.json` and `model.json` into `folder`.

    The form is what the `onnx` backend loads. Raises TrainingRefused when the weights come out
    larger than a repository should carry.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / "model.onnx"
    with tempfile.TemporaryDirectory() as scratch:
        full = Path(scratch) / "full.onnx"
        export_full(model, full)
        quantise(full, weights)
    size = weights.stat().st_size
    if size > LARGEST:
        raise TrainingRefused(f"{weights} has {size:,} bytes, and {LARGEST:,} is the most.")
    tokenizer_of(encoder).save(str(folder / "tokenizer.json"), pretty=False)
    write_about(
        folder,
        {
            "name": name,
            "labels": list(LABELS),
            "window": WINDOW,
            "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
            "made": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "encoder": encoder.name,
            "trained_on": [
                {"name": source, "rows": rows, "licence": SOURCES[source].licence}
                for source, rows in trained_on.items()
            ],
            "figures": {},
        },
    )


def add_ngrams(
    folder: Path, ngrams: Ngrams, *, share: float, trained_on: Mapping[str, int]
) -> None:
    """Put the linear model beside the encoder in `folder`; `share` of a score's logit is its."""
    file = folder / "ngrams.npz"
    ngrams.save(file)
    about = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    about["ngrams"] = {
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "share": share,
        "trained_on": [{"name": source, "rows": rows} for source, rows in trained_on.items()],
    }
    write_about(folder, about)


def write_about(folder: Path, about: Mapping[str, Any]) -> None:
    """Write model.json: what the weights are."""
    text = json.dumps(about, indent=2, ensure_ascii=False)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")


def export_full(model: Any, path: Path, *, columns: int | None = None) -> None:
    """Write a transformers model for classification as ONNX, from tokens to its first `columns`.

    Its input is `input_ids`, texts by tokens, all of one length: there is no mask, since texts
    are scored one by one. Its output is `logits`.
    """
    import torch  # noqa: PLC0415

    class Logits(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, input_ids: Any) -> Any:
            logits = self.model(input_ids=input_ids).logits
            return logits if columns is None else logits[:, :columns]

    # Numbers that any vocabulary has: what the words are does not matter here.
    ids = torch.tensor([[2, 5, 6, 3], [2, 5, 7, 3]])
    with warnings.catch_warnings(), torch.no_grad(), attention_as_one_node(model):
        # The exporter warns of its own future and of shapes that the model reads: both are known.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Logits().eval(),
            (ids,),
            str(path),
            input_names=["input_ids"],
            output_names=["logits"],
            dynamic_axes={"input_ids": {0: "texts", 1: "tokens"}, "logits": {0: "texts"}},
            opset_version=17,
            custom_opsets={"com.microsoft": 1},
            dynamo=False,
        )


def quantise(full: Path, path: Path) -> None:
    """Write the int8 form of an ONNX model; `full` is changed on the way."""
    import onnx  # noqa: PLC0415
    from onnxruntime.quantization import QuantType, quantize_dynamic  # noqa: PLC0415

    graph = onnx.load(str(full))
    # Shapes noted by the exporter contradict those that the quantiser infers.
    del graph.graph.value_info[:]
    lean(graph.graph)
    onnx.save(graph, str(full))
    quantize_dynamic(
        str(full),
        str(path),
        weight_type=QuantType.QInt8,
        per_channel=True,
        # It does not know onnxruntime's own nodes, and asks of what kind their outputs are.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )
