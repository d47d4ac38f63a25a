"""Writes checkpoints in Detoxify's own format, and reads shipped weights back into it."""

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moderation.training.encoder import WINDOW
from moderation.training.errors import TrainingRefused
from moderation.training.examples import LABELS


def write_checkpoint(
    state_dict: Mapping[str, Any], config: Mapping[str, Any], tokenizer_file: Path, path: Path
) -> Path:
    """Write `path`, `path`.sha256 and, beside them, the folder that Detoxify reads with it.

    The folder holds configuration and tokenizer and is returned: the package's loader asks
    `model_type` for a configuration and goes to the network unless that names a local folder.
    `config` is the model's configuration as transformers writes it.
    """
    import torch  # noqa: PLC0415

    folder = path.with_suffix("")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    shutil.copyfile(tokenizer_file, folder / "tokenizer.json")
    words = {
        "tokenizer_class": "BertTokenizer",
        "do_lower_case": True,
        # What it was trained on; the encoder could take more, and reads it less well.
        "model_max_length": WINDOW,
        "unk_token": "[UNK]",
        "sep_token": "[SEP]",
        "pad_token": "[PAD]",
        "cls_token": "[CLS]",
        "mask_token": "[MASK]",
    }
    (folder / "tokenizer_config.json").write_text(json.dumps(words, indent=1), encoding="utf-8")
    torch.save(
        {
            "config": {
                "arch": {
                    "args": {
                        "model_type": str(folder.resolve()),
                        "model_name": "BertForSequenceClassification",
                        "tokenizer_name": "BertTokenizerFast",
                        "num_classes": len(LABELS),
                    }
                },
                "dataset": {"args": {"classes": list(LABELS)}},
            },
            "state_dict": dict(state_dict),
        },
        path,
    )
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".sha256").write_text(f"{digest}  {path.name}\n", encoding="ascii")
    return folder


def from_onnx(folder: Path, config: Mapping[str, Any], path: Path) -> Path:
    """Write the int8 model in `folder` back as a checkpoint at `path`, as write_checkpoint does.

    The weights are those of the int8 file, to the bit, in float: what the shipped model is in
    Detoxify's own format, without the file that it was made from. Raises TrainingRefused when
    the file does not have the form that `export` writes.
    """
    return write_checkpoint(
        _weights(folder / "model.onnx"), config, folder / "tokenizer.json", path
    )


def _weights(file: Path) -> dict[str, Any]:
    """Read the weights under the names that BertForSequenceClassification gives them."""
    import onnx  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from onnx.numpy_helper import to_array  # noqa: PLC0415

    graph = onnx.load(str(file)).graph
    # Copied, since the file's memory is read-only.
    arrays = {entry.name: to_array(entry).copy() for entry in graph.initializer}
    readers = {name: node.name for node in graph.node for name in node.input}
    weights: dict[str, Any] = {}
    for name, array in arrays.items():
        # What weights are scaled by, and numbers that no weights are: where a token is cut out.
        if name.endswith(("_scale", "_zero_point")) or array.dtype == "int64":
            continue
        stored = name.removesuffix("_quantized")
        if stored != name:
            scale, zero = arrays[f"{stored}_scale"], arrays[f"{stored}_zero_point"]
            array = (array.astype("float32") - zero.astype("float32")) * scale  # noqa: PLW2901
        if stored.startswith("model."):
            parameter = stored.removesuffix("_Transposed")
        else:
            # Linear weights lose their names; the node that reads them keeps its place:
            # /model/bert/encoder/layer.0/attention/self/query/MatMul_quant
            place = readers[name].rpartition("/")[0]
            parameter = place.removeprefix("/").replace("/", ".") + ".weight"
        linear = not stored.startswith("model.") or stored.endswith("_Transposed")
        weights[parameter.removeprefix("model.")] = torch.from_numpy(
            (array.T if linear else array).copy()
        )
    if weights.get("classifier.weight") is None:
        raise TrainingRefused(f"{file} is not of the form that the training writes.")
    return weights
