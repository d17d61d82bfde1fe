"""A program computed with torch: what is trained is the program itself, so the program and the model cannot be two things."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import sqrt
from typing import Any

import torch
from torch import Tensor

Node = Mapping[str, Any]
LOOKS_AROUND = {"attention": ("key", "value"), "sum_positions": ("of",)}  # operands that are read at other positions too


class Forward:
    """A program on a batch of sequences.  Nodes that no key, value or sum reads are computed at the positions read, and there alone."""

    def __init__(self, nodes: Sequence[Node], reads: Sequence[int]) -> None:
        self._nodes = {node["node"]: node for node in nodes}
        self._logits: str = nodes[-1]["node"]
        self._reads = list(reads)
        self._everywhere: set[str] = set()
        for node in nodes:
            looks_around = LOOKS_AROUND.get(node["op"], ())
            self._spread(*(name for role, name in _operands(node) if role in looks_around))

    def _spread(self, *names: str) -> None:
        """These nodes are needed at every position, and so are those that they read."""
        for name in names:
            if name not in self._everywhere:
                self._everywhere.add(name)
                self._spread(*(read for _, read in _operands(self._nodes[name])))

    def __call__(self, tensors: Mapping[str, Tensor], tokens: Tensor) -> Tensor:
        """Logits at the positions read, shape (batch, reads, outputs); tokens: shape (batch, positions)."""
        values: dict[str, Tensor] = {}
        read: dict[str, Tensor] = {}  # of nodes that are computed everywhere, the positions read
        for name, node in self._nodes.items():
            everywhere = name in self._everywhere
            looks_around = LOOKS_AROUND.get(node["op"], ())
            operands = [
                values[one] if everywhere or one not in read or role in looks_around else read[one] for role, one in _operands(node)
            ]
            values[name] = self._value(node, tensors, tokens, operands, everywhere=everywhere)
            if everywhere:
                read[name] = self._at_reads(values[name])
        return values[self._logits]

    def _at_reads(self, value: Tensor) -> Tensor:
        """A value at the positions read; a sum of positions has one value for all of them."""
        return value if value.shape[1] == 1 else value[:, self._reads]

    def _value(self, node: Node, tensors: Mapping[str, Tensor], tokens: Tensor, operands: list[Tensor], *, everywhere: bool) -> Tensor:
        operator = node["op"]
        places = list(range(tokens.shape[1])) if everywhere else self._reads
        if operator == "embed":
            tables = [tensors[name] for name in node["tables"]]
            if len(tables) == 1:
                return tables[0][tokens[:, places]]
            return torch.stack([tables[place][tokens[:, place]] for place in places], 1)
        if operator == "position":
            return tensors[node["table"]][places][None]
        if operator == "attention":
            return _attended(node, operands, places)
        if operator == "linear":
            value = operands[0]
            for factor in node.get("factors", ()):
                value = value @ _part(tensors, factor)
            return value + _part(tensors, node["bias"]) if "bias" in node else value
        if operator == "add":
            return sum(operands[1:], operands[0])
        if operator == "sum_positions":
            return operands[0].sum(1, keepdim=True)
        if operator in ("relu", "gelu"):
            return getattr(torch.nn.functional, operator)(operands[0])
        if operator == "layer_norm":
            return torch.nn.functional.layer_norm(operands[0], operands[0].shape[-1:], eps=float(Fraction(node["epsilon"])))
        if operator == "scale":
            return operands[0] * tensors[node["by"]]
        raise NotImplementedError(f"the trainer has no operator {operator}")


def _operands(node: Node) -> list[tuple[str, str]]:
    """The nodes that a node reads, each with its role."""
    if node["op"] == "attention":
        return [(role, node[role]) for role in ("query", "key", "value")]
    of = node.get("of", [])
    return [("of", one) for one in (of if isinstance(of, list) else [of])]


def _part(tensors: Mapping[str, Tensor], reference: Any) -> Tensor:
    """A tensor, or the index of its first axis that a reference selects."""
    if isinstance(reference, str):
        return tensors[reference]
    ((axis, index),) = reference["select"]
    return tensors[reference["tensor"]].select(axis, index)


def _attended(node: Node, operands: list[Tensor], places: list[int]) -> Tensor:
    """Softmax of the scaled scores, times the values.  Query: (batch, places, h); key and value: at every position."""
    query, key, value = operands
    scores = query @ key.transpose(1, 2) / sqrt(1 / Fraction(node["scale_squared"]))
    positions = key.shape[1]
    if node["mask"] == "causal" and min(places) < positions - 1:
        hidden = torch.arange(positions)[None, :] > torch.tensor(places)[:, None]
        scores = scores.masked_fill(hidden, float("-inf"))
    return scores.softmax(-1) @ value
