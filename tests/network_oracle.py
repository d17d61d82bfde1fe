"""Random network programs with their weights, and what they compute by Arb: shares no code with verifier/.

A program is its JSON, weights are flat lists of floats by name.  The evaluator reads the JSON itself, computes every position of one
input at a time with balls of `BITS` bits, and knows nothing of local nodes, tables or batches.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import flint
from flint import arb

from tests.models import pack, safetensors

BITS, MORE_BITS = 500, 10_000
MOST_TENSORS = 64  # that a weights file may have
ACTIVATIONS = ("relu", "gelu", "gelu_tanh", "silu", "square")
Vector = list[arb]


@dataclass
class Weight:
    """shape: as stored; data: row-major."""

    shape: tuple[int, ...]
    data: list[float]


@dataclass
class Net:
    """A network: program JSON, weights, positions, tokens."""

    program: dict[str, Any]
    weights: dict[str, Weight]
    positions: int
    vocabulary: int
    notes: list[str] = field(default_factory=list)

    @property
    def data(self) -> bytes:
        """The bytes of a weights file of binary64."""
        return safetensors({name: ("F64", one.shape, pack(one.data, "F64")) for name, one in self.weights.items()})


# What a program computes


def referred(net: Net, reference: Any) -> list[list[arb]]:
    """The rows of a matrix, or one row for a vector."""
    if isinstance(reference, str):
        reference = {"tensor": reference}
    stored = net.weights[reference["tensor"]]
    cuts = dict(reference.get("select", []))

    def walk(axis: int, offset: int) -> Any:
        if axis == len(stored.shape):
            return arb(stored.data[offset])
        stride = 1
        for size in stored.shape[axis + 1 :]:
            stride *= size
        cut = cuts.get(axis, [0, stored.shape[axis] - 1])
        if isinstance(cut, int):
            return walk(axis + 1, offset + cut * stride)
        return [walk(axis + 1, offset + index * stride) for index in range(cut[0], cut[1] + 1)]

    rows = walk(0, 0)
    if not isinstance(rows[0], list):
        return [rows]
    return [list(column) for column in zip(*rows, strict=True)] if reference.get("transpose") else rows


def through(x: Vector, matrix: list[list[arb]]) -> Vector:
    """Row vector times matrix."""
    return [sum((a * row[column] for a, row in zip(x, matrix, strict=True)), arb(0)) for column in range(len(matrix[0]))]


def sigmoid(x: arb) -> arb:
    """1 / (1 + exp(-x)), by an exponential that is not large."""
    return x.exp() / (1 + x.exp()) if x < 0 else 1 / (1 + (-x).exp())


def activation(name: str, x: arb) -> arb:
    """One of ACTIVATIONS, without cancellation."""
    if name == "relu":
        return x.max(arb(0))
    if name == "square":
        return x * x
    if name == "gelu":
        return x * (-x / arb(2).sqrt()).erfc() / 2
    if name == "silu":
        return x * sigmoid(x)
    cubic = x + arb(44715) / arb(10**6) * x * x * x
    return x * sigmoid(2 * (2 / arb.pi()).sqrt() * cubic)  # 1 + tanh y = 2 sigmoid(2 y)


def positive(text: str) -> arb:
    above, below = text.split("/")
    return arb(int(above)) / arb(int(below))


def evaluate(net: Net, tokens: Sequence[int]) -> dict[str, list[Vector]]:
    """Every node at every position of one input.  Raises ArithmeticError where even `MORE_BITS` leave a value without bounds."""
    for bits in (BITS, MORE_BITS):
        values: dict[str, list[Vector]] = {}
        with flint.ctx.workprec(bits):
            for node in net.program["nodes"]:
                values[node["node"]] = _node(net, node, values, tokens, range(net.positions))
        if all(x.is_finite() for lines in values.values() for line in lines for x in line):  # NaN would agree with everything
            return values
    raise ArithmeticError("values that the oracle does not know")


def _node(net: Net, node: dict[str, Any], values: dict[str, list[Vector]], tokens: Sequence[int], places: range) -> list[Vector]:
    op = node["op"]
    if op == "embed":
        tables = [referred(net, one) for one in node["tables"]]
        return [(tables[0] if len(tables) == 1 else tables[place])[tokens[place]] for place in places]
    if op == "position":
        table = referred(net, node["table"])
        return [table[place] for place in places]
    if op == "attention":
        return [_attended(node, values, place, places) for place in places]
    if op in ("add", "multiply"):
        total = values[node["of"][0]]
        for name in node["of"][1:]:
            pairs = [zip(total[place], values[name][place], strict=True) for place in places]
            total = [[a + b if op == "add" else a * b for a, b in pair] for pair in pairs]
        return total
    lines = values[node["of"]]
    if op == "sum_positions":
        whole = [sum(column, arb(0)) for column in zip(*lines, strict=True)]
        return [whole for _ in places]
    if op == "scale":
        by = referred(net, node["by"])[0]
        return [[a * b for a, b in zip(line, by, strict=True)] for line in lines]
    if op == "linear":
        for factor in node.get("factors", []):
            matrix = referred(net, factor)
            lines = [through(line, matrix) for line in lines]
        if "bias" in node:
            bias = referred(net, node["bias"])[0]
            lines = [[a + b for a, b in zip(line, bias, strict=True)] for line in lines]
        return lines
    if op in ("layer_norm", "rms_norm"):
        return [_normed(line, op == "layer_norm", positive(node["epsilon"])) for line in lines]
    return [[activation(op, x) for x in line] for line in lines]


def _normed(line: Vector, centred: bool, epsilon: arb) -> Vector:
    mean = sum(line, arb(0)) / len(line) if centred else arb(0)
    moved = [x - mean for x in line]
    root = (sum((x * x for x in moved), arb(0)) / len(line) + epsilon).sqrt()
    return [x / root for x in moved]


def _attended(node: dict[str, Any], values: dict[str, list[Vector]], place: int, places: range) -> Vector:
    query, keys, carried = values[node["query"]][place], values[node["key"]], values[node["value"]]
    seen = places[: place + 1] if node["mask"] == "causal" else places
    root = positive(node["scale_squared"]).sqrt()
    scores = [root * sum((a * b for a, b in zip(query, keys[other], strict=True)), arb(0)) for other in seen]
    top = max(scores, key=lambda score: score.mid()).mid()
    weights = [(score - top).exp() for score in scores]
    total = sum(weights, arb(0))
    return [x / total for x in through(weights, [carried[other] for other in seen])]


# Random networks


@dataclass
class Builder:
    """Adds nodes and the weights that they need.  scale: of the weights."""

    rng: random.Random
    scale: float
    nodes: list[dict[str, Any]] = field(default_factory=list)
    weights: dict[str, Weight] = field(default_factory=dict)

    def numbers(self, *shape: int) -> str:
        """A new tensor."""
        name, count = f"w{len(self.weights)}", 1
        for size in shape:
            count *= size
        kind = self.rng.randrange(6)
        draw = (lambda: float(self.rng.randint(-2, 2))) if kind == 0 else (lambda: self.rng.gauss(0, 1) * self.scale)
        self.weights[name] = Weight(shape, [draw() for _ in range(count)])
        return name

    def matrix(self, rows: int, columns: int) -> Any:
        """A whole tensor, a transposed one, or a cut of a larger one."""
        kind = self.rng.randrange(5)
        if kind == 0:
            return {"tensor": self.numbers(columns, rows), "transpose": True}
        if kind == 1:
            return {"tensor": self.numbers(2, rows, columns), "select": [[0, self.rng.randrange(2)]]}
        if kind == 2:
            first = self.rng.randrange(3)
            return {"tensor": self.numbers(rows, columns + 2), "select": [[1, [first, first + columns - 1]]]}
        if kind == 3:
            first = self.rng.randrange(2)
            return {"tensor": self.numbers(columns + 1, 1, rows), "select": [[1, 0], [0, [first, first + columns - 1]]], "transpose": True}
        return self.numbers(rows, columns)

    def add(self, op: str, **parts: Any) -> str:
        """A new node's name."""
        name = f"n{len(self.nodes)}"
        self.nodes.append({"node": name, "op": op, **parts})
        return name

    def linear(self, of: str, rows: int, columns: int) -> str:
        """One factor or two, perhaps with a bias."""
        inner = self.rng.randint(1, 3)
        factors = [self.matrix(rows, columns)] if self.rng.random() < 0.7 else [self.matrix(rows, inner), self.matrix(inner, columns)]
        bias = {"bias": self.numbers(columns)} if self.rng.random() < 0.5 else {}
        return self.add("linear", of=of, factors=factors, **bias)

    def normed(self, of: str, width: int) -> str:
        """Perhaps a norm, perhaps with a gain."""
        if self.rng.random() < 0.6:
            return of
        of = self.add(self.rng.choice(["layer_norm", "rms_norm"]), of=of, epsilon=self.rng.choice(["1/100000", "1/100000000", "3/7"]))
        return self.add("scale", of=of, by=self.numbers(width)) if self.rng.random() < 0.5 else of


def random_net(seed: object, scale: float | None = None) -> Net:
    """Embedding, layers of heads and perhaps an MLP, perhaps a sum over positions, a linear map to the outputs."""
    rng = random.Random(str(seed))
    b = Builder(rng, scale or rng.choice([0.3, 1.0, 1.0, 3.0, 30.0]))
    n, v, d, outputs = rng.randint(1, 4), rng.randint(2, 4), rng.randint(1, 4), rng.randint(2, 4)
    tables = [b.matrix(v + rng.randint(0, 1), d) for _ in range(n + rng.randint(0, 1))] if rng.random() < 0.3 else [b.matrix(v, d)]
    x = b.add("embed", tables=tables)
    if len(tables) == 1 and rng.random() < 0.8:
        x = b.add("add", of=[x, b.add("position", table=b.matrix(n + rng.randint(0, 2), d))])
    causal = rng.choice(["causal", "causal", "none"])
    for _ in range(rng.randint(0, 2)):
        heads = [x]
        inside = b.normed(x, d)
        for _ in range(rng.randint(1, 3)):
            h = rng.randint(1, 3)
            query, key = b.linear(inside, d, h), b.linear(inside, d, h)
            value = inside if rng.random() < 0.1 else b.linear(inside, d, d if rng.random() < 0.1 else h)
            width = d if value == inside else _width(b, value)
            squared = rng.choice([f"1/{h}", f"1/{h}", "2/1", "1/10"])
            head = b.add("attention", query=query, key=key, value=value, mask=causal, scale_squared=squared)
            heads.append(head if width == d else b.linear(head, width, d))
        x = b.add("add", of=heads)
        if rng.random() < 0.7:
            x = _mlp(b, x, d)
    if rng.random() < 0.3:
        x = b.add("sum_positions", of=_mlp(b, x, d) if rng.random() < 0.3 else x)
        if rng.random() < 0.5:
            x = _mlp(b, x, d)
    logits = b.linear(b.normed(x, d), d, outputs)
    program: dict[str, Any] = {"name": "random", "nodes": b.nodes, "logits": logits}
    total = outputs
    if outputs > 2 and rng.random() < 0.3:
        first = rng.randint(0, outputs - 2)
        program["outputs"] = [first, rng.randint(first + 1, outputs - 1)]
        total = program["outputs"][1] - first + 1
    net = Net(program, b.weights, n, v)
    net.notes.append(f"{total} outputs")
    _list_partly_used(net)
    return net if len(b.weights) <= MOST_TENSORS else random_net(f"{seed} again", scale)


def _width(b: Builder, name: str) -> int:
    """Columns of a linear node's last factor."""
    node = next(node for node in b.nodes if node["node"] == name)
    return len(referred(Net({}, b.weights, 0, 0), node["factors"][-1])[0])


def _mlp(b: Builder, x: str, d: int) -> str:
    """x plus a plain or a gated MLP."""
    inside, hidden = b.normed(x, d), b.rng.randint(1, 4)
    up = b.add(b.rng.choice(ACTIVATIONS), of=b.linear(inside, d, hidden))
    if b.rng.random() < 0.3:
        up = b.add("multiply", of=[up, b.linear(inside, d, hidden)])
    return b.add("add", of=[x, b.linear(up, hidden, d)])


def _list_partly_used(net: Net) -> None:
    """Tensors of which a part is left out must be named as unused."""
    parts: dict[str, set[tuple[int, ...]]] = {name: set() for name in net.weights}
    for node in net.program["nodes"]:
        for role in ("tables", "table", "by", "factors", "bias"):
            found = node.get(role, [])
            for reference in found if isinstance(found, list) else [found]:
                one = {"tensor": reference} if isinstance(reference, str) else reference
                cuts = dict(one.get("select", []))
                points: list[tuple[int, ...]] = [()]
                for axis, size in enumerate(net.weights[one["tensor"]].shape):
                    cut = cuts.get(axis, [0, size - 1])
                    cut = [cut, cut] if isinstance(cut, int) else cut
                    points = [(*point, index) for point in points for index in range(cut[0], cut[1] + 1)]
                parts[one["tensor"]].update(points)
    unused = [name for name, points in parts.items() if len(points) < len(net.weights[name].data)]
    if unused:
        net.program["unused"] = unused
