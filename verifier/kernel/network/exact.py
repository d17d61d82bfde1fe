"""Rows of local nodes that are sums and products of weights alone, as exact numbers: what decides ties."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import reduce
from operator import add

from verifier.kernel.network.operators import Network
from verifier.kernel.network.program import Reference
from verifier.kernel.numbers.matrix import Ledger, Matrix

AXES = ("row", "feature")


@dataclass(frozen=True)
class ExactRows:
    """Values of local nodes, one position and token at a time, each computed once."""

    network: Network
    ledger: Ledger
    rows: dict[tuple[str, int, int], Matrix | None] = field(default_factory=dict)
    matrices: dict[Reference, Matrix] = field(default_factory=dict)

    def row(self, name: str, place: int, token: int) -> Matrix | None:
        """Shape (1, width); None where an operator on the way is not a sum or a product with weights."""
        key = name, place, token
        if key not in self.rows:
            self.rows[key] = self._row(name, place, token)
        return self.rows[key]

    def _row(self, name: str, place: int, token: int) -> Matrix | None:
        node = self.network.program.node(name)
        if node.operator == "embed":
            tables = node.weights["tables"]
            return self._matrix(tables[place if len(tables) > 1 else 0]).row(token)
        if node.operator == "position":
            return self._matrix(node.weights["table"][0]).row(place)
        operands = [self.row(operand, place, token) for operand in node.inputs]
        known = [operand for operand in operands if operand is not None]
        if node.operator not in ("add", "linear") or len(known) < len(operands):
            return None
        value = reduce(add, known)
        for factor in node.weights.get("factors", ()):
            value = value @ self._matrix(factor).named("feature", "column")
            value = value.named(*AXES)
        for bias in node.weights.get("bias", ()):
            value = value + self._matrix(bias)
        return value

    def _matrix(self, reference: Reference) -> Matrix:
        if reference not in self.matrices:
            self.matrices[reference] = self.network.weights.matrix(reference, AXES, self.ledger)
        return self.matrices[reference]
