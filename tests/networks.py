"""Random network programs with weights files, written without any code of the package."""

from __future__ import annotations

import copy
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

from tests.models import pack, safetensors

Json = dict[str, Any]


@dataclass
class Draft:
    """A program that grows node by node, with the tensors that it needs.  width: of each node."""

    rng: random.Random
    positions: int
    nodes: list[Json] = field(default_factory=list)
    tensors: dict[str, tuple[tuple[int, ...], list[float]]] = field(default_factory=dict)
    width: dict[str, int] = field(default_factory=dict)

    def tensor(self, *shape: int) -> Any:
        """A reference to a new tensor: whole, transposed, or a slice of a larger one."""
        name, way = f"t{len(self.tensors)}", self.rng.randrange(3)
        stored: tuple[int, ...] = shape
        reference: Any = name
        if way == 1 and len(shape) == 2:
            stored, reference = shape[::-1], {"tensor": name, "transpose": True}
        elif way == 2:
            stored, reference = (2, shape[0] + 1, *shape[1:]), {"tensor": name, "select": [[0, 1], [1, [1, shape[0]]]]}
        self.tensors[name] = stored, [self.rng.gauss(0, 0.8) for _ in range(prod(stored))]
        return reference

    def node(self, operator: str, width: int, **members: Any) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append({"node": name, "op": operator, **members})
        self.width[name] = width
        return name

    def linear(self, of: str, width: int) -> str:
        middle = self.rng.randint(1, 3)
        factors = [(self.width[of], middle), (middle, width)] if self.rng.random() < 0.4 else [(self.width[of], width)]
        bias = {"bias": self.tensor(width)} if self.rng.random() < 0.5 else {}
        return self.node("linear", width, of=of, factors=[self.tensor(*shape) for shape in factors], **bias)

    def extended(self, last: str) -> str:
        """One more operator after the last node."""
        width = self.width[last]
        simple = ("relu", "gelu", "gelu_tanh", "silu", "square")
        operator = self.rng.choice([*simple, "layer_norm", "rms_norm", "scale", "linear", "add", "multiply", "attention", "attention"])
        if operator in simple:
            return self.node(operator, width, of=last)
        if operator.endswith("norm"):
            return self.node(operator, width, of=last, epsilon="1/100")
        if operator == "scale":
            return self.node(operator, width, of=last, by=self.tensor(width))
        if operator == "linear":
            return self.linear(last, self.rng.randint(2, 4))
        if operator in ("add", "multiply"):
            others = [name for name, size in self.width.items() if size == width]
            return self.node(operator, width, of=[last, self.rng.choice(others)])
        head = self.rng.randint(1, 3)
        query, key, value = (self.linear(last, size) for size in (head, head, width))
        mask = self.rng.choice(["causal", "none"])
        return self.node("attention", width, query=query, key=key, value=value, mask=mask, scale_squared=f"1/{head}")


@dataclass(frozen=True)
class RandomNetwork:
    """program: as JSON.  data: the weights file."""

    program: Json
    data: bytes
    vocabulary: int
    positions: int


def weights_file(tensors: dict[str, tuple[tuple[int, ...], list[float]]], dtype: str = "F64") -> bytes:
    return safetensors({name: (dtype, shape, pack(values, dtype)) for name, (shape, values) in tensors.items()})


def random_network(seed: int) -> RandomNetwork:
    """Every operator occurs in some of them; tokens are read from one table or from one per position."""
    rng = random.Random(f"network {seed}")
    vocabulary, positions, width = rng.randint(2, 4), rng.randint(1, 3), rng.randint(2, 4)
    draft = Draft(rng, positions)
    tables = positions if rng.random() < 0.3 else 1
    last = draft.node("embed", width, tables=[draft.tensor(vocabulary, width) for _ in range(tables)])
    if rng.random() < 0.7:
        place = draft.node("position", width, table=draft.tensor(positions, width))
        last = draft.node("add", width, of=[last, place])
    for _ in range(rng.randint(1, 5)):
        last = draft.extended(last)
    if rng.random() < 0.25:
        last = draft.node("sum_positions", draft.width[last], of=last)
    last = draft.linear(last, rng.randint(2, 4))
    program: Json = {"name": f"random-{seed}", "nodes": draft.nodes, "logits": last}
    if draft.width[last] > 2 and rng.random() < 0.3:
        program["outputs"] = [1, draft.width[last] - 1]
    return RandomNetwork(program, weights_file(draft.tensors), vocabulary, positions)


RELU_NODES: Sequence[Json] = (
    {"node": "e", "op": "embed", "tables": ["E"]},
    {"node": "h", "op": "relu", "of": "e"},
    {"node": "s", "op": "sum_positions", "of": "h"},
    {"node": "u", "op": "linear", "of": "s", "factors": ["U"], "bias": "b"},
)


def small_network(seed: int = 1) -> tuple[Json, bytes]:
    """A bag of embeddings with a ReLU on 3 tokens with 3 outputs, any number of positions."""
    rng = random.Random(f"small {seed}")
    shapes = {"E": (3, 4), "U": (4, 3), "b": (3,)}
    tensors = {name: (shape, [rng.gauss(0, 1) for _ in range(prod(shape))]) for name, shape in shapes.items()}
    return {"name": "small", "nodes": copy.deepcopy(list(RELU_NODES)), "logits": "u"}, weights_file(tensors)
