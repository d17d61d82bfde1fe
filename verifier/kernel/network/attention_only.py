"""The network `attention-only-1` as a shape of programs: the rules about margins of the maximum are theorems about it (L1 to L4).

One layer, one head, nothing else: x = E[t] + P, logits = (x + attention(x Q, x K, x V) O) U at the last position, scores divided by the
root of the head's width.  A program is of this shape if it has these nodes in this order, whatever their names and tensors.
"""

from __future__ import annotations

from typing import Any

from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.network.operators import Network
from verifier.kernel.network.program import Node, Program, Reference, read_program

NAME = "attention-only-1"


def _head(letter: str) -> dict[str, Any]:
    return {"tensor": f"blocks.0.attn.W_{letter}", "select": [[0, 0]]}


# the names are those of TransformerLens; what is compared with other programs is the shape alone
NODES: list[dict[str, Any]] = [
    {"node": "e", "op": "embed", "tables": ["embed.W_E"]},
    {"node": "p", "op": "position", "table": "pos_embed.W_pos"},
    {"node": "x", "op": "add", "of": ["e", "p"]},
    {"node": "q", "op": "linear", "of": "x", "factors": [_head("Q")]},
    {"node": "k", "op": "linear", "of": "x", "factors": [_head("K")]},
    {"node": "v", "op": "linear", "of": "x", "factors": [_head("V")]},
    {"node": "a", "op": "attention", "query": "q", "key": "k", "value": "v", "mask": "causal", "scale_squared": "1/1"},
    {"node": "o", "op": "linear", "of": "a", "factors": [_head("O")]},
    {"node": "y", "op": "add", "of": ["x", "o"]},
    {"node": "u", "op": "linear", "of": "y", "factors": ["unembed.W_U"]},
]
WEIGHTS = {"W_E": ("e", "tables"), "W_pos": ("p", "table"), "W_Q": ("q", "factors"), "W_K": ("k", "factors")} | {
    "W_V": ("v", "factors"),
    "W_O": ("o", "factors"),
    "W_U": ("u", "factors"),
}  # weight: the node and the role that it has in NODES


def program(head_width: int, unused: tuple[str, ...] = ()) -> Program:
    """The program of a TransformerLens checkpoint of this shape."""
    nodes = [node | ({"scale_squared": f"1/{head_width}"} if node["op"] == "attention" else {}) for node in NODES]
    value: dict[str, Any] = {"name": NAME, "nodes": nodes, "logits": "u"}
    return read_program(Reader(value | ({"unused": list(unused)} if unused else {}), NAME, "5.1"))


def weights_of(network: Network) -> dict[str, Reference] | None:
    """The seven weights of a network of this shape by name, None if it has another shape."""
    nodes, pattern = network.program.nodes, program(1).nodes
    if len(nodes) != len(pattern):
        return None
    places = {node.name: known.name for node, known in zip(nodes, pattern, strict=True)}
    if any(_shape(node, places) != _shape(known, {}) for node, known in zip(nodes, pattern, strict=True)):
        return None
    node = dict(zip((known.name for known in pattern), nodes, strict=True))
    head_width = network.widths[node["q"].name]
    one_scale = node["a"].numbers["scale_squared"] * head_width == 1 and network.widths[node["v"].name] == head_width
    outputs = network.outputs == range(network.vocabulary)
    if network.program.logits != node["u"].name or not one_scale or not outputs:
        return None
    return {name: node[known].weights[role][0] for name, (known, role) in WEIGHTS.items()}


def _shape(node: Node, places: dict[str, str]) -> object:
    """What two nodes of one shape agree in: the operator, its operands by their place, how many weights it has, its words."""
    operands = {role: tuple(places.get(name, name) for name in names) for role, names in node.operands.items()}
    return node.operator, operands, {role: len(references) for role, references in node.weights.items()}, node.words
