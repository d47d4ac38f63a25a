"""The graph that an encoder is scored with: the scores of the model itself, without its detours."""

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from moderation.training.export import export_full
from moderation.training.graph import ATTENTION, lean
from tests import checkpoints

LAYERS = 2


@pytest.fixture(params=checkpoints.KINDS)
def model(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """One of Detoxify's five builds, with weights of chance."""
    import transformers

    folder = tmp_path / request.param
    checkpoints.make(request.param, folder)
    family = getattr(
        transformers, f"{checkpoints.KINDS[request.param].family}ForSequenceClassification"
    )
    drawn = family(family.config_class.from_pretrained(folder))
    return drawn.eval()


def test_a_lean_graph_scores_as_the_model_does_at_any_length(model: Any, tmp_path: Path) -> None:
    import torch

    file = exported(model, tmp_path)
    session = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])

    for length in (2, 3, 17, 120):
        ids = np.random.default_rng(length).integers(5, 200, (1, length))
        (scored,) = session.run(None, {"input_ids": ids})
        with torch.no_grad():
            itself = model(input_ids=torch.tensor(ids)).logits.numpy()
        assert scored == pytest.approx(itself, abs=1e-4)


def test_attention_is_one_node_and_nothing_is_reshaped_for_it(model: Any, tmp_path: Path) -> None:
    nodes = onnx.load(str(exported(model, tmp_path))).graph.node
    kinds = Counter(node.op_type for node in nodes)

    assert kinds[ATTENTION] == LAYERS
    assert not kinds["Softmax"] + kinds["Transpose"]


def test_the_last_layer_works_on_the_first_token_alone(model: Any, tmp_path: Path) -> None:
    file = exported(model, tmp_path)
    graph = onnx.load(str(file))
    attention = [node for node in graph.graph.node if node.op_type == ATTENTION]
    # What comes out of each attention, beside the scores.
    graph.graph.output.extend(onnx.ValueInfoProto(name=node.output[0]) for node in attention)
    session = onnxruntime.InferenceSession(
        graph.SerializeToString(), providers=["CPUExecutionProvider"]
    )

    _, first, last = session.run(None, {"input_ids": np.full((1, 9), 7)})

    assert first.shape[1] == 9
    assert last.shape[1] == 1


def test_a_graph_whose_end_reads_every_token_keeps_them(model: Any, tmp_path: Path) -> None:
    file = tmp_path / "whole.onnx"
    export_full(model, file)
    graph = onnx.load(str(file))
    reads = [node for node in graph.graph.node if node.op_type == "Gather" and _by_token(node)]
    # Another end: a second reader of what the last layer gives.
    second = onnx.NodeProto()
    second.CopyFrom(reads[-1])
    second.output[0] = "another"
    graph.graph.node.append(second)
    graph.graph.output.append(onnx.ValueInfoProto(name="another"))

    lean(graph.graph)

    assert not [node for node in graph.graph.node if node.name.endswith(".first")]


def exported(model: Any, folder: Path) -> Path:
    file = folder / "lean.onnx"
    export_full(model, file)
    graph = onnx.load(str(file))
    lean(graph.graph)
    onnx.save(graph, str(file))
    return file


def _by_token(node: Any) -> bool:
    return any(each.name == "axis" and each.i == 1 for each in node.attribute)
