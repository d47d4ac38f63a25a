"""Makes the graph of an exported encoder lean, before it is quantised: the same scores for less."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

ATTENTION = "MultiHeadAttention"
_NAME = "one-node"
_SHAPES = ("Reshape", "Transpose")
# Of the steps that a token takes for itself, how many inputs are the token's own: all of them, but
# of attention the query alone.
_OWN_INPUTS: Mapping[str, int] = {
    **dict.fromkeys(("Add", "Div", "Erf", "LayerNormalization", "MatMul", "Mul", "Pow", "Tanh"), 3),
    ATTENTION: 1,
}


def lean(graph: Any) -> None:
    """Change an ONNX graph from tokens to logits, whose attention is ATTENTION's node.

    Weights that layers share are named once; attention takes what the projections give, without
    a detour over other shapes; and where only the first token's vector is read in the end, the
    last layer makes no other. What a graph has none of is left as it is.
    """
    _name_weights_once(graph)
    _straighten_attention(graph)
    _read_first_token(graph)
    _drop_what_nobody_reads(graph)


@contextmanager
def attention_as_one_node(model: Any) -> Iterator[None]:
    """Let a transformers model be exported with its attention as ATTENTION, without a mask."""
    import torch  # noqa: PLC0415
    from transformers import AttentionInterface  # noqa: PLC0415

    class OneNode(torch.autograd.Function):  # type: ignore[misc]
        @staticmethod
        def forward(_: Any, query: Any, key: Any, value: Any, heads: int, scale: float) -> Any:
            query, key, value = (
                each.unflatten(2, (heads, -1)).transpose(1, 2) for each in (query, key, value)
            )
            return (
                torch.nn.functional.scaled_dot_product_attention(query, key, value, scale=scale)
                .transpose(1, 2)
                .flatten(2)
            )

        @staticmethod
        def symbolic(graph: Any, query: Any, key: Any, value: Any, heads: int, scale: float) -> Any:
            node = graph.op(
                f"com.microsoft::{ATTENTION}", query, key, value, num_heads_i=heads, scale_f=scale
            )
            node.setType(query.type())
            return node

    def attend(
        _: Any, query: Any, key: Any, value: Any, *__: Any, scaling: float, **___: Any
    ) -> Any:
        heads, width = int(query.shape[1]), int(query.shape[3])
        flat = (each.transpose(1, 2).flatten(2) for each in (query, key, value))
        return OneNode.apply(*flat, heads, float(scaling)).unflatten(2, (heads, width)), None

    AttentionInterface.register(_NAME, attend)
    before = model.config._attn_implementation
    model.set_attn_implementation(_NAME)
    try:
        yield
    finally:
        model.set_attn_implementation(before)


def _name_weights_once(graph: Any) -> None:
    """Let nodes read weights that layers share under their own name.

    The exporter hands them on through Identity, behind which the quantiser does not see them:
    ALBERT, whose layers share all weights, would stay in 32 bits and be three times slower.
    """
    weights = {entry.name for entry in graph.initializer}
    handed_on = [
        node for node in graph.node if node.op_type == "Identity" and node.input[0] in weights
    ]
    names = {node.output[0]: node.input[0] for node in handed_on}
    for node in handed_on:
        graph.node.remove(node)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]


def _straighten_attention(graph: Any) -> None:
    """Tie attention to the projections before and behind it: texts by tokens by width, all three.

    The model splits the width by heads and joins it again, which ATTENTION does by itself.
    """
    makers = _makers(graph)
    names: dict[str, str] = {}
    for node in graph.node:
        if node.op_type != ATTENTION:
            continue
        for place in range(3):
            while makers[node.input[place]].op_type in _SHAPES:
                node.input[place] = makers[node.input[place]].input[0]
        names[node.output[0]] = node.output[0]
    for node in graph.node:  # in their order, so what comes later finds what came before
        if node.op_type in _SHAPES and node.input[0] in names:
            names[node.output[0]] = names[node.input[0]]
    for node in graph.node:
        if node.op_type not in (*_SHAPES, "Shape"):
            node.input[:] = [names.get(name, name) for name in node.input]


def _read_first_token(graph: Any) -> None:
    """Let the last layer work on the first token alone, where its vector is all that is read."""
    from onnx import TensorProto, helper  # noqa: PLC0415

    makers = _makers(graph)
    layers = [node for node in graph.node if node.op_type == ATTENTION]
    readers = [
        node
        for node in graph.node
        if layers
        and node.op_type == "Gather"
        and any(each.name == "axis" and each.i == 1 for each in node.attribute)
        and layers[-1].output[0] in _made_of(node.input[:1], makers)
    ]
    if len(readers) != 1:
        return
    (reader,) = readers
    # The last layer's keys and values are of all tokens, and so is what they are made of.
    whole = _made_of(layers[-1].input[1:3], makers)
    fixed = {entry.name for entry in graph.initializer}
    fixed |= {node.output[0] for node in graph.node if node.op_type == "Constant"}
    cut = {"first.start": 0, "first.end": 1, "first.axis": 1}
    made: dict[str, str] = {}

    def first(name: str) -> str:
        """The name of the same for the first token alone, which is made if need be."""
        if name in fixed or name in made:
            return made.get(name, name)
        made[name] = f"{name}.first"
        maker = None if name in whole else makers.get(name)
        if maker is not None and maker.op_type in _OWN_INPUTS:
            own = _OWN_INPUTS[maker.op_type]
            node = type(maker)()
            node.CopyFrom(maker)
            node.name = f"{maker.name}.first"
            node.input[:own] = map(first, maker.input[:own])
            node.output[:] = [made[name]]
        else:
            node = helper.make_node("Slice", [name, *cut], [made[name]], name=f"{name}.first")
        graph.node.insert(list(graph.node).index(reader), node)
        return made[name]

    reader.input[0] = first(reader.input[0])
    graph.initializer.extend(
        helper.make_tensor(name, TensorProto.INT64, [1], [value]) for name, value in cut.items()
    )


def _drop_what_nobody_reads(graph: Any) -> None:
    read = {output.name for output in graph.output}
    for node in reversed(list(graph.node)):
        if read.isdisjoint(node.output):
            graph.node.remove(node)
        else:
            read.update(node.input)
    for entry in list(graph.initializer):
        if entry.name not in read:
            graph.initializer.remove(entry)


def _makers(graph: Any) -> dict[str, Any]:
    """What each name is the output of."""
    return {name: node for node in graph.node for name in node.output}


def _made_of(names: Iterable[str], makers: Mapping[str, Any]) -> set[str]:
    """The names, and all that they are made of."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            left += makers[name].input if name in makers else ()
    return found
