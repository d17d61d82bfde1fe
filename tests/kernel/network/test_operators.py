"""Shapes of networks: what fits, every misfit by code and clause, and which nodes are local."""

from __future__ import annotations

from typing import Any

import pytest

from tests.models import pack, safetensors
from tests.refusals import LIMIT, refused
from verifier.kernel.decode.strict_json import Reader
from verifier.kernel.limits import LIMITS
from verifier.kernel.network.operators import Network, read_network
from verifier.kernel.network.program import GRAMMARS, read_program

SHAPES = {"E": (5, 3), "F": (4, 3), "P": (6, 3), "W": (3, 2), "V": (2, 4), "b": (3,), "c": (2,), "N": (3, 1), "B": (5, 2)}
Nodes = list[dict[str, Any]]
E: dict[str, Any] = {"node": "e", "op": "embed", "tables": ["E"]}
P: dict[str, Any] = {"node": "p", "op": "position", "table": "P"}
TWO = {"node": "w", "op": "linear", "of": "e", "factors": ["W"]}  # of width 2


def bound(nodes: Nodes, **more: Any) -> Network:
    """The network of these nodes, the last one's columns being the outputs."""
    document = {"name": "x", "nodes": nodes, "logits": nodes[-1]["node"]} | more
    program = read_program(Reader(document, "FILE", "2.4"), "2.4")
    tensors = {}
    for name in program.tensors:
        count = 1
        for size in SHAPES[name]:
            count *= size
        tensors[name] = "F32", SHAPES[name], pack([1.0] * count, "F32")
    return read_network(program, safetensors(tensors), file="FILE")


def node(op: str, **parts: Any) -> dict[str, Any]:
    return {"node": "y", "op": op, **parts}


def attention(**parts: Any) -> dict[str, Any]:
    return node("attention", **({"query": "e", "key": "e", "value": "e", "mask": "causal", "scale_squared": "1/3"} | parts))


FITS: list[tuple[str, Nodes, int]] = [
    ("embed", [E], 3),
    ("embed", [node("embed", tables=["E", "F"])], 3),
    ("position", [E, P, node("add", of=["e", "p"])], 3),
    ("add", [E, P, node("add", of=["e", "p", "e"])], 3),
    ("multiply", [E, P, node("multiply", of=["e", "p"])], 3),
    ("scale", [E, node("scale", of="e", by="b")], 3),
    ("linear", [E, node("linear", of="e", factors=["W"], bias="c")], 2),
    ("linear", [E, node("linear", of="e", factors=["W", "V"])], 4),
    ("linear", [E, node("linear", of="e", bias="b")], 3),
    ("linear", [E, node("linear", of="e", factors=[{"tensor": "F", "transpose": True}])], 4),
    *((op, [E, node(op, of="e")], 3) for op in ("relu", "gelu", "gelu_tanh", "silu", "square", "sum_positions")),
    *((op, [E, node(op, of="e", epsilon="1/10")], 3) for op in ("layer_norm", "rms_norm")),
    ("attention", [E, TWO, attention(value="w")], 2),
    ("attention", [E, TWO, attention(query="w", key="w")], 3),
]


@pytest.mark.parametrize(("op", "nodes", "width"), FITS)
def test_what_fits(op: str, nodes: Nodes, width: int) -> None:
    network = bound(nodes)
    assert network.widths[network.program.logits] == width
    assert network.outputs == range(width)
    assert op in [one["op"] for one in nodes]


def test_every_operator_is_among_them() -> None:
    assert {op for op, _, _ in FITS} == set(GRAMMARS)


REFUSED: list[tuple[Nodes, dict[str, Any]]] = [
    ([node("embed", tables=["E", "B"])], {}),
    ([node("embed", tables=["b"])], {}),
    ([E, node("position", table="b"), {"node": "z", "op": "add", "of": ["e", "y"]}], {}),
    ([P], {}),  # reads no token
    ([E, TWO, node("add", of=["e", "w"])], {}),
    ([E, node("add", of=["e"])], {}),
    ([E, TWO, node("multiply", of=["w", "e"])], {}),
    ([E, node("multiply", of=["e"])], {}),
    ([E, node("scale", of="e", by="c")], {}),
    ([E, node("scale", of="e", by="N")], {}),  # a column is no vector
    ([E, node("linear", of="e", factors=["V"])], {}),
    ([E, node("linear", of="e", factors=["b"])], {}),
    ([E, node("linear", of="e", factors=["W", "W"])], {}),
    ([E, node("linear", of="e", factors=["W"], bias="b")], {}),  # a bias of the width before
    ([E, node("linear", of="e", bias="W")], {}),
    ([E, node("linear", of="e", factors=[{"tensor": "E", "transpose": True}, "W"])], {}),
    ([E, TWO, attention(query="w")], {}),
    ([E, TWO, attention(key="w")], {}),
    ([E, node("linear", of="e", factors=["N"])], {}),  # one output
    ([E], {"outputs": [1, 1]}),
    ([E], {"outputs": [0, 3]}),
    ([E], {"outputs": [3, 4]}),
]


@pytest.mark.parametrize(("nodes", "more"), REFUSED)
def test_what_does_not_fit(nodes: Nodes, more: dict[str, Any]) -> None:
    assert refused(lambda: bound(nodes, **more)) == ("wrong-shape", "5.3")


def test_a_vocabulary_beyond_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SHAPES, "E", (LIMITS.vocabulary + 1, 3))
    family = LIMIT
    code, clause = refused(lambda: bound([E]), family)
    assert code in ("limit-vocabulary", "limit-width")
    assert clause == "5.3"


def test_outputs_and_sizes() -> None:
    network = bound([E], outputs=[1, 2])
    assert network.outputs == range(1, 3)
    assert network.vocabulary == 5
    assert network.positions is None
    assert bound([E, P, node("add", of=["e", "p"])]).positions == 6
    both = bound([{"node": "f", "op": "embed", "tables": ["E", "F"]}, P, node("add", of=["f", "p"])])
    assert (both.vocabulary, both.positions) == (4, 2)


def test_local_nodes_are_those_before_any_mixing() -> None:
    nodes = [
        E,
        P,
        {"node": "x", "op": "add", "of": ["e", "p"]},
        {"node": "h", "op": "gelu", "of": "x"},
        {"node": "a", "op": "attention", "query": "h", "key": "h", "value": "p", "mask": "none", "scale_squared": "1/3"},
        {"node": "s", "op": "sum_positions", "of": "p"},
        {"node": "r", "op": "relu", "of": "s"},
        {"node": "y", "op": "add", "of": ["a", "x", "r"]},
    ]
    assert bound(nodes).local == {"e", "p", "x", "h"}
